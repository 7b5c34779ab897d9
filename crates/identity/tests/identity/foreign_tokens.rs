//! Tokens as well-known issuers write them, which follow no profile for access tokens.

use jsonwebtoken::Algorithm;
use model::{Caller, TokenScopes};
use serde_json::{Value, json};

use crate::{
    house::{House, NOW, refused},
    signer::{Signer, claims, with},
};

/// An issuer whose access tokens say no more than `JWT`, with one credential by this claim.
fn house(signer: &Signer, claim: (&str, &str)) -> House {
    let mut house = House::trusting(&[signer.jwk()]);
    house.credentials.clear();
    house.external("shop-token", &[claim]);
    house.issuers[0].types = vec!["jwt".into()];
    house
}

async fn let_in(claim: (&str, &str), change: Value) -> Caller {
    let signer = Signer::new(Algorithm::RS256);
    let house = house(&signer, claim);
    let token = token(&signer, &change);
    let caller = house.token(&house.directory(), &token).await;
    caller.unwrap_or_else(|it| panic!("{change}: {it:?}")).as_ref().clone()
}

fn token(signer: &Signer, change: &Value) -> String {
    let header = with(&signer.header(), &json!({"typ": "JWT"}));
    signer.sign(&header, &with(&with(&claims(), &json!({"client_id": null})), change))
}

#[tokio::test]
async fn a_person_and_an_application_are_told_apart_however_the_issuer_says_it() {
    let (person, application) = (Some("idp:AAAA-1"), None);
    for (why, claim, change, want) in [
        (
            "Entra, first version, a person",
            ("appid", "6e74172b"),
            json!({"sub": "AAAA-1", "appid": "6e74172b", "appidacr": "0", "scp": "Orders.Read"}),
            person,
        ),
        (
            "Entra, second version, a person",
            ("azp", "6e74172b"),
            json!({"sub": "AAAA-1", "azp": "6e74172b", "idtyp": "user", "ver": "2.0"}),
            person,
        ),
        (
            "Entra, an application",
            ("azp", "6e74172b"),
            json!({"sub": "f00d", "oid": "f00d", "azp": "6e74172b", "idtyp": "app"}),
            application,
        ),
        (
            "Auth0, an application",
            ("azp", "k3y"),
            json!({"sub": "k3y@clients", "azp": "k3y", "gty": "client-credentials"}),
            application,
        ),
        (
            "Auth0, somebody else's name",
            ("azp", "k3y"),
            json!({"sub": "AAAA-1", "azp": "k3y"}),
            person,
        ),
        (
            "Okta, an application",
            ("cid", "0oa"),
            json!({"sub": "0oa", "cid": "0oa", "scp": ["orders"]}),
            application,
        ),
        (
            "Keycloak, a person",
            ("azp", "web"),
            json!({"sub": "AAAA-1", "azp": "web", "typ": "Bearer", "nonce": "n"}),
            person,
        ),
    ] {
        assert_eq!(let_in(claim, change).await.user.as_deref(), want, "{why}");
    }
}

#[tokio::test]
async fn a_credential_can_match_one_scope_of_many() {
    for (claim, scope) in [
        (("scp", "Orders.Read"), json!({"scp": "Files.Read Orders.Read"})),
        (("scp", "Orders.Read"), json!({"scp": ["Files.Read", "Orders.Read"]})),
        (("scope", "orders"), json!({"scope": "openid  orders"})),
        (("scope", "openid orders"), json!({"scope": "openid orders"})),
    ] {
        let_in(claim, scope).await;
    }
    let signer = Signer::new(Algorithm::RS256);
    for (claim, change) in [
        (("scp", "Orders.Read"), json!({"scp": "Orders.ReadWrite"})),
        (("scope", ""), json!({"scope": "a  b"})),
        // Any other claim is one text, spaces and all.
        (("dept", "sales"), json!({"dept": "sales eu"})),
    ] {
        let house = house(&signer, claim);
        let token = token(&signer, &change);
        refused(house.token(&house.directory(), &token).await, "no credential matches", &token);
    }
}

#[tokio::test]
async fn scopes_of_this_door_narrow_a_token_of_another_issuer() {
    let client = ("azp", "web");
    for (scope, want) in [
        (json!({}), None),
        (json!({"scope": "openid profile"}), None),
        (json!({"scope": "openid collection:orders"}), Some("collection:orders")),
        (
            json!({"scp": ["role:reader", "collection:orders"]}),
            Some("collection:orders role:reader"),
        ),
    ] {
        let caller = let_in(client, with(&scope, &json!({"azp": "web"}))).await;
        let scopes = caller.bounds.and_then(|it| it.scopes.clone());
        assert_eq!(scopes, want.map(|it| TokenScopes::parse(it).unwrap()), "{scope}");
    }
    let signer = Signer::new(Algorithm::RS256);
    let house = house(&signer, client);
    for scope in ["role:*", "collection:", "collection:Orders x"] {
        let token = token(&signer, &json!({"azp": "web", "scope": scope}));
        refused(house.token(&house.directory(), &token).await, "no scopes of this door", &token);
    }
}

#[tokio::test]
async fn a_token_of_a_general_type_that_is_none_for_access_is_refused() {
    let signer = Signer::new(Algorithm::RS256);
    let house = house(&signer, ("azp", "web"));
    let directory = house.directory();
    for change in [
        json!({"nonce": "n-0S6_WzA2Mj", "auth_time": NOW}),
        json!({"at_hash": "MTIzNDU2Nzg5MDEyMzQ1Ng"}),
        json!({"c_hash": "LDktKdoQak3Pk0cnXxCltA", "typ": "Bearer"}),
        json!({"typ": "ID"}),
        json!({"typ": "Refresh"}),
        json!({"typ": "Logout"}),
        json!({"typ": 1}),
        json!({"token_use": "id"}),
        json!({"token_type": "refresh_token"}),
        json!({"events": {"http://schemas.openid.net/event/backchannel-logout": {}}}),
    ] {
        let token = token(&signer, &with(&change, &json!({"azp": "web"})));
        refused(house.token(&directory, &token).await, "is no access token", &token);
    }
    let good = token(&signer, &json!({"azp": "web"}));
    assert!(house.token(&directory, &good).await.is_ok());
}

#[tokio::test]
async fn no_subject_of_an_issuer_passes_for_somebody_elses() {
    for subject in ["local:ann", "corp:eve", "idp:eve", "shop/main", "onedoor"] {
        let caller = let_in(("azp", "web"), json!({"sub": subject, "azp": "web"})).await;
        assert_eq!(caller.user, Some(format!("idp:{subject}")));
    }
}

#[tokio::test]
async fn a_token_is_named_by_its_id_where_its_issuer_gives_one_and_else_by_its_hash() {
    let claim = ("azp", "shop");
    let said = json!({"azp": "shop", "jti": "j7", "amr": ["pwd", "mfa"]});
    let known_by = let_in(claim, said).await.known_by;
    assert_eq!(known_by.token_id.as_deref(), Some("j7"));
    assert_eq!(known_by.methods.as_deref(), Some("pwd mfa"));
    let known_by = let_in(claim, json!({"azp": "shop", "jti": null})).await.known_by;
    let id = known_by.token_id.unwrap();
    assert!(id.starts_with("sha256:") && id.len() == 39, "{id}");
    assert_eq!(known_by.methods, None);
}
