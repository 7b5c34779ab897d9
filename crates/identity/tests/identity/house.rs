//! A small state to test against: clients, profiles, credentials, and one trusted issuer.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use identity::{
    Declared, Directory, KeySets, Own, OwnIssuer, Presented, Sender,
    api_key::{self, Pepper, SystemRandom},
};
use model::{
    Caller, CertificateMatch, Client, ClientId, ClientKind, Clock, Credential, CredentialId,
    CredentialState, GrantType, Issuer, IssuerId, KeyKind, KeySource, Place, Profile, ProfileId,
    Proof, Refusal, RefusalKind, Secret, Surface, Timestamp, TokenBinding, TokenTerms,
};
use serde_json::Value;

use crate::issuer::Desk;

pub(crate) const NOW: i64 = 1_800_000_000;
pub(crate) const ISS: &str = "https://issuer.example";
pub(crate) const AUD: &str = "https://door.example/mcp";
pub(crate) const PEER: &str = "192.0.2.7";

/// State that a test changes before it builds a directory from it.
pub(crate) struct House {
    pub(crate) clients: Vec<Client>,
    pub(crate) credentials: Vec<Credential>,
    pub(crate) issuers: Vec<Issuer>,
    /// The door's own, where it gives tokens: to clients alone.
    pub(crate) own: Option<Arc<OwnIssuer>>,
    pub(crate) pepper: Option<Pepper>,
    pub(crate) clock: Clock,
    pub(crate) desk: Arc<Desk>,
    pub(crate) key_sets: KeySets,
}

impl House {
    /// One client `shop` with the profile `shop/main`, and no credential yet.
    pub(crate) fn new() -> Self {
        let clock = Clock::fake(Timestamp::from_seconds(NOW));
        let desk = Arc::new(Desk::default());
        let wait = Duration::from_millis(20);
        Self {
            clients: vec![client("shop")],
            credentials: Vec::new(),
            issuers: Vec::new(),
            own: None,
            pepper: Some(Pepper::new(&Secret::new(vec![7; 32])).unwrap()),
            key_sets: KeySets::waiting(Arc::clone(&desk) as _, clock.clone(), wait),
            clock,
            desk,
        }
    }

    /// Trusts an issuer with these keys in its document, and binds `client_id: shop-1` to `shop/main`.
    pub(crate) fn trusting(keys: &[Value]) -> Self {
        let set = serde_json::json!({ "keys": keys });
        let mut house = Self::new();
        house.issuers.push(issuer("idp", ISS, KeySource::Inline(Arc::new(set))));
        house.external("shop-token", &[("client_id", "shop-1")]);
        house
    }

    /// As [`House::trusting`], with the keys fetched from the issuer's desk.
    pub(crate) fn fetching(keys: &[Value]) -> Self {
        let mut house = Self::trusting(&[]);
        house.issuers[0].keys = KeySource::Url(format!("{ISS}/jwks"));
        house.desk.publishes(keys);
        house
    }

    pub(crate) fn external(&mut self, id: &str, claims: &[(&str, &str)]) -> &mut Credential {
        let claims = claims.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        let issuer = IssuerId::parse("idp").unwrap();
        self.credential(id, Proof::External { issuer, claims: claims.collect::<BTreeMap<_, _>>() })
    }

    /// Issues a key for `shop/main`.
    pub(crate) fn api_key(&mut self, id: &str) -> String {
        let (key, hash) =
            api_key::make(KeyKind::ApiKey, self.pepper.as_ref().unwrap(), &SystemRandom::new())
                .unwrap();
        self.credential(id, Proof::ApiKey { hash });
        key.expose().clone()
    }

    /// Binds certificates to `shop/main`.
    pub(crate) fn certificate(
        &mut self,
        id: &str,
        certificate: CertificateMatch,
    ) -> &mut Credential {
        self.credential(id, Proof::Mtls { certificate })
    }

    fn credential(&mut self, id: &str, proof: Proof) -> &mut Credential {
        self.credentials.push(Credential {
            id: CredentialId::parse(id).unwrap(),
            profile: ProfileId::parse("shop/main").unwrap(),
            proof,
            state: CredentialState::Active,
            created: None,
            replaced: None,
            expires: Timestamp::from_seconds(NOW).plus(Duration::from_secs(400 * 86_400)),
            place: Place::default(),
        });
        self.credentials.last_mut().unwrap()
    }

    pub(crate) fn directory(&self) -> Directory {
        self.declared(|it| Directory::new(it, &self.key_sets))
    }

    /// The directory of the next snapshot.
    pub(crate) fn next(&self, before: &Directory) -> Directory {
        self.declared(|it| before.next(it, &self.key_sets))
    }

    fn declared(&self, make: impl FnOnce(Declared<'_>) -> Directory) -> Directory {
        let clients = shared(&self.clients, |it| &it.id);
        let credentials = shared(&self.credentials, |it| &it.id);
        let issuers = shared(&self.issuers, |it| &it.id);
        make(Declared {
            clients: &clients,
            credentials: &credentials,
            issuers: &issuers,
            pepper: self.pepper.as_ref(),
            own: self.own.as_ref().map(|issuer| Own {
                issuer,
                collections: &[],
                admissions: &[],
                users: &[],
                issuers: &[],
            }),
        })
    }

    pub(crate) async fn token(
        &self,
        directory: &Directory,
        token: &str,
    ) -> Result<Arc<Caller>, Refusal> {
        directory.authenticate(&Presented::Token(token), &sender(PEER), self.clock.now()).await
    }

    /// Shows a token as this sender, as a bearer or with a proof.
    pub(crate) async fn shown(
        &self,
        directory: &Directory,
        presented: Presented<'_>,
        sender: &Sender<'_>,
    ) -> Result<Arc<Caller>, Refusal> {
        directory.authenticate(&presented, sender, self.clock.now()).await
    }

    pub(crate) async fn key(
        &self,
        directory: &Directory,
        key: &str,
    ) -> Result<Arc<Caller>, Refusal> {
        directory.authenticate(&Presented::ApiKey(key), &sender(PEER), self.clock.now()).await
    }
}

fn shared<T: Clone, I: Ord>(nouns: &[T], id: fn(&T) -> &I) -> Vec<Arc<T>> {
    let mut shared: Vec<_> = nouns.iter().cloned().map(Arc::new).collect();
    shared.sort_by(|a, b| id(a).cmp(id(b)));
    shared
}

/// Somebody at this address, with nothing but a credential.
pub(crate) fn sender(address: &str) -> Sender<'static> {
    Sender { peer: address.parse().unwrap(), certificate: None, proof: None }
}

pub(crate) fn client(id: &str) -> Client {
    let id = ClientId::parse(id).unwrap();
    Client {
        kind: ClientKind::Agent,
        owner: "team".into(),
        description: None,
        is_enabled: true,
        profiles: vec![Profile {
            id: ProfileId::new(&id, "main").unwrap(),
            roles: Vec::new(),
            surfaces: vec![Surface::Mcp, Surface::Rest],
            networks: Vec::new(),
            expires: None,
            tokens: None,
            rotation: model::RotationPolicy::default(),
            is_enabled: true,
            place: Place::default(),
        }],
        id,
        place: Place::default(),
    }
}

/// The terms on which a profile gets tokens for itself.
pub(crate) fn terms(binding: Option<TokenBinding>) -> TokenTerms {
    TokenTerms {
        grants: vec![GrantType::ClientCredentials],
        redirect_uris: Vec::new(),
        is_public: false,
        groups: Vec::new(),
        lifetime: TokenTerms::LIFETIME,
        refresh_lifetime: TokenTerms::REFRESH_LIFETIME,
        binding,
        is_opaque: false,
        must_push: false,
        introspects: Vec::new(),
    }
}

pub(crate) fn issuer(id: &str, iss: &str, keys: KeySource) -> Issuer {
    Issuer {
        id: IssuerId::parse(id).unwrap(),
        issuer: iss.into(),
        keys,
        audiences: vec![AUD.into(), "door".into()],
        algorithms: ["RS256", "PS256", "ES256", "ES384", "EdDSA"].map(Into::into).into(),
        types: vec!["at+jwt".into()],
        introspection: None,
        sign_in: None,
        is_enabled: true,
        place: Place::default(),
    }
}

/// The refusal has the one kind there is, `want` in its cause, and nothing of `secret` in it.
#[track_caller]
pub(crate) fn refused(got: Result<Arc<Caller>, Refusal>, want: &str, secret: &str) {
    let Err(refusal) = got else { panic!("let in, wanted: {want}") };
    assert_eq!(refusal.kind(), RefusalKind::Unauthenticated, "{refusal:?}");
    assert!(refusal.cause().unwrap().contains(want), "{refusal:?}, wanted: {want}");
    let tells = secret.split('.').any(|it| it.len() > 8 && format!("{refusal:?}").contains(it));
    assert!(!tells, "part of the credential is in {refusal:?}");
}
