//! A new pepper costs nobody anything, and what was kept under the old one comes under the new.

use std::{sync::Arc, time::Duration};

use http::{HeaderMap, Method};
use identity::dpop::NonceMaker;
use model::{GrantType, PepperId};
use oauth::follow;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::house::{Browser, House, PASSWORD, SECRET, client, terms};

async fn status(house: &House, client: &str, secret: &str) -> u16 {
    let form = [("grant_type", "client_credentials")];
    house.post("/oauth/token", Some((client, secret)), &form).await.0
}

#[tokio::test]
async fn a_client_secret_is_known_under_the_old_pepper_and_noted() {
    let house = House::open().await;
    assert_eq!(status(&house, "batch/main", SECRET).await, 200);
    assert_eq!(house.pepper().noted(), []);
    house.new_pepper(true);
    assert_eq!(status(&house, "batch/main", "ods_wrong").await, 401);
    assert_eq!(house.pepper().noted(), [], "a wrong one is none of ours");
    assert_eq!(status(&house, "batch/main", SECRET).await, 200);
    let noted = house.pepper().noted();
    assert_eq!(noted.len(), 1);
    assert_eq!(noted[0].0.as_str(), "batch-secret");
    assert_eq!(noted[0].1.to, house.pepper().hash(SECRET));
    house.new_pepper(false);
    assert_eq!(status(&house, "batch/main", SECRET).await, 401);
}

#[tokio::test]
async fn the_secret_of_a_registered_client_comes_under_the_new_pepper() {
    let house = House::open().await;
    let metadata = json!({"redirect_uris": ["http://127.0.0.1/cb"]}).to_string();
    let answer = house.ask(Method::POST, "/oauth/register", HeaderMap::new(), metadata).await;
    let client: Value = serde_json::from_slice(answer.body()).unwrap();
    let text = |name: &str| client[name].as_str().unwrap().to_owned();
    let (id, secret) = (text("client_id"), text("client_secret"));
    let under = async || house.server.registrations_under_peppers().await.unwrap();
    let pepper = |id: &str| PepperId::parse(id).unwrap();
    assert_eq!(under().await, [(pepper("p1"), 1)].into());
    house.new_pepper(true);
    // It is known, and may not do what it asks for.
    assert_eq!(status(&house, &id, &secret).await, 400);
    assert_eq!(under().await, [(pepper("p1"), 1)].into(), "it is not on the path of the request");
    let mut following = JoinSet::new();
    following.spawn(follow(Arc::clone(&house.server)));
    let kept = async {
        while under().await != [(pepper("p2"), 1)].into() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), kept).await.expect("it comes under the new one");
    house.new_pepper(false);
    assert_eq!(status(&house, &id, &secret).await, 400);
    assert_eq!(status(&house, &id, "ods_wrong").await, 401);
    house.advance(90 * 24 * 3600);
    assert!(under().await.is_empty(), "what has ended depends on nothing");
}

#[tokio::test]
async fn codes_cookies_and_nonces_of_before_are_good_still() {
    let mut house = House::open().await;
    house.desired.clients.push(client(
        "workshop",
        "tv",
        terms(&[GrantType::DeviceCode], &[], true),
    ));
    house.declare();
    let form = [("client_id", "workshop/tv"), ("scope", "collection:orders")];
    let (_, begun) = house.post("/oauth/device_authorization", None, &form).await;
    let code = begun["user_code"].as_str().unwrap();
    let nonces = NonceMaker::under(house.pepper());
    let (now, mut browser) = (house.clock.now(), Browser::default());
    let nonce = nonces.issue(now);
    browser.open(&house, "/oauth/device").await;
    browser.send(&house, "/oauth/device/sign-in", &[("name", "ann"), ("password", PASSWORD)]).await;
    browser.open(&house, "/oauth/device").await;
    house.new_pepper(true);
    assert!(nonces.check(&nonce, now));
    assert_ne!(nonces.issue(now), nonce);
    browser.send(&house, "/oauth/device", &[("user_code", code)]).await;
    assert!(browser.page.contains("Show an order"), "{}", browser.page);
    house.new_pepper(false);
    assert!(!nonces.check(&nonce, now));
}
