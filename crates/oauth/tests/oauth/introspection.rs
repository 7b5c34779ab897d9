//! Whether a token is good: as the door itself decides, and told to who may ask.

use std::sync::Arc;

use http::{HeaderMap, Method};
use model::{Audience, CollectionId, TokenBinding};
use serde_json::{Value, json};

use crate::{
    given::{LOOPBACK, given, redeem},
    house::{BACK, Browser, DOCUMENT, House, SECRET, authorize},
};

#[tokio::test]
async fn only_registered_clients_ask_of_tokens_and_of_what_they_are_for() {
    let mut house = House::open().await;
    let (whole, _) = given(&house, "web/app", BACK).await;
    let target = authorize(&[("resource", "https://door.example/mcp/orders")]);
    let code = Browser::default().allow(&house, &target).await;
    let (_, orders) = redeem(&house, ("web/app", BACK), &code).await;
    let own = [("grant_type", "client_credentials")];
    let batch = Some(("batch/main", SECRET));
    let (_, own) = house.post("/oauth/token", batch, &own).await;
    let collection = |id: &str| vec![Audience::Collection(CollectionId::parse(id).unwrap())];
    for (introspects, want) in [
        (vec![Audience::Door], [true, true, true]),
        (collection("orders"), [true, true, true]),
        (collection("customers"), [true, false, true]),
        (vec![], [false, false, true]),
    ] {
        let client = house.desired.clients.iter_mut().find(|it| it.id.as_str() == "batch").unwrap();
        let terms = Arc::make_mut(client).profiles[0].tokens.as_mut().unwrap();
        terms.introspects = introspects;
        house.declare();
        for (tokens, want) in [&whole, &orders, &own].into_iter().zip(want) {
            let token = tokens["access_token"].as_str().unwrap();
            let (status, said) = house.post("/oauth/introspect", batch, &[("token", token)]).await;
            assert_eq!((status, said["active"].as_bool()), (200, Some(want)), "{said}");
            assert!(want || said == json!({ "active": false }), "{said}");
        }
    }
    // Who registered itself has nothing to ask, whatever it can prove.
    let metadata = json!({ "redirect_uris": [LOOPBACK] }).to_string();
    let answer = house.ask(Method::POST, "/oauth/register", HeaderMap::new(), metadata).await;
    let client: Value = serde_json::from_slice(answer.body()).unwrap();
    let text = |name: &str| client[name].as_str().unwrap();
    let basic = Some((text("client_id"), text("client_secret")));
    let token = [("token", whole["access_token"].as_str().unwrap())];
    let (status, said) = house.post("/oauth/introspect", basic, &token).await;
    assert_eq!((status, said["error"].as_str()), (400, Some("unauthorized_client")), "{said}");
}

/// Something that happens to what a token was given by.
type Change = fn(&mut House);

#[tokio::test]
async fn a_token_is_called_good_as_long_as_the_door_would_let_its_holder_in() {
    let ann = |it: &mut House| drop(it.desired.users.remove(0));
    let changes: [(&str, Change); 7] = [
        ("nothing", |_| {}),
        ("user", ann),
        ("admission", |it| it.desired.admissions.clear()),
        ("rule", |it| {
            Arc::make_mut(&mut it.desired.admissions[0]).hosts = vec!["agent.example".to_owned()];
        }),
        ("client", |it| Arc::make_mut(&mut it.desired.clients[0]).is_enabled = false),
        ("profile", |it| Arc::make_mut(&mut it.desired.clients[0]).profiles[0].is_enabled = false),
        ("binding", |it| {
            let terms = Arc::make_mut(&mut it.desired.clients[0]).profiles[0].tokens.as_mut();
            terms.unwrap().binding = Some(TokenBinding::Dpop);
        }),
    ];
    for (what, change) in changes {
        for is_opaque in [false, true] {
            let mut house = House::open().await;
            let terms = Arc::make_mut(&mut house.desired.clients[0]).profiles[0].tokens.as_mut();
            terms.unwrap().is_opaque = is_opaque;
            house.declare();
            let target = authorize(&[("client_id", DOCUMENT), ("redirect_uri", LOOPBACK)]);
            let code = Browser::default().allow(&house, &target).await;
            let (_, tokens) = redeem(&house, (DOCUMENT, LOOPBACK), &code).await;
            change(&mut house);
            house.declare();
            let token = [("token", tokens["access_token"].as_str().unwrap())];
            let batch = Some(("batch/main", SECRET));
            let (status, said) = house.post("/oauth/introspect", batch, &token).await;
            assert_eq!(status, 200, "{what}: {said}");
            assert_eq!(said["active"].as_bool(), Some(what == "nothing"), "{what} {is_opaque}");
        }
    }
}
