//! What documents say of each other: names that must exist, and things that only one may have.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    ClientId, Credential, CredentialState, Fault, IssuerId, Place, ProfileId, Proof, RoleId,
};

use crate::{Desired, Kind, report::shown, suggestion};

/// Something that a document names, which another must declare.
#[derive(Debug)]
pub(crate) struct Reference {
    pub(crate) place: Place,
    /// The key that names it.
    pub(crate) path: String,
    pub(crate) target: Target,
}

/// What is named.
#[derive(Debug)]
pub(crate) enum Target {
    Client(ClientId),
    Collection(String),
    Issuer(IssuerId),
    Profile(ProfileId),
    Role(RoleId),
}

/// Everything that has a file, whether its text is right or not: one fault is enough.
#[derive(Debug, Default)]
pub(crate) struct Declared {
    files: BTreeMap<(Kind, String), Place>,
    /// Clients with faults: what profiles they have cannot be said.
    unclear_clients: BTreeSet<String>,
}

impl Declared {
    /// Writes down that `id` has a file; the one it has already, if it has.
    pub(crate) fn insert(&mut self, kind: Kind, id: &str, place: &Place) -> Option<Place> {
        let key = (kind, id.to_owned());
        match self.files.get(&key) {
            Some(first) => Some(first.clone()),
            None => {
                self.files.insert(key, place.clone());
                None
            }
        }
    }

    /// Writes down that the document of a client has faults.
    pub(crate) fn is_unclear(&mut self, client: &str) {
        self.unclear_clients.insert(client.to_owned());
    }

    fn contains(&self, kind: Kind, id: &str) -> bool {
        self.files.contains_key(&(kind, id.to_owned()))
    }

    fn ids(&self, kind: Kind) -> impl Iterator<Item = &str> {
        let first = (kind, String::new());
        self.files.range(first..).take_while(move |it| it.0.0 == kind).map(|it| &*it.0.1)
    }
}

/// Finds every reference that leads nowhere.
pub(crate) fn check(
    references: &[Reference],
    declared: &Declared,
    desired: &Desired,
    faults: &mut Vec<Fault>,
) {
    let profiles = desired.clients.iter().flat_map(|it| &it.profiles);
    let profiles: BTreeSet<&str> = profiles.map(|it| it.id.as_str()).collect();
    for Reference { place, path, target } in references {
        let missing = match target {
            Target::Client(id) => missing_client(declared, id.as_str()),
            Target::Collection(id) => missing(declared, Kind::Collection, id),
            Target::Issuer(id) => missing(declared, Kind::Issuer, id.as_str()),
            Target::Profile(id) => missing_profile(declared, &profiles, id),
            Target::Role(id) => missing(declared, Kind::Role, id.as_str()),
        };
        if let Some((message, help)) = missing {
            faults.push(Fault::new(place, format!("{path}: {message}"), help));
        }
    }
}

fn missing(declared: &Declared, kind: Kind, id: &str) -> Option<(String, String)> {
    if declared.contains(kind, id) {
        return None;
    }
    let file = kind.path(id);
    let help = match suggestion::nearest(id, declared.ids(kind)) {
        Some(near) => format!("did you mean {near}? or add {file}"),
        None => format!("add {file}, or name another"),
    };
    Some((format!("unknown {} {}", kind.as_str(), shown(id)), help))
}

fn missing_client(declared: &Declared, id: &str) -> Option<(String, String)> {
    if id == ClientId::anonymous().as_str() {
        return None;
    }
    missing(declared, Kind::Client, id)
}

fn missing_profile(
    declared: &Declared,
    profiles: &BTreeSet<&str>,
    id: &ProfileId,
) -> Option<(String, String)> {
    if *id == ProfileId::anonymous()
        || profiles.contains(id.as_str())
        || declared.unclear_clients.contains(id.client())
    {
        return None;
    }
    if let Some(missing) = missing_client(declared, id.client()) {
        return Some(missing);
    }
    let first = format!("{}/", id.client());
    let own = profiles.range(&*first..).take_while(|it| it.starts_with(&first));
    let help = match suggestion::nearest(id.as_str(), own.copied()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("add it to profiles in {}", Kind::Client.path(id.client())),
    };
    Some((format!("unknown profile {}", shown(id.as_str())), help))
}

/// Finds what only one may have, and two have: a base, an HMAC, claims, an `iss`.
pub(crate) fn check_unique(desired: &Desired, faults: &mut Vec<Fault>) {
    let mut bases = BTreeMap::new();
    for it in &desired.collections {
        let other = bases.insert(&it.base, (&it.id, &it.place));
        report(faults, &it.place, other, |other| {
            (
                format!("collection {other} has the base {} too", shown(&it.base)),
                "give one another base",
            )
        });
    }
    let mut issuers = BTreeMap::new();
    for it in &desired.issuers {
        let other = issuers.insert(&it.issuer, (&it.id, &it.place));
        report(faults, &it.place, other, |other| {
            (format!("issuer {other} has the same iss"), "make one file of both")
        });
    }
    check_credentials(&desired.credentials, faults);
}

fn check_credentials(credentials: &[Credential], faults: &mut Vec<Fault>) {
    let (mut keys, mut tokens) = (BTreeMap::new(), BTreeMap::new());
    for it in credentials {
        let here = (&it.id, &it.place);
        match &it.proof {
            Proof::ApiKey { hmac } => report(faults, &it.place, keys.insert(hmac, here), |other| {
                (
                    format!("credential {other} has the same hmac"),
                    "delete one: a key leads to one profile",
                )
            }),
            // A revoked one stands in nobody's way.
            Proof::External { .. } if it.state == CredentialState::Revoked => {}
            Proof::External { issuer, claims } => {
                let other = tokens.insert((issuer, claims), here);
                report(faults, &it.place, other, |other| {
                    let help = "name other claims: a token leads to one profile";
                    (format!("credential {other} has the same claims"), help)
                });
            }
        }
    }
}

fn report<I: std::fmt::Display>(
    faults: &mut Vec<Fault>,
    place: &Place,
    other: Option<(I, &Place)>,
    say: impl FnOnce(&str) -> (String, &'static str),
) {
    if let Some((id, other)) = other {
        let (message, help) = say(&format!("{id} ({other})"));
        faults.push(Fault::new(place, message, help));
    }
}
