//! By what tokens are signed, and who believes them.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, Method};
use identity::{Declared, Directory, KeySets, Own, Presented, Sender};
use oauth::Algorithm;
use serde_json::Value;

use crate::house::{House, SECRET};

async fn key_set(house: &House) -> Value {
    let answer = house.ask(Method::GET, "/oauth/jwks", HeaderMap::new(), "").await;
    serde_json::from_slice(answer.body()).unwrap()
}

/// A token, and the algorithm in its header.
async fn token(house: &House) -> (String, Value) {
    let form = [("grant_type", "client_credentials")];
    let (_, answer) = house.post("/oauth/token", Some(("batch/main", SECRET)), &form).await;
    let token = answer.get("access_token").and_then(Value::as_str).unwrap().to_owned();
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    (token, header.get("alg").unwrap().clone())
}

/// Whether calls with the token are those of the client.
pub(crate) async fn is_believed(house: &House, token: &str) -> bool {
    let desired = &house.desired;
    let own = Own {
        issuer: &house.issuer,
        collections: &[],
        admissions: &desired.admissions,
        users: &desired.users,
        issuers: &[],
    };
    let declared = Declared {
        clients: &desired.clients,
        credentials: &desired.credentials,
        issuers: &[],
        pepper: None,
        own: Some(own),
    };
    let key_sets = KeySets::new(house.web(), house.clock.clone());
    let directory = Directory::new(declared, &key_sets);
    let peer = "192.0.2.1".parse().unwrap();
    let sender = Sender { peer, certificate: None, proof: None };
    directory.authenticate(&Presented::Token(token), &sender, house.clock.now()).await.is_ok()
}

#[tokio::test]
async fn tokens_of_each_algorithm_are_believed_by_the_published_keys() {
    for (algorithm, kind) in [(Algorithm::EdDsa, "OKP"), (Algorithm::Es256, "EC")] {
        let house = House::signing(algorithm).await;
        let keys = key_set(&house).await;
        let keys = keys["keys"].as_array().unwrap();
        assert_eq!((keys.len(), &keys[0]["kty"]), (1, &kind.into()));
        assert_eq!(keys[0]["alg"], algorithm.as_str());
        assert!(keys[0].get("d").is_none());
        let (token, named) = token(&house).await;
        assert_eq!(named, algorithm.as_str());
        assert!(is_believed(&house, &token).await);
        let (message, _) = token.rsplit_once('.').unwrap();
        let forged = format!("{message}.{}", URL_SAFE_NO_PAD.encode([1; 64]));
        assert!(!is_believed(&house, &forged).await);
    }
}

#[tokio::test]
async fn after_a_change_of_the_algorithm_a_key_is_published_before_it_signs() {
    let mut house = House::open().await;
    let (old, named) = token(&house).await;
    assert_eq!(named, "EdDSA");
    house.restart(Algorithm::Es256).await;
    let keys = key_set(&house).await;
    assert_eq!(keys["keys"].as_array().unwrap().len(), 2, "both are there: {keys}");
    assert_eq!(token(&house).await.1, "EdDSA");
    // Who asks for the old one meanwhile makes no third: it has the newer one sign first.
    house.restart(Algorithm::EdDsa).await;
    house.restart(Algorithm::Es256).await;
    assert_eq!(key_set(&house).await["keys"].as_array().unwrap().len(), 2);
    house.advance(15 * 60 - 1);
    assert_eq!(token(&house).await.1, "EdDSA");
    house.advance(1);
    let (new, named) = token(&house).await;
    assert_eq!(named, "ES256");
    assert!(is_believed(&house, &new).await);
    house.restart(Algorithm::Es256).await;
    assert_eq!(key_set(&house).await["keys"].as_array().unwrap().len(), 2);
    // 15 minutes are longer than the old token lived.
    assert!(!is_believed(&house, &old).await);
    // Two hours after it signed last, nobody needs the old key.
    house.advance(2 * 3600 + 1);
    house.server.start().await.unwrap();
    house.server.start().await.unwrap();
    let keys = key_set(&house).await;
    let keys = keys["keys"].as_array().unwrap();
    assert_eq!((keys.len(), &keys[0]["alg"]), (1, &"ES256".into()));
}
