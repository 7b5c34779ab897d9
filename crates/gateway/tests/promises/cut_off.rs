//! A call under way ends with what it stands on, on both surfaces. Others go on.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use gateway::{Local, LocalCall, LocalFuture};
use http::Response;
use identity::OwnIssuer;
use model::Timestamp;
use serde_json::{Value, json};
use testkit::{Answer, House, HouseBuilder, Stream};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::Notify,
    task::JoinSet,
    time::{Instant, timeout},
};

use crate::{shop, signer::Signer};

const DOOR: &str = "https://door.example";
const ISSUER: &str = "https://login.example";

/// What is done to end the calls of one caller, and how those are then refused that began no answer.
struct End {
    name: &'static str,
    status: u16,
    act: fn(&mut House),
}

const fn end(name: &'static str, status: u16, act: fn(&mut House)) -> End {
    End { name, status, act }
}

/// Puts `to` in place of `from` in a file.
fn edit(house: &mut House, path: &str, from: &str, to: &str) {
    let before = house.file(path).to_owned();
    assert!(before.contains(from), "{path} has {from}");
    house.change(path, &before.replace(from, to), 2).expect("it has no fault");
}

fn edit_key(house: &mut House, from: &str, to: &str) {
    let path = house.key_path("app/reader");
    edit(house, &path, from, to);
}

fn edit_app(house: &mut House, from: &str, to: &str) {
    edit(house, "clients/app.yaml", from, to);
}

fn stop(house: &mut House, of: &str) {
    house.change("stops/some.yaml", &format!("{of}\nbecause: a test\n"), 2).unwrap();
}

/// Every way in which the holder of a key loses it, or the right that it gives.
const OF_KEYS: [End; 10] = [
    end("the credential is revoked", 401, |it| {
        edit_key(it, "kind: api_key", "kind: api_key\nstate: revoked");
    }),
    end("the credential is gone", 401, |it| {
        let path = it.key_path("app/reader");
        it.remove(&path, 2).unwrap();
    }),
    end("the client is disabled", 401, |it| edit_app(it, "kind: app", "kind: app\nenabled: false")),
    end("the profile is disabled", 401, |it| {
        edit_app(it, "{roles: [reader]}", "{roles: [reader], enabled: false}");
    }),
    end("the profile has expired", 401, |it| {
        edit_app(it, "{roles: [reader]}", "{roles: [reader], expires: 2026-11-22}");
    }),
    end("the profile is for another network", 401, |it| {
        edit_app(it, "{roles: [reader]}", "{roles: [reader], networks: [192.0.2.0/24]}");
    }),
    end("the profile loses its role", 403, |it| edit_app(it, "{roles: [reader]}", "{roles: []}")),
    end("the role allows less", 403, |it| edit(it, "roles/reader.yaml", "shop:*", "shop:ping")),
    end("a guard forbids it", 403, |it| {
        let policy =
            "policy: |\n  forbid(principal == Profile::\"app/reader\", action, resource);\n";
        it.change("guards/no.yaml", policy, 2).unwrap();
    }),
    end("the key leads to another profile", 401, |it| edit_key(it, "app/reader", "app/full")),
];

/// Likewise for the token of an issuer.
const OF_TOKENS: [End; 5] = [
    end("the issuer is disabled", 401, |it| {
        edit(it, "issuers/login.yaml", "issuer:", "enabled: false\nissuer:");
    }),
    end("the issuer has other keys", 401, |it| {
        let other = json!({"keys": [Signer::new().jwk()]}).to_string();
        let before = it.file("issuers/login.yaml").to_owned();
        let keys = before.lines().find_map(|it| it.strip_prefix("jwks: ")).unwrap();
        edit(it, "issuers/login.yaml", keys, &other);
    }),
    end("the credential is revoked", 401, |it| {
        edit(it, "credentials/ann.yaml", "kind:", "state: revoked\nkind:");
    }),
    end("the person is stopped", 403, |it| stop(it, "person: 'login:ann'")),
    end("the credential is for others", 401, |it| {
        edit(it, "credentials/ann.yaml", "sub: ann", "sub: bob");
    }),
];

/// Likewise for a token of the door itself.
const OF_OWN_TOKENS: [End; 8] = [
    end("the grant is taken back", 401, |it| {
        let own = it.gateway.live().own_issuer.clone().unwrap();
        own.revoke("g1", Timestamp::from_seconds(i64::MAX / 2_000_000));
    }),
    end("the person is disabled", 401, |it| {
        edit(it, "users/ann.yaml", "name: Ann", "name: Ann\nenabled: false");
    }),
    end("the person is gone", 401, |it| it.remove("users/ann.yaml", 2).unwrap()),
    end("the person is stopped", 403, |it| stop(it, "person: 'local:ann'")),
    end("the client that registered itself is stopped", 403, |it| stop(it, "client_id: dyn-c")),
    end("the admission is for others", 401, |it| {
        edit(it, "admissions/agents.yaml", "hosts", "groups: [staff]\nhosts");
    }),
    end("the admission is gone", 401, |it| it.remove("admissions/agents.yaml", 2).unwrap()),
    end("the profile gets no tokens any more", 401, |it| {
        it.remove("admissions/agents.yaml", 2).unwrap();
        edit_app(
            it,
            ", tokens: {grants: [authorization_code], redirect_uris: [http://127.0.0.1/c], public: true}",
            "",
        );
    }),
];

fn builder() -> HouseBuilder {
    shop::builder()
        .file("limits/app-daily.yaml", "client: app\nper: client\nquota: 100/day\n")
        .file("limits/agent-hourly.yaml", "client: agent\nper: client\nquota: 100/day\n")
}

/// A shop whose app gets tokens as well, and a token for it.
async fn with_tokens() -> (House, String) {
    let signer = Signer::new();
    let keys = json!({"keys": [signer.jwk()]});
    let issuer =
        format!("issuer: {ISSUER}\njwks: {keys}\naudiences: [door]\nalgorithms: [EdDSA]\n");
    let house = builder()
        .file("issuers/login.yaml", &issuer)
        .file(
            "credentials/ann.yaml",
            "profile: app/reader\nkind: external\nissuer: login\nclaims: {sub: ann}\n\
             expires: 2027-12-31\n",
        )
        .open()
        .await
        .expect("the shop has no faults");
    let exp = house.clock.now().as_seconds() + 600;
    let claims = json!({"iss": ISSUER, "aud": "door", "sub": "ann", "exp": exp});
    let token = signer.sign(&json!({"typ": "at+jwt", "alg": "EdDSA"}), &claims);
    (house, token)
}

/// A shop that gives tokens itself, and one of them.
async fn with_own_tokens() -> (House, String) {
    let (signer, own) = (Signer::new(), Arc::new(OwnIssuer::new(DOOR)));
    let mut key = signer.jwk();
    key["kid"] = json!("k1");
    own.publish(&json!({"keys": [key]})).unwrap();
    let house = builder()
        .own_issuer(&own)
        .file(
            "clients/app.yaml",
            "kind: app\nowner: ann\nprofiles:\n  full: {roles: [everything]}\n  reader: \
             {roles: [reader], tokens: {grants: [authorization_code], redirect_uris: [http://127.0.0.1/c], public: true}}\n",
        )
        .file("users/ann.yaml", "name: Ann\n")
        .file(
            "admissions/agents.yaml",
            "profile: app/reader\nregistrations: [dynamic]\nhosts: [a.example]\n",
        )
        .open()
        .await
        .expect("the shop has no faults");
    let now = house.clock.now().as_seconds();
    let claims = json!({
        "iss": DOOR, "sub": "local:ann", "aud": format!("{DOOR}/mcp"), "client_id": "dyn-c",
        "act": {"sub": "dyn-c"},
        "iat": now, "exp": now + 600, "jti": "t1", "scope": "role:reader",
        "onedoor": {"profile": "app/reader", "admission": "agents", "grant": "g1"},
    });
    let header = json!({"typ": "at+jwt", "alg": "EdDSA", "kid": "k1"});
    let token = signer.sign(&header, &claims);
    (house, token)
}

/// Waits no longer than a revocation may take.
async fn soon<T>(what: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(5), what).await.expect("it comes soon")
}

/// A stream, up to its first piece.
async fn begin(house: &House, credential: &str) -> Stream {
    let bearer = format!("Bearer {credential}");
    let headers = [("authorization", &*bearer)];
    let mut stream = house.client.open("GET", "/shop/items/drip", &headers, "").await;
    assert_eq!(stream.status, 200);
    assert_eq!(stream.piece().await.unwrap().unwrap(), r#"{"ok":"#);
    stream
}

/// What a caller has under way: a stream, and answers that have not begun, by both surfaces.
struct UnderWay {
    stream: Stream,
    /// A request that hangs, and two tools, of which one hangs.
    others: JoinSet<[Answer; 3]>,
}

impl UnderWay {
    async fn begin(house: &House, credential: &str) -> Self {
        let (client, credential) = (house.client, credential.to_owned());
        let (stream, mut others) = (begin(house, &credential).await, JoinSet::new());
        others.spawn(async move {
            let bearer = format!("Bearer {credential}");
            let headers = [("authorization", &*bearer)];
            let tool = |id: &str| {
                let (credential, arguments) = (credential.clone(), json!({"id": id}));
                async move { client.call_tool(&credential, "shop_get_item", &arguments).await }
            };
            let hanging = client.send("GET", "/shop/items/hang", &headers, "");
            tokio::join!(hanging, tool("drip"), tool("hang")).into()
        });
        Self { stream, others }
    }

    /// All of it breaks off, with this status where nothing was answered yet.
    async fn breaks_off(mut self, status: u16, when: &str) {
        assert!(soon(self.stream.piece()).await.is_err(), "the stream breaks off when {when}");
        let [hanging, slow, hung] = soon(self.others.join_next()).await.unwrap().unwrap();
        assert_eq!(hanging.status, status, "when {when}: {}", hanging.text());
        for answer in [slow, hung] {
            let code = &answer.json()["error"]["code"];
            assert_eq!(*code, status, "when {when}: {}", answer.text());
        }
    }
}

/// Ends the calls of `credential`, of `app/reader`, and looks at what becomes of them and of others.
async fn check(mut house: House, credential: &str, end: &End) {
    let under_way = UnderWay::begin(&house, credential).await;
    let (client, bystander) = (house.client, house.key("agent/one").to_owned());
    let mut untouched = begin(&house, &bystander).await;
    let mut tool = JoinSet::new();
    tool.spawn(async move {
        client.call_tool(&bystander, "shop_get_item", &json!({"id": "drip"})).await
    });
    house.recorder.has_begun(6).await;
    let begun = Instant::now();
    (end.act)(&mut house);
    let (name, revision) = (end.name, house.gateway.snapshot().revision());
    under_way.breaks_off(end.status, name).await;
    assert!(begun.elapsed() < Duration::from_secs(1), "{name} is seen late");
    house.recorder.release();
    assert_eq!(soon(untouched.piece()).await.unwrap().unwrap(), "true}", "when {name}");
    assert_eq!(soon(untouched.piece()).await.unwrap(), None);
    let tool = soon(tool.join_next()).await.unwrap().unwrap().json();
    assert_eq!(tool["result"]["structuredContent"], json!({"ok": true}), "when {name}: {tool}");
    check_records(&house.records(), end, revision);
}

/// One call was answered and then cut, by this revision, and three were refused while their upstream was asked.
fn check_records(records: &[Value], end: &End, revision: u64) {
    let of_app = || records.iter().filter(|it| it["client"] == "app");
    let reason = match end.status {
        401 => "unauthenticated",
        _ if end.name.ends_with("stopped") => "stopped",
        _ => "forbidden",
    };
    let cut: Vec<_> = of_app().filter(|it| it["kind"] == "cut").collect();
    assert_eq!(cut.len(), 1, "when {}: {records:?}", end.name);
    for record in cut {
        assert_eq!(record["profile"], "app/reader");
        assert_eq!(record["operation"], "shop.get_item");
        assert_eq!(record["revision"], revision, "when {}: what ended it", end.name);
        assert_eq!((&record["decision"], &record["reason"]), (&json!("deny"), &json!(reason)));
        let head = of_app().find(|it| it["kind"] == "call" && it["id"] == record["id"]);
        assert_eq!(head.unwrap()["status"], 200, "the head has a record of its own");
    }
    let refused = of_app().filter(|it| it["kind"] == "call" && it["outcome"] == "refused");
    let refused: Vec<_> = refused.collect();
    assert_eq!(refused.len(), 3, "when {}: {records:?}", end.name);
    for record in refused {
        assert_eq!((&record["reason"], &record["status"]), (&json!(reason), &json!(end.status)));
        assert!(record["upstream"].is_string(), "it was sent: {record}");
    }
    assert!(!records.iter().any(|it| it["kind"] == "cut" && it["client"] == "agent"));
}

#[tokio::test]
async fn who_loses_a_key_or_its_right_loses_the_calls_under_way() {
    for end in &OF_KEYS {
        let house = builder().open().await.expect("the shop has no faults");
        let key = house.key("app/reader").to_owned();
        check(house, &key, end).await;
    }
}

#[tokio::test]
async fn a_token_that_ends_takes_the_calls_under_way_along() {
    for end in &OF_TOKENS {
        let (house, token) = with_tokens().await;
        check(house, &token, end).await;
    }
    for end in &OF_OWN_TOKENS {
        let (house, token) = with_own_tokens().await;
        check(house, &token, end).await;
    }
}

#[tokio::test]
async fn a_token_is_called_good_only_where_it_would_let_in_whom_nobody_stopped() {
    let claims = |house: &House| {
        let exp = house.clock.now().as_seconds() + 600;
        let claims = json!({
            "iss": DOOR, "sub": "local:ann", "aud": format!("{DOOR}/mcp"), "client_id": "dyn-c",
            "act": {"sub": "dyn-c"}, "exp": exp, "jti": "t1",
            "onedoor": {"profile": "app/reader", "admission": "agents", "grant": "g1"},
        });
        claims.as_object().unwrap().clone()
    };
    for end in &OF_OWN_TOKENS {
        let (mut house, _) = with_own_tokens().await;
        let (claims, now) = (claims(&house), house.clock.now());
        assert!(house.gateway.admits(&claims, now).is_ok());
        (end.act)(&mut house);
        assert!(house.gateway.admits(&claims, now).is_err(), "{}", end.name);
    }
}

#[tokio::test]
async fn what_expires_ends_without_any_news() {
    let (mut house, token) = with_tokens().await;
    edit_key(&mut house, "2027-12-31", "2026-11-23T00:10:00Z");
    let key = house.key("app/reader").to_owned();
    for credential in [token, key] {
        let mut under_way = UnderWay::begin(&house, &credential).await;
        house.clock.advance(Duration::from_secs(599));
        let piece = timeout(Duration::from_millis(1500), under_way.stream.piece());
        assert!(piece.await.is_err(), "it holds");
        house.clock.advance(Duration::from_secs(1));
        under_way.breaks_off(401, "it expires").await;
        house.clock.jump(Timestamp::from_seconds(house.clock.now().as_seconds() - 600));
    }
}

#[tokio::test]
async fn a_call_that_goes_on_for_long_ends_with_what_it_stands_on_too() {
    let [end, ..] = &OF_KEYS;
    let mut house = builder().open().await.expect("the shop has no faults");
    let key = house.key("app/reader").to_owned();
    let mut under_way = UnderWay::begin(&house, &key).await;
    // By then it has been looked at once, and waits by itself.
    let piece = timeout(Duration::from_millis(1500), under_way.stream.piece());
    assert!(piece.await.is_err(), "it holds");
    let begun = Instant::now();
    (end.act)(&mut house);
    under_way.breaks_off(end.status, end.name).await;
    assert!(begun.elapsed() < Duration::from_secs(1), "it is seen late");
}

#[tokio::test]
async fn an_operation_that_is_gone_answers_nobody_any_more() {
    for (from, to) in [("owner:", "state: retired\nowner:"), ("owner:", "state: draft\nowner:")] {
        let mut house = builder().open().await.expect("the shop has no faults");
        let key = house.key("app/reader").to_owned();
        let mut stream = begin(&house, &key).await;
        edit(&mut house, "collections/shop.yaml", from, to);
        assert!(soon(stream.piece()).await.is_err(), "after {to}");
    }
}

#[tokio::test]
async fn an_upload_breaks_off_too() {
    let mut house = builder().open().await.expect("the shop has no faults");
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    let head = format!(
        "POST /shop/items HTTP/1.1\r\nhost: {}\r\nx-api-key: {}\r\n\
         content-type: text/plain\r\ncontent-length: 1000\r\n\r\nwords",
        house.address,
        house.key("app/full"),
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    house.recorder.has_begun(1).await;
    edit_app(&mut house, "kind: app", "kind: app\nenabled: false");
    let mut answer = String::new();
    soon(stream.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    assert_eq!(house.recorder.take(), vec![], "the upstream got no whole request");
}

#[tokio::test]
async fn what_changes_nothing_for_a_caller_cuts_nothing() {
    let mut house = builder().open().await.expect("the shop has no faults");
    let key = house.key("app/reader").to_owned();
    let mut stream = begin(&house, &key).await;
    let victim = house.key("agent/one").to_owned();
    for (path, from, to) in [
        ("clients/app.yaml", "owner: ann", "owner: eve"),
        ("clients/app.yaml", "{roles: [reader]}", "{roles: [everything]}"),
        ("collections/shop.yaml", "owner:", "title: All of it\nowner:"),
        (
            "collections/shop.yaml",
            "operations:",
            "select: [create_item, get_item, ping]\noperations:",
        ),
        ("clients/slow.yaml", "kind: service", "kind: service\nenabled: false"),
    ] {
        let mut other = begin(&house, &victim).await;
        edit(&mut house, path, from, to);
        // By the time that this one is cut, the first has been looked at as well.
        let agent = house.file("clients/agent.yaml").to_owned();
        house.change("clients/agent.yaml", &format!("enabled: false\n{agent}"), 3).unwrap();
        assert!(soon(other.piece()).await.is_err());
        house.change("clients/agent.yaml", &agent, 4).unwrap();
    }
    house.recorder.release();
    assert_eq!(soon(stream.piece()).await.unwrap().unwrap(), "true}");
}

/// An operation of the door's own that takes as long as the test wants.
#[derive(Debug, Default)]
struct Slow {
    begun: AtomicUsize,
    may_end: Notify,
}

impl Local for Slow {
    fn carry_out(&self, call: LocalCall) -> LocalFuture<'_> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            self.may_end.notified().await;
            Ok(Response::new(call.body))
        })
    }
}

/// Begins a management call, with so much of its body.
async fn manage(house: &House, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    let head = format!(
        "PUT /onedoor/v1/clients/a HTTP/1.1\r\nhost: {}\r\nx-api-key: {}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: 13\r\n\r\n{body}",
        house.address,
        house.key("boss/all"),
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

async fn rest_of(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    soon(stream.read_to_string(&mut answer)).await.unwrap();
    answer
}

/// Who ends its own right has to hear that it is done; who lost it before all was said does nothing.
#[tokio::test]
async fn management_that_is_begun_ends_and_what_is_not_begun_never_begins() {
    let slow = Arc::new(Slow::default());
    let mut house = shop::managed(Arc::clone(&slow) as _).await;
    let boss = house.file("clients/boss.yaml").to_owned();
    house.change("clients/boss.yaml", &boss, 2).unwrap();
    let whole = manage(&house, r#"{"owner":"e"}"#).await;
    let is_begun = || slow.begun.load(Ordering::SeqCst) == 1;
    soon(async {
        while !is_begun() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let half = manage(&house, r#"{"owner"#).await;
    let before = house.records().len();
    house.client.send("GET", "/shop/ping", &[], "").await;
    assert_eq!(house.records().len(), before + 1, "by now the other one has been read so far");
    house.change("clients/boss.yaml", &format!("enabled: false\n{boss}"), 3).unwrap();
    let answer = rest_of(half).await;
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    slow.may_end.notify_one();
    let answer = rest_of(whole).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(is_begun(), "the other one never began");
}
