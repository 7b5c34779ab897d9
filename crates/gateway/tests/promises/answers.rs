//! Nothing goes out without its record: every way in which an answer can leave the door is tried, and
//! has a record of its id and its status.

use std::{collections::BTreeSet, sync::Arc};

use audit::{EventId, Kind};
use gateway::{Local, LocalCall, LocalFuture};
use model::RefusalKind;
use serde_json::{Value, json};
use testkit::{Answer, House, HouseBuilder};

use crate::shop;

/// What is not tried in one go: what cannot be recorded is below, and only an issuer that is asked about
/// tokens can be out of reach, in `cut_off.rs`.
const ELSEWHERE: [RefusalKind; 2] = [RefusalKind::IssuerUnavailable, RefusalKind::Unrecorded];

/// Carries nothing out.
#[derive(Debug)]
struct Panics;

impl Local for Panics {
    fn carry_out(&self, _: LocalCall) -> LocalFuture<'_> {
        panic!("on purpose")
    }
}

/// A shop in which every kind of refusal has its cause.
fn builder() -> HouseBuilder {
    let collection = |more: &str| {
        let rest = "document: documents/shop.yaml\noperations:\n  ping: {allow: [anonymous]}\n";
        format!("owner: shop team\n{more}\n{rest}")
    };
    shop::builder()
        .file("roles/everything.yaml", "allow:\n  - operations: ['*:*']\n")
        .file("limits/app-daily.yaml", "client: app\nper: client\nquota: 1000/day\n")
        .file("collections/old.yaml", &collection("state: retired\nupstream: {url: UPSTREAM}"))
        .file(
            "collections/slow.yaml",
            &collection("upstream: {url: UPSTREAM, answer_timeout: 50ms}"),
        )
        .file("collections/dead.yaml", &collection("upstream: {url: 'http://127.0.0.1:9'}"))
        .file("collections/busy.yaml", &collection("upstream: {url: UPSTREAM, connections_max: 1}"))
        .file("collections/stopped.yaml", &collection("upstream: {url: UPSTREAM}"))
        .file("stops/some.yaml", "collection: stopped\nbecause: on purpose\n")
}

/// Whether answers leave the gateway by records of this kind. A new one has to say.
fn is_of_an_answer(kind: Kind) -> bool {
    match kind {
        Kind::Call | Kind::List | Kind::Malformed | Kind::Session => true,
        // Of another crate: oauth/tests/oauth/records.rs.
        Kind::Authorization => false,
        // Beside an answer, which has a record of its own.
        Kind::Bodies | Kind::Cut | Kind::Event | Kind::Intent | Kind::Log => false,
    }
}

/// What was tried, and what was found of it.
struct Tried<'h> {
    house: &'h House,
    reasons: BTreeSet<String>,
    /// What happened, by the id of each: an event, or a kind that says it all.
    codes: BTreeSet<String>,
    /// All that has no record, or another one.
    wrong: Vec<String>,
}

impl<'h> Tried<'h> {
    fn new(house: &'h House) -> Self {
        let (reasons, codes) = (BTreeSet::new(), BTreeSet::new());
        Self { house, reasons, codes, wrong: Vec::new() }
    }

    /// Sends a request, and looks for the record of its answer.
    async fn send(
        &mut self,
        (method, target): (&str, &str),
        headers: &[(&str, &str)],
        body: &str,
        want: u16,
    ) -> Answer {
        let answer = self.house.client.send(method, target, headers, body.to_owned()).await;
        let id = json!(answer.header("x-request-id"));
        let records = self.house.records().into_iter().filter(|it| it["id"] == id);
        let records: Vec<_> = records.collect();
        if let Err(what) = self.check((target, want), &answer, &records) {
            let body: String = body.chars().take(80).collect();
            self.wrong.push(format!("{method} {target} {body}: {} {what}", answer.status));
        }
        answer
    }

    fn check(
        &mut self,
        (target, want): (&str, u16),
        answer: &Answer,
        records: &[Value],
    ) -> Result<(), String> {
        if answer.status != want {
            return Err(format!("is not {want}: {}", answer.text()));
        }
        let [record] = records else { return Err(format!("has {} records", records.len())) };
        self.reasons.extend(record["reason"].as_str().map(str::to_owned));
        let code = record.get("event").unwrap_or(&record["kind"]).as_str().unwrap_or_default();
        let mut known = Kind::ALL.iter().map(|it| it.as_str());
        let mut events = EventId::ALL.iter().map(|it| it.as_str());
        if !known.any(|it| it == code) && !events.any(|it| it == code) {
            return Err(format!("has no id: {record}"));
        }
        self.codes.insert(code.to_owned());
        let is_of_upstream = !record["upstream_status"].is_null();
        // A tool's failure is an answer with 200 to HTTP, and what is listed has no status.
        let is_call_by_mcp = record["kind"] == "call" && target.starts_with("/mcp");
        let is_right = is_call_by_mcp
            || record["status"] == want
            || (record["status"].is_null() && want < 400);
        // What is wrong with a message is an answer with 200 too, in some revisions.
        let is_free = is_of_upstream || (want == 200 && target.starts_with("/mcp"));
        let is_refused = record["outcome"] == "refused";
        if is_right && (is_free || is_refused == (want >= 400)) {
            return Ok(());
        }
        Err(format!("is told as {record}"))
    }

    async fn rest(&mut self, method: &str, target: &str, want: u16) {
        let key = self.house.key("app/full").to_owned();
        let headers = [("x-api-key", key.as_str()), ("content-type", "application/json")];
        let body = if method == "POST" { "{\"name\": \"x\"}" } else { "" };
        self.send((method, target), &headers, body, want).await;
    }

    async fn mcp(
        &mut self,
        version: &str,
        more: &[(&str, &str)],
        message: &Value,
        want: u16,
    ) -> Answer {
        let key = self.house.key("app/full").to_owned();
        let mut headers = vec![
            ("x-api-key", key.as_str()),
            ("content-type", "application/json"),
            ("accept", "application/json, text/event-stream"),
            ("mcp-protocol-version", version),
        ];
        headers.extend(more);
        self.send(("POST", "/mcp"), &headers, &message.to_string(), want).await
    }
}

fn rpc(method: &str, params: &Value) -> Value {
    let mut message = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    message["params"]["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    message
}

async fn by_rest(tried: &mut Tried<'_>) {
    for (method, target, want) in [
        ("GET", "/shop/items/7", 200),
        ("GET", "/shop/items/fail", 500),
        ("GET", "/shop/openapi.json", 200),
        ("HEAD", "/shop/openapi.json", 200),
        ("GET", "/shop/items/%2e%2e/x", 400),
        ("GET", "/shop/items/7?access_token=x", 400),
        ("GET", "/nowhere", 404),
        ("GET", "/", 404),
        ("OPTIONS", "/shop/items/7", 405),
        ("PATCH", "/shop/items/7", 405),
        ("GET", "/.well-known/nothing", 404),
        ("GET", "/.well-known/oauth-protected-resource", 404),
        ("POST", "/oauth/token", 404),
        ("GET", "/old/items/7", 410),
        ("GET", "/slow/items/hang", 504),
        ("GET", "/dead/items/7", 502),
        ("GET", "/stopped/items/7", 403),
        ("TRACE", "/shop/items/7", 405),
    ] {
        tried.rest(method, target, want).await;
    }
    let (key, poor) =
        (tried.house.key("app/full").to_owned(), tried.house.key("agent/nothing").to_owned());
    let long = "x".repeat(2 << 20);
    for (headers, body, want) in [
        (vec![], "", 401),
        (vec![("x-api-key", "odk_unknown")], "", 401),
        (vec![("x-api-key", poor.as_str())], "", 403),
        (vec![("x-api-key", key.as_str()), ("host", "elsewhere.example")], "", 421),
        (vec![("x-api-key", key.as_str()), ("origin", "https://elsewhere.example")], "", 403),
        (vec![("x-api-key", key.as_str()), ("x-api-key", key.as_str())], "", 400),
        (
            vec![("x-api-key", key.as_str()), ("content-type", "application/json")],
            long.as_str(),
            413,
        ),
    ] {
        tried.send(("POST", "/shop/items"), &headers, body, want).await;
    }
    let slow = tried.house.key("slow/rate").to_owned();
    for want in [200, 200, 429] {
        tried.send(("GET", "/shop/items/7"), &[("x-api-key", slow.as_str())], "", want).await;
    }
}

/// An upstream with one connection, which somebody has.
async fn by_a_busy_upstream(tried: &mut Tried<'_>) {
    let (house, key) = (tried.house, tried.house.key("app/full").to_owned());
    drop(house.recorder.take());
    let held =
        house.client.open("GET", "/busy/items/drip", &[("x-api-key", key.as_str())], "").await;
    assert_eq!(held.status, 200);
    tried.rest("GET", "/busy/items/7", 503).await;
    house.recorder.release();
}

async fn by_mcp(tried: &mut Tried<'_>) {
    const NOW: &str = "2026-07-28";
    let call = |tool: &str, arguments: Value| {
        rpc("tools/call", &json!({"name": tool, "arguments": arguments}))
    };
    let named = |tool| [("mcp-method", "tools/call"), ("mcp-name", tool)];
    tried.mcp(NOW, &named("shop_get_item"), &call("shop_get_item", json!({"id": "7"})), 200).await;
    tried.mcp(NOW, &named("shop_get_item"), &call("shop_get_item", json!({})), 200).await;
    tried.mcp(NOW, &named("nothing"), &call("nothing", json!({})), 200).await;
    tried.mcp(NOW, &named("other"), &call("shop_get_item", json!({"id": "7"})), 400).await;
    tried.mcp(NOW, &[("mcp-method", "tools/list")], &rpc("tools/list", &json!({})), 200).await;
    tried
        .mcp(NOW, &[("mcp-method", "tools/list")], &rpc("tools/list", &json!({"cursor": "?"})), 200)
        .await;
    tried
        .mcp(NOW, &[("mcp-method", "server/discover")], &rpc("server/discover", &json!({})), 200)
        .await;
    tried.mcp(NOW, &[("mcp-method", "no/such")], &rpc("no/such", &json!({})), 404).await;
    let key = tried.house.key("app/full").to_owned();
    let known = [("x-api-key", key.as_str()), ("content-type", "application/json")];
    let long = "x".repeat(2 << 20);
    for (request, headers, body, want) in [
        (("POST", "/mcp"), &known[..], "{", 400),
        (("POST", "/mcp"), &known[..], "[]", 400),
        (("POST", "/mcp"), &known[..], long.as_str(), 413),
        (("POST", "/mcp"), &known[..1], "{}", 415),
        (("POST", "/mcp"), &[("x-api-key", "odk_unknown")], "{}", 401),
        (("POST", "/mcp/nothing"), &known[..], "{}", 404),
        (("GET", "/mcp"), &known[..], "", 405),
        (("DELETE", "/mcp"), &known[..], "", 400),
    ] {
        tried.send(request, headers, body, want).await;
    }
    // There are no sessions any more.
    for method in ["DELETE", "GET"] {
        let headers = [known[0], ("mcp-protocol-version", NOW)];
        let refused = tried.send((method, "/mcp"), &headers, "", 405).await;
        assert_eq!(refused.header("allow"), "POST", "{method}");
    }
}

/// The revisions with sessions, and what in them is answered without a word.
async fn by_sessions(tried: &mut Tried<'_>) {
    const THEN: &str = "2025-11-25";
    let initialize = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": THEN, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}});
    let begun = tried.mcp(THEN, &[], &initialize, 200).await;
    let session = begun.header("mcp-session-id").to_owned();
    let session = [("mcp-session-id", session.as_str())];
    for (message, want) in [
        (json!({"jsonrpc": "2.0", "method": "notifications/initialized"}), 202),
        (
            json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}}),
            202,
        ),
        (json!({"jsonrpc": "2.0", "id": 7, "result": {}}), 202),
        (json!({"jsonrpc": "2.0", "id": 8, "method": "ping"}), 200),
        (json!([{"jsonrpc": "2.0", "id": 8, "method": "ping"}]), 400),
    ] {
        tried.mcp(THEN, &session, &message, want).await;
    }
    let told = json!([{"jsonrpc": "2.0", "method": "notifications/initialized"}]);
    tried.mcp("2025-03-26", &[], &told, 202).await;
    let key = tried.house.key("app/full").to_owned();
    let headers = [("x-api-key", key.as_str()), session[0]];
    tried.send(("DELETE", "/mcp"), &headers, "", 204).await;
    tried.send(("DELETE", "/mcp"), &headers, "", 404).await;
}

#[tokio::test]
async fn whatever_is_answered_has_a_record_of_its_id_and_status() {
    let house = builder().open().await.expect("the shop has no faults");
    let mut tried = Tried::new(&house);
    by_rest(&mut tried).await;
    by_a_busy_upstream(&mut tried).await;
    by_mcp(&mut tried).await;
    by_sessions(&mut tried).await;
    a_panic(&mut tried.reasons, &mut tried.wrong).await;
    assert!(tried.wrong.is_empty(), "{:#?}", tried.wrong);
    for kind in Kind::ALL.into_iter().filter(|it| is_of_an_answer(*it)) {
        assert!(tried.codes.contains(kind.as_str()), "no answer was tried of {kind:?}");
    }
    let reasons = tried.reasons;
    for kind in RefusalKind::ALL.into_iter().filter(|it| !ELSEWHERE.contains(it)) {
        assert!(reasons.contains(kind.as_str()), "nothing was refused with {kind:?}: {reasons:?}");
    }
}

/// What is refused where a stage panics.
async fn a_panic(reasons: &mut BTreeSet<String>, wrong: &mut Vec<String>) {
    let mut house = shop::managed(Arc::new(Panics)).await;
    house.change("stops/none.yaml", "agents: all\nbecause: x\n", 2).expect("no faults");
    let key = house.key("boss/all").to_owned();
    let mut tried = Tried::new(&house);
    let headers = [("x-api-key", key.as_str()), ("content-type", "application/json")];
    tried.send(("PUT", "/onedoor/v1/clients/a"), &headers, "{\"owner\": \"x\"}", 500).await;
    reasons.extend(tried.reasons);
    wrong.extend(tried.wrong);
}

#[tokio::test]
async fn what_cannot_be_recorded_is_answered_with_that_alone() {
    let house = builder().open().await.expect("the shop has no faults");
    house.log.fill_after(0);
    let key = house.key("app/full");
    for (method, target, want) in [
        ("GET", "/shop/items/7", 503),
        ("GET", "/shop/openapi.json", 503),
        ("GET", "/nowhere", 503),
        ("GET", "/shop/items/%2e%2e/x", 503),
        ("POST", "/mcp", 503),
        ("GET", "/mcp", 503),
        ("DELETE", "/mcp", 503),
    ] {
        let answer = house.client.send(method, target, &[("x-api-key", key)], "").await;
        assert_eq!(answer.status, want, "{method} {target}: {}", answer.text());
        let is_told = answer.text().contains("cannot be recorded");
        assert!(is_told || answer.text().contains("unrecorded"), "{method} {target}");
    }
    assert_eq!(house.recorder.take(), vec![]);
}
