//! Tokens of a trusted issuer, over both surfaces: from its key set on the network to the record.

use std::{fs, path::Path, time::Duration};

use model::{Clock, Timestamp};
use serde_json::{Value, json};
use testkit::{Client, House, Recorder};
use tokio::task::JoinSet;

use crate::{
    binary::{STATE, write},
    serving::Serving,
    signer::{Signer, key_set, with},
};

const ISS: &str = "https://login.example.com";
const AUD: &str = "https://api.example.com";
const DAY: Duration = Duration::from_secs(86_400);

#[tokio::test]
async fn a_token_of_a_trusted_issuer_is_good_on_both_surfaces_and_recorded() {
    let (issuer, upstream) = (Recorder::start().await, Recorder::start().await);
    let (ecdsa, edwards) = (Signer::es256("k1"), Signer::eddsa("k2"));
    issuer.publish("/keys", key_set(&[&ecdsa, &edwards]));
    let folder = tempfile::tempdir().unwrap();
    let (door, now) = serve(folder.path(), &issuer.url(), &upstream.url());
    for signer in [&ecdsa, &edwards] {
        let token = signer.sign(&signer.header(), &claims(now));
        assert_eq!(by_both(&door.client(), &token).await, [200, 200]);
    }
    let seen = upstream.take();
    assert_eq!(seen.len(), 4);
    for request in seen {
        assert_eq!(request.target, "/orders/7");
        assert_eq!(request.headers.get("authorization"), None, "the token went upstream");
    }
    let records = records(folder.path());
    let surfaces: Vec<_> = records.iter().map(|it| it["surface"].as_str().unwrap()).collect();
    assert_eq!(surfaces, ["rest", "mcp", "rest", "mcp"]);
    for record in &records {
        let want = json!({
            "kind": "call", "client": "app", "profile": "app/default", "user": "company:ann",
            "credential": "nightly", "operation": "orders.get_order", "decision": "allow",
        });
        assert_eq!(with(record.clone(), &want), *record);
    }
    assert_eq!(issuer.take().len(), 1, "keys are fetched once and kept");
}

#[tokio::test]
async fn a_token_with_anything_wrong_is_401_on_both_surfaces_and_recorded() {
    let (issuer, upstream) = (Recorder::start().await, Recorder::start().await);
    let (signer, stranger) = (Signer::es256("k1"), Signer::es256("k1"));
    issuer.publish("/keys", key_set(&[&signer]));
    let folder = tempfile::tempdir().unwrap();
    let (door, now) = serve(folder.path(), &issuer.url(), &upstream.url());
    let (client, header, claims) = (door.client(), signer.header(), claims(now));
    let head = |change: Value| signer.sign(&with(header.clone(), &change), &claims);
    let says = |change: Value| signer.sign(&header, &with(claims.clone(), &change));
    let seconds = now.as_seconds();
    let unsigned = head(json!({"alg": "none"}));
    let (message, _) = unsigned.rsplit_once('.').unwrap();
    for (what, token) in [
        ("another audience", says(json!({"aud": "https://other.example.com"}))),
        ("expired", says(json!({"exp": seconds - 1}))),
        ("not yet good", says(json!({"nbf": seconds + 3600}))),
        ("another issuer", says(json!({"iss": "https://evil.example.com"}))),
        ("no credential with these claims", says(json!({"azp": "other-job"}))),
        ("unsigned", format!("{message}.")),
        ("unsigned, with a signature", unsigned.clone()),
        ("an algorithm of shared secrets", head(json!({"alg": "HS256"}))),
        ("an id token", head(json!({"typ": "JWT"}))),
        ("an unknown key", head(json!({"kid": "k9"}))),
        ("another's key", stranger.sign(&header, &claims)),
    ] {
        let before = records(folder.path()).len();
        assert_eq!(by_both(&client, &token).await, [401, 401], "{what}");
        let records = &records(folder.path())[before..];
        assert_eq!(records.len(), 2, "{what}");
        for (record, surface) in records.iter().zip(["rest", "mcp"]) {
            let want = json!({
                "surface": surface, "decision": "deny", "reason": "unauthenticated", "status": 401,
            });
            assert_eq!(with(record.clone(), &want), *record, "{what}");
            assert_eq!(record["client"], Value::Null, "{what}");
            assert!(!record["cause"].as_str().unwrap().is_empty(), "{what}");
        }
        let text = fs::read_to_string(audit(folder.path())).unwrap();
        assert!(!text.contains(&token), "the token stands in the records: {what}");
    }
    let token = signer.sign(&header, &claims);
    assert_eq!(by_both(&client, &token).await, [200, 200], "nothing is wrong with it");
    assert_eq!(upstream.take().len(), 2, "a call that was refused went upstream");
    assert_eq!(issuer.take().len(), 1);
}

#[tokio::test]
async fn unknown_keys_do_not_make_the_door_run_to_the_issuer() {
    let (issuer, upstream) = (Recorder::start().await, Recorder::start().await);
    let signer = Signer::eddsa("k1");
    issuer.publish("/keys", key_set(&[&signer]));
    let folder = tempfile::tempdir().unwrap();
    let (door, now) = serve(folder.path(), &issuer.url(), &upstream.url());
    let mut calls = JoinSet::new();
    for number in 0..50 {
        let header = with(signer.header(), &json!({"kid": format!("unknown-{number}")}));
        let (client, token) = (door.client(), signer.sign(&header, &claims(now)));
        calls.spawn(async move { by_both(&client, &token).await });
    }
    assert_eq!(calls.join_all().await, [[401, 401]; 50]);
    let token = signer.sign(&signer.header(), &claims(now));
    assert_eq!(by_both(&door.client(), &token).await, [200, 200]);
    assert_eq!(issuer.take().len(), 1, "one fetch in 30 seconds");
}

#[tokio::test]
async fn an_opaque_token_is_checked_by_asking_its_issuer_with_the_doors_own_secret() {
    let (issuer, upstream) = (Recorder::start().await, Recorder::start().await);
    let folder = tempfile::tempdir().unwrap();
    let now = Clock::system().now();
    let url = issuer.url();
    for (path, text) in state(&upstream.url(), &url, now) {
        write(folder.path(), &[(path, &text)]);
    }
    let secret = folder.path().join("state/.onedoor/secrets/company");
    let declared = format!("owner: team\nsource: {{file: '{}'}}\n", secret.display());
    let trusted = format!(
        "issuer: {ISS}\njwks_url: {url}/keys\naudiences: ['{AUD}']\nalgorithms: [ES256]\n\
         introspection: {{url: '{url}/introspect', client_id: door, client_secret: company}}\n"
    );
    write(
        folder.path(),
        &[
            ("state/.onedoor/secrets/company", "s3:cret\n"),
            ("state/secrets/company.yaml", &declared),
            ("state/issuers/company.yaml", &trusted),
        ],
    );
    let door = Serving::start(folder.path());
    issuer.publish("/introspect", r#"{"active":false}"#);
    until_it_can_ask(&door.client()).await;
    drop(issuer.take());
    let word = with(claims(now), &json!({"active": true, "token_type": "Bearer"}));
    issuer.publish("/introspect", word.to_string());
    let token = "2YotnFZFEjr1zCsicMWpAA";
    assert_eq!(by_both(&door.client(), token).await, [200, 200]);
    let asked = issuer.take();
    assert_eq!(asked.len(), 1, "asked once for both");
    assert_eq!(asked[0].body, format!("token={token}&token_type_hint=access_token"));
    // door:s3%3Acret
    assert_eq!(asked[0].headers["authorization"], "Basic ZG9vcjpzMyUzQWNyZXQ=");
    issuer.publish("/introspect", r#"{"active":false}"#);
    assert_eq!(by_both(&door.client(), "another-token").await, [401, 401]);
    issuer.publish("/introspect", "busy");
    let bearer = [("authorization", "Bearer a-third-token")];
    let answer = door.client().send("GET", "/orders/orders/7", &bearer, "").await;
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(answer.text().contains("issuer_unavailable"), "{}", answer.text());
    let text = fs::read_to_string(audit(folder.path())).unwrap();
    assert!(!text.contains("-token") && !text.contains(token), "a token is in the records");
    assert_eq!(upstream.take().len(), 2);
}

/// A door that has just begun serves while it still looks for the values of its secrets.
async fn until_it_can_ask(client: &Client) {
    let mut tries = 0..1_000;
    while by_both(client, &format!("early-{:?}", tries.next().unwrap())).await.contains(&503) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// In memory, for its clock: the door asks an issuer once in 30 seconds at most.
#[tokio::test]
async fn a_new_key_works_at_once_and_a_withdrawn_one_no_more() {
    let mut house = House::builder();
    let now = Timestamp::parse("2026-11-23").unwrap();
    for (path, text) in state("UPSTREAM", "UPSTREAM", now) {
        house = house.file(path.strip_prefix("state/").unwrap(), &text);
    }
    let house = house.open().await.unwrap();
    let (old, new) = (Signer::es256("k1"), Signer::eddsa("k2"));
    let [of_old, of_new] = [&old, &new].map(|it| it.sign(&it.header(), &claims(now)));
    let publish = |signers: &[&Signer]| house.recorder.publish("/keys", key_set(signers));

    publish(&[&old]);
    assert_eq!(by_both(&house.client, &of_old).await, [200, 200]);
    house.clock.advance(Duration::from_secs(30));
    publish(&[&old, &new]);
    assert_eq!(by_both(&house.client, &of_new).await, [200, 200], "the new key");
    assert_eq!(by_both(&house.client, &of_old).await, [200, 200], "still published");
    house.clock.advance(Duration::from_secs(30));
    publish(&[&new]);
    let unknown = new.sign(&with(new.header(), &json!({"kid": "k9"})), &claims(now));
    assert_eq!(by_both(&house.client, &unknown).await, [401, 401], "no such key");
    assert_eq!(by_both(&house.client, &of_old).await, [401, 401], "withdrawn");
    assert_eq!(by_both(&house.client, &of_new).await, [200, 200]);
    let fetches = house.recorder.take().into_iter().filter(|it| it.target == "/keys");
    assert_eq!(fetches.count(), 3);
}

/// Reads one order over REST and over MCP: the two statuses.
async fn by_both(client: &Client, token: &str) -> [u16; 2] {
    let bearer = format!("Bearer {token}");
    let by_rest =
        client.send("GET", "/orders/orders/7", &[("authorization", bearer.as_str())], "").await;
    let by_mcp = client.call_tool(token, "orders_get_order", &json!({"id": 7})).await;
    for answer in [&by_rest, &by_mcp] {
        let challenge = answer.header("www-authenticate");
        assert_eq!(challenge.starts_with("Bearer"), answer.status == 401, "{challenge:?}");
    }
    let is_result = by_mcp.json()["result"]["isError"] == false;
    assert_eq!(is_result, by_mcp.status == 200, "{}", by_mcp.text());
    [by_rest.status.as_u16(), by_mcp.status.as_u16()]
}

fn claims(now: Timestamp) -> Value {
    let seconds = now.as_seconds();
    json!({
        "iss": ISS, "aud": AUD, "sub": "ann", "azp": "nightly-job", "iat": seconds, "exp": seconds.saturating_add(300),
    })
}

/// The usual folder, where tokens of an issuer lead to `app/default`.
fn state(upstream: &str, issuer: &str, now: Timestamp) -> Vec<(&'static str, String)> {
    let mut files: Vec<_> = STATE.iter().map(|(path, text)| (*path, (*text).to_owned())).collect();
    files.extend([
        (
            "state/collections/orders.yaml",
            format!("owner: team\nupstream: {{url: '{upstream}'}}\ndocument: documents/orders.yaml\n"),
        ),
        (
            "state/issuers/company.yaml",
            format!(
                "issuer: {ISS}\njwks_url: {issuer}/keys\naudiences: ['{AUD}']\nalgorithms: [ES256, EdDSA]\n"
            ),
        ),
        (
            "state/credentials/nightly.yaml",
            format!(
                "profile: app/default\nkind: external\nissuer: company\nclaims: {{azp: nightly-job}}\n\
                 expires: {}\n",
                now.plus(DAY)
            ),
        ),
        ("state/limits/plenty.yaml", "rate: 1000/s\n".to_owned()),
    ]);
    files
}

fn serve(folder: &Path, issuer: &str, upstream: &str) -> (Serving, Timestamp) {
    let now = Clock::system().now();
    for (path, text) in state(upstream, issuer, now) {
        write(folder, &[(path, &text)]);
    }
    (Serving::start(folder), now)
}

fn audit(folder: &Path) -> std::path::PathBuf {
    folder.join("state/.onedoor/audit/00000000000000000000.jsonl")
}

/// What was recorded of requests.
fn records(folder: &Path) -> Vec<Value> {
    let records = audit::records(&folder.join("state/.onedoor/audit")).unwrap();
    records.into_iter().filter(|it| it["kind"] != "event").collect()
}
