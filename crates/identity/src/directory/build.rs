//! Desired state → a directory. Whatever does not fit together is left out and reported.

use std::{
    collections::{BTreeMap, HashMap, hash_map::Entry},
    hash::RandomState,
    sync::Arc,
};

use model::{Caller, Client, Credential, Fault, Issuer, IssuerId, KeySource, ProfileId, Proof};
use quick_cache::{UnitWeighter, sync::DefaultLifecycle};

use super::{
    Directory, KeyHolder, Trust, VERIFIED_MAX, Verified,
    binding::{Binding, Contract},
    matcher::Matcher,
};
use crate::{
    KeySets,
    api_key::Pepper,
    fingerprint::Fingerprint,
    key_set::{KeySet, Keys, inline_keys},
    token::Algorithm,
};

type Externals<'a> = HashMap<&'a IssuerId, Vec<(Arc<Binding>, &'a BTreeMap<String, String>)>>;

pub(super) fn directory(
    clients: &[Client],
    credentials: &[Credential],
    issuers: &[Issuer],
    pepper: Option<&Pepper>,
    key_sets: &KeySets,
) -> Directory {
    let externals = issuers.iter().map(|it| (&it.id, Vec::new())).collect();
    let mut build = Build { keys: HashMap::new(), externals, faults: Vec::new() };
    let contracts = contracts(clients);
    for credential in credentials {
        build.credential(credential, &contracts, pepper.is_some());
    }
    let Build { keys, mut externals, mut faults } = build;
    let of_tokens = externals.values().flatten().map(|(it, _)| Arc::clone(it)).collect();
    let mut trusted = HashMap::new();
    for issuer in issuers {
        let credentials = externals.remove(&issuer.id).unwrap_or_default();
        let trust = trust(issuer, Matcher::new(credentials), key_sets, &mut faults);
        match trusted.entry(issuer.issuer.as_str().into()) {
            Entry::Vacant(free) => drop(free.insert(trust)),
            Entry::Occupied(_) => faults.push(Fault::new(
                &issuer.place,
                format!("another issuer has the same iss \"{}\"", issuer.issuer),
                "give both one document, with the audiences of both",
            )),
        }
    }
    faults.sort();
    Directory {
        anonymous: Arc::new(Caller::anonymous()),
        pepper: pepper.cloned(),
        keys,
        externals: of_tokens,
        verified: verified(trusted.is_empty()),
        issuers: trusted,
        faults,
    }
}

fn verified(is_unused: bool) -> Verified {
    let size = if is_unused { 1 } else { VERIFIED_MAX };
    let weight = u64::try_from(size).unwrap_or(u64::MAX);
    // Room is made as tokens come, not for all of them at once in every new snapshot.
    let (hash, lifecycle) = (RandomState::new(), DefaultLifecycle::default());
    Verified::with(size.min(64), weight, UnitWeighter, hash, lifecycle)
}

fn contracts(clients: &[Client]) -> HashMap<&ProfileId, Arc<Contract>> {
    clients
        .iter()
        .flat_map(|client| client.profiles.iter().map(move |profile| (client, profile)))
        .map(|(client, profile)| (&profile.id, Arc::new(Contract::new(client, profile))))
        .collect()
}

struct Build<'a> {
    keys: HashMap<Fingerprint, KeyHolder>,
    externals: Externals<'a>,
    faults: Vec<Fault>,
}

impl<'a> Build<'a> {
    fn credential(
        &mut self,
        credential: &'a Credential,
        contracts: &HashMap<&ProfileId, Arc<Contract>>,
        has_pepper: bool,
    ) {
        let mut fault = |message: String, help: &str| {
            self.faults.push(Fault::new(&credential.place, message, help));
        };
        let Some(contract) = contracts.get(&credential.profile) else {
            let message = format!("unknown profile \"{}\"", credential.profile);
            return fault(message, "name a profile of a client that exists");
        };
        let binding = Arc::new(Binding::new(credential, contract));
        match &credential.proof {
            Proof::ApiKey { hmac } if has_pepper => {
                self.api_key(credential, Fingerprint::new(*hmac), binding);
            }
            Proof::ApiKey { hmac: _ } => fault(
                format!("api key \"{}\" cannot be checked without a pepper", credential.id),
                "configure the pepper that the key was issued under",
            ),
            Proof::External { issuer: _, claims } if claims.is_empty() => fault(
                format!(
                    "credential \"{}\" would match every token: it names no claim",
                    credential.id
                ),
                "name at least one claim",
            ),
            Proof::External { issuer, claims } => match self.externals.get_mut(issuer) {
                Some(externals) => externals.push((binding, claims)),
                None => fault(format!("unknown issuer \"{issuer}\""), "name an issuer that exists"),
            },
        }
    }

    fn api_key(&mut self, credential: &Credential, hmac: Fingerprint, binding: Arc<Binding>) {
        let caller = Arc::new(binding.caller(None, Vec::new()));
        match self.keys.entry(hmac) {
            Entry::Vacant(free) => drop(free.insert(KeyHolder { binding, caller })),
            Entry::Occupied(taken) => {
                let other = taken.get().binding.credential();
                self.faults.push(Fault::new(
                    &credential.place,
                    format!("api key \"{}\" has the same hmac as \"{other}\"", credential.id),
                    "issue a new key for one of them",
                ));
            }
        }
    }
}

fn trust(
    issuer: &Issuer,
    credentials: Matcher,
    key_sets: &KeySets,
    faults: &mut Vec<Fault>,
) -> Trust {
    // No `..`: a new field must be looked at here.
    let Issuer { id, issuer: _, keys, audiences, algorithms, types, place } = issuer;
    let mut fault = |message: String, help: &str| faults.push(Fault::new(place, message, help));
    let keys = match keys {
        KeySource::Url(url) => key_sets.at(url),
        KeySource::Inline(set) => KeySet::inline(inline_keys(set).unwrap_or_else(|why| {
            let help = "write a jwk set with public signature keys of type RSA, EC or OKP";
            fault(format!("issuer \"{id}\": {why}"), help);
            Keys::none()
        })),
    };
    let mut known = Vec::new();
    for name in algorithms {
        match Algorithm::parse(name) {
            Some(algorithm) => known.push(algorithm),
            None => fault(
                format!("issuer \"{id}\" names the algorithm \"{name}\""),
                "use EdDSA, ES256, ES384, ES512, PS256, PS384, PS512, RS256, RS384 or RS512",
            ),
        }
    }
    Trust {
        id: id.clone(),
        audiences: boxed(audiences),
        algorithms: known.into(),
        types: boxed(types),
        keys,
        credentials,
    }
}

fn boxed(texts: &[String]) -> Box<[Box<str>]> {
    texts.iter().map(|it| it.as_str().into()).collect()
}
