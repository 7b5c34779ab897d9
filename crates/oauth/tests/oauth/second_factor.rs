//! Accounts with a second factor: set up by their person or because an operator asks for it, and asked for.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::StatusCode;
use model::{SecondFactor, Secret, Timestamp};
use oauth::follow;
use secrets::Keyring;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    given::redeem,
    house::{BACK, Browser, House, PASSWORD, authorize, claims},
};

const ACCOUNT: &str = "/oauth/account";
const ENTER: &str = "/oauth/account/sign-in";
const SET_UP: &str = "/oauth/account/second-factor";
const REMOVE: &str = "/oauth/account/second-factor/remove";
const TAKE_BACK: &str = "/oauth/account/revoke";
const SIGN_IN: &str = "/oauth/sign-in";
const ANN: [(&str, &str); 2] = [("name", "ann"), ("password", PASSWORD)];

/// An app that was given a secret (RFC 6238), and the codes for when it is lost.
struct App {
    key: String,
    recovery: Vec<String>,
}

impl App {
    /// An app that took the secret of the page.
    fn of(page: &str) -> Self {
        let key = codes(page).into_iter().next().unwrap();
        assert!(page.contains("<svg") && page.contains(&format!("secret={key}")), "{page}");
        Self { key, recovery: Vec::new() }
    }

    /// What the letters stand for (RFC 4648 section 6).
    fn secret(&self) -> Vec<u8> {
        const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let fives = self.key.chars().map(|it| LETTERS.find(it).unwrap());
        let bits: String = fives.map(|it| format!("{it:05b}")).collect();
        let secret: Vec<u8> = bits
            .as_bytes()
            .chunks_exact(8)
            .map(|it| u8::from_str_radix(std::str::from_utf8(it).unwrap(), 2).unwrap())
            .collect();
        assert_eq!(secret.len(), 20);
        secret
    }

    fn code(&self, house: &House) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.secret());
        let step = house.clock.now().as_seconds() / 30;
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let start = usize::from(tag.as_ref()[19] & 15);
        let word: [u8; 4] = tag.as_ref()[start..][..4].try_into().unwrap();
        format!("{:06}", (u32::from_be_bytes(word) & 0x7fff_ffff) % 1_000_000)
    }
}

/// All that a page shows to be copied.
fn codes(page: &str) -> Vec<String> {
    let parts = page.split("<code>").skip(1);
    parts.map(|it| it.split("</code>").next().unwrap().to_owned()).collect()
}

/// Ann sets an app up, on the page of her own.
async fn set_up(house: &House) -> App {
    let mut browser = Browser::default();
    browser.open(house, ACCOUNT).await;
    browser.send(house, ENTER, &ANN).await;
    browser.open(house, ACCOUNT).await;
    // Who stays signed in somewhere has not shown the password.
    browser.send(house, SET_UP, &[("password", "wrong")]).await;
    assert_eq!((browser.status, codes(&browser.page).len()), (403, 0), "{}", browser.page);
    browser.open(house, ACCOUNT).await;
    browser.send(house, SET_UP, &[("password", PASSWORD)]).await;
    let mut app = App::of(&browser.page);
    browser.send(house, SET_UP, &[("code", "000000")]).await;
    assert_eq!((browser.status, App::of(&browser.page).key), (403, app.key.clone()));
    browser.send(house, SET_UP, &[("code", &app.code(house))]).await;
    assert_eq!(browser.status, 200, "{}", browser.page);
    app.recovery = codes(&browser.page);
    assert_eq!(app.recovery.len(), 10);
    app
}

/// A browser in which Ann has typed her password, for a program.
async fn asked(house: &House) -> Browser {
    let mut browser = Browser::default();
    browser.open(house, &authorize(&[])).await;
    browser.send(house, SIGN_IN, &ANN).await;
    browser
}

/// What comes of `code` as the second factor: whether Ann is signed in.
async fn tried(house: &House, code: &str) -> bool {
    let mut browser = asked(house).await;
    assert!(browser.page.contains("Enter a code"), "{}", browser.page);
    browser.send(house, SIGN_IN, &[("code", code)]).await;
    let is_in = browser.page.contains("/oauth/consent");
    assert_eq!(browser.status, if is_in { 200 } else { 403 }, "{}", browser.page);
    assert_eq!(browser.cookie("__Host-onedoor-session").is_some(), is_in);
    is_in
}

fn ask_for(house: &mut House, of: &str, second_factor: SecondFactor) {
    let user = house.desired.users.iter_mut().find(|it| it.id.as_str() == of).unwrap();
    Arc::make_mut(user).second_factor = second_factor;
    house.declare();
}

async fn redeemed(house: &House, code: &str) -> Value {
    let (status, tokens) = redeem(house, ("web/app", BACK), code).await;
    assert_eq!(status, 200, "{tokens}");
    claims(&tokens["access_token"])
}

#[tokio::test]
async fn who_set_an_app_up_signs_in_with_its_codes_and_tokens_say_so() {
    let house = House::open().await;
    let mut browser = Browser::default();
    let code = browser.allow(&house, &authorize(&[])).await;
    assert_eq!(redeemed(&house, &code).await["amr"], json!(["pwd"]));
    let app = set_up(&house).await;
    house.advance(30);
    let mut browser = asked(&house).await;
    browser.send(&house, SIGN_IN, &[("code", &app.code(&house))]).await;
    browser.send(&house, "/oauth/consent", &[("decision", "allow")]).await;
    let code = browser.parameter("code").unwrap();
    assert_eq!(redeemed(&house, &code).await["amr"], json!(["pwd", "otp", "mfa"]));
    let records = house.log.records();
    let events: Vec<_> = records.iter().filter_map(|it| it["event"].as_str()).collect();
    for want in ["second_factor.begin", "second_factor.set_up", "sign_in.first_step"] {
        assert!(events.contains(&want), "{want}: {events:?}");
    }
    assert!(records.iter().any(|it| it["note"] == "as \"ann\" with a code"), "{records:?}");
}

#[tokio::test]
async fn a_code_is_good_once_over_all_replicas_and_for_a_moment() {
    let mut house = House::open().await;
    let app = set_up(&house).await;
    assert!(!tried(&house, &app.code(&house)).await, "it confirmed the app already");
    house.advance(30);
    let code = app.code(&house);
    assert!(tried(&house, &code).await);
    assert!(!tried(&house, &code).await, "it was used");
    house.replica().await;
    assert!(!tried(&house, &code).await, "it was used elsewhere");
    house.advance(60);
    let late = app.code(&house);
    house.advance(60);
    assert!(!tried(&house, &late).await, "two steps late");
    assert!(tried(&house, &app.code(&house)).await);
}

#[tokio::test]
async fn a_recovery_code_stands_for_a_code_once() {
    let house = House::open().await;
    let app = set_up(&house).await;
    let typed = app.recovery[3].to_ascii_lowercase().replace('-', " ");
    assert!(tried(&house, &typed).await);
    assert!(!tried(&house, &app.recovery[3]).await);
    assert!(tried(&house, &app.recovery[4]).await);
    assert!(!tried(&house, "ABCD-EFGH-IJKL-MNOP").await);
    let records = house.log.records();
    let with = "as \"ann\" with a recovery code";
    assert_eq!(records.iter().filter(|it| it["note"] == with).count(), 2);
}

#[tokio::test]
async fn who_has_the_store_or_the_log_has_no_secret() {
    let house = House::open().await;
    let app = set_up(&house).await;
    let mut kept = format!("{:?}", house.log.records()).into_bytes();
    for file in std::fs::read_dir(house.folder()).unwrap() {
        kept.extend(std::fs::read(file.unwrap().path()).unwrap());
    }
    let has = |bytes: &[u8]| kept.windows(bytes.len()).any(|it| it == bytes);
    assert!(has(b"second_factor"), "it is not looked at in vain");
    let plain = app.recovery.iter().map(|it| it.replace('-', ""));
    let forms = [app.key.clone(), STANDARD.encode(app.secret())];
    for secret in app.recovery.iter().cloned().chain(plain).chain(forms) {
        assert!(!has(secret.as_bytes()), "{secret}");
    }
    assert!(!has(&app.secret()));
}

#[tokio::test]
async fn a_key_encryption_key_goes_and_codes_are_good_still() {
    let house = House::open().await;
    let [(_, old), (_, new)] = ["old", "new"].map(|it| Keyring::generate(it).unwrap());
    let keyring = |text: String| Keyring::parse(&Secret::new(text)).unwrap();
    let under = async || house.server.second_factors_under_keys().await.unwrap();
    let counts = |key: &str, count: u64| BTreeMap::from([(key.to_owned(), count)]);
    house.keyring().replace(&keyring(old.expose().clone()));
    let app = set_up(&house).await;
    assert_eq!(under().await, counts("old", 1));
    // Ben is in the middle of it.
    let mut ben = Browser::default();
    ben.open(&house, ACCOUNT).await;
    ben.send(&house, ENTER, &[("name", "ben"), ("password", PASSWORD)]).await;
    ben.open(&house, ACCOUNT).await;
    ben.send(&house, SET_UP, &[("password", PASSWORD)]).await;
    let begun = App::of(&ben.page);

    house.keyring().replace(&keyring(format!("{}{}", new.expose(), old.expose())));
    assert_eq!(under().await, counts("old", 2), "they depend on it still");
    let mut following = JoinSet::new();
    following.spawn(follow(Arc::clone(&house.server)));
    let kept = async {
        while under().await != counts("new", 2) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), kept).await.expect("they come under the new one");

    house.keyring().replace(&keyring(new.expose().clone()));
    ben.send(&house, SET_UP, &[("code", &begun.code(&house))]).await;
    assert_eq!((ben.status, codes(&ben.page).len()), (200, 10), "{}", ben.page);
    house.advance(30);
    assert!(tried(&house, &app.code(&house)).await);
    assert_eq!(under().await, counts("new", 2));
}

#[tokio::test]
async fn whom_an_operator_asks_for_one_sets_it_up_when_signing_in() {
    let mut house = House::open().await;
    // Somebody who is signed in by the password alone is so no longer.
    let mut early = Browser::default();
    early.allow(&house, &authorize(&[])).await;
    ask_for(&mut house, "ann", SecondFactor { is_required: true, since: None });
    early.open(&house, ACCOUNT).await;
    assert!(early.page.contains(ENTER), "{}", early.page);
    let mut browser = asked(&house).await;
    let app = App::of(&browser.page);
    browser.send(&house, SIGN_IN, &[("code", "12345")]).await;
    assert!(browser.status == 403 && browser.cookie("__Host-onedoor-session").is_none());
    browser.send(&house, SIGN_IN, &[("code", &app.code(&house))]).await;
    assert_eq!(codes(&browser.page).len(), 10, "{}", browser.page);
    let next = browser.page.split("href=\"").nth(1).unwrap().split('"').next().unwrap();
    let next = next.replace("&amp;", "&");
    let next = next.strip_prefix("https://door.example").unwrap().to_owned();
    browser.open(&house, &next).await;
    assert!(browser.page.contains("/oauth/consent"), "{}", browser.page);
    // It is there to stay.
    browser.open(&house, ACCOUNT).await;
    assert!(browser.page.contains("An operator asks for it") && !browser.page.contains(REMOVE));
    house.advance(30);
    assert!(tried(&house, &app.code(&house)).await);
}

#[tokio::test]
async fn what_was_set_up_before_an_operator_reset_it_is_good_for_nothing() {
    let mut house = House::open().await;
    let app = set_up(&house).await;
    // Whoever has the old things is in the middle of everything.
    let mut signed_in = asked(&house).await;
    house.advance(30);
    signed_in.send(&house, SIGN_IN, &[("code", &app.code(&house))]).await;
    signed_in.open(&house, ACCOUNT).await;
    assert!(signed_in.page.contains("which was set up on"), "{}", signed_in.page);
    let mut half_way = asked(&house).await;
    house.advance(30);
    let since: Timestamp = house.clock.now();
    ask_for(&mut house, "ann", SecondFactor { is_required: true, since: Some(since) });
    signed_in.open(&house, ACCOUNT).await;
    assert!(signed_in.page.contains(ENTER), "{}", signed_in.page);
    half_way.send(&house, SIGN_IN, &[("code", &app.code(&house))]).await;
    assert!(half_way.status == 403 && half_way.cookie("__Host-onedoor-session").is_none());
    let mut browser = asked(&house).await;
    let new = App::of(&browser.page);
    assert_ne!(new.key, app.key);
    for old in [&app.code(&house), &app.recovery[0]] {
        browser.send(&house, SIGN_IN, &[("code", old)]).await;
        assert_eq!(browser.status, 403, "{}", browser.page);
    }
    browser.send(&house, SIGN_IN, &[("code", &new.code(&house))]).await;
    assert_eq!(codes(&browser.page).len(), 10, "{}", browser.page);
    house.advance(30);
    assert!(!tried(&house, &app.code(&house)).await && !tried(&house, &app.recovery[0]).await);
    assert!(tried(&house, &new.code(&house)).await);
}

#[tokio::test]
async fn guessing_codes_is_slowed_down() {
    let house = House::open().await;
    let app = set_up(&house).await;
    house.advance(30);
    let mut browser = asked(&house).await;
    let mut statuses = Vec::new();
    for _ in 0..6 {
        let page = browser.page.clone();
        browser.send(&house, SIGN_IN, &[("code", "000000")]).await;
        statuses.push(browser.status);
        if browser.status == 429 {
            browser.page = page;
        }
    }
    assert_eq!((&statuses[..5], statuses[5]), (&[403; 5][..], 429));
    assert_eq!(house.log.records().pop().unwrap()["event"], "sign_in.slowed");
    browser.send(&house, SIGN_IN, &[("code", &app.code(&house))]).await;
    assert_eq!(browser.status, StatusCode::TOO_MANY_REQUESTS.as_u16());
    house.advance(60);
    assert!(tried(&house, &app.code(&house)).await);
}

#[tokio::test]
async fn only_a_code_takes_it_away() {
    let house = House::open().await;
    let app = set_up(&house).await;
    house.advance(30);
    let mut browser = asked(&house).await;
    browser.send(&house, SIGN_IN, &[("code", &app.code(&house))]).await;
    for (code, want) in [("000000", 403), (&*app.code(&house), 403), (&*app.recovery[0], 303)] {
        browser.open(&house, ACCOUNT).await;
        // What takes programs away takes nothing else, by whatever name.
        for client in ["second-factors", "sessions"] {
            let page = browser.page.clone();
            browser.page = page.replace(REMOVE, TAKE_BACK);
            browser.send(&house, TAKE_BACK, &[("client", client)]).await;
            assert_eq!(browser.status, 403, "{}", browser.page);
            browser.page = page;
        }
        browser.send(&house, REMOVE, &[("code", code)]).await;
        assert_eq!(browser.status, want, "{code}: {}", browser.page);
    }
    assert!(asked(&house).await.page.contains("/oauth/consent"), "the password is enough again");
}
