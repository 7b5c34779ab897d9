//! A client asks for a token for itself.

use std::{sync::Arc, time::Duration};

use model::{
    Credential, CredentialId, CredentialState, How, KeySource, LastUse, Proof, TokenBinding,
    TokenTerms, Way,
};
use serde_json::json;

use crate::{
    house::{Browser, DOOR, House, SECRET, VERIFIER, authorize, claims},
    key::Key,
};

const FORM: [(&str, &str); 1] = [("grant_type", "client_credentials")];
const BATCH: Option<(&str, &str)> = Some(("batch/main", SECRET));

#[tokio::test]
async fn a_client_that_proves_itself_gets_a_token_for_what_it_names() {
    let house = House::open().await;
    let form = [FORM[0], ("resource", "https://door.example/mcp/orders"), ("scope", "role:reader")];
    let (status, answer) = house.post("/oauth/token", BATCH, &form).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!((&answer["token_type"], &answer["expires_in"]), (&"Bearer".into(), &600.into()));
    assert!(answer.get("refresh_token").is_none());
    let claims = claims(&answer["access_token"]);
    assert_eq!(claims["iss"], DOOR);
    assert_eq!(claims["aud"], "https://door.example/mcp/orders");
    assert_eq!(
        (&claims["sub"], &claims["client_id"]),
        (&"batch/main".into(), &"batch/main".into())
    );
    assert_eq!(claims["scope"], "role:reader");
    assert_eq!(claims["onedoor"]["profile"], "batch/main");
    assert_eq!(claims["onedoor"]["credential"], "batch-secret");
    let records = house.log.records();
    assert_eq!(
        (&records[0]["kind"], &records[0]["event"]),
        (&"authorization".into(), &"token.issue".into())
    );
    assert!(!format!("{records:?}").contains(SECRET));
}

#[tokio::test]
async fn what_is_not_proved_or_not_allowed_is_refused_and_recorded() {
    let house = House::open().await;
    let body = [FORM[0], ("client_id", "batch/main"), ("client_secret", SECRET)];
    assert_eq!(house.post("/oauth/token", None, &body).await.0, 200);
    for (basic, more, want) in [
        (Some(("batch/main", "ods_wrong")), &[][..], (401, "invalid_client")),
        (Some(("batch/other", SECRET)), &[], (401, "invalid_client")),
        (Some(("web/app", SECRET)), &[], (401, "invalid_client")),
        (None, &[("client_id", "batch/main")], (401, "invalid_client")),
        (BATCH, &[("client_secret", SECRET)], (400, "invalid_request")),
        (BATCH, &[("client_id", "web/app")], (400, "invalid_request")),
        (BATCH, &[("resource", "https://other.example/mcp")], (400, "invalid_target")),
        (BATCH, &[("scope", "orders")], (400, "invalid_scope")),
        (BATCH, &[("scope", "role:a"), ("scope", "role:b")], (400, "invalid_request")),
        (None, &[("client_id", "web/app")], (400, "unauthorized_client")),
    ] {
        let form = [&FORM[..], more].concat();
        let (status, answer) = house.post("/oauth/token", basic, &form).await;
        assert_eq!((status, answer["error"].as_str().unwrap()), want, "{basic:?} {more:?}");
    }
    let (status, answer) = house.post("/oauth/token", BATCH, &[("grant_type", "password")]).await;
    assert_eq!((status, &answer["error"]), (400, &"unsupported_grant_type".into()));
    assert_eq!(house.log.records().len(), 12);
}

#[tokio::test]
async fn less_than_the_profile_asks_for_is_not_given() {
    type Change = fn(&mut TokenTerms);
    let changes: [(Change, &str); 2] = [
        (|it| it.binding = Some(TokenBinding::Dpop), "invalid_dpop_proof"),
        (|it| it.binding = Some(TokenBinding::Mtls), "invalid_request"),
    ];
    for (change, want) in changes {
        let mut house = House::open().await;
        let client = Arc::make_mut(&mut house.desired.clients[1]);
        change(client.profiles[0].tokens.as_mut().unwrap());
        house.declare();
        let (status, answer) = house.post("/oauth/token", BATCH, &FORM).await;
        assert_eq!((status, &answer["error"]), (400, &want.into()));
    }
}

#[tokio::test]
async fn a_secret_is_used_where_a_client_proves_itself_by_it_and_not_where_it_fails() {
    let house = House::open().await;
    assert_eq!(house.post("/oauth/token", Some(("batch/main", "ods_wrong")), &FORM).await.0, 401);
    assert!(house.plane.uses.lock().unwrap().is_empty());
    assert_eq!(house.post("/oauth/token", BATCH, &FORM).await.0, 200);
    let how = Some(How { way: Way::TokenRequest, from: house.peer.get() });
    let used = LastUse { at: house.clock.now(), how };
    assert_eq!(*house.plane.uses.lock().unwrap(), [("batch-secret".to_owned(), used)]);
}

#[tokio::test]
async fn while_keys_are_rotated_of_which_both_have_one_the_successor_is_used() {
    let (mut house, key) = (House::open().await, Key::new());
    let keys = KeySource::Inline(Arc::new(json!({"keys": [key.jwk()]})));
    let of = |id: &str, state| Credential {
        id: CredentialId::parse(id).unwrap(),
        proof: Proof::PrivateKeyJwt { keys: keys.clone() },
        state,
        ..(*house.desired.credentials[0]).clone()
    };
    let (old, new) = (CredentialState::Retiring, CredentialState::Active);
    for (credentials, want) in [
        ([of("a-old", old), of("b-new", new)], "b-new"),
        ([of("a-new", new), of("b-old", old)], "a-new"),
    ] {
        house.desired.credentials = credentials.map(Arc::new).into();
        house.declare();
        let assertion = key.assertion(&house, "batch/main");
        let form = [
            FORM[0],
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", &*assertion),
        ];
        let (status, answer) = house.post("/oauth/token", None, &form).await;
        assert_eq!(status, 200, "{answer}");
        let used: Vec<_> = house.plane.uses.lock().unwrap().drain(..).map(|it| it.0).collect();
        assert_eq!(used, [want]);
    }
}

#[tokio::test]
async fn a_secret_that_is_older_than_its_profile_allows_gets_nothing() {
    let mut house = House::open().await;
    let day = Duration::from_secs(24 * 3600);
    Arc::make_mut(&mut house.desired.credentials[0]).created = Some(house.clock.now());
    let client = Arc::make_mut(&mut house.desired.clients[1]);
    client.profiles[0].rotation.lifetime_max = Some(day);
    house.declare();
    assert_eq!(house.post("/oauth/token", BATCH, &FORM).await.0, 200);
    house.clock.advance(day);
    assert_eq!(house.post("/oauth/token", BATCH, &FORM).await.0, 401);
}

#[tokio::test]
async fn a_token_is_promised_for_no_longer_than_what_it_was_given_by_lives() {
    let mut house = House::open().await;
    let now = house.clock.now();
    let later = |seconds| now.plus(Duration::from_secs(seconds));
    // A rotation leaves the old secret for its overlap alone; and a profile may have an end as well.
    for (credential, profile, want) in
        [(60, None, 60_i64), (60, Some(30), 30), (9_000, Some(30), 30), (9_000, None, 600)]
    {
        Arc::make_mut(&mut house.desired.credentials[0]).expires = later(credential);
        Arc::make_mut(&mut house.desired.clients[1]).profiles[0].expires = profile.map(later);
        house.declare();
        let (status, answer) = house.post("/oauth/token", BATCH, &FORM).await;
        assert_eq!((status, answer["expires_in"].as_i64()), (200, Some(want)), "{answer}");
        let claims = claims(&answer["access_token"]);
        assert_eq!(claims["exp"], now.as_seconds() + want);
    }
}

#[tokio::test]
async fn no_token_is_given_that_would_have_ended_by_its_own_word() {
    let mut house = House::open().await;
    let far = house.desired.credentials[0].expires;
    let soon = house.clock.now().plus(Duration::from_millis(900));
    for (credential, profile) in [(soon, None), (far, Some(soon))] {
        Arc::make_mut(&mut house.desired.credentials[0]).expires = credential;
        Arc::make_mut(&mut house.desired.clients[1]).profiles[0].expires = profile;
        house.declare();
        let (status, answer) = house.post("/oauth/token", BATCH, &FORM).await;
        assert_eq!((status, &answer["error"]), (401, &"invalid_client".into()), "{answer}");
    }
}

#[tokio::test]
async fn a_secret_that_was_revoked_or_has_expired_gets_nothing() {
    let mut house = House::open().await;
    for state in [CredentialState::Retired, CredentialState::Revoked] {
        Arc::make_mut(&mut house.desired.credentials[0]).state = state;
        house.declare();
        assert_eq!(house.post("/oauth/token", BATCH, &FORM).await.0, 401);
    }
    let secret = Arc::make_mut(&mut house.desired.credentials[0]);
    (secret.state, secret.expires) = (CredentialState::Retiring, house.clock.now());
    house.declare();
    assert_eq!(house.post("/oauth/token", BATCH, &FORM).await.0, 401);
    house.desired.credentials.clear();
    house.declare();
    assert_eq!(house.post("/oauth/token", BATCH, &FORM).await.0, 401);
}

#[tokio::test]
async fn a_token_for_several_resources_is_for_the_one_that_is_good_for_all() {
    const MCP: &str = "https://door.example/mcp";
    const ORDERS: &str = "https://door.example/mcp/orders";
    let house = House::open().await;
    for (resources, want) in [
        ([MCP, ORDERS], Some(MCP)),
        ([ORDERS, DOOR], Some(DOOR)),
        ([ORDERS, ORDERS], Some(ORDERS)),
        (["https://door.example/mcp/orders/", ORDERS], Some("https://door.example/mcp/orders/")),
        ([ORDERS, "https://door.example/mcp/customers"], None),
        ([MCP, "https://other.example/mcp"], None),
    ] {
        let form = [&FORM[..], &resources.map(|it| ("resource", it))].concat();
        let (status, answer) = house.post("/oauth/token", BATCH, &form).await;
        match want {
            Some(want) => assert_eq!(claims(&answer["access_token"])["aud"], want, "{resources:?}"),
            None => {
                let got = (status, answer["error"].as_str().unwrap());
                assert_eq!(got, (400, "invalid_target"), "{resources:?}");
            }
        }
    }
    // A person is asked for that one, and the client may say all of them again.
    let target = format!("{}&resource=https%3A%2F%2Fdoor.example%2Fmcp%2Forders", authorize(&[]));
    let code = Browser::default().allow(&house, &target).await;
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "web/app"),
        ("code", &code),
        ("code_verifier", VERIFIER),
    ];
    let (_, answer) = house.post("/oauth/token", None, &form).await;
    assert_eq!(claims(&answer["access_token"])["aud"], MCP);
    let refresh = [
        ("grant_type", "refresh_token"),
        ("client_id", "web/app"),
        ("refresh_token", answer["refresh_token"].as_str().unwrap()),
        ("resource", ORDERS),
        ("resource", MCP),
    ];
    assert_eq!(house.post("/oauth/token", None, &refresh).await.0, 200);
}

#[tokio::test]
async fn a_token_of_a_client_that_proves_itself_is_taken_back_by_that_proof_alone() {
    let house = House::open().await;
    let (_, answer) = house.post("/oauth/token", BATCH, &FORM).await;
    let token = answer["access_token"].as_str().unwrap();
    let is_good = async || {
        let (_, said) = house.post("/oauth/introspect", BATCH, &[("token", token)]).await;
        said["active"].as_bool().unwrap()
    };
    for (basic, form, want) in [
        (None, vec![("token", token), ("client_id", "batch/main")], 401),
        (None, vec![("token", token), ("client_id", "batch/main"), ("client_secret", "x")], 401),
        (Some(("batch/main", "ods_wrong")), vec![("token", token)], 401),
        // Of another client's, nothing is told.
        (None, vec![("token", token), ("client_id", "web/app")], 200),
    ] {
        assert_eq!(house.post("/oauth/revoke", basic, &form).await.0, want, "{basic:?} {form:?}");
        assert!(is_good().await, "{basic:?} {form:?}");
    }
    assert_eq!(house.post("/oauth/revoke", BATCH, &[("token", token)]).await.0, 200);
    assert!(!is_good().await);
}
