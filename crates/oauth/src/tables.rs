//! What is declared, as this server looks it up. Immutable: a change of state makes new ones.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use identity::{KeySets, OwnIssuer, assertion::VerificationKeys};
use model::{
    Admission, Client, Credential, CredentialId, KeySource, Profile, ProfileId, Proof,
    Registration, Resources, Stopped, Timestamp, TokenTerms, User,
};
use state::Desired;

use crate::{provider::Provider, ticket};

/// What is declared.
pub(crate) struct Tables {
    desired: Arc<Desired>,
    pub(crate) resources: Resources,
    keys: HashMap<CredentialId, VerificationKeys>,
    /// By their ids.
    providers: BTreeMap<String, Arc<Provider>>,
    /// In the order in which they count.
    admissions: Vec<Arc<Admission>>,
}

/// A profile that gets tokens, and its client.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Contract<'a> {
    pub(crate) client: &'a Client,
    pub(crate) profile: &'a Profile,
    pub(crate) terms: &'a TokenTerms,
}

impl Tables {
    /// The tables of `desired`, at the door whose tokens are of `issuer`.
    pub(crate) fn new(desired: &Arc<Desired>, issuer: &OwnIssuer, key_sets: &KeySets) -> Self {
        let keys = desired.credentials.iter().filter_map(|it| match &it.proof {
            Proof::PrivateKeyJwt { keys: KeySource::Inline(set) } => {
                Some((it.id.clone(), VerificationKeys::inline(set).ok()?))
            }
            Proof::PrivateKeyJwt { keys: KeySource::Url(url) } => {
                Some((it.id.clone(), VerificationKeys::live(url, key_sets)))
            }
            // Only an issuer has metadata that would say where they are.
            Proof::PrivateKeyJwt { keys: KeySource::Discovery }
            | Proof::ApiKey { .. }
            | Proof::ClientSecret { .. }
            | Proof::External { .. }
            | Proof::Mtls { .. } => None,
        });
        let mut admissions = desired.admissions.clone();
        admissions.sort_by(|a, b| (a.position, &a.id).cmp(&(b.position, &b.id)));
        let providers = desired.issuers.iter().filter(|it| it.is_enabled);
        let providers = providers.filter_map(|it| Provider::of(it, key_sets));
        Self {
            providers: providers.map(|it| (it.id().to_owned(), Arc::new(it))).collect(),
            resources: issuer.resources(&desired.collections),
            keys: keys.collect(),
            admissions,
            desired: Arc::clone(desired),
        }
    }

    /// All that is declared.
    pub(crate) fn desired(&self) -> &Desired {
        &self.desired
    }

    /// The profile `id`, where it gets tokens `now`.
    pub(crate) fn contract(&self, id: &ProfileId, now: Timestamp) -> Option<Contract<'_>> {
        let clients = &self.desired.clients;
        let index = clients.binary_search_by(|it| it.id.as_str().cmp(id.client())).ok()?;
        let client = clients.get(index).filter(|it| it.is_enabled)?;
        let profile = client.profiles.iter().find(|it| it.id == *id && it.is_enabled)?;
        if profile.expires.is_some_and(|it| it <= now) {
            return None;
        }
        Some(Contract { client, profile, terms: profile.tokens.as_ref()? })
    }

    /// When what is given to `profile` ends at the latest, by its credential where it is given by one;
    /// none where neither ends.
    pub(crate) fn end(
        &self,
        profile: &ProfileId,
        credential: Option<&CredentialId>,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let profile = self.contract(profile, now)?.profile;
        let mut credentials = self.desired.credentials.iter();
        let credential = credential.and_then(|id| credentials.find(|it| it.id == *id));
        let credential = credential.map(|it| profile.rotation.end(it));
        profile.expires.into_iter().chain(credential).min()
    }

    /// The credentials of `profile` that can be shown `now`. Where several know what is shown, the first
    /// is meant: they come as they [rank](Credential::rank).
    pub(crate) fn credentials<'a>(
        &'a self,
        profile: &'a ProfileId,
        now: Timestamp,
    ) -> impl Iterator<Item = &'a Credential> {
        let contract = self.contract(profile, now);
        let of_profile = self.desired.credentials.iter().filter(move |it| it.profile == *profile);
        let good = of_profile.filter(move |it| {
            let ends = contract.as_ref().map(|of| of.profile.rotation.end(it));
            it.state.is_good() && ends.is_some_and(|it| it > now)
        });
        let mut good: Vec<_> = good.map(|it| &**it).collect();
        good.sort_unstable_by(|a, b| (b.rank(), &b.id).cmp(&(a.rank(), &a.id)));
        good.into_iter()
    }

    /// The keys of a credential that is shown by signing.
    pub(crate) fn keys(&self, credential: &CredentialId) -> Option<&VerificationKeys> {
        self.keys.get(credential)
    }

    /// Everybody who is let in without being registered, in the order in which they count.
    pub(crate) fn admissions(&self) -> &[Arc<Admission>] {
        &self.admissions
    }

    /// Whether anybody is let in who makes themselves known in this way.
    pub(crate) fn admits(&self, registration: Registration) -> bool {
        self.admissions.iter().any(|it| it.registrations.contains(&registration))
    }

    /// The provider `id`, where people sign in by it.
    pub(crate) fn provider(&self, id: &str) -> Option<Arc<Provider>> {
        self.providers.get(id).map(Arc::clone)
    }

    /// The provider whose tokens have this `iss`, where people sign in by it.
    pub(crate) fn provider_of(&self, issuer: &str) -> Option<Arc<Provider>> {
        self.providers.values().find(|it| it.issuer() == issuer).map(Arc::clone)
    }

    /// All by which people sign in.
    pub(crate) fn providers(&self) -> impl Iterator<Item = &Arc<Provider>> {
        self.providers.values()
    }

    /// Whether an operator stopped this client, which nobody registered.
    pub(crate) fn is_stopped_client(&self, id: &str) -> bool {
        self.desired.stops.iter().any(|it| matches!(&it.of, Stopped::ClientId(of) if of == id))
    }

    /// Whether an operator stopped this person.
    pub(crate) fn is_stopped_person(&self, subject: &str) -> bool {
        self.desired.stops.iter().any(|it| matches!(&it.of, Stopped::Person(of) if of == subject))
    }

    /// The person with this account, where they may sign in.
    pub(crate) fn user(&self, id: &str) -> Option<&User> {
        let users = &self.desired.users;
        let index = users.binary_search_by(|it| it.id.as_str().cmp(id)).ok()?;
        users.get(index).filter(|it| it.is_enabled).map(|it| &**it)
    }

    /// The hash of somebody else's password, always the same for one name: to try it takes as long as
    /// to try that of a person who is there. None where nobody has one.
    pub(crate) fn stand_in(&self, name: &str) -> Option<&str> {
        let users = self.desired.users.iter().filter(|it| it.is_enabled);
        let hashes: Vec<_> = users.filter_map(|it| it.password.as_deref()).collect();
        let [first, second, ..] = ticket::digest(name);
        let number = usize::from(u16::from_be_bytes([first, second]));
        hashes.get(number.checked_rem(hashes.len())?).copied()
    }

    /// Whether anybody can sign in with an account of this door.
    pub(crate) fn has_users(&self) -> bool {
        self.desired.users.iter().any(|it| it.is_enabled && it.password.is_some())
    }
}

#[cfg(test)]
mod tests {
    use identity::KeySets;
    use model::{Clock, Place, UserId};

    use super::*;

    #[derive(Debug)]
    struct Nothing;

    impl identity::Fetch for Nothing {
        fn get<'a>(&'a self, _: &'a str) -> identity::Fetching<'a> {
            Box::pin(async { Err("404".to_owned()) })
        }
    }

    #[test]
    fn whom_nobody_knows_is_tried_against_somebody_always_the_same() {
        let clock = Clock::fake(Timestamp::from_seconds(0));
        let key_sets = KeySets::new(Arc::new(Nothing), clock);
        let user = |id: &str, password: Option<&str>| User {
            id: UserId::parse(id).unwrap(),
            name: None,
            password: password.map(str::to_owned),
            groups: Vec::new(),
            second_factor: model::SecondFactor::default(),
            is_enabled: true,
            place: Place::default(),
        };
        let tables = |users: Vec<User>| {
            let users = users.into_iter().map(Arc::new).collect();
            let desired = Arc::new(Desired { users, ..Desired::default() });
            Tables::new(&desired, &OwnIssuer::new("https://door.example"), &key_sets)
        };
        assert_eq!(tables(vec![user("ann", None)]).stand_in("eve"), None);
        let tables = tables(vec![user("ann", Some("a")), user("ben", Some("b")), user("c", None)]);
        let of = |name: &str| tables.stand_in(name).unwrap().to_owned();
        let names: Vec<_> = (0..50).map(|it| format!("n{it}")).collect();
        assert!(names.iter().all(|it| of(it) == of(it) && ["a", "b"].contains(&&*of(it))));
        assert!(names.iter().any(|it| of(it) == "a") && names.iter().any(|it| of(it) == "b"));
    }
}
