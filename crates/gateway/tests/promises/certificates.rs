//! A client certificate is a credential where one is declared for it, and holds the tokens that are
//! bound to it: on both surfaces.

use std::sync::Arc;

use audit::{Journal, Kind, Outcome, Record};
use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use gateway::{AuthorizationFuture, AuthorizationRequest, AuthorizationServer, ClientCertificates};
use http::{Method, Response};
use serde_json::{Value, json};
use testkit::{Answer, Authority, HouseBuilder, TlsClient, TlsConnection};
use tokio::task::JoinSet;

use crate::{
    shop,
    signer::{Signer, encode},
    tls::{OURS, Served, THEIRS, serve_shop},
};

const ISSUER: &str = "https://login.example";

/// A shop that knows the certificate `shop` by its DNS name, and believes an issuer.
async fn open(issuer: &Signer) -> Served {
    serve_shop(shop(issuer), ClientCertificates::Optional(OURS.read("ca.pem"))).await
}

fn shop(issuer: &Signer) -> HouseBuilder {
    let keys = json!({"keys": [issuer.jwk()]});
    shop::builder()
        .file(
            "credentials/by-name.yaml",
            "profile: agent/one\nkind: mtls\ndns: shop.example\nexpires: 2027-12-31\n",
        )
        .file(
            "issuers/login.yaml",
            &format!("issuer: {ISSUER}\njwks: {keys}\naudiences: [door]\nalgorithms: [EdDSA]\n"),
        )
        .file(
            "credentials/ann.yaml",
            "profile: app/reader\nkind: external\nissuer: login\nclaims: {sub: ann}\n\
             expires: 2027-12-31\n",
        )
}

async fn connect(served: &Served, name: Option<&str>) -> TlsConnection {
    connect_with(served, name.map(|it| (&*OURS, it))).await
}

async fn connect_with(served: &Served, shown: Option<(&Authority, &str)>) -> TlsConnection {
    let client = TlsClient::new(&OURS, &["http/1.1"], shown);
    client.connect(served.address).await.unwrap()
}

/// A call on each surface, with these headers.
async fn by_both(connection: &mut TlsConnection, headers: &[(&str, &str)]) -> [Answer; 2] {
    let rest = connection.get("/shop/items/7", headers).await.unwrap();
    let usual = [
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
        ("mcp-protocol-version", "2025-06-18"),
    ];
    let message = json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": "shop_get_item", "arguments": {"id": "7"}},
    });
    let headers = [&usual, headers].concat();
    let mcp = connection.send("POST", "/mcp", &headers, message.to_string()).await.unwrap();
    [rest, mcp]
}

#[track_caller]
fn is_carried_out(answers: &[Answer; 2], want: bool) {
    for answer in answers {
        let is = answer.status == 200 && answer.json()["error"].is_null();
        assert_eq!(is, want, "{} {}", answer.status, answer.text());
    }
}

#[tokio::test]
async fn a_call_by_certificate_goes_on_until_its_credential_ends() {
    let mut served = open(&Signer::new()).await;
    let key = served.house.key("app/reader").to_owned();
    let mut calls = JoinSet::new();
    for (number, target, headers) in
        [(1, "/shop/items/drip", None), (2, "/shop/items/hang", Some(("x-api-key", key)))]
    {
        let mut connection = connect(&served, Some("shop")).await;
        calls.spawn(async move {
            let headers: Vec<_> = headers.iter().map(|it| (it.0, &*it.1)).collect();
            connection.get(target, &headers).await.unwrap()
        });
        served.house.recorder.has_begun(number).await;
    }
    let app = "enabled: false\nkind: app\nowner: ann\nprofiles:\n  full: {roles: [everything]}\n  \
               reader: {roles: [reader]}\n";
    served.house.change("clients/app.yaml", app, 2).unwrap();
    assert_eq!(calls.join_next().await.unwrap().unwrap().status, 401);
    served.house.recorder.release();
    let whole = calls.join_next().await.unwrap().unwrap();
    assert_eq!((whole.status.as_u16(), &*whole.text()), (200, r#"{"ok":true}"#));
    let mut connection = connect(&served, Some("shop")).await;
    calls.spawn(async move { connection.get("/shop/items/hang", &[]).await.unwrap() });
    served.house.recorder.has_begun(3).await;
    let revoked =
        "profile: agent/one\nkind: mtls\nstate: revoked\ndns: shop.example\nexpires: 2027-12-31\n";
    served.house.change("credentials/by-name.yaml", revoked, 3).unwrap();
    assert_eq!(calls.join_next().await.unwrap().unwrap().status, 401);
}

#[tokio::test]
async fn who_connects_with_a_certificate_that_is_declared_needs_nothing_else() {
    let served = open(&Signer::new()).await;
    let mut known = connect(&served, Some("shop")).await;
    is_carried_out(&by_both(&mut known, &[]).await, true);
    let records = served.house.records();
    for record in &records {
        assert_eq!((&record["client"], &record["profile"]), (&"agent".into(), &"agent/one".into()));
        assert_eq!(
            (&record["credential"], &record["decision"]),
            (&"by-name".into(), &"allow".into())
        );
        assert_eq!(
            (&record["credential_kind"], &record["token_kind"]),
            (&"mtls".into(), &Value::Null)
        );
        assert_eq!(record["tls"], "TLSv1.3");
        assert!(record["tls_cipher"].as_str().unwrap().starts_with("TLS13_AES_"), "{record}");
        assert_eq!(record["tls_name"], "localhost");
        let thumbprint = OURS.ask("x509 -in shop.pem -noout -fingerprint -sha256");
        let thumbprint = thumbprint.trim().split('=').nth(1).unwrap().replace(':', "");
        assert_eq!(record["tls_client"], thumbprint.to_lowercase());
    }
    assert_eq!(records.len(), 2);
    // `door` is of the same authority, and nobody knows it.
    for name in [None, Some("door")] {
        let mut other = connect(&served, name).await;
        is_carried_out(&by_both(&mut other, &[]).await, false);
    }
    // What is shown in the request counts, and where it is wrong, nothing else does.
    is_carried_out(&by_both(&mut known, &[("x-api-key", "odk_wrong")]).await, false);
}

#[tokio::test]
async fn a_browser_that_somebody_else_led_here_is_not_who_its_certificate_says() {
    let served = open(&Signer::new()).await;
    let mut known = connect(&served, Some("shop")).await;
    for (site, want) in
        [("cross-site", false), ("same-site", false), ("same-origin", true), ("none", true)]
    {
        is_carried_out(&by_both(&mut known, &[("sec-fetch-site", site)]).await, want);
    }
}

/// Says whether it is shown a certificate.
#[derive(Debug)]
struct Watching(Arc<Journal>);

impl AuthorizationServer for Watching {
    fn answer(&self, request: AuthorizationRequest) -> AuthorizationFuture<'_> {
        Box::pin(async move {
            let record = Record::new(request.at, Kind::Authorization, Outcome::Answered);
            let receipt = self.0.enter(&record).unwrap().stored().await.unwrap();
            let is_shown = request.certificate.is_some().to_string();
            receipt.behind(Response::new(Bytes::from(is_shown)))
        })
    }

    fn absent(&self, _: &Method, _: &str) -> Option<Response<Bytes>> {
        None
    }
}

#[tokio::test]
async fn nor_does_it_get_a_token_by_its_certificate() {
    let served = open(&Signer::new()).await;
    let gateway = &served.house.gateway;
    gateway.authorize_by(Arc::new(Watching(Arc::clone(&gateway.live().log))));
    let mut known = connect(&served, Some("shop")).await;
    let page = ("origin", "https://evil.example");
    for (headers, want) in [
        (&[][..], "true"),
        (&[page, ("sec-fetch-site", "cross-site")], "false"),
        (&[("sec-fetch-site", "same-origin")], "true"),
    ] {
        let answer = known.send("POST", "/oauth/token", headers, "").await.unwrap();
        assert_eq!((answer.status.as_u16(), &*answer.text()), (200, want), "{headers:?}");
    }
}

#[tokio::test]
async fn a_token_that_is_bound_to_a_certificate_is_good_on_its_connections_alone() {
    let issuer = Signer::new();
    let served = open(&issuer).await;
    let thumbprint = encode(digest(&SHA256, &OURS.certificate("shop.pem")));
    let claims = json!({
        "iss": ISSUER, "aud": "door", "sub": "ann",
        "exp": served.house.clock.now().as_seconds() + 600,
        "cnf": {"x5t#S256": thumbprint},
    });
    let token = issuer.sign(&json!({"typ": "at+jwt", "alg": "EdDSA"}), &claims);
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", &*bearer)];
    is_carried_out(&by_both(&mut connect(&served, Some("shop")).await, &headers).await, true);
    let record = served.house.records().pop().unwrap();
    assert_eq!(
        (&record["credential_kind"], &record["token_kind"]),
        (&"external".into(), &"mtls".into())
    );
    assert_eq!(record["token_bound_to"], thumbprint);
    for name in [None, Some("door")] {
        let answers = by_both(&mut connect(&served, name).await, &headers).await;
        is_carried_out(&answers, false);
        let [rest, _] = &answers;
        let challenge = rest.header("www-authenticate");
        assert!(challenge.starts_with("Bearer ") && challenge.contains("invalid_token"));
        let record = served.house.records().pop().unwrap();
        assert!(record["cause"].as_str().unwrap().contains("client certificate"), "{record}");
    }
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_known_by_its_bytes_and_not_by_its_names() {
    let theirs = THEIRS.certificate("shop.pem");
    let thumbprint: String =
        digest(&SHA256, &theirs).as_ref().iter().map(|it| format!("{it:02x}")).collect();
    let any = || ClientCertificates::Any(OURS.read("ca.pem"));
    let served = serve_shop(shop(&Signer::new()), any()).await;
    // Both say that they are `shop.example`.
    let mut ours = connect_with(&served, Some((&OURS, "shop"))).await;
    is_carried_out(&by_both(&mut ours, &[]).await, true);
    let mut unknown = connect_with(&served, Some((&THEIRS, "shop"))).await;
    is_carried_out(&by_both(&mut unknown, &[]).await, false);
    let shop = shop(&Signer::new()).file(
        "credentials/by-bytes.yaml",
        &format!(
            "profile: app/reader\nkind: mtls\nthumbprint: {thumbprint}\nexpires: 2027-12-31\n"
        ),
    );
    let served = serve_shop(shop, any()).await;
    let mut known = connect_with(&served, Some((&THEIRS, "shop"))).await;
    is_carried_out(&by_both(&mut known, &[]).await, true);
    assert_eq!(served.house.records().pop().unwrap()["credential"], "by-bytes");
}
