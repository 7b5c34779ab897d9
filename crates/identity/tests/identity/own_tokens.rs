//! Tokens of the door's own authorization server lead to their profile while all is still there.

use std::{sync::Arc, time::Duration};

use identity::{Declared, Directory, Own, OwnIssuer};
use jsonwebtoken::Algorithm;
use model::{
    Admission, AdmissionId, Audience, ClientId, Collection, CollectionId, Credential, CredentialId,
    CredentialState, GrantType, KeySource, KnownBy, Place, ProfileId, Proof, Timestamp, TokenTerms,
    User, UserId, Way,
};
use serde_json::{Value, json};

use crate::{
    house::{House, NOW, refused, terms},
    signer::{Signer, with},
};

const URL: &str = "https://door.example";

/// A house with an issuer of its own, whose tokens lead to `shop/main`.
pub(crate) struct Door {
    pub(crate) house: House,
    pub(crate) issuer: Arc<OwnIssuer>,
    signer: Signer,
    credentials: Vec<Arc<Credential>>,
    admissions: Vec<Arc<Admission>>,
    users: Vec<Arc<User>>,
}

impl Door {
    pub(crate) fn new() -> Self {
        let mut house = House::new();
        house.clients[0].profiles[0].tokens = Some(TokenTerms {
            grants: vec![GrantType::AuthorizationCode],
            is_public: true,
            ..terms(None)
        });
        let signer = Signer::new(Algorithm::EdDSA);
        let issuer = Arc::new(OwnIssuer::new(URL));
        issuer.publish(&json!({ "keys": [signer.jwk()] })).unwrap();
        let profile = ProfileId::parse("shop/main").unwrap();
        let credential = Credential {
            id: CredentialId::parse("shop-keys").unwrap(),
            profile: profile.clone(),
            proof: Proof::PrivateKeyJwt { keys: KeySource::Url("https://a.example".into()) },
            state: CredentialState::Active,
            created: None,
            replaced: None,
            expires: Timestamp::from_seconds(NOW + 86_400),
            place: Place::default(),
        };
        let admission = Admission {
            id: AdmissionId::parse("agents").unwrap(),
            description: None,
            profile,
            registrations: Vec::new(),
            hosts: Vec::new(),
            software: Vec::new(),
            issuer: None,
            groups: Vec::new(),
            position: 1,
            place: Place::default(),
        };
        let user = User {
            id: UserId::parse("ann").unwrap(),
            name: None,
            password: None,
            groups: Vec::new(),
            second_factor: model::SecondFactor::default(),
            is_enabled: true,
            place: Place::default(),
        };
        Self {
            house,
            issuer,
            signer,
            credentials: vec![Arc::new(credential)],
            admissions: vec![Arc::new(admission)],
            users: vec![Arc::new(user)],
        }
    }

    pub(crate) fn directory(&self) -> Directory {
        let clients: Vec<_> = self.house.clients.iter().cloned().map(Arc::new).collect();
        let collections: [Arc<Collection>; 0] = [];
        let own = Own {
            issuer: &self.issuer,
            collections: &collections,
            admissions: &self.admissions,
            users: &self.users,
            issuers: &[],
        };
        let declared = Declared {
            clients: &clients,
            credentials: &self.credentials,
            issuers: &[],
            pepper: None,
            own: Some(own),
        };
        Directory::new(declared, &self.house.key_sets)
    }

    /// A token in which these claims are other.
    fn token(&self, change: &Value) -> String {
        self.signer.sign(&self.signer.header(), &with(&claims(), change))
    }
}

pub(crate) fn claims() -> Value {
    json!({
        "iss": URL,
        "sub": "local:ann",
        "aud": "https://door.example/mcp/orders",
        "client_id": "https://agent.example/c.json",
        "act": {"sub": "https://agent.example/c.json"},
        "iat": NOW,
        "exp": NOW + 600,
        "jti": "t1",
        "scope": "role:reader",
        "onedoor": {"profile": "shop/main", "admission": "agents", "grant": "g1"},
    })
}

#[tokio::test]
async fn a_token_leads_to_its_profile_within_its_bounds() {
    let own = Door::new();
    let directory = own.directory();
    let token = own.token(&json!({}));
    for _ in 0..2 {
        let caller = own.house.token(&directory, &token).await.unwrap();
        assert_eq!(caller.profile.as_str(), "shop/main");
        assert_eq!(caller.user.as_deref(), Some("local:ann"));
        assert_eq!(caller.actors, ["https://agent.example/c.json"]);
        assert!(!caller.is_anonymous() && caller.credential.is_none());
        let known_by = KnownBy {
            token: Some("bearer"),
            token_id: Some("t1".into()),
            key: own.signer.header()["kid"].as_str().map(Into::into),
            grant: Some("g1".into()),
            ..KnownBy::default()
        };
        assert!(known_by.key.is_some());
        assert_eq!(caller.known_by, known_by);
        let bounds = caller.bounds.as_ref().unwrap();
        let orders = Audience::Collection(CollectionId::parse("orders").unwrap());
        assert_eq!(bounds.audience, orders);
        assert_eq!(bounds.scopes.as_ref().unwrap().to_string(), "role:reader");
    }
    let token = own.token(&json!({
        "sub": "shop/main", "client_id": "shop/main", "act": null, "scope": null,
        "onedoor": {"profile": "shop/main", "credential": "shop-keys"}, "amr": ["pwd", "otp"],
    }));
    let caller = own.house.token(&directory, &token).await.unwrap();
    assert_eq!(caller.credential.as_ref().unwrap().as_str(), "shop-keys");
    let known_by = &caller.known_by;
    assert_eq!(
        (known_by.credential, known_by.token, known_by.methods.as_deref()),
        (Some("private_key_jwt"), Some("bearer"), Some("pwd otp"))
    );
    assert_eq!((caller.user.as_deref(), &caller.bounds.as_ref().unwrap().scopes), (None, &None));
    let [(credential, used)] = directory.take_uses().try_into().unwrap();
    assert_eq!((credential.as_str(), used.how.unwrap().way), ("shop-keys", Way::Token));
}

#[tokio::test]
async fn what_is_wrong_with_a_token_is_refused() {
    let own = Door::new();
    let directory = own.directory();
    for (change, want) in [
        (json!({"aud": "https://other.example/mcp"}), "aud"),
        (json!({"aud": null}), "aud"),
        (json!({"exp": NOW}), "exp"),
        (json!({"exp": (NOW + 600).to_string()}), "exp"),
        (json!({"jti": null}), "jti"),
        (json!({"scope": "everything"}), "scope"),
        (json!({"scope": ["role:reader"]}), "scope"),
        (json!({"cnf": {"jkt": "x"}}), "cnf"),
        (json!({"onedoor": null}), "not there"),
        (json!({"onedoor": {"profile": "shop/other"}}), "not there"),
        (json!({"onedoor": {"profile": ["shop/main"]}}), "not there"),
        (json!({"onedoor": {"profile": "shop/main", "credential": "gone"}}), "not there"),
        (json!({"onedoor": {"profile": "shop/main", "admission": "gone"}}), "not there"),
        (json!({"sub": "local:gone"}), "not there"),
        (json!({"sub": "gone:ann"}), "not there"),
        (json!({"sub": "ann"}), "not there"),
    ] {
        let token = own.token(&change);
        refused(own.house.token(&directory, &token).await, want, &token);
    }
    let other = Signer::new(Algorithm::EdDSA);
    for token in [
        other.sign(&other.header(), &claims()),
        own.signer.sign(&with(&own.signer.header(), &json!({"kid": "other"})), &claims()),
    ] {
        refused(own.house.token(&directory, &token).await, "signature", &token);
    }
    for change in [json!({"typ": "JWT"}), json!({"typ": null}), json!({"kid": null})] {
        let token = own.signer.sign(&with(&own.signer.header(), &change), &claims());
        assert!(own.house.token(&directory, &token).await.is_err(), "{change}");
    }
}

/// The admission that there is, to be changed.
fn admission(door: &mut Door) -> &mut Admission {
    Arc::make_mut(&mut door.admissions[0])
}

/// Something that happens to what a token was given by.
type Change = fn(&mut Door);

#[tokio::test]
async fn a_token_ends_with_what_it_was_given_by() {
    let with_credential = json!({"onedoor": {"profile": "shop/main", "credential": "shop-keys"}});
    let word = identity::rule::of_admission(&Door::new().admissions[0]);
    let by_rule = json!({"onedoor": {"profile": "shop/main", "admission": "agents", "rule": word}});
    let registered = json!({"onedoor": {"profile": "shop/main"}});
    let changes: [(&str, &Value, Change); 13] = [
        ("taken back", &json!({}), |it| it.issuer.revoke("g1", Timestamp::from_seconds(NOW + 9))),
        ("taken back", &json!({}), |it| it.issuer.revoke("t1", Timestamp::from_seconds(NOW + 9))),
        ("disabled", &json!({}), |it| it.house.clients[0].is_enabled = false),
        ("disabled", &json!({}), |it| it.house.clients[0].profiles[0].is_enabled = false),
        ("not there", &json!({}), |it| it.house.clients[0].profiles[0].tokens = None),
        ("not there", &json!({}), |it| it.admissions.clear()),
        ("not there", &json!({}), |it| Arc::make_mut(&mut it.users[0]).is_enabled = false),
        // What a person was let in by is another rule now, or they are not whom it lets in.
        ("not there", &by_rule, |it| admission(it).hosts = vec!["a.example".to_owned()]),
        ("not there", &by_rule, |it| admission(it).groups = vec!["staff".to_owned()]),
        ("not there", &json!({}), |it| admission(it).groups = vec!["staff".to_owned()]),
        ("not there", &registered, |it| {
            let terms = it.house.clients[0].profiles[0].tokens.as_mut().unwrap();
            terms.groups = vec!["staff".to_owned()];
        }),
        ("not there", &json!({}), |it| it.users.clear()),
        ("revoked", &with_credential, |it| {
            Arc::make_mut(&mut it.credentials[0]).state = CredentialState::Revoked;
        }),
    ];
    for (want, claims, change) in changes {
        let mut own = Door::new();
        let before = own.directory();
        let token = own.token(claims);
        assert!(own.house.token(&before, &token).await.is_ok());
        change(&mut own);
        let after = own.directory();
        refused(own.house.token(&after, &token).await, want, &token);
    }
}

/// The door with a second client, and a token that it got in exchange for one of `shop/main`.
fn relaying(change: &Value) -> (Door, String) {
    let mut door = Door::new();
    let mut relay = door.house.clients[0].clone();
    relay.id = ClientId::parse("relay").unwrap();
    relay.profiles[0].id = ProfileId::parse("relay/main").unwrap();
    door.house.clients.insert(0, relay);
    // What the first client may be used from does not bind the second.
    door.house.clients[1].profiles[0].networks = vec!["203.0.113.0/24".parse().unwrap()];
    let exchanged = json!({
        "sub": "shop/main", "client_id": "relay/main", "act": {"sub": "relay/main"},
        "onedoor": {"profile": "relay/main", "grant": "t0",
            "givers": [{"profile": "shop/main", "credential": "shop-keys", "token": "t0"}]},
    });
    let token = door.token(&with(&exchanged, change));
    (door, token)
}

#[tokio::test]
async fn a_client_that_acts_for_another_one_acts_for_no_person() {
    let (door, token) = relaying(&json!({}));
    let directory = door.directory();
    let caller = door.house.token(&directory, &token).await.unwrap();
    assert_eq!((caller.profile.as_str(), caller.user.as_deref()), ("relay/main", None));
    // A stop of the first finds it there, too.
    assert_eq!(caller.actors, ["relay/main", "shop/main"]);
    // It was the relay that got it, and no use of what the first one shows.
    assert!(caller.credential.is_none() && directory.take_uses().is_empty());
    let giver = json!({"profile": "shop/main", "token": "t0"});
    for givers in [
        json!(null),
        json!([]),
        json!({}),
        json!([{"profile": "relay/main", "token": "t0"}]),
        json!([{"profile": "shop/main"}]),
        json!([{"profile": "shop/main", "admission": "gone", "token": "t0"}]),
        json!([{"profile": "shop/main", "credential": "gone", "token": "t0"}]),
        json!([{"profile": "shop/gone", "token": "t0"}]),
        json!([giver, {}]),
        json!(vec![giver.clone(); 9]),
    ] {
        let own = json!({"onedoor": {"profile": "relay/main", "givers": givers}});
        let (door, token) = relaying(&own);
        refused(door.house.token(&door.directory(), &token).await, "not there", &token);
    }
    let own = json!({"onedoor": {"profile": "relay/main", "givers": vec![giver; 8]}});
    let (door, token) = relaying(&own);
    assert!(door.house.token(&door.directory(), &token).await.is_ok());
}

#[tokio::test]
async fn a_token_ends_with_what_those_were_given_by_that_it_was_exchanged_for() {
    let of_person = json!({"sub": "local:ann", "onedoor": {"profile": "relay/main", "grant": "g1",
        "givers": [{"profile": "shop/main", "admission": "agents", "token": "t0"}]}});
    let changes: [(&str, &Value, Change); 9] = [
        ("taken back", &json!({}), |it| it.issuer.revoke("t0", Timestamp::from_seconds(NOW + 9))),
        ("revoked", &json!({}), |it| {
            Arc::make_mut(&mut it.credentials[0]).state = CredentialState::Revoked;
        }),
        ("expired", &json!({}), |it| {
            Arc::make_mut(&mut it.credentials[0]).expires = Timestamp::from_seconds(NOW);
        }),
        ("not there", &json!({}), |it| it.credentials.clear()),
        ("disabled", &json!({}), |it| it.house.clients[1].is_enabled = false),
        ("disabled", &of_person, |it| it.house.clients[1].profiles[0].is_enabled = false),
        ("not there", &of_person, |it| it.house.clients[1].profiles[0].tokens = None),
        ("not there", &of_person, |it| it.admissions.clear()),
        ("taken back", &of_person, |it| it.issuer.revoke("g1", Timestamp::from_seconds(NOW + 9))),
    ];
    for (want, claims, change) in changes {
        let (mut door, token) = relaying(claims);
        assert!(door.house.token(&door.directory(), &token).await.is_ok(), "{want} {claims}");
        change(&mut door);
        refused(door.house.token(&door.directory(), &token).await, want, &token);
    }
}

#[tokio::test]
async fn what_was_taken_back_is_refused_though_it_was_verified_before() {
    let own = Door::new();
    let directory = own.directory();
    let token = own.token(&json!({}));
    assert!(own.house.token(&directory, &token).await.is_ok());
    own.issuer.revoke("g1", Timestamp::from_seconds(NOW + 600));
    refused(own.house.token(&directory, &token).await, "taken back", &token);
}

#[tokio::test]
async fn a_key_that_is_published_no_longer_verifies_nothing() {
    let own = Door::new();
    let directory = own.directory();
    let token = own.token(&json!({}));
    assert!(own.house.token(&directory, &token).await.is_ok());
    let next = Signer::new(Algorithm::ES256).named("k2");
    own.issuer.publish(&json!({ "keys": [own.signer.jwk(), next.jwk()] })).unwrap();
    assert!(own.house.token(&directory, &token).await.is_ok());
    let newer = next.sign(&next.header(), &claims());
    assert!(own.house.token(&directory, &newer).await.is_ok());
    own.issuer.publish(&json!({ "keys": [next.jwk()] })).unwrap();
    refused(own.house.token(&directory, &token).await, "signature", &token);
    own.house.clock.advance(Duration::from_secs(600));
    refused(own.house.token(&directory, &newer).await, "exp", &newer);
}

#[tokio::test]
async fn a_profile_that_demands_a_binding_takes_no_unbound_token_of_the_door_itself() {
    let mut door = Door::new();
    let terms = door.house.clients[0].profiles[0].tokens.as_mut().unwrap();
    terms.binding = Some(model::TokenBinding::Dpop);
    let directory = door.directory();
    let token = door.token(&json!({}));
    for _ in 0..2 {
        refused(door.house.token(&directory, &token).await, "bound by dpop", &token);
    }
    let jkt = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
    let bound = door.token(&json!({"cnf": {"jkt": jkt}}));
    refused(door.house.token(&directory, &bound).await, "shown as a bearer token", &bound);
}
