//! What nobody means to send.

use admin::Call;
use bytes::Bytes;
use http::{HeaderValue, header};
use serde_json::{Value, json};

use crate::house::{ADMIN, House, openapi};

/// The same numbers in every run (`SplitMix64`).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).unwrap()).unwrap()
    }

    fn odd(&mut self) -> &'static str {
        ODD[self.below(ODD.len())]
    }
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a list")]
async fn what_cannot_be_read_is_refused_as_such() {
    let house = House::new().await;
    let id = json!({"id": "a"});
    let body = json!({"kind": "app", "owner": "x"});
    let send = async |name: &str, change: &dyn Fn(&mut Call)| {
        let body = if name.starts_with("put") { &body } else { &Value::Null };
        let mut call = house.call(ADMIN, name, &id, body);
        change(&mut call);
        house.send(&call).await.status
    };
    let with_body =
        |text: &'static [u8]| move |call: &mut Call| call.body = Bytes::from_static(text);
    for text in [&b""[..], b"{", b"kind: app", b"\xff\xfe", b"{}{}", b"nul"] {
        assert_eq!(send("put_client", &with_body(text)).await, 400, "{text:?}");
    }
    for text in [&b"null"[..], b"[]", b"7", b"\"x\"", b"{}"] {
        assert_eq!(send("put_client", &with_body(text)).await, 422, "{text:?}");
    }
    assert_eq!(send("get_client", &with_body(b"{\"a\":1}")).await, 400);
    let deep: &'static [u8] = "[".repeat(100_000).leak().as_bytes();
    assert_eq!(send("put_client", &with_body(deep)).await, 400);
    let query = |pairs: &[(&str, &str)]| {
        let pairs: Vec<_> =
            pairs.iter().map(|(a, b)| ((*a).to_owned(), Some((*b).to_owned()))).collect();
        move |call: &mut Call| call.query.extend(pairs.iter().cloned())
    };
    for pairs in [
        &[("reason", "a"), ("reason", "b")][..],
        &[("id", "b")],
        &[("If-Match", "*")],
        &[("unknown", "1")],
        &[("", "")],
        &[("reason", &"x".repeat(501))],
    ] {
        assert_eq!(send("put_client", &query(pairs)).await, 422, "{pairs:?}");
    }
    // PostgreSQL would not take it.
    assert_eq!(send("put_client", &query(&[("reason", "a\u{0}b")])).await, 422);
    for path in [
        "/clients/",
        "/clients/A",
        "/clients/%00",
        "/clients/..%2F..",
        "/clients",
        "/",
        "",
        "/clients/%ff",
    ] {
        let path = |call: &mut Call| call.path = path.to_owned();
        assert_eq!(send("put_client", &path).await, 422);
    }
    let huge = |call: &mut Call| call.path = format!("/clients/{}", "a".repeat(1 << 20));
    assert_eq!(send("get_client", &huge).await, 422);
    let unknown = |call: &mut Call| call.operation = "drop_everything".to_owned();
    assert_eq!(send("put_client", &unknown).await, 404);
    let text = |call: &mut Call| {
        drop(call.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain")));
    };
    assert_eq!(send("put_client", &text).await, 400);
    for value in [
        "\u{0}",
        "a\u{0}b",
        "\n",
        "\u{feff}",
        "\u{202e}",
        "- [",
        "\"",
        "&a *a",
        "!!binary x",
        "yes",
        "~",
    ] {
        let body = json!({"kind": "app", "owner": value, "description": value});
        let answer = house.ask(ADMIN, "put_client", json!({"id": "odd"}), body).await;
        assert!([200, 422].contains(&answer.status), "{value:?}: {}", answer.text);
        if answer.status == 200 {
            assert_eq!(answer.body["document"]["owner"], value, "{}", answer.text);
        }
    }
}

/// Valid requests, of every operation that writes and some that read.
#[expect(clippy::too_many_lines, reason = "a list")]
fn seeds() -> Vec<(&'static str, Value, Value)> {
    let document = openapi();
    let upstream =
        json!({"url": "http://x", "auth": {"kind": "header", "secret": "key", "name": "X-Key"}});
    let profile = json!({"roles": ["viewer", {"role": "editor", "owners": ["x"]}], "surfaces": ["rest"],
        "networks": ["10.0.0.0/8"], "expires": "2028-01-01", "enabled": true});
    let id = json!({"id": "a", "reason": "why", "If-None-Match": "*"});
    let any = json!({"id": "a"});
    let files = json!({"clients/z.yaml": "kind: app\nowner: x\n", "documents/d.json": "{}"});
    vec![
        (
            "put_client",
            id.clone(),
            json!({"kind": "app", "owner": "x", "profiles": {"p": profile}}),
        ),
        (
            "put_collection",
            id.clone(),
            json!({"title": "t", "owner": "x", "state": "draft", "base": "/a",
            "upstream": upstream, "document": document, "select": ["list_orders"],
            "operations": {"list_orders": {"name": "n", "effect": "read", "allow": ["anonymous"]}}}),
        ),
        (
            "put_credential",
            any.clone(),
            json!({"profile": "boss/viewer", "kind": "external",
            "expires": "2028-01-01", "issuer": "idp", "claims": {"azp": "a"}}),
        ),
        (
            "put_guard",
            id,
            json!({"description": "d", "policy": "forbid (principal, action, resource);"}),
        ),
        (
            "put_issuer",
            any.clone(),
            json!({"issuer": "https://i.example.com", "jwks_url": "https://i.example.com/j",
            "audiences": ["door"], "algorithms": ["RS256"], "types": ["JWT"]}),
        ),
        (
            "put_limit",
            any.clone(),
            json!({"client": "boss", "operations": ["onedoor:*"], "per": "client",
            "rate": "5/s", "burst": 7}),
        ),
        (
            "put_role",
            any.clone(),
            json!({"description": "d", "allow": [{"operations": ["onedoor:whoami"], "effects": ["read"]}]}),
        ),
        (
            "put_secret",
            any.clone(),
            json!({"owner": "x", "source": {"vault": {"address": "https://v.example.com",
            "mount": "m", "path": "p", "field": "f", "token": "key"}}}),
        ),
        (
            "put_upstream",
            any.clone(),
            json!({"url": "http://x", "connect_timeout": "5s", "connections_max": 9}),
        ),
        (
            "import_collection",
            json!({}),
            json!({"id": "imported", "owner": "x", "upstream": "http://x", "document": document, "publish": true}),
        ),
        ("duplicate_collection", any.clone(), json!({"to": "b", "base": "/b"})),
        (
            "issue_credential",
            json!({}),
            json!({"profile": "boss/viewer", "expires": "90d", "reason": "r"}),
        ),
        (
            "report_found_credential",
            json!({}),
            json!({"key": "odk_NobodyOfThisDoorHasItxxxxxxxxxxxxxxxxxxxxxx1RcKPO", "reason": "r"}),
        ),
        (
            "rotate_credential",
            any.clone(),
            json!({"expires": "90d", "overlap": "1d", "issuer": "idp", "claims": {"azp": "b"}}),
        ),
        ("add_secret_version", json!({"id": "key"}), json!({"value": "v", "pending": true})),
        (
            "set_secret_version_state",
            json!({"id": "key", "version": 1}),
            json!({"state": "active"}),
        ),
        ("apply_state", json!({}), json!({"files": files, "dry_run": true, "base": 1})),
        ("diff_state", json!({}), json!({"files": files})),
        ("rollback_revision", json!({"number": 1}), json!({"reason": "r"})),
        ("delete_role", any.clone(), Value::Null),
        ("revoke_credential", any, Value::Null),
        ("list_clients", json!({"limit": 3, "filter": "owner=x", "sort": "-id"}), Value::Null),
        ("compare_revisions", json!({"from": 0, "to": 1}), Value::Null),
        ("query_audit", json!({"since": "2026-01-01T00:00:00Z", "limit": 5}), Value::Null),
        (
            "get_audit_body",
            json!({"request_id": "00000000-0000-0000-0000-000000000000", "direction": "request"}),
            Value::Null,
        ),
        ("forget_subject", json!({}), json!({"kind": "user", "id": "ann", "reason": "r"})),
        ("propose_audit_purge", json!({}), json!({"older_than": "1d", "reason": "r"})),
        ("reject_audit_purge", json!({"id": "some"}), Value::Null),
        ("list_deliveries", json!({"webhook": "ops", "state": "dead", "cursor": 1}), Value::Null),
        ("list_credential_ages", json!({"client": "boss", "cursor": "a"}), Value::Null),
        (
            "explain_access",
            json!({"profile": "boss/viewer", "operation": "onedoor.whoami"}),
            Value::Null,
        ),
    ]
}

const ODD: [&str; 16] = [
    "",
    "\u{0}",
    "a\u{0}",
    "../..",
    "-",
    "~",
    "*",
    "{}",
    "[",
    "\u{1f600}",
    "99999999999999999999999",
    "null",
    "0x10",
    "1e999",
    " ",
    "\r\n: - &x",
];

fn odd(rng: &mut Numbers) -> Value {
    match rng.below(9) {
        0 => Value::Null,
        1 => json!(rng.below(2) == 0),
        2 => json!(rng.next().cast_signed()),
        3 => json!(f64::from_bits(rng.next())),
        4 => json!([]),
        5 => json!({}),
        6 => json!("x".repeat(rng.below(5000))),
        7 => json!([["a"], {"b": 1}]),
        _ => json!(rng.odd()),
    }
}

/// Changes one place in a value.
fn mutate(value: &mut Value, rng: &mut Numbers) {
    let is_here = rng.below(4) == 0;
    match value {
        Value::Object(fields) if !is_here && !fields.is_empty() => {
            let index = rng.below(fields.len());
            let name = fields.keys().nth(index).unwrap().clone();
            match rng.below(8) {
                0 => drop(fields.remove(&name)),
                1 => drop(fields.insert(rng.odd().to_owned(), odd(rng))),
                _ => mutate(&mut fields[&name], rng),
            }
        }
        Value::Array(values) if !is_here && !values.is_empty() => {
            let index = rng.below(values.len());
            match rng.below(6) {
                0 => drop(values.remove(index)),
                1 => values.push(values[index].clone()),
                _ => mutate(&mut values[index], rng),
            }
        }
        Value::String(text) if !is_here => {
            let at = rng.below(text.chars().count() + 1);
            let at = text.char_indices().nth(at).map_or(text.len(), |it| it.0);
            text.insert_str(at, rng.odd());
        }
        other => *other = odd(rng),
    }
}

#[tokio::test]
async fn mutations_are_answered_and_never_by_a_fault_of_ours() {
    mutations(1_000, 5).await;
}

#[tokio::test]
#[ignore = "takes a minute"]
async fn ten_thousand_mutations_are_answered_and_never_by_a_fault_of_ours() {
    mutations(10_000, 6).await;
}

async fn mutations(count: usize, seed: u64) {
    let house = House::with(&[
        ("secrets/key.yaml", "owner: x\nsource: store\n"),
        ("issuers/idp.yaml", "issuer: https://idp.example.com\njwks_url: https://idp.example.com/j\naudiences: [door]\nalgorithms: [RS256]\n"),
    ])
    .await;
    let mut rng = Numbers(seed);
    let seeds = seeds();
    for (name, parameters, body) in &seeds {
        let answer = house.ask(ADMIN, name, parameters.clone(), body.clone()).await;
        assert!([200, 201, 404, 409, 412].contains(&answer.status), "{name}: {}", answer.text);
    }
    let mut statuses = std::collections::BTreeMap::new();
    for round in 0..count {
        let (name, parameters, body) = &seeds[rng.below(seeds.len())];
        let mut body = body.clone();
        for _ in 0..=rng.below(2) {
            mutate(&mut body, &mut rng);
        }
        let mut call = house.call(ADMIN, name, parameters, &body);
        match rng.below(6) {
            0 => {
                let mut bytes = call.body.to_vec();
                bytes.truncate(rng.below(bytes.len() + 1));
                call.body = bytes.into();
            }
            1 => {
                let odd = rng.odd().to_owned();
                call.path = format!("{}{odd}", call.path);
            }
            2 => {
                let odd = rng.odd().to_owned();
                for (_, value) in &mut call.query {
                    *value = Some(odd.clone());
                }
            }
            _ => {}
        }
        let answer = house.send(&call).await;
        assert!(answer.status < 500, "{round} {name} {body}: {}", answer.text);
        *statuses.entry(answer.status).or_insert(0) += 1;
    }
    // It is not all refused at the first gate, and not all let through.
    assert!(statuses[&422] > count / 10 && statuses[&200] > count / 20, "{statuses:?}");
    let revision = house.admin.revision();
    assert_eq!(house.store.head().await.unwrap(), revision);
}
