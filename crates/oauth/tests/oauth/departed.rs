//! Who is disabled, gone, or has a new password leaves nothing behind that comes back, and whose groups
//! shrink keeps nothing that these gave.

use std::sync::Arc;

use model::{Admission, User};
use oauth::{Departed, follow};
use serde_json::Value;
use state::Desired;

use crate::{
    given::{LOOPBACK, redeem},
    house::{BACK, Browser, DOCUMENT, House, PASSWORD, authorize, claims},
    idp::Idp,
};

const ACCOUNT: &str = "/oauth/account";

/// Ann, signed in, and what a client has of her.
async fn given(house: &House, client: &str, back: &str) -> (Browser, Value) {
    let mut browser = Browser::default();
    let target = authorize(&[("client_id", client), ("redirect_uri", back)]);
    let code = browser.allow(house, &target).await;
    let (status, tokens) = redeem(house, (client, back), &code).await;
    assert_eq!(status, 200, "{tokens}");
    (browser, tokens)
}

async fn refresh(house: &House, client: &str, tokens: &Value) -> u16 {
    let token = tokens["refresh_token"].as_str().unwrap();
    let form = [("grant_type", "refresh_token"), ("client_id", client), ("refresh_token", token)];
    house.post("/oauth/token", None, &form).await.0
}

async fn is_signed_in(house: &House, browser: &mut Browser) -> bool {
    browser.open(house, ACCOUNT).await;
    browser.page.contains("Your account")
}

fn ann(house: &mut House) -> &mut User {
    Arc::make_mut(&mut house.desired.users[0])
}

fn admission(house: &mut House) -> &mut Admission {
    Arc::make_mut(&mut house.desired.admissions[0])
}

/// Puts in force what is declared now, and ends what that ends.
async fn change(house: &House, before: &Desired) -> Option<Departed> {
    house.declare();
    house.server.end_departed(before, &house.desired).await.unwrap()
}

/// The hash of another password.
fn hash() -> String {
    use argon2::{Argon2, password_hash::PasswordHasher as _};
    Argon2::default().hash_password(b"another password").unwrap().to_string()
}

#[tokio::test]
async fn who_is_disabled_and_enabled_again_has_nothing_of_what_there_was() {
    let mut house = House::open().await;
    let (mut browser, tokens) = given(&house, "web/app", BACK).await;
    let enabled = house.desired.clone();
    assert_eq!(change(&house, &enabled).await, None);
    ann(&mut house).is_enabled = false;
    assert_eq!(change(&house, &enabled).await, Some(Departed { grants: 1, sign_ins: 1 }));
    let disabled = house.desired.clone();
    ann(&mut house).is_enabled = true;
    assert_eq!(change(&house, &disabled).await, None);
    assert_eq!(refresh(&house, "web/app", &tokens).await, 400);
    let grant = claims(&tokens["access_token"])["onedoor"]["grant"].clone();
    assert!(house.issuer.is_revoked(grant.as_str().unwrap()));
    assert!(!is_signed_in(&house, &mut browser).await);
    let (mut browser, tokens) = given(&house, "web/app", BACK).await;
    assert!(is_signed_in(&house, &mut browser).await);
    assert_eq!(refresh(&house, "web/app", &tokens).await, 200);
}

#[tokio::test]
async fn who_is_gone_or_has_a_new_password_leaves_nothing_to_the_next_of_the_name() {
    for is_gone in [false, true] {
        let mut house = House::open().await;
        let (mut browser, tokens) = given(&house, "web/app", BACK).await;
        let mut ben = Browser::default();
        ben.open(&house, ACCOUNT).await;
        ben.send(&house, "/oauth/account/sign-in", &[("name", "ben"), ("password", PASSWORD)])
            .await;
        let before = house.desired.clone();
        if is_gone {
            house.desired.users.remove(0);
            house.declare();
        } else {
            ann(&mut house).password = Some(hash());
            house.declare();
            // Before anything was ended in the store.
            assert_eq!(refresh(&house, "web/app", &tokens).await, 400);
            assert!(!is_signed_in(&house, &mut browser).await);
        }
        let ended = change(&house, &before).await;
        assert_eq!(ended, Some(Departed { grants: 1, sign_ins: 1 }));
        house.desired = before;
        house.declare();
        assert_eq!(refresh(&house, "web/app", &tokens).await, 400);
        assert!(!is_signed_in(&house, &mut browser).await);
        assert!(is_signed_in(&house, &mut ben).await, "{}", ben.page);
    }
}

#[tokio::test]
async fn who_changes_an_account_is_told_of_nobody_elses_end() {
    let mut house = House::open().await;
    let (_, tokens) = given(&house, "web/app", BACK).await;
    let before = house.desired.clone();
    ann(&mut house).is_enabled = false;
    // As another replica has it: it was told there, and here it waits.
    house.declare();
    let between = house.desired.clone();
    Arc::make_mut(&mut house.desired.users[1]).is_enabled = false;
    assert_eq!(change(&house, &between).await, Some(Departed::default()));
    let grant = claims(&tokens["access_token"])["onedoor"]["grant"].clone();
    // It ends along, so that nobody is told that all is well while it waits.
    assert!(house.issuer.is_revoked(grant.as_str().unwrap()));
    let all = Departed { grants: 1, sign_ins: 1 };
    assert_eq!(change(&house, &before).await, Some(all));
}

#[tokio::test]
async fn another_name_or_group_of_an_account_ends_nothing() {
    let mut house = House::open().await;
    let (mut browser, tokens) = given(&house, "web/app", BACK).await;
    let before = house.desired.clone();
    ann(&mut house).name = Some("Ann B".to_owned());
    ann(&mut house).groups.push("board".to_owned());
    assert_eq!(change(&house, &before).await, None);
    assert!(is_signed_in(&house, &mut browser).await);
    assert_eq!(refresh(&house, "web/app", &tokens).await, 200);
}

#[tokio::test]
async fn what_a_crash_or_another_replica_left_is_ended_at_the_start() {
    let mut house = House::open().await;
    let (_, tokens) = given(&house, "web/app", BACK).await;
    ann(&mut house).is_enabled = false;
    // Nobody ended anything before this process began.
    house.replica().await;
    let mut following = tokio::task::JoinSet::new();
    following.spawn(follow(Arc::clone(&house.server)));
    let grant = claims(&tokens["access_token"])["onedoor"]["grant"].clone();
    let grant = grant.as_str().unwrap();
    while !house.issuer.is_revoked(grant) {
        tokio::task::yield_now().await;
    }
    following.shutdown().await;
    assert!(house.store.grant(grant).await.unwrap().unwrap().revoked.is_some());
}

#[tokio::test]
async fn a_second_factor_outlives_a_new_password() {
    let mut house = House::open().await;
    let factor = store::Grant {
        id: "f1".to_owned(),
        client: "second-factors".to_owned(),
        profile: String::new(),
        subject: Some("local:ann".to_owned()),
        body: String::new(),
        created: house.clock.now(),
        expires: house.clock.now().plus(std::time::Duration::from_secs(3600)),
        revoked: None,
    };
    house.store.put_grant(&factor).await.unwrap();
    let before = house.desired.clone();
    ann(&mut house).password = Some(hash());
    assert_eq!(change(&house, &before).await, Some(Departed::default()));
    assert_eq!(house.store.grant("f1").await.unwrap(), Some(factor));
}

/// Something by which a person or client is not whom a rule lets in any more.
type Change = fn(&mut House);

#[tokio::test]
async fn what_an_admission_gave_is_not_renewed_where_it_would_not_give_it_now() {
    let changes: [(&str, u16, Change); 6] = [
        ("nothing", 200, |it| admission(it).position = 7),
        ("groups", 400, |it| admission(it).groups = vec!["board".to_owned()]),
        // Whom no admission could let in is no client: nobody looks at its document any more.
        ("hosts", 401, |it| admission(it).hosts = vec!["other.example".to_owned()]),
        ("software", 400, |it| admission(it).software = vec!["s1".to_owned()]),
        ("registrations", 401, |it| {
            admission(it).registrations = vec![model::Registration::Dynamic];
        }),
        ("the person's groups", 400, |it| ann(it).groups.clear()),
    ];
    for (what, want, change) in changes {
        let mut house = House::open().await;
        let (_, tokens) = given(&house, DOCUMENT, LOOPBACK).await;
        change(&mut house);
        house.declare();
        assert_eq!(refresh(&house, DOCUMENT, &tokens).await, want, "{what}");
    }
}

#[tokio::test]
async fn a_registered_client_acts_for_people_of_its_groups_alone_also_later() {
    let mut house = House::open().await;
    let (_, tokens) = given(&house, "web/app", BACK).await;
    let groups = |house: &mut House, groups: &[&str]| {
        let client = house.desired.clients.iter_mut().find(|it| it.id.as_str() == "web").unwrap();
        let terms = Arc::make_mut(client).profiles[0].tokens.as_mut().unwrap();
        terms.groups = groups.iter().map(|it| (*it).to_owned()).collect();
        house.declare();
    };
    groups(&mut house, &["board"]);
    assert_eq!(refresh(&house, "web/app", &tokens).await, 400);
    groups(&mut house, &["board", "staff"]);
    assert_eq!(refresh(&house, "web/app", &tokens).await, 200);
}

#[tokio::test]
async fn of_whom_a_provider_signed_in_the_groups_of_then_count() {
    let mut house = House::open().await;
    house.desired.issuers.push(Arc::new(Idp::issuer()));
    admission(&mut house).groups.clear();
    admission(&mut house).issuer = model::IssuerId::parse("corp").ok();
    house.declare();
    let mut browser = Browser::default();
    let target = authorize(&[("client_id", DOCUMENT), ("redirect_uri", LOOPBACK)]);
    browser.open(&house, &target).await;
    browser.send(&house, "/oauth/sign-in/corp", &[]).await;
    let back = house.idp.sign_in(browser.location.as_deref().unwrap());
    browser.open(&house, &back).await;
    let next = browser.location.clone().unwrap();
    browser.open(&house, next.strip_prefix("https://door.example").unwrap()).await;
    browser.send(&house, "/oauth/consent", &[("decision", "allow")]).await;
    let code = browser.parameter("code").unwrap_or_else(|| panic!("{browser:?}"));
    let (status, tokens) = redeem(&house, (DOCUMENT, LOOPBACK), &code).await;
    assert_eq!(status, 200, "{tokens}");
    // Only people of a group from now on: it is not known to be theirs.
    admission(&mut house).groups = vec!["nobody's".to_owned()];
    house.declare();
    assert_eq!(refresh(&house, DOCUMENT, &tokens).await, 400);
    admission(&mut house).groups.clear();
    house.declare();
    assert_eq!(refresh(&house, DOCUMENT, &tokens).await, 200);
}
