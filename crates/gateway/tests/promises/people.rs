//! Several people behind one profile: what one of them has begun is none of the others'.

use serde_json::{Value, json};
use testkit::{Answer, House};

use crate::{shop, signer::Signer};

const ISSUER: &str = "https://login.example";

/// A shop where people come by the profile `app/reader`, and the tokens of Ann and Ben.
async fn house() -> (House, [String; 2]) {
    let signer = Signer::new();
    let keys = json!({"keys": [signer.jwk()]});
    let issuer =
        format!("issuer: {ISSUER}\njwks: {keys}\naudiences: [door]\nalgorithms: [EdDSA]\n");
    let house = shop::builder()
        .file("issuers/login.yaml", &issuer)
        .file(
            "credentials/people.yaml",
            "profile: app/reader\nkind: external\nissuer: login\nclaims: {azp: shop}\n\
             expires: 2027-12-31\n",
        )
        .open()
        .await
        .expect("the shop has no faults");
    let exp = house.clock.now().as_seconds() + 600;
    let tokens = ["ann", "ben"].map(|sub| {
        let claims = json!({"iss": ISSUER, "aud": "door", "azp": "shop", "sub": sub, "exp": exp});
        signer.sign(&json!({"typ": "at+jwt", "alg": "EdDSA"}), &claims)
    });
    (house, tokens)
}

async fn send(house: &House, token: &str, session: &str, message: &Value) -> Answer {
    let bearer = format!("Bearer {token}");
    let mut headers = vec![
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
        ("authorization", &*bearer),
    ];
    if !session.is_empty() {
        headers.extend([("mcp-session-id", session), ("mcp-protocol-version", "2025-11-25")]);
    }
    house.client.send("POST", "/mcp", &headers, message.to_string()).await
}

#[tokio::test]
async fn nobody_uses_or_ends_the_session_of_another_person_behind_the_same_profile() {
    let (house, [ann, ben]) = house().await;
    let initialize = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"},
    }});
    let begun = send(&house, &ann, "", &initialize).await;
    let session = begun.header("mcp-session-id");
    assert!(!session.is_empty(), "{}", begun.text());
    let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
    let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled",
        "params": {"requestId": 1}});
    assert_eq!(send(&house, &ben, session, &ping).await.status, 404);
    assert_eq!(send(&house, &ben, session, &cancel).await.status, 404);
    let end = async |token: &str| {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", &*bearer), ("mcp-session-id", session)];
        house.client.send("DELETE", "/mcp", &headers, "").await.status
    };
    assert_eq!(end(&ben).await, 404);
    assert_eq!(send(&house, &ann, session, &ping).await.status, 200, "it is there");
    assert_eq!(end(&ann).await, 204);
}
