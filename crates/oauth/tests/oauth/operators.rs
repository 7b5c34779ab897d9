//! Operators see what people and clients were given, and end it.

use oauth::GrantsOf;

use crate::{
    given::{LOOPBACK, given, redeem, refresh, registered},
    house::{BACK, Browser, DOCUMENT, House, authorize},
};

const ACCOUNT: &str = "/oauth/account";

#[tokio::test]
async fn grants_are_seen_with_whom_they_are_for_and_when_they_were_renewed() {
    let house = House::open().await;
    let (tokens, first) = given(&house, "web/app", BACK).await;
    let (_, second) = given(&house, DOCUMENT, LOOPBACK).await;
    house.advance(100);
    assert_eq!(refresh(&house, "web/app", &tokens).await.0, 200);
    let of = |client| GrantsOf { client, ..GrantsOf::default() };
    let all = house.server.grants(of(None), None, 10).await.unwrap();
    let mut ids: Vec<_> = all.iter().map(|it| it.id.clone()).collect();
    let mut want = vec![first.clone(), second.clone()];
    ids.sort();
    want.sort();
    // Neither sessions nor second factors are among them.
    assert_eq!(ids, want);
    let found = house.server.grants(of(Some("web/app")), None, 10).await.unwrap();
    let [grant] = &found[..] else { panic!("{found:?}") };
    assert_eq!((grant.id.as_str(), grant.person.as_deref()), (&*first, Some("local:ann")));
    assert_eq!((&*grant.profile, &*grant.resource), ("web/app", "https://door.example/mcp"));
    assert_eq!(grant.refreshed.unwrap().since(grant.since).as_secs(), 100);
    let document = house.server.grants(of(Some(DOCUMENT)), None, 10).await.unwrap();
    let shown = (&*document[0].client_name, document[0].admission.as_deref());
    assert_eq!(shown, ("Agent", Some("staff-agents")));
}

#[tokio::test]
async fn grants_end_at_once_by_what_is_said_of_them_and_nothing_else_does() {
    let house = House::open().await;
    let mut browser = Browser::default();
    let (web, of_web) = given(&house, "web/app", BACK).await;
    let (agent, of_agent) = given(&house, DOCUMENT, LOOPBACK).await;
    browser.allow(&house, &authorize(&[])).await;
    let by = |client, id, person| GrantsOf { client, id, person, profile: None };
    for (of, want) in [
        (by(Some("web/other"), None, None), vec![]),
        (by(Some("web/app"), Some(&*of_agent), None), vec![]),
        (by(None, Some(&*of_agent), Some("local:ben")), vec![]),
        (by(None, Some(&*of_agent), Some("local:ann")), vec![of_agent.clone()]),
        (by(None, Some(&*of_agent), None), vec![]),
    ] {
        assert_eq!(house.server.revoke_grants(of).await.unwrap(), want, "{of:?}");
    }
    assert!(house.issuer.is_revoked(&of_agent) && !house.issuer.is_revoked(&of_web));
    assert_eq!(refresh(&house, DOCUMENT, &agent).await.0, 400);
    let (status, web) = refresh(&house, "web/app", &web).await;
    assert_eq!(status, 200, "{web}");
    let ended = house.server.revoke_grants(by(None, None, Some("local:ann"))).await.unwrap();
    assert_eq!(ended.len(), 2);
    assert_eq!(refresh(&house, "web/app", &web).await.0, 400);
    // She is signed in as she was.
    browser.open(&house, ACCOUNT).await;
    assert!(browser.page.contains("Your account"), "{}", browser.page);
    let session =
        house.store.grants(store::GrantFilter::Client("sessions"), None, 9).await.unwrap();
    let other = by(None, Some(session[0].id.as_str()), None);
    assert_eq!(house.server.revoke_grants(other).await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn a_consent_and_where_people_are_signed_in_are_ended_by_operators_too() {
    let house = House::open().await;
    let mut browser = Browser::default();
    let code = browser.allow(&house, &authorize(&[])).await;
    let consents = house.server.consents(None, None, 10).await.unwrap();
    let [consent] = &consents[..] else { panic!("{consents:?}") };
    let shown = (&*consent.person, &*consent.client, &*consent.host, &*consent.profile);
    assert_eq!(shown, ("local:ann", "web/app", "app.example", "web/app"));
    let gone = house.server.revoke_consent("local:ann", "web/app").await.unwrap();
    assert_eq!((gone.was_there, gone.grants.len()), (true, 1));
    assert_eq!(redeem(&house, ("web/app", BACK), &code).await.0, 400);
    let again = house.server.revoke_consent("local:ann", "web/app").await.unwrap();
    assert_eq!((again.was_there, again.grants.len()), (false, 0));

    let (sign_ins, next) = house.server.sign_ins(None, None, 10).await.unwrap();
    let [sign_in] = &sign_ins[..] else { panic!("{sign_ins:?}") };
    assert_eq!((&*sign_in.person, &*sign_in.from, next), ("local:ann", "192.0.2.1", None));
    let end = async |id, person| house.server.end_sign_ins(id, person).await.unwrap();
    assert_eq!(end(Some(&*sign_in.id), Some("local:ben")).await, 0);
    assert_eq!(end(None, Some("local:ben")).await, 0);
    browser.open(&house, ACCOUNT).await;
    assert!(browser.page.contains("Your account"), "{}", browser.page);
    assert_eq!(end(Some(&*sign_in.id), None).await, 1);
    browser.open(&house, ACCOUNT).await;
    assert!(browser.page.contains("Sign in to see"), "{}", browser.page);
    assert!(house.server.sign_ins(None, None, 10).await.unwrap().0.is_empty());
}

#[tokio::test]
async fn a_client_that_registered_itself_is_seen_and_forgotten_for_good() {
    let house = House::open().await;
    let id = registered(&house).await;
    let idle = registered(&house).await;
    let (tokens, _) = given(&house, &id, LOOPBACK).await;
    given(&house, DOCUMENT, LOOPBACK).await;
    given(&house, "web/app", BACK).await;
    let found = house.server.self_described(None, 10).await.unwrap();
    let shown: Vec<_> = found.iter().map(|it| (&*it.client, it.grants)).collect();
    let mut want = [(&*id, 1_u64), (&*idle, 0), (DOCUMENT, 1)];
    want.sort_unstable();
    assert_eq!(shown, want);
    let one = |client: &str| found.iter().find(|it| it.client == client).unwrap();
    assert!(one(&id).registered.is_some() && one(DOCUMENT).registered.is_none());
    assert!(one(&id).newest.is_some() && one(&idle).newest.is_none());
    assert!(one(&id).used.is_some() && one(&idle).used.is_none());
    assert_eq!(one(DOCUMENT).name, "Agent");
    // It is whole page by page as well.
    let (mut paged, mut after) = (Vec::new(), None::<String>);
    while let Some(one) = house.server.self_described(after.as_deref(), 1).await.unwrap().pop() {
        paged.push((one.client.clone(), one.grants));
        after = Some(one.client);
    }
    let paged: Vec<_> = paged.iter().map(|(client, grants)| (&**client, *grants)).collect();
    assert_eq!(paged, want);
    let gone = house.server.delete_registration(&id).await.unwrap();
    assert_eq!((gone.was_there, gone.grants.len()), (true, 1));
    assert_eq!(refresh(&house, &id, &tokens).await.0, 401);
    let target = authorize(&[("client_id", &id), ("redirect_uri", LOOPBACK)]);
    let mut browser = Browser::default();
    browser.open(&house, &target).await;
    assert_eq!((browser.status, browser.location.as_deref()), (401, None));
    // What is no registration stays.
    for other in [&*id, "web/app", DOCUMENT] {
        let gone = house.server.delete_registration(other).await.unwrap();
        assert_eq!((gone.was_there, gone.grants.len()), (false, 0), "{other}");
    }
    assert_eq!(house.server.self_described(None, 10).await.unwrap().len(), 2);
}
