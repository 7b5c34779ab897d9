//! How a client finds out where to get a token: documents, and the way to them in every challenge.

use serde_json::{Value, json};
use testkit::House;

use crate::shop;

const DOOR: &str = "https://door.example";
const ISSUER: &str = "issuer: https://login.example.com\njwks_url: https://login.example.com/keys\n\
    audiences: [https://door.example]\nalgorithms: [ES256]\n";
const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

async fn house() -> House {
    let builder = shop::builder().at(DOOR).file("issuers/login.yaml", ISSUER);
    builder.open().await.expect("the shop has no faults")
}

async fn get(house: &House, path: &str) -> testkit::Answer {
    house.client.send("GET", path, &[("host", "door.example")], "").await
}

#[tokio::test]
async fn every_endpoint_and_collection_has_a_document_and_reading_it_is_recorded() {
    let house = house().await;
    for (resource, scopes) in [
        ("", None),
        ("/mcp", None),
        ("/mcp/shop", Some("collection:shop")),
        // Whether there is such a collection is not told to strangers.
        ("/mcp/nowhere", Some("collection:nowhere")),
        ("/shop", Some("collection:shop")),
    ] {
        let path = format!("{WELL_KNOWN}{resource}");
        let answer = get(&house, &path).await;
        let document = answer.json();
        assert_eq!(document["resource"], format!("{DOOR}{resource}"), "{path}: {answer:?}");
        assert_eq!(document["authorization_servers"], json!(["https://login.example.com"]));
        assert_eq!(document.get("scopes_supported"), scopes.map(|it| json!([it])).as_ref());
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        let record = house.records().pop().unwrap();
        let recorded = ["kind", "note", "outcome", "peer"].map(|it| &record[it]);
        let want = ["list", &path, "answered", "127.0.0.1"].map(Value::from);
        assert_eq!(recorded, want.each_ref(), "{record}");
    }
    assert_eq!(house.records().len(), 5);
}

#[tokio::test]
async fn a_document_that_cannot_be_recorded_is_not_told() {
    let house = house().await;
    house.log.fill_after(0);
    let answer = get(&house, WELL_KNOWN).await;
    assert_eq!((answer.status.as_u16(), answer.json().get("resource")), (503, None), "{answer:?}");
}

#[tokio::test]
async fn what_an_upstream_asks_for_passes_as_it_came() {
    let house = house().await;
    let headers = [("host", "door.example"), ("x-api-key", house.key("app/full"))];
    let answer = house.client.send("GET", "/shop/items/denied", &headers, "").await;
    let challenges: Vec<_> = answer.headers.get_all("www-authenticate").iter().collect();
    assert_eq!(answer.status.as_u16(), 401, "{answer:?}");
    assert_eq!(challenges, ["Basic realm=\"stock\"", "Negotiate"]);
}

#[tokio::test]
async fn a_challenge_leads_to_the_document_of_what_was_asked_for() {
    let house = house().await;
    for (path, resource, scope) in
        [("/shop/items/1", "/shop", ", scope=\"collection:shop\""), ("/nowhere", "", "")]
    {
        let answer = get(&house, path).await;
        let want = format!(
            "Bearer realm=\"onedoor\", resource_metadata=\"{DOOR}{WELL_KNOWN}{resource}\"{scope}"
        );
        assert_eq!(answer.status.as_u16(), 401, "{path}: {answer:?}");
        assert_eq!(answer.header("www-authenticate"), want, "{path}");
    }
}
