//! Pages of allowed origins can call and read, from a preflight to a refusal; no other page can.

use serde_json::json;
use testkit::{Answer, House};

use crate::shop;

const PAGE: &str = "https://app.example.com";
const ISSUER: &str = "issuer: https://login.example.com\njwks_url: https://login.example.com/keys\n\
    audiences: [https://door.example]\nalgorithms: [ES256]\n";

async fn house() -> House {
    shop::builder()
        .at("https://door.example")
        .file("issuers/login.yaml", ISSUER)
        .set(|it| it.allowed_origins = vec![PAGE.to_owned()])
        .open()
        .await
        .expect("the shop has no faults")
}

async fn preflight(house: &House, origin: &str, path: &str) -> Answer {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization,mcp-protocol-version,dpop,x-trace"),
    ];
    house.client.send("OPTIONS", path, &headers, "").await
}

#[tokio::test]
async fn a_page_of_an_allowed_origin_may_ask_with_all_that_a_call_needs() {
    let house = house().await;
    for path in ["/shop/items", "/mcp", "/mcp/shop", "/shop/items/7"] {
        let answer = preflight(&house, PAGE, path).await;
        assert_eq!(answer.status, 204, "{path}: {}", answer.text());
        assert_eq!(answer.header("access-control-allow-origin"), PAGE);
        assert_eq!(
            answer.header("access-control-allow-headers"),
            "authorization, mcp-protocol-version, dpop, x-trace"
        );
        for method in ["POST", "DELETE", "PATCH"] {
            assert!(answer.header("access-control-allow-methods").contains(method));
        }
        assert_eq!(answer.header("access-control-max-age"), "600");
        assert_eq!(answer.header("access-control-allow-credentials"), "");
        let vary: Vec<_> = answer.headers.get_all("vary").iter().collect();
        assert!(vary.iter().any(|it| *it == "Origin"), "{vary:?}");
        let record = house.records().pop().expect("a record");
        assert_eq!((&record["kind"], &record["outcome"]), (&json!("list"), &json!("answered")));
        assert_eq!(record["note"], format!("OPTIONS {path}"));
        let foreign = preflight(&house, "https://evil.example", path).await;
        assert_eq!(foreign.status, 403);
        assert_eq!(foreign.header("access-control-allow-origin"), "");
    }
    assert_eq!(house.recorder.take(), vec![], "an upstream is not asked");
}

#[tokio::test]
async fn it_reads_answers_and_refusals_of_both_surfaces() {
    let house = house().await;
    let key = house.key("app/reader");
    for (method, path, key, want) in [
        ("GET", "/shop/items/7", key, 200),
        ("GET", "/shop/items/7", "odk_x", 401),
        ("DELETE", "/shop/items/7", key, 403),
        ("GET", "/nowhere", key, 404),
        ("POST", "/mcp", "odk_x", 401),
        ("GET", "/mcp", key, 405),
        ("GET", "/shop/items;x", key, 400),
        ("GET", "/shop/openapi.json", key, 200),
    ] {
        let headers = [("origin", PAGE), ("x-api-key", key)];
        let answer = house.client.send(method, path, &headers, "").await;
        assert_eq!(answer.status.as_u16(), want, "{method} {path}: {}", answer.text());
        assert_eq!(answer.header("access-control-allow-origin"), PAGE, "{method} {path}");
        let exposed = answer.header("access-control-expose-headers");
        for name in ["WWW-Authenticate", "Mcp-Session-Id", "RateLimit"] {
            assert!(exposed.contains(name), "{exposed}");
        }
    }
    let headers = [("origin", "https://evil.example"), ("x-api-key", key)];
    let answer = house.client.send("GET", "/shop/items/7", &headers, "").await;
    assert_eq!((answer.status.as_u16(), answer.header("access-control-allow-origin")), (403, ""));
    let answer = house.client.send("GET", "/shop/items/7", &[("x-api-key", key)], "").await;
    assert_eq!((answer.status.as_u16(), answer.header("access-control-allow-origin")), (200, ""));
    assert_eq!(answer.header("vary"), "Origin", "what is kept of it is not for pages");
}

#[tokio::test]
async fn what_everybody_may_read_every_page_may_read() {
    let house = house().await;
    let path = "/.well-known/oauth-protected-resource/mcp";
    for origin in ["https://elsewhere.example", "null"] {
        let answer = preflight(&house, origin, path).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("access-control-allow-origin")),
            (204, "*")
        );
        let headers = [("origin", origin), ("host", "door.example")];
        let answer = house.client.send("GET", path, &headers, "").await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("access-control-allow-origin")),
            (200, "*")
        );
        for path in ["/oauth/authorize", "/oauth/consent", "/oauth/sign-in"] {
            let answer = house.client.send("GET", path, &headers, "").await;
            assert_eq!(answer.status, 403, "{path}");
        }
    }
}
