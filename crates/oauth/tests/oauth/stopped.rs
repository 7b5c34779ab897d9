//! Whom an operator stopped gets no tokens and signs in nowhere, until they are let go on.

use std::sync::Arc;

use model::{Place, Stop, StopId, Stopped};

use crate::{
    given::{LOOPBACK, given, redeem, refresh, registered},
    house::{BACK, Browser, DOCUMENT, House, PASSWORD, authorize},
    idp::Idp,
};

const ACCOUNT: &str = "/oauth/account";

fn stop(house: &mut House, of: Stopped) {
    house.desired.stops = vec![Arc::new(Stop {
        id: StopId::parse("some").unwrap(),
        of,
        because: "a test".to_owned(),
        by: None,
        since: None,
        place: Place::default(),
    })];
    house.declare();
}

#[tokio::test]
async fn a_client_that_was_stopped_gets_nothing_until_it_is_let_go_on() {
    let mut house = House::open().await;
    let id = registered(&house).await;
    for (client, other) in [(DOCUMENT, &*id), (&*id, DOCUMENT)] {
        let (tokens, _) = given(&house, client, LOOPBACK).await;
        stop(&mut house, Stopped::ClientId(client.to_owned()));
        assert_eq!(refresh(&house, client, &tokens).await.0, 401, "{client}");
        let mut browser = Browser::default();
        let target = authorize(&[("client_id", client), ("redirect_uri", LOOPBACK)]);
        browser.open(&house, &target).await;
        assert_eq!((browser.status, browser.location.as_deref()), (401, None), "{client}");
        let record = house.log.records().pop().unwrap().to_string();
        assert!(record.contains("an operator stopped it"), "{record}");
        given(&house, other, LOOPBACK).await;
        house.desired.stops.clear();
        house.declare();
        assert_eq!(refresh(&house, client, &tokens).await.0, 200, "{client}");
    }
}

#[tokio::test]
async fn a_person_who_was_stopped_is_nobody_here() {
    let mut house = House::open().await;
    let mut browser = Browser::default();
    let code = browser.allow(&house, &authorize(&[])).await;
    let (_, tokens) = redeem(&house, ("web/app", BACK), &code).await;
    stop(&mut house, Stopped::Person("local:ann".to_owned()));
    assert_eq!(refresh(&house, "web/app", &tokens).await.0, 400);
    browser.open(&house, ACCOUNT).await;
    assert!(browser.page.contains("Sign in to see"), "{}", browser.page);
    let filled = [("name", "ann"), ("password", PASSWORD)];
    browser.send(&house, "/oauth/account/sign-in", &filled).await;
    assert_eq!(browser.status, 403);
    // Another is somebody still.
    let mut ben = Browser::default();
    ben.open(&house, ACCOUNT).await;
    ben.send(&house, "/oauth/account/sign-in", &[("name", "ben"), ("password", PASSWORD)]).await;
    assert_eq!(ben.status, 303);
    house.desired.stops.clear();
    house.declare();
    assert_eq!(refresh(&house, "web/app", &tokens).await.0, 200);
}

#[tokio::test]
async fn a_person_of_a_provider_who_was_stopped_does_not_get_in_there() {
    let mut house = House::open().await;
    house.desired.issuers.push(Arc::new(Idp::issuer()));
    house.declare();
    let mut browser = Browser::default();
    let sign_in = async |house: &House, browser: &mut Browser| {
        browser.open(house, ACCOUNT).await;
        browser.send(house, "/oauth/sign-in/corp", &[]).await;
        let back = house.idp.sign_in(browser.location.as_deref().unwrap());
        browser.open(house, &back).await;
        browser.status
    };
    assert_eq!(sign_in(&house, &mut browser).await, 303);
    let (found, _) = house.server.sign_ins(None, None, 9).await.unwrap();
    let person = found[0].person.clone();
    assert!(person.starts_with("corp:"), "{person}");
    stop(&mut house, Stopped::Person(person));
    browser.open(&house, ACCOUNT).await;
    assert!(browser.page.contains("Sign in to see"), "{}", browser.page);
    let mut other = Browser::default();
    assert_eq!(sign_in(&house, &mut other).await, 403);
    stop(&mut house, Stopped::Person("corp:somebody else".to_owned()));
    assert_eq!(sign_in(&house, &mut other).await, 303);
}
