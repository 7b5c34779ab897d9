//! A token that is bound is worth nothing to who does not hold what it is bound to, on both surfaces.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use identity::{
    api_key::Pepper,
    dpop::{NonceMaker, Proofs},
};
use model::Secret;
use serde_json::{Value, json};
use testkit::{Answer, House};

use crate::{
    shop,
    signer::{Signer, hash},
};

const DOOR: &str = "https://door.example";
const ISSUER: &str = "https://login.example";

/// A shop whose callers come with tokens of an issuer, and one of them with the key of his.
struct Door {
    house: House,
    issuer: Signer,
    key: Signer,
    /// No proof is like another.
    made: AtomicU32,
}

impl Door {
    async fn open() -> Self {
        Self::remembering(&Arc::new(Proofs::new(None))).await
    }

    async fn remembering(proofs: &Arc<Proofs>) -> Self {
        let (issuer, key) = (Signer::new(), Signer::new());
        let keys = json!({"keys": [issuer.jwk()]});
        let house = shop::builder()
            .at(DOOR)
            .proofs(proofs)
            .file(
                "issuers/login.yaml",
                &format!(
                    "issuer: {ISSUER}\njwks: {keys}\naudiences: [door]\nalgorithms: [EdDSA]\n"
                ),
            )
            .file(
                "credentials/ann.yaml",
                "profile: app/reader\nkind: external\nissuer: login\nclaims: {sub: ann}\n\
                 expires: 2027-12-31\n",
            )
            .file("limits/app-daily.yaml", "client: app\nper: client\nquota: 100/day\n")
            .open()
            .await
            .expect("the shop has no faults");
        Self { house, issuer, key, made: AtomicU32::new(0) }
    }

    /// A token with these claims besides the usual ones.
    fn token(&self, cnf: Option<Value>) -> String {
        let now = self.house.clock.now().as_seconds();
        let mut claims = json!({"iss": ISSUER, "aud": "door", "sub": "ann", "exp": now + 600});
        claims.as_object_mut().unwrap().extend(cnf.map(|it| ("cnf".to_owned(), it)));
        self.issuer.sign(&json!({"typ": "at+jwt", "alg": "EdDSA"}), &claims)
    }

    fn bound_token(&self) -> String {
        self.token(Some(json!({"jkt": self.key.jkt()})))
    }

    /// A new proof for `token`, with the members of `change` in place of the right ones.
    fn proof(&self, (method, path): (&str, &str), token: &str, change: &Value) -> String {
        let mut claims = json!({
            "jti": format!("proof {}", self.made.fetch_add(1, Ordering::SeqCst)),
            "htm": method,
            "htu": format!("{DOOR}{path}"),
            "iat": self.house.clock.now().as_seconds(),
            "ath": hash(token),
        });
        let members = claims.as_object_mut().unwrap();
        members.extend(change.as_object().unwrap().clone());
        self.key.proof(&claims)
    }

    /// A call with these headers, on each surface.
    async fn by_rest(&self, headers: &[(&str, &str)]) -> Answer {
        let headers = [&[("host", "door.example")], headers].concat();
        self.house.client.send("GET", "/shop/items/7?note=x", &headers, "").await
    }

    async fn by_mcp(&self, headers: &[(&str, &str)]) -> Answer {
        self.post(headers, &call(1)).await
    }

    async fn post(&self, headers: &[(&str, &str)], message: &Value) -> Answer {
        let usual = [
            ("host", "door.example"),
            ("content-type", "application/json"),
            ("accept", "application/json, text/event-stream"),
            ("mcp-protocol-version", "2025-03-26"),
        ];
        let headers = [&usual, headers].concat();
        self.house.client.send("POST", "/mcp", &headers, message.to_string()).await
    }

    /// On both surfaces, each with a proof of its own in which this is other.
    async fn by_both(&self, token: &str, change: &Value) -> [Answer; 2] {
        let scheme = format!("DPoP {token}");
        let rest = self.proof(("GET", "/shop/items/7"), token, change);
        let mcp = self.proof(("POST", "/mcp"), token, change);
        [
            self.by_rest(&[("authorization", &scheme), ("dpop", &rest)]).await,
            self.by_mcp(&[("authorization", &scheme), ("dpop", &mcp)]).await,
        ]
    }
}

fn call(id: u32) -> Value {
    json!({
        "jsonrpc": "2.0", "id": id, "method": "tools/call",
        "params": {"name": "shop_get_item", "arguments": {"id": "7"}},
    })
}

/// Carried out: a tool call that is refused by something else may have status 200.
#[track_caller]
fn carried_out(answer: &Answer) {
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["error"], Value::Null, "{}", answer.text());
}

/// Refused with this challenge and nothing else, and with a record that says why.
#[track_caller]
fn refused(door: &Door, answer: &Answer, (error, cause): (&str, &str)) {
    assert_eq!(answer.status, 401, "{}", answer.text());
    let challenges: Vec<_> = answer.headers.get_all("www-authenticate").iter().collect();
    assert_eq!(challenges.len(), 1);
    let challenge = answer.header("www-authenticate");
    let want = format!("DPoP realm=\"onedoor\", error=\"{error}\", algs=\"ES256 ");
    assert!(challenge.starts_with(&want), "{challenge}");
    let metadata = format!("resource_metadata=\"{DOOR}/.well-known/oauth-protected-resource");
    assert!(challenge.contains(&metadata), "{challenge}");
    let record = door.house.records().pop().unwrap();
    assert_eq!(record["decision"], "deny", "{record}");
    assert!(record["cause"].as_str().unwrap().contains(cause), "{record}, wanted {cause}");
}

#[tokio::test]
async fn a_bound_token_is_good_with_a_new_proof_and_nothing_of_it_goes_upstream() {
    let door = Door::open().await;
    let token = door.bound_token();
    for _ in 0..2 {
        door.by_both(&token, &json!({})).await.iter().for_each(carried_out);
    }
    let seen = door.house.recorder.take();
    assert_eq!(seen.len(), 4);
    for request in seen {
        assert_eq!(request.headers.get("dpop"), None);
        assert_eq!(request.headers.get("authorization"), None);
    }
    let records = door.house.records();
    for record in records {
        assert_eq!(record["credential"], "ann", "{record}");
        let kinds = (&record["credential_kind"], &record["token_kind"]);
        assert_eq!(kinds, (&json!("external"), &json!("dpop")), "{record}");
        assert_eq!(record["token_bound_to"], door.key.jkt(), "{record}");
    }
}

#[tokio::test]
async fn a_proof_that_is_not_for_this_request_of_now_is_refused() {
    let door = Door::open().await;
    let token = door.bound_token();
    let old = door.house.clock.now().as_seconds() - 301;
    for (change, cause) in [
        (json!({"htm": "PUT"}), "htm is not"),
        (json!({"htu": format!("{DOOR}/mcp/orders")}), "htu is not"),
        (json!({"htu": "http://door.example/mcp"}), "htu is not"),
        (json!({"iat": old}), "iat is more"),
        (json!({"ath": hash("another")}), "ath is not"),
    ] {
        for answer in door.by_both(&token, &change).await {
            refused(&door, &answer, ("invalid_dpop_proof", cause));
        }
    }
    assert_eq!(door.house.recorder.take().len(), 0);
}

#[tokio::test]
async fn a_proof_that_comes_again_is_refused_and_recorded() {
    let proofs = Arc::new(Proofs::new(None));
    let door = Door::remembering(&proofs).await;
    let token = door.bound_token();
    let scheme = format!("DPoP {token}");
    let (rest, mcp) = (
        door.proof(("GET", "/shop/items/7"), &token, &json!({})),
        door.proof(("POST", "/mcp"), &token, &json!({})),
    );
    let (rest, mcp) = (
        [("authorization", &*scheme), ("dpop", &*rest)],
        [("authorization", &*scheme), ("dpop", &*mcp)],
    );
    carried_out(&door.by_rest(&rest).await);
    refused(&door, &door.by_rest(&rest).await, ("invalid_dpop_proof", "jti was used before"));
    carried_out(&door.by_mcp(&mcp).await);
    refused(&door, &door.by_mcp(&mcp).await, ("invalid_dpop_proof", "jti was used before"));
}

#[tokio::test]
async fn the_calls_of_one_message_stand_on_its_one_proof() {
    let door = Door::open().await;
    let token = door.bound_token();
    let (scheme, proof) =
        (format!("DPoP {token}"), door.proof(("POST", "/mcp"), &token, &json!({})));
    let headers = [("authorization", &*scheme), ("dpop", &*proof)];
    let answer = door.post(&headers, &json!([call(1), call(2), call(3)])).await;
    let results = answer.json();
    assert_eq!(results.as_array().map(Vec::len), Some(3), "{results}");
    assert!(results.as_array().unwrap().iter().all(|it| it["error"].is_null()), "{results}");
    assert_eq!(door.house.recorder.take().len(), 3);
}

#[tokio::test]
async fn who_stole_a_bound_token_without_its_key_gets_nowhere() {
    let (door, thief) = (Door::open().await, Signer::new());
    let (token, unbound) = (door.bound_token(), door.token(None));
    let (bearer, scheme) = (format!("Bearer {token}"), format!("DPoP {token}"));
    for headers in [&[("authorization", &*bearer)][..], &[("authorization", &*scheme)]] {
        let with_proof = headers[0].1.starts_with("DPoP");
        let want = match with_proof {
            true => ("invalid_dpop_proof", "there is no dpop header"),
            false => ("invalid_token", "shown as a bearer token"),
        };
        refused(&door, &door.by_rest(headers).await, want);
        refused(&door, &door.by_mcp(headers).await, want);
    }
    let owner = Door { key: thief, ..door };
    for answer in owner.by_both(&token, &json!({})).await {
        refused(&owner, &answer, ("invalid_dpop_proof", "another key"));
    }
    for answer in owner.by_both(&unbound, &json!({})).await {
        refused(&owner, &answer, ("invalid_token", "bound to no key"));
    }
    let bearer = format!("Bearer {unbound}");
    carried_out(&owner.by_rest(&[("authorization", &bearer)]).await);
}

#[tokio::test]
async fn a_profile_that_demands_proofs_is_reached_by_bound_tokens_alone_and_says_so() {
    let mut door = Door::open().await;
    let metadata = async |door: &Door| {
        let (path, headers) = ("/.well-known/oauth-protected-resource", [("host", "door.example")]);
        door.house.client.send("GET", path, &headers, "").await.json()
    };
    let before = metadata(&door).await;
    assert_eq!(before["dpop_bound_access_tokens_required"], Value::Null);
    assert_eq!(before["dpop_signing_alg_values_supported"][0], "ES256");
    let unbound = format!("Bearer {}", door.token(None));
    carried_out(&door.by_rest(&[("authorization", &unbound)]).await);
    let clients = "kind: app\nowner: ann\nprofiles:\n  full: {roles: [everything]}\n  \
                   reader:\n    roles: [reader]\n    tokens: {grants: [client_credentials], \
                   bound_by: dpop}\n";
    door.house.change("clients/app.yaml", clients, 2).unwrap();
    for answer in [
        door.by_rest(&[("authorization", &unbound)]).await,
        door.by_mcp(&[("authorization", &unbound)]).await,
    ] {
        refused(&door, &answer, ("invalid_token", "takes only tokens that are bound by dpop"));
    }
    let token = door.bound_token();
    door.by_both(&token, &json!({})).await.iter().for_each(carried_out);
    assert_eq!(metadata(&door).await["dpop_bound_access_tokens_required"], true);
}

#[tokio::test]
async fn who_lacks_the_nonce_is_given_it() {
    let pepper = Pepper::new(&Secret::new(vec![7; 32])).unwrap();
    let proofs = Arc::new(Proofs::new(None).demanding(NonceMaker::under(&pepper)));
    let door = Door::remembering(&proofs).await;
    let token = door.bound_token();
    for answer in door.by_both(&token, &json!({})).await {
        assert_eq!(answer.status, 401);
        let challenge = answer.header("www-authenticate");
        assert!(challenge.contains("error=\"use_dpop_nonce\""), "{challenge}");
        let nonce = answer.header("dpop-nonce");
        door.by_both(&token, &json!({ "nonce": nonce })).await.iter().for_each(carried_out);
    }
}
