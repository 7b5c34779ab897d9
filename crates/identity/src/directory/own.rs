//! Tokens of the door's own authorization server: each names the profile that it leads to.

mod giver;
mod rule;
mod standing;

use std::{
    collections::{HashMap, HashSet},
    hash::RandomState,
    net::IpAddr,
    sync::Arc,
};

use model::{
    Admission, AdmissionId, Audience, Caller, Client, Collection, Credential, CredentialId, Issuer,
    KnownBy, ProfileId, Proof, Resources, Timestamp, TokenBounds, TokenScopes, User, UserId, Way,
};
use quick_cache::{
    UnitWeighter,
    sync::{Cache, DefaultLifecycle},
};
use serde_json::Value;

use self::{giver::Giver, rule::Rule};
use super::{
    VERIFIED_MAX,
    binding::{Binding, CallerOf, Contract},
};
use crate::{
    OwnIssuer,
    failure::Failure,
    fingerprint::Fingerprint,
    own_token::{CLAIM, TYPE},
    token::{Algorithm, Claims, Compact, Confirmation, Defect, Subject, texts},
};

/// The algorithms that the authorization server signs with.
const ALGORITHMS: [Algorithm; 2] = [Algorithm::EdDsa, Algorithm::Es256];

/// What the door's own authorization server gives tokens by, each list sorted by id.
#[derive(Debug, Clone, Copy)]
pub struct Own<'a> {
    /// Who signs them, and what was taken back.
    pub issuer: &'a Arc<OwnIssuer>,
    /// All collections: tokens are for one of them, or for the door.
    pub collections: &'a [Arc<Collection>],
    /// All admissions.
    pub admissions: &'a [Arc<Admission>],
    /// All people with an account of this door.
    pub users: &'a [Arc<User>],
    /// All trusted issuers: by some of them people sign in.
    pub issuers: &'a [Arc<Issuer>],
}

/// Whom such tokens belong to. Made anew, with nothing remembered, where anything of it is other.
pub(super) struct OwnTokens {
    issuer: Arc<OwnIssuer>,
    resources: Resources,
    /// Of the profiles that get tokens at all.
    contracts: HashMap<ProfileId, Arc<Contract>>,
    /// Of the credentials by which tokens are got.
    bindings: HashMap<CredentialId, Arc<Binding>>,
    admissions: HashMap<AdmissionId, Rule>,
    /// For whom each profile's client acts where it is registered.
    rules: HashMap<ProfileId, Rule>,
    /// Those who may sign in.
    users: HashMap<UserId, Arc<User>>,
    issuers: HashSet<Box<str>>,
    pub(super) verified: Cache<Fingerprint, Arc<OwnHolder>, UnitWeighter, RandomState>,
    made_of: Parts,
}

/// The lists it was made of, to tell whether another would be made of the same.
struct Parts {
    clients: Box<[Arc<Client>]>,
    credentials: Box<[Arc<Credential>]>,
    collections: Box<[Arc<Collection>]>,
    admissions: Box<[Arc<Admission>]>,
    users: Box<[Arc<User>]>,
    issuers: Box<[Arc<Issuer>]>,
}

/// The holder of a token that was verified once.
pub(super) struct OwnHolder {
    issuer: Arc<OwnIssuer>,
    caller: Arc<Caller>,
    giver: Giver,
    /// By what the tokens were given that it was exchanged for.
    earlier: Vec<Giver>,
    /// The token's own id, the grant's that it came of, and those of the tokens it was exchanged for.
    ids: Vec<Box<str>>,
    confirmation: Confirmation,
    expires: Timestamp,
    /// The state of the keys that it was verified by; none where it is known by a reference.
    generation: Option<u64>,
}

impl OwnTokens {
    /// As it was `before`, where it would be made of the same.
    pub(super) fn next(
        before: Option<&Arc<Self>>,
        own: Own<'_>,
        clients: &[Arc<Client>],
        credentials: &[Arc<Credential>],
    ) -> Arc<Self> {
        match before.filter(|it| it.is_of(own, clients, credentials)) {
            Some(same) => Arc::clone(same),
            None => Arc::new(Self::new(own, clients, credentials)),
        }
    }

    fn is_of(
        &self,
        own: Own<'_>,
        clients: &[Arc<Client>],
        credentials: &[Arc<Credential>],
    ) -> bool {
        let Own { issuer, collections, admissions, users, issuers } = own;
        let parts = &self.made_of;
        Arc::ptr_eq(&self.issuer, issuer)
            && are_same(&parts.clients, clients)
            && are_same(&parts.collections, collections)
            && are_same(&parts.admissions, admissions)
            && are_same(&parts.users, users)
            && are_same(&parts.issuers, issuers)
            && are_same(&parts.credentials, &for_tokens(credentials))
    }

    fn new(own: Own<'_>, clients: &[Arc<Client>], credentials: &[Arc<Credential>]) -> Self {
        let Own { issuer, collections, admissions, users, issuers } = own;
        let profiles = clients.iter().flat_map(|it| it.profiles.iter().map(move |of| (it, of)));
        let contracts: HashMap<_, _> = profiles
            .filter(|(_, profile)| profile.tokens.is_some())
            .map(|(client, profile)| (profile.id.clone(), Arc::new(Contract::new(client, profile))))
            .collect();
        let credentials = for_tokens(credentials);
        let binding = |it: &Arc<Credential>| {
            let contract = contracts.get(&it.profile)?;
            Some((it.id.clone(), Arc::new(Binding::new(it, contract, Way::Token))))
        };
        Self {
            issuer: Arc::clone(issuer),
            resources: issuer.resources(collections),
            bindings: credentials.iter().filter_map(binding).collect(),
            admissions: admissions.iter().map(|it| (it.id.clone(), Rule::admitting(it))).collect(),
            rules: clients
                .iter()
                .flat_map(|it| &it.profiles)
                .filter_map(Rule::registered)
                .collect(),
            users: users
                .iter()
                .filter(|it| it.is_enabled)
                .map(|it| (it.id.clone(), Arc::clone(it)))
                .collect(),
            issuers: issuers
                .iter()
                .filter(|it| it.is_enabled)
                .map(|it| it.id.as_str().into())
                .collect(),
            verified: Cache::with(
                64,
                u64::try_from(VERIFIED_MAX).unwrap_or(u64::MAX),
                UnitWeighter,
                RandomState::new(),
                DefaultLifecycle::default(),
            ),
            made_of: Parts {
                clients: clients.into(),
                credentials: credentials.into(),
                collections: collections.into(),
                admissions: admissions.into(),
                users: users.into(),
                issuers: issuers.into(),
            },
            contracts,
        }
    }

    /// The credentials by which tokens are got.
    pub(super) fn bindings(&self) -> impl Iterator<Item = &Binding> {
        self.bindings.values().map(|it| &**it)
    }

    /// Whether a token says that it is of this issuer.
    pub(super) fn made(&self, token: &Compact<'_>) -> bool {
        token.claims.issuer().is_ok_and(|it| it == &**self.issuer.url())
    }

    /// The holder of a token that was verified before, where that still holds.
    pub(super) fn known(&self, token: &Fingerprint, now: Timestamp) -> Option<Arc<OwnHolder>> {
        self.verified
            .get(token)
            .filter(|it| now < it.expires && self.is_current(it.generation, now))
    }

    /// Verifies a token, and remembers it.
    pub(super) fn remember(
        &self,
        fingerprint: Fingerprint,
        token: &Compact<'_>,
        now: Timestamp,
    ) -> Result<Arc<OwnHolder>, Defect> {
        let holder = Arc::new(self.verify(token, now)?);
        self.verified.insert(fingerprint, Arc::clone(&holder));
        Ok(holder)
    }

    fn is_current(&self, generation: Option<u64>, now: Timestamp) -> bool {
        generation.is_none_or(|it| self.issuer.keys.is_current(it, now))
    }

    /// The holder of an opaque token, which is remembered for as long as it is known what it stands for.
    pub(super) async fn refer(
        &self,
        fingerprint: Fingerprint,
        token: &str,
        now: Timestamp,
    ) -> Result<Arc<OwnHolder>, Defect> {
        let (claims, until) = self.issuer.references.find(token, now).await?;
        let claims = Claims::new(claims.as_ref().clone());
        // They were kept by who had another name then.
        if claims.issuer()? != &**self.issuer.url() {
            return Err(Defect::Issuer);
        }
        let (audience, expires) = self.hold(&claims, now)?;
        let holder = self.lead(&claims, (audience, expires.min(until)), None)?;
        let holder = Arc::new(holder);
        self.verified.insert(fingerprint, Arc::clone(&holder));
        Ok(holder)
    }

    fn verify(&self, token: &Compact<'_>, now: Timestamp) -> Result<OwnHolder, Defect> {
        let (kid, algorithm) = (token.header.kid.as_deref(), token.header.algorithm);
        if !ALGORITHMS.contains(&algorithm) || !token.header.is_of_type(&[TYPE]) {
            return Err(Defect::OwnHeader);
        }
        let bounds = self.hold(&token.claims, now)?;
        let kid = kid.ok_or(Defect::Kid)?;
        let keys = &self.issuer.keys;
        let generation = keys.verify(kid, algorithm, token.message, &token.signature)?;
        self.lead(&token.claims, bounds, Some((kid, generation)))
    }

    /// What a token is for, and until when it holds, where it holds now.
    fn hold(&self, claims: &Claims, now: Timestamp) -> Result<(Audience, Timestamp), Defect> {
        let audience = claims.get("aud").into_iter().flat_map(texts);
        let audience = audience.filter_map(|it| self.resources.audience(it)).next();
        Ok((audience.ok_or(Defect::Resource)?, claims.expiry(now)?))
    }

    /// The holder of a token that says these claims, and whose they are beyond doubt: `signed` by this
    /// key of this generation, or kept by the door.
    fn lead(
        &self,
        claims: &Claims,
        (audience, expires): (Audience, Timestamp),
        signed: Option<(&str, u64)>,
    ) -> Result<OwnHolder, Defect> {
        let confirmation = claims.confirmation()?;
        let Subject { mut user, mut actors } = claims.subject()?;
        // A client for which another one acts is no person: it stands behind those who act for it.
        let client = user.take_if(|it| ProfileId::parse(it).is_ok());
        let giver = self.giver(claims.get(CLAIM), user.as_deref())?;
        let said = giver::earlier(claims)?;
        let earlier = said.iter().map(|it| self.giver(Some(it), user.as_deref()));
        let earlier = earlier.collect::<Result<Vec<_>, _>>()?;
        if let Some(client) = client {
            if !earlier.iter().any(|it| it.profile().as_str() == client) {
                return Err(Defect::Holder);
            }
            actors.push(client);
        }
        if !user.as_deref().is_none_or(|it| self.is_known(it)) {
            return Err(Defect::Holder);
        }
        let bounds = TokenBounds { audience, scopes: scopes(claims)? };
        let jti = claims.get("jti").and_then(Value::as_str).ok_or(Defect::Claim("jti"))?;
        let tokens = said.iter().map(|it| it.get("token").and_then(Value::as_str));
        let tokens = tokens.collect::<Option<Vec<_>>>().ok_or(Defect::Holder)?;
        let grant = claims.get(CLAIM).and_then(|it| it.get("grant")?.as_str());
        let ids = grant.into_iter().chain([jti]).chain(tokens);
        let known_by = KnownBy {
            credential: giver.kind(),
            grant: grant.map(Into::into),
            ..claims.known_by(&confirmation, (jti, signed.map(|(key, _)| key)))
        };
        let caller = giver.contract().caller(CallerOf {
            credential: giver.credential(),
            user,
            actors,
            bounds: Some(bounds),
            known_by,
        });
        Ok(OwnHolder {
            issuer: Arc::clone(&self.issuer),
            caller: Arc::new(caller),
            ids: ids.map(Into::into).collect(),
            giver,
            earlier,
            confirmation,
            expires,
            generation: signed.map(|(_, generation)| generation),
        })
    }

    /// By what a token was given that says this of it, while all of that is still there, and still lets
    /// its client act for this person.
    fn giver(&self, says: Option<&Value>, user: Option<&str>) -> Result<Giver, Defect> {
        let member = |name: &str| says?.get(name)?.as_str();
        let profile = member("profile").and_then(|it| ProfileId::parse(it).ok());
        let contract = profile.and_then(|it| self.contracts.get(&it)).ok_or(Defect::Holder)?;
        let binding = match member("credential") {
            Some(id) => {
                let id = CredentialId::parse(id).map_err(|_| Defect::Holder)?;
                let found = self.bindings.get(&id);
                let found = found.filter(|it| it.contract().profile() == contract.profile());
                Some(found.ok_or(Defect::Holder)?)
            }
            None => None,
        };
        let rule = match member("admission") {
            Some(id) => AdmissionId::parse(id).ok().and_then(|it| self.admissions.get(&it)),
            None => self.rules.get(contract.profile()),
        };
        let rule = rule.filter(|it| it.profile == *contract.profile()).ok_or(Defect::Holder)?;
        if !user.is_none_or(|it| rule.lets_in(member("rule"), self.groups(it))) {
            return Err(Defect::Holder);
        }
        Ok(Giver::new(contract, binding))
    }

    /// The groups of a person with an account of this door.
    fn groups(&self, user: &str) -> Option<&[String]> {
        let id = UserId::parse(user.strip_prefix(User::PREFIX)?).ok()?;
        self.users.get(&id).map(|it| it.groups.as_slice())
    }

    /// Whether who signed a person in is still there, and with an account of this door the person.
    fn is_known(&self, user: &str) -> bool {
        match user.strip_prefix(User::PREFIX) {
            Some(name) => UserId::parse(name).is_ok_and(|it| self.users.contains_key(&it)),
            None => user.split_once(':').is_some_and(|(issuer, _)| self.issuers.contains(issuer)),
        }
    }
}

impl OwnHolder {
    pub(super) fn caller(&self) -> &Arc<Caller> {
        &self.caller
    }

    /// What it is bound to, and whose it is.
    pub(super) fn bond(&self) -> (&Confirmation, &Contract) {
        (&self.confirmation, self.giver.contract())
    }

    /// When it ends at the latest.
    pub(super) fn until(&self) -> Timestamp {
        let givers = [&self.giver].into_iter().chain(&self.earlier);
        givers.filter_map(Giver::until).fold(self.expires, Timestamp::min)
    }

    /// Asked on every call: nothing remembered outlives what it was given by.
    pub(super) fn admit(&self, peer: IpAddr, now: Timestamp) -> Result<(), Failure> {
        self.hold_earlier(now)?;
        self.giver.admit(peer, now)
    }

    /// Whether it was not taken back, and what those were given by still holds that it was exchanged for.
    fn hold_earlier(&self, now: Timestamp) -> Result<(), Failure> {
        if self.ids.iter().any(|it| self.issuer.is_revoked(it)) {
            return Err(Failure::TokenRevoked);
        }
        self.earlier.iter().try_for_each(|it| it.hold(now))
    }
}

/// No scope at all is all of the profile; an empty one is nothing of it.
fn scopes(claims: &Claims) -> Result<Option<TokenScopes>, Defect> {
    match claims.get("scope") {
        None => Ok(None),
        Some(Value::String(text)) => TokenScopes::parse(text).map(Some).map_err(|_| Defect::Scope),
        Some(_) => Err(Defect::Scope),
    }
}

/// Those that are shown to get tokens, and not with each call.
fn for_tokens(credentials: &[Arc<Credential>]) -> Vec<Arc<Credential>> {
    let is_for_tokens = |it: &&Arc<Credential>| match it.proof {
        Proof::ClientSecret { .. } | Proof::Mtls { .. } | Proof::PrivateKeyJwt { .. } => true,
        Proof::ApiKey { .. } | Proof::External { .. } => false,
    };
    credentials.iter().filter(is_for_tokens).cloned().collect()
}

fn are_same<T>(some: &[Arc<T>], others: &[Arc<T>]) -> bool {
    some.len() == others.len()
        && some.iter().zip(others).all(|(one, other)| Arc::ptr_eq(one, other))
}
