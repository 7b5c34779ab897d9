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

/// A client, and in which way it asks.
type Asks<'a> = (&'a Client, GrantType);

/// As which profile a client that asks so acts for `person`, and by which admission.
///
/// # Errors
/// `access_denied` where it is none.
pub(crate) fn profile(
    tables: &Tables,
    asks: Asks<'_>,
    person: &Person,
    now: Timestamp,
) -> Result<(ProfileId, Option<AdmissionId>), Denied> {
    let denied = |detail: &'static str| Denied::new(Code::AccessDenied, detail);
    if let Origin::Declared(profile) = &asks.0.origin {
        let contract = tables.contract(profile, now);
        let contract = contract.ok_or_else(|| denied("this program gets no access here"))?;
        if !shares(&contract.terms.groups, &person.groups) {
            return Err(denied("you are in no group that may use this program here"));
        }
        return Ok((profile.clone(), None));
    }
    let mut admissions = tables.admissions().iter();
    match admissions.find(|it| lets_in(it, tables, asks, Some(person), now)) {
        Some(admission) => Ok((admission.profile.clone(), Some(admission.id.clone()))),
        None => Err(denied("no rule of this door admits this program for you")),
    }
}

/// Whether any admission could let in a client that asks so, whoever is behind it.
pub(crate) fn could_admit(tables: &Tables, asks: Asks<'_>, now: Timestamp) -> bool {
    tables.admissions().iter().any(|it| lets_in(it, tables, asks, None, now))
}

/// Whether any admission could let in a client with a document of `host`, whoever is behind it.
pub(crate) fn could_admit_document(tables: &Tables, host: &str, now: Timestamp) -> bool {
    tables.admissions().iter().any(|it| {
        it.registrations.contains(&Registration::MetadataDocument)
            && are_of(&it.hosts, &[host])
            && tables.contract(&it.profile, now).is_some()
    })
}

/// Whether a client that asked so may still act for `person` as the profile of `contract`, by the
/// admission that let it in where one did.
///
/// # Errors
/// Why not.
pub(crate) fn check(
    tables: &Tables,
    admission: Option<&str>,
    contract: &Contract<'_>,
    asks: Asks<'_>,
    person: &Person,
) -> Result<(), &'static str> {
    let Some(id) = admission else {
        let shares = shares(&contract.terms.groups, &person.groups);
        return shares.then_some(()).ok_or("the person is in no group of the profile any more");
    };
    let mut admissions = tables.admissions().iter();
    let found = admissions.find(|it| it.id.as_str() == id && it.profile == contract.profile.id);
    let found = found.ok_or("its admission is gone")?;
    let still = fits(found, asks, Some(person)) && gives(contract.terms, asks);
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

/// Whether `admission` lets in a client that asks so, for `person` where it is known who that is.
fn lets_in(
    admission: &Admission,
    tables: &Tables,
    asks: Asks<'_>,
    person: Option<&Person>,
    now: Timestamp,
) -> bool {
    let contract = tables.contract(&admission.profile, now);
    fits(admission, asks, person) && contract.is_some_and(|it| gives(it.terms, asks))
}

/// Whether a profile with these terms gives tokens in the way in which the client asks.
fn gives(terms: &TokenTerms, (client, grant): Asks<'_>) -> bool {
    // What else there is to say, the grant says when it is used.
    let is_on_device = grant == GrantType::DeviceCode;
    !is_on_device || (terms.grants.contains(&grant) && client.names(grant))
}

/// Whether any client that makes itself known like this one can be admitted at all.
fn fits(admission: &Admission, (client, grant): Asks<'_>, person: Option<&Person>) -> bool {
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
            // Nobody is sent to them from a device, so it could have named anybody's.
            let are_known = grant != GrantType::DeviceCode;
            let uris = client.redirect_uris.iter().filter(|_| are_known);
            let hosts = uris.filter_map(|it| Url::parse(it).ok());
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
    let is_for = |person: &Person| {
        let is_of_issuer = issuer.as_ref().is_none_or(|it| person.issuer() == Some(it.as_str()));
        is_of_issuer && shares(groups, &person.groups)
    };
    registrations.contains(&registration)
        && are_of(hosts, &own_hosts)
        && is_of_software
        && person.is_none_or(is_for)
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
