//! Tokens of the door itself that are bound, from where they are got to both surfaces: by its binary.

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Value, json};
use testkit::{Answer, Recorder};

use crate::{
    binary::{STATE, onedoor, write},
    serving::Serving,
    signer::{Signer, encode},
};

/// A client, and the key that it holds.
struct Holder {
    door: Serving,
    key: Signer,
    secret: String,
}

impl Holder {
    /// A new proof for this request, and for `token` where it is one.
    fn proof(&self, method: &str, path: &str, token: Option<&str>) -> String {
        let mut claims = json!({
            "jti": uuid::Uuid::new_v4().to_string(),
            "htm": method,
            "htu": format!("http://{}{path}", self.door.address()),
            "iat": model::Clock::system().now().as_seconds(),
        });
        let hash = |it: &str| json!(encode(digest(&SHA256, it.as_bytes())));
        claims.as_object_mut().unwrap().extend(token.map(|it| ("ath".to_owned(), hash(it))));
        let header = json!({"typ": "dpop+jwt", "alg": "EdDSA", "jwk": self.key.jwk()});
        self.key.sign(&header, &claims)
    }

    async fn token(&self, proof: Option<&str>) -> Answer {
        let form = format!(
            "grant_type=client_credentials&client_id=app%2Fdefault&client_secret={}",
            self.secret
        );
        let mut headers = vec![("content-type", "application/x-www-form-urlencoded")];
        headers.extend(proof.map(|it| ("dpop", it)));
        self.door.client().send("POST", "/oauth/token", &headers, form).await
    }

    async fn by_rest(&self, authorization: &str, proof: &str) -> Answer {
        let headers = [("authorization", authorization), ("dpop", proof)];
        self.door.client().send("GET", "/orders/orders/7", &headers, "").await
    }

    async fn by_mcp(&self, authorization: &str, proof: &str) -> Answer {
        let headers = [
            ("authorization", authorization),
            ("dpop", proof),
            ("content-type", "application/json"),
            ("accept", "application/json, text/event-stream"),
            ("mcp-protocol-version", "2025-06-18"),
        ];
        let message = json!({
            "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": {"name": "orders_get_order", "arguments": {"id": 7}},
        });
        self.door.client().send("POST", "/mcp", &headers, message.to_string()).await
    }
}

#[tokio::test]
async fn a_bound_token_is_got_with_a_proof_and_good_with_one_on_both_surfaces() {
    let (upstream, folder) = (Recorder::start().await, tempfile::tempdir().unwrap());
    write(folder.path(), STATE);
    let collection = format!(
        "owner: team\nupstream: {{url: '{}'}}\ndocument: documents/orders.yaml\n",
        upstream.url()
    );
    let client = "kind: app\nowner: team\nprofiles:\n  default:\n    roles: [reader]\n    \
                  tokens: {grants: [client_credentials], bound_by: dpop}\n";
    write(
        folder.path(),
        &[("state/collections/orders.yaml", &collection), ("state/clients/app.yaml", client)],
    );
    let ran =
        onedoor(folder.path(), &["credential", "new", "app/default", "--kind", "client_secret"]);
    let secret = ran.out.trim().to_owned();
    let door = Serving::start(folder.path());
    let holder = Holder { door, key: Signer::eddsa("k1"), secret };
    assert_eq!(holder.token(None).await.json()["error"], "invalid_dpop_proof");
    let proof = holder.proof("POST", "/oauth/token", None);
    let given = holder.token(Some(&proof)).await.json();
    assert_eq!(given["token_type"], "DPoP", "{given}");
    assert_eq!(holder.token(Some(&proof)).await.json()["error"], "invalid_dpop_proof");
    let token = given["access_token"].as_str().unwrap();
    let (scheme, bearer) = (format!("DPoP {token}"), format!("Bearer {token}"));
    let rest = holder.proof("GET", "/orders/orders/7", Some(token));
    let mcp = holder.proof("POST", "/mcp", Some(token));
    assert_eq!(holder.by_rest(&bearer, &rest).await.status, 401);
    assert_eq!(holder.by_mcp(&bearer, &mcp).await.status, 401);
    assert_eq!(holder.by_rest(&scheme, &rest).await.status, 200);
    let answer = holder.by_mcp(&scheme, &mcp).await;
    assert_eq!(answer.json()["result"]["isError"], Value::Bool(false), "{}", answer.text());
    for again in [holder.by_rest(&scheme, &rest).await, holder.by_mcp(&scheme, &mcp).await] {
        assert_eq!(again.status, 401);
        assert!(again.header("www-authenticate").contains("invalid_dpop_proof"));
    }
    let seen = upstream.take();
    assert_eq!(seen.len(), 2);
    assert!(seen.iter().all(|it| !it.headers.contains_key("dpop")), "{seen:?}");
}
