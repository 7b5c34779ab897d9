//! Desired state → a directory. Whatever does not fit together is left out and reported.

use std::{
    collections::{BTreeMap, HashMap, HashSet, hash_map::Entry},
    hash::RandomState,
    sync::Arc,
};

use model::{
    Caller, Change, Client, Credential, Fault, Issuer, IssuerId, KeySource, Place, ProfileId,
    Proof, Way, difference,
};
use quick_cache::{UnitWeighter, sync::DefaultLifecycle};

use super::{
    Declared, Directory, KeyHolder, Tokens, VERIFIED_MAX, Verified,
    binding::{Binding, Contract},
    certificates::Certificates,
    matcher::Matcher,
    opaque::Opaque,
    own::OwnTokens,
    trust::Trust,
};
use crate::{
    KeySets,
    fingerprint::Fingerprint,
    key_set::{KeySet, Keys, inline_keys},
    token::Algorithm,
};

type Externals<'a> = HashMap<&'a IssuerId, Vec<(Arc<Binding>, &'a BTreeMap<String, String>)>>;

/// The directory of `declared`; what `before` has and is the same is shared with it.
pub(super) fn directory(
    declared: Declared<'_>,
    key_sets: &KeySets,
    before: Option<&Directory>,
) -> Directory {
    let Declared { clients, credentials, issuers, pepper, own } = declared;
    // One with faults lacks what it could not use, so that what is the same cannot be told.
    let before =
        before.filter(|it| it.faults.is_empty() && it.pepper.is_some() == pepper.is_some());
    let changes = changes(before, declared);
    let mut build = Build {
        clients,
        contracts: HashMap::new(),
        keys: before.map(|it| it.keys.clone()).unwrap_or_default(),
        has_pepper: pepper.is_some(),
        faults: Vec::new(),
    };
    changes.iter().filter_map(|it| it.before).for_each(|it| build.forget_key(it));
    changes.iter().filter_map(|it| it.after).for_each(|it| build.key(it));
    let touches = |is_one: fn(&Proof) -> bool| {
        let both = changes.iter().flat_map(|it| it.before.into_iter().chain(it.after));
        both.into_iter().any(|it| is_one(&it.proof))
    };
    let same = before.filter(|it| {
        !touches(|it| matches!(it, Proof::External { .. }))
            && difference(&it.issuers, issuers, |it| &it.id).next().is_none()
    });
    let tokens = match same {
        Some(before) => Arc::clone(&before.tokens),
        None => Arc::new(build.tokens(credentials, issuers, key_sets)),
    };
    let same = before.filter(|_| !touches(|it| matches!(it, Proof::Mtls { .. })));
    let certificates = match same {
        Some(before) => Arc::clone(&before.certificates),
        None => Arc::new(build.certificates(credentials)),
    };
    let own_before = before.and_then(|it| it.own.as_ref());
    let own = own.map(|it| OwnTokens::next(own_before, it, clients, credentials));
    let Build { keys, mut faults, .. } = build;
    faults.sort();
    Directory {
        anonymous: Arc::new(Caller::anonymous()),
        pepper: pepper.cloned(),
        keys,
        certificates,
        tokens,
        own,
        faults,
        clients: clients.into(),
        credentials: credentials.into(),
        issuers: issuers.into(),
    }
}

/// The credentials that are other, or whose client is.
fn changes<'a>(
    before: Option<&'a Directory>,
    declared: Declared<'a>,
) -> Vec<Change<'a, Credential>> {
    let Declared { clients, credentials, .. } = declared;
    let Some(before) = before else {
        return credentials.iter().map(|it| Change { before: None, after: Some(it) }).collect();
    };
    let mut changes: Vec<_> = difference(&before.credentials, credentials, |it| &it.id).collect();
    let clients: HashSet<_> = difference(&before.clients, clients, |it| &it.id)
        .flat_map(|it| it.before.into_iter().chain(it.after))
        .map(|it| it.id.as_str())
        .collect();
    if !clients.is_empty() {
        let of_them = credentials.iter().filter(|it| clients.contains(it.profile.client()));
        changes.extend(of_them.map(|it| Change { before: Some(it), after: Some(it) }));
    }
    changes
}

fn verified(is_unused: bool) -> Verified {
    let size = if is_unused { 1 } else { VERIFIED_MAX };
    let weight = u64::try_from(size).unwrap_or(u64::MAX);
    // Room is made as tokens come, not for all of them at once.
    let (hash, lifecycle) = (RandomState::new(), DefaultLifecycle::default());
    Verified::with(size.min(64), weight, UnitWeighter, hash, lifecycle)
}

struct Build<'a> {
    clients: &'a [Arc<Client>],
    contracts: HashMap<&'a ProfileId, Arc<Contract>>,
    keys: HashMap<Fingerprint, Arc<KeyHolder>>,
    has_pepper: bool,
    faults: Vec<Fault>,
}

impl<'a> Build<'a> {
    fn fault(&mut self, place: &Place, message: String, help: &str) {
        self.faults.push(Fault::new(place, message, help));
    }

    /// The contract of the profile that `credential` leads to; a fault where it is not there.
    fn contract(&mut self, credential: &'a Credential) -> Option<Arc<Contract>> {
        let id = &credential.profile;
        if let Some(known) = self.contracts.get(id) {
            return Some(Arc::clone(known));
        }
        let index = self.clients.binary_search_by(|it| it.id.as_str().cmp(id.client())).ok();
        let client = index.and_then(|it| self.clients.get(it));
        let profile = client.and_then(|client| {
            let profile = client.profiles.iter().find(|it| it.id == *id)?;
            Some((client, profile))
        });
        let Some((client, profile)) = profile else {
            let message = format!("unknown profile \"{id}\"");
            self.fault(&credential.place, message, "name a profile of a client that exists");
            return None;
        };
        let contract = Arc::new(Contract::new(client, profile));
        self.contracts.insert(id, Arc::clone(&contract));
        Some(contract)
    }

    fn forget_key(&mut self, credential: &Credential) {
        let Proof::ApiKey { hash } = &credential.proof else { return };
        // Only its own: a new credential may bring along the hmac of another, which is a fault.
        if let Entry::Occupied(holder) = self.keys.entry(Fingerprint::new(hash.hmac))
            && *holder.get().binding.credential() == credential.id
        {
            holder.remove();
        }
    }

    fn key(&mut self, credential: &'a Credential) {
        let Proof::ApiKey { hash } = &credential.proof else { return };
        let Some(contract) = self.contract(credential) else { return };
        if !self.has_pepper {
            let message =
                format!("api key \"{}\" cannot be checked without a pepper", credential.id);
            let help = "configure the pepper that the key was issued under";
            return self.fault(&credential.place, message, help);
        }
        let binding = Binding::new(credential, &contract, Way::Call);
        let holder = Arc::new(KeyHolder::new(binding, Some(hash.pepper.clone())));
        let other = match self.keys.entry(Fingerprint::new(hash.hmac)) {
            Entry::Vacant(free) => {
                free.insert(holder);
                return;
            }
            // Told twice, because its client is other too.
            Entry::Occupied(mut same) if *same.get().binding.credential() == credential.id => {
                same.insert(holder);
                return;
            }
            Entry::Occupied(taken) => taken.get().binding.credential().clone(),
        };
        let message = format!("api key \"{}\" has the same hmac as \"{other}\"", credential.id);
        self.fault(&credential.place, message, "issue a new key for one of them");
    }

    fn certificates(&mut self, credentials: &'a [Arc<Credential>]) -> Certificates {
        let mut certificates = Certificates::default();
        for credential in credentials {
            let Proof::Mtls { certificate } = &credential.proof else { continue };
            let Some(contract) = self.contract(credential) else { continue };
            let binding = Binding::new(credential, &contract, Way::Call);
            certificates.insert(certificate, KeyHolder::new(binding, None));
        }
        certificates
    }

    fn tokens(
        &mut self,
        credentials: &'a [Arc<Credential>],
        issuers: &'a [Arc<Issuer>],
        key_sets: &KeySets,
    ) -> Tokens {
        let mut externals: Externals<'_> = issuers.iter().map(|it| (&it.id, Vec::new())).collect();
        credentials.iter().for_each(|it| self.external(it, &mut externals));
        let bindings = externals.values().flatten().map(|(it, _)| Arc::clone(it)).collect();
        let (mut trusted, mut opaque) = (HashMap::new(), None);
        for issuer in issuers {
            let matcher = Matcher::new(externals.remove(&issuer.id).unwrap_or_default());
            let trust = Arc::new(trust(issuer, matcher, key_sets, &mut self.faults));
            if let Some(introspector) = key_sets.introspector(issuer) {
                opaque = Some(Opaque::new(Arc::clone(&trust), introspector));
            }
            match trusted.entry(issuer.issuer.as_str().into()) {
                Entry::Vacant(free) => drop(free.insert(trust)),
                Entry::Occupied(_) => {
                    let message = format!("another issuer has the same iss \"{}\"", issuer.issuer);
                    let help = "give both one document, with the audiences of both";
                    self.fault(&issuer.place, message, help);
                }
            }
        }
        Tokens { verified: verified(trusted.is_empty()), issuers: trusted, opaque, bindings }
    }

    fn external(&mut self, credential: &'a Credential, externals: &mut Externals<'a>) {
        let Proof::External { issuer, claims } = &credential.proof else { return };
        let Some(contract) = self.contract(credential) else { return };
        let place = &credential.place;
        if claims.is_empty() {
            let message = format!(
                "credential \"{}\" would match every token: it names no claim",
                credential.id
            );
            return self.fault(place, message, "name at least one claim");
        }
        match externals.get_mut(issuer) {
            Some(of_issuer) => {
                of_issuer.push((Arc::new(Binding::new(credential, &contract, Way::Call)), claims));
            }
            None => {
                let message = format!("unknown issuer \"{issuer}\"");
                self.fault(place, message, "name an issuer that exists");
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
    let Issuer {
        id,
        issuer: iss,
        keys,
        audiences,
        algorithms,
        types,
        introspection: _,
        sign_in: _,
        is_enabled,
        place,
    } = issuer;
    let mut fault = |message: String, help: &str| faults.push(Fault::new(place, message, help));
    let keys = match keys {
        KeySource::Discovery => key_sets.of(iss),
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
        issuer: iss.as_str().into(),
        is_enabled: *is_enabled,
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
