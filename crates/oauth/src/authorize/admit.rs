//! As which profile does a client act for a person? A registered one as its own; any other by the
//! first admission that fits, or not at all.

use identity::rule;
use model::{Admission, AdmissionId, GrantType, ProfileId, Registration, Timestamp, TokenTerms};
use url::Url;

use crate::{
    client::{Client, Origin, redirect},
    error::{Code, Denied},
    people::Person,
    tables::{Contract, Tables},
};

/// As which profile `client` acts for `person`, and by which admission.
///
/// # Errors
/// `access_denied` where it is none.
pub(crate) fn profile(
    tables: &Tables,
    client: &Client,
    person: &Person,
    now: Timestamp,
) -> Result<(ProfileId, Option<AdmissionId>), Denied> {
    let denied = |detail: &'static str| Denied::new(Code::AccessDenied, detail);
    if let Origin::Declared(profile) = &client.origin {
        let contract = tables.contract(profile, now);
        let contract = contract.ok_or_else(|| denied("this program gets no access here"))?;
        if !shares(&contract.terms.groups, &person.groups) {
            return Err(denied("you are in no group that may use this program here"));
        }
        return Ok((profile.clone(), None));
    }
    let mut admissions = tables.admissions().iter();
    let found = admissions.find(|it| {
        let contract = tables.contract(&it.profile, now);
        fits(it, client, person) && contract.is_some_and(|it| gives(it.terms, client))
    });
    match found {
        Some(admission) => Ok((admission.profile.clone(), Some(admission.id.clone()))),
        None => Err(denied("no rule of this door admits this program for you")),
    }
}

/// Whether any admission could let in a client with a document of `host`, whoever is behind it.
pub(crate) fn could_admit_document(tables: &Tables, host: &str, now: Timestamp) -> bool {
    tables.admissions().iter().any(|it| {
        it.registrations.contains(&Registration::MetadataDocument)
            && are_of(&it.hosts, &[host])
            && tables.contract(&it.profile, now).is_some()
    })
}

/// Whether `client` may still act for `person` as the profile of `contract`, by the admission that let it
/// in where one did.
///
/// # Errors
/// Why not.
pub(crate) fn check(
    tables: &Tables,
    admission: Option<&str>,
    contract: &Contract<'_>,
    (client, person): (&Client, &Person),
) -> Result<(), &'static str> {
    let Some(id) = admission else {
        let shares = shares(&contract.terms.groups, &person.groups);
        return shares.then_some(()).ok_or("the person is in no group of the profile any more");
    };
    let mut admissions = tables.admissions().iter();
    let found = admissions.find(|it| it.id.as_str() == id && it.profile == contract.profile.id);
    let found = found.ok_or("its admission is gone")?;
    let still = fits(found, client, person) && gives(contract.terms, client);
    still.then_some(()).ok_or("its admission does not let it in any more, or not for this person")
}

/// By what a client acts for people as the profile of `contract`, in the word that its tokens carry.
pub(crate) fn rule(
    tables: &Tables,
    admission: Option<&AdmissionId>,
    contract: &Contract<'_>,
) -> String {
    let found = tables.admissions().iter().find(|it| Some(&it.id) == admission);
    match found {
        Some(admission) => rule::of_admission(admission),
        None => rule::of_groups(&contract.terms.groups),
    }
}

/// Whether a profile with these terms gives tokens in the way in which `client` asks.
fn gives(terms: &TokenTerms, client: &Client) -> bool {
    match client.origin {
        Origin::CommandLine => terms.grants.contains(&GrantType::DeviceCode),
        // What else there is to say, the grant says when it is used.
        Origin::Declared(_) | Origin::Document { .. } | Origin::Dynamic { .. } => true,
    }
}

/// Whether any client that makes itself known like this one can be admitted at all.
fn fits(admission: &Admission, client: &Client, person: &Person) -> bool {
    let Admission {
        id: _,
        description: _,
        profile: _,
        registrations,
        hosts,
        software,
        issuer,
        groups,
        position: _,
        place: _,
    } = admission;
    let (registration, own_hosts, own_software) = match &client.origin {
        Origin::CommandLine => (Registration::CommandLine, Vec::new(), None),
        Origin::Declared(_) => return false,
        Origin::Document { host, metadata } => {
            let software = metadata.get("software_id").and_then(|it| it.as_str());
            (Registration::MetadataDocument, vec![host.clone()], software)
        }
        Origin::Dynamic { software, .. } => {
            let hosts = client.redirect_uris.iter().filter_map(|it| Url::parse(it).ok());
            // However a program on this computer writes its address, admissions call it localhost.
            let host = |it: Url| match redirect::is_loopback(&it) {
                true => "localhost".to_owned(),
                false => redirect::host(it.as_str()),
            };
            let hosts = hosts.map(host).collect();
            (Registration::Dynamic, hosts, software.as_deref())
        }
    };
    let is_of_software =
        software.is_empty() || own_software.is_some_and(|own| software.iter().any(|it| it == own));
    let is_of_issuer = issuer.as_ref().is_none_or(|it| person.issuer() == Some(it.as_str()));
    registrations.contains(&registration)
        && are_of(hosts, &own_hosts)
        && is_of_software
        && is_of_issuer
        && shares(groups, &person.groups)
}

/// Whether there are `own` hosts and all of them are wanted; any, and none, are where nothing is wanted.
fn are_of(wanted: &[String], own: &[impl AsRef<str>]) -> bool {
    let is_wanted = |own: &str| wanted.iter().any(|it| matches_host(it, own));
    wanted.is_empty() || (!own.is_empty() && own.iter().all(|it| is_wanted(it.as_ref())))
}

/// Whether one of `own` is wanted; anything is where nothing is wanted.
fn shares(wanted: &[String], own: &[String]) -> bool {
    wanted.is_empty() || own.iter().any(|it| wanted.contains(it))
}

fn matches_host(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix("*.") {
        Some(domain) => {
            let above = host.strip_suffix(domain).and_then(|it| it.strip_suffix('.'));
            above.is_some_and(|it| !it.is_empty())
        }
        None => pattern == host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_matched_whole_or_below_a_domain() {
        for (pattern, host, want) in [
            ("claude.ai", "claude.ai", true),
            ("claude.ai", "evil.claude.ai", false),
            ("*.example.com", "a.example.com", true),
            ("*.example.com", "a.b.example.com", true),
            ("*.example.com", "example.com", false),
            ("*.example.com", "evilexample.com", false),
            ("*.example.com", ".example.com", false),
        ] {
            assert_eq!(matches_host(pattern, host), want, "{pattern} {host}");
        }
    }
}
