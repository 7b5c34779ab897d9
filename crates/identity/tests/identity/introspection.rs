//! An opaque token is as good as its issuer says, for seconds, and never better than a signed one.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use identity::{Introspect, KeySets, Presented, Question, Reply};
use jsonwebtoken::Algorithm;
use model::{Introspection, KeySource, RefusalKind, SecretId};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::{
    house::{House, ISS, NOW, refused, sender},
    signer::{Signer, claims, with},
};

const URL: &str = "https://issuer.example/introspect";
const TOKEN: &str = "2YotnFZFEjr1zCsicMWpAA";
/// Of some key.
const JKT: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";

/// The issuer's desk for questions: what it says of which token, and how often it was asked.
struct Counter {
    words: Mutex<BTreeMap<String, Value>>,
    /// In place of all words.
    status: Mutex<Option<u16>>,
    asked: AtomicUsize,
    /// Closed while it has no permits.
    door: Semaphore,
}

impl Counter {
    fn says(&self, token: &str, word: Value) {
        self.words.lock().unwrap().insert(token.to_owned(), word);
    }

    fn fails_with(&self, status: Option<u16>) {
        *self.status.lock().unwrap() = status;
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Introspect for Counter {
    fn ask<'a>(
        &'a self,
        question: Question<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<Reply, String>> + Send + 'a>> {
        assert_eq!((question.url, question.client_id), (URL, "door"));
        assert_eq!(question.client_secret.as_str(), "at-idp");
        Box::pin(async move {
            self.asked.fetch_add(1, Ordering::SeqCst);
            let _permit = self.door.acquire().await.unwrap();
            let status = *self.status.lock().unwrap();
            match status {
                Some(0) => Err("connection refused".to_owned()),
                Some(status) => Ok(Reply { status, body: "busy".into() }),
                None => {
                    let word = self.words.lock().unwrap().get(question.token).cloned();
                    let word = word.unwrap_or_else(|| json!({"active": false}));
                    Ok(Reply { status: 200, body: word.to_string().into() })
                }
            }
        })
    }
}

/// A house whose one issuer is asked about opaque tokens, and says that [`TOKEN`] is good.
fn asking() -> (House, Arc<Counter>) {
    let mut house = House::trusting(&[Signer::new(Algorithm::EdDSA).jwk()]);
    house.issuers[0].introspection = Some(Introspection {
        url: Some(URL.into()),
        client_id: "door".into(),
        client_secret: SecretId::parse("at-idp").unwrap(),
    });
    let counter = Arc::new(Counter {
        words: Mutex::default(),
        status: Mutex::default(),
        asked: AtomicUsize::default(),
        door: Semaphore::new(1000),
    });
    counter.says(TOKEN, word());
    let wait = Duration::from_millis(20);
    let sets = KeySets::waiting(Arc::clone(&house.desk) as _, house.clock.clone(), wait);
    house.key_sets = sets.introspecting(Arc::clone(&counter) as _);
    (house, counter)
}

fn word() -> Value {
    with(&claims(), &json!({"active": true, "token_type": "Bearer", "exp": NOW + 3600}))
}

#[tokio::test]
async fn an_opaque_token_leads_where_its_issuer_says_and_is_asked_about_again_after_30_seconds() {
    let (house, counter) = asking();
    let directory = house.directory();
    for _call in 0..5 {
        let caller = house.token(&directory, TOKEN).await.unwrap();
        assert_eq!(
            (caller.profile.as_str(), caller.user.as_deref()),
            ("shop/main", Some("idp:ann"))
        );
        assert_eq!(caller.credential.as_ref().unwrap().as_str(), "shop-token");
    }
    assert_eq!(counter.asked(), 1);
    counter.says(TOKEN, json!({"active": false}));
    house.clock.advance(Duration::from_micros(29_999_999));
    assert!(house.token(&directory, TOKEN).await.is_ok());
    house.clock.advance(Duration::from_micros(1));
    refused(house.token(&directory, TOKEN).await, "not active", TOKEN);
    assert_eq!(counter.asked(), 2);
}

#[tokio::test]
async fn an_answer_is_not_believed_past_the_end_of_the_token() {
    let (house, counter) = asking();
    counter.says(TOKEN, with(&word(), &json!({"exp": NOW + 7})));
    let directory = house.directory();
    assert!(house.token(&directory, TOKEN).await.is_ok());
    house.clock.advance(Duration::from_secs(7));
    refused(house.token(&directory, TOKEN).await, "exp is past", TOKEN);
    assert_eq!(counter.asked(), 2);
}

#[tokio::test]
async fn what_an_issuer_says_is_checked_as_a_signed_token_is() {
    let (house, counter) = asking();
    let rows = [
        (json!({"active": false}), "not active"),
        (json!({"aud": "https://other.example"}), "aud is not for us"),
        (json!({"aud": null}), "aud is not for us"),
        (json!({"iss": "https://other.example"}), "iss is not a trusted issuer"),
        (json!({"iss": 7}), "claim iss"),
        (json!({"exp": NOW}), "exp is past"),
        (json!({"exp": "1900000000"}), "exp is not a time"),
        (json!({"nbf": NOW + 61}), "nbf is in the future"),
        (json!({"iat": NOW + 61}), "iat is in the future"),
        (json!({"cnf": {"x5t#S256": "x"}}), "cnf"),
        (json!({"sub": 7}), "claim sub"),
        (json!({"client_id": "another"}), "no credential matches"),
        (json!({"client_id": null}), "no credential matches"),
        (json!({"token_type": "refresh_token"}), "no access token"),
        (json!({"token_type": "DPoP"}), "its cnf claim"),
        (json!({"cnf": {"jkt": JKT}, "token_type": "DPoP"}), "shown as a bearer token"),
        (json!({"cnf": {"x5t#S256": JKT}}), "the connection showed none"),
        (json!({"token_type": ["Bearer"]}), "no access token"),
        (json!({"token_use": "refresh_token"}), "no access token"),
        (json!({"typ": "Refresh"}), "no access token"),
        (json!({"typ": "ID"}), "no access token"),
    ];
    let directory = house.directory();
    assert!(house.token(&directory, TOKEN).await.is_ok());
    for (number, (change, want)) in rows.iter().enumerate() {
        let token = format!("opaque-token-{number}");
        counter.says(&token, with(&word(), change));
        refused(house.token(&directory, &token).await, want, &token);
    }
    // Who asked knows the issuer, and RFC 7662 demands nothing but `active`.
    for change in [json!({"iss": null}), json!({"exp": null}), json!({"typ": "Bearer"})] {
        let token = format!("without-{change}");
        counter.says(&token, with(&word(), &change));
        assert!(house.token(&directory, &token).await.is_ok(), "{change}");
    }
}

#[tokio::test]
async fn a_bad_token_is_not_asked_about_for_10_seconds() {
    let (house, counter) = asking();
    let directory = house.directory();
    for _call in 0..5 {
        refused(house.token(&directory, "unknown-token").await, "not active", "unknown-token");
    }
    assert_eq!(counter.asked(), 1);
    house.clock.advance(Duration::from_secs(10));
    refused(house.token(&directory, "unknown-token").await, "not active", "unknown-token");
    assert_eq!(counter.asked(), 2);
}

#[tokio::test]
async fn an_issuer_that_does_not_answer_lets_nobody_in_and_is_left_alone() {
    for status in [0, 401, 404, 429, 500, 503] {
        let (house, counter) = asking();
        let directory = house.directory();
        counter.fails_with(Some(status));
        for number in 0..20 {
            let token = format!("opaque-token-{number}");
            let refusal = house.token(&directory, &token).await.unwrap_err();
            assert_eq!(refusal.kind(), RefusalKind::IssuerUnavailable, "{status}");
            assert!(refusal.cause().unwrap().contains("\"idp\" does not answer"), "{refusal:?}");
        }
        assert_eq!(counter.asked(), 3, "{status}");
        house.clock.advance(Duration::from_secs(5));
        house.token(&directory, "one-more-token").await.unwrap_err();
        house.token(&directory, "another-token").await.unwrap_err();
        assert_eq!(counter.asked(), 4, "one question finds out whether it is back");
        counter.fails_with(None);
        house.clock.advance(Duration::from_secs(5));
        assert!(house.token(&directory, TOKEN).await.is_ok(), "it is back");
        refused(house.token(&directory, "bad-token").await, "not active", "bad-token");
    }
}

#[tokio::test]
async fn a_silent_issuer_holds_nobody_for_long() {
    let (house, counter) = asking();
    counter.door.forget_permits(usize::MAX);
    let directory = house.directory();
    let refusal = house.token(&directory, TOKEN).await.unwrap_err();
    assert_eq!(refusal.kind(), RefusalKind::IssuerUnavailable);
    counter.door.add_permits(1000);
    house.clock.advance(Duration::from_secs(1));
    assert!(house.token(&directory, TOKEN).await.is_ok());
}

#[tokio::test]
async fn nonsense_that_an_issuer_refuses_does_not_shut_others_out() {
    let (house, counter) = asking();
    let directory = house.directory();
    counter.fails_with(Some(400));
    for number in 0..10 {
        let token = format!("nonsense-{number}");
        refused(house.token(&directory, &token).await, "not active", &token);
    }
    counter.fails_with(None);
    assert!(house.token(&directory, TOKEN).await.is_ok());
}

#[tokio::test]
async fn an_answer_that_can_be_read_in_two_ways_lets_nobody_in() {
    let (house, counter) = asking();
    let directory = house.directory();
    for (number, word) in
        [json!({}), json!([]), json!("active"), json!({"active": "true"})].into_iter().enumerate()
    {
        house.clock.advance(Duration::from_secs(6));
        let token = format!("opaque-token-{number}");
        counter.says(&token, word);
        let refusal = house.token(&directory, &token).await.unwrap_err();
        assert_eq!(refusal.kind(), RefusalKind::IssuerUnavailable);
    }
}

#[tokio::test]
async fn many_who_show_one_token_at_once_ask_once_even_where_the_first_hangs_up() {
    let (house, counter) = asking();
    counter.door.forget_permits(usize::MAX);
    let directory = house.directory();
    let mut first = Box::pin(house.token(&directory, TOKEN));
    let mut others: Vec<_> = (0..50).map(|_| Box::pin(house.token(&directory, TOKEN))).collect();
    let polled = std::future::poll_fn(|cx| {
        let first = first.as_mut().poll(cx).is_pending();
        std::task::Poll::Ready(
            first && others.iter_mut().all(|it| it.as_mut().poll(cx).is_pending()),
        )
    });
    assert!(polled.await, "the issuer is silent");
    assert_eq!(counter.asked(), 1);
    drop(first);
    counter.door.add_permits(1000);
    let all = std::future::poll_fn(|cx| {
        others.retain_mut(|it| match it.as_mut().poll(cx) {
            std::task::Poll::Ready(got) => {
                assert!(got.is_ok(), "{got:?}");
                false
            }
            std::task::Poll::Pending => true,
        });
        if others.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    });
    all.await;
    assert_eq!(counter.asked(), 2, "the second asked in place of the first");
}

#[tokio::test]
async fn only_opaque_tokens_are_shown_to_the_issuer() {
    let (house, counter) = asking();
    let directory = house.directory();
    let stranger = Signer::new(Algorithm::ES256);
    let signed = stranger.token();
    let unsigned = format!("{}.", signed.rsplit_once('.').unwrap().0);
    for token in [
        signed.as_str(),
        &unsigned,
        &format!("{signed}.{signed}"),
        &stranger.sign(&json!({"alg": "none"}), &claims()),
        &stranger.sign_text(" {", "}"),
        "eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0..x.y.z",
        "odr_0123456789012345678901234567890123456789012",
        "odc_0123456789012345678901234567890123456789012",
        &"x".repeat(4097),
    ] {
        assert!(house.token(&directory, token).await.is_err());
    }
    assert_eq!(counter.asked(), 0);
    refused(house.token(&directory, "a.b.c").await, "not active", "a.b.c");
    assert_eq!(counter.asked(), 1);
}

#[tokio::test]
async fn a_disabled_issuer_ends_its_tokens_at_once() {
    let signer = Signer::new(Algorithm::EdDSA);
    let (mut house, counter) = asking();
    house.issuers[0].keys = KeySource::Inline(Arc::new(json!({"keys": [signer.jwk()]})));
    let before = house.directory();
    assert!(house.token(&before, TOKEN).await.is_ok());
    assert!(house.token(&before, &signer.token()).await.is_ok());
    house.issuers[0].is_enabled = false;
    let after = house.next(&before);
    refused(house.token(&after, TOKEN).await, "three parts", TOKEN);
    refused(house.token(&after, &signer.token()).await, "\"idp\" is disabled", &signer.token());
    house.issuers[0].is_enabled = true;
    let again = house.next(&after);
    assert_eq!(counter.asked(), 1);
    assert!(house.token(&again, TOKEN).await.is_ok());
    assert_eq!(counter.asked(), 2, "nothing was remembered");
}

#[tokio::test]
async fn a_revoked_credential_ends_an_answer_that_is_still_believed() {
    let (mut house, counter) = asking();
    let before = house.directory();
    assert!(house.token(&before, TOKEN).await.is_ok());
    house.credentials[0].state = model::CredentialState::Revoked;
    refused(house.token(&house.next(&before), TOKEN).await, "is revoked", TOKEN);
    assert_eq!(counter.asked(), 2);
}

#[tokio::test]
async fn an_issuer_says_itself_where_it_is_asked() {
    let (mut house, counter) = asking();
    house.issuers[0].introspection.as_mut().unwrap().url = None;
    house.desk.says(json!({"issuer": ISS, "jwks_uri": ISS}).to_string());
    let refusal = house.token(&house.directory(), TOKEN).await.unwrap_err();
    assert_eq!((refusal.kind(), counter.asked()), (RefusalKind::IssuerUnavailable, 0));
    let metadata = json!({"issuer": ISS, "jwks_uri": ISS, "introspection_endpoint": URL});
    house.desk.says(metadata.to_string());
    house.clock.advance(Duration::from_secs(601));
    counter.says(TOKEN, with(&word(), &json!({"exp": NOW + 7200})));
    assert!(house.token(&house.directory(), TOKEN).await.is_ok());
}

/// Somebody else than who shows all other tokens.
const OTHER: &str = "198.51.100.9";

async fn from_other(
    house: &House,
    directory: &identity::Directory,
    token: &str,
) -> Result<Arc<model::Caller>, model::Refusal> {
    house.shown(directory, Presented::Token(token), &sender(OTHER)).await
}

#[tokio::test]
async fn who_makes_tokens_up_waits_for_himself() {
    let (house, counter) = asking();
    counter.door.forget_permits(usize::MAX);
    let directory = house.directory();
    let tokens: Vec<_> = (0..100).map(|it| format!("made-up-{it}")).collect();
    let mut flood: Vec<_> = tokens.iter().map(|it| Box::pin(house.token(&directory, it))).collect();
    let mut other = Box::pin(from_other(&house, &directory, TOKEN));
    let polled = std::future::poll_fn(|cx| {
        let is_waiting = flood.iter_mut().all(|it| it.as_mut().poll(cx).is_pending());
        std::task::Poll::Ready(is_waiting && other.as_mut().poll(cx).is_pending())
    });
    assert!(polled.await, "the issuer is silent");
    assert_eq!(counter.asked(), 4 + 1, "a few questions of each source at once");
    counter.door.add_permits(1000);
    assert!(other.await.is_ok());
}

#[tokio::test]
async fn who_waits_for_a_turn_in_vain_says_nothing_of_the_issuer() {
    let (house, counter) = asking();
    counter.door.forget_permits(usize::MAX);
    let directory = house.directory();
    let tokens: Vec<_> = (0..4).map(|it| format!("made-up-{it}")).collect();
    let mut asking: Vec<_> =
        tokens.iter().map(|it| Box::pin(house.token(&directory, it))).collect();
    // They have their turns, and nobody looks at them any more.
    std::future::poll_fn(|cx| {
        asking.iter_mut().for_each(|it| assert!(it.as_mut().poll(cx).is_pending()));
        std::task::Poll::Ready(())
    })
    .await;
    for number in 0..6 {
        let refusal = house.token(&directory, &format!("waiting-{number}")).await.unwrap_err();
        assert_eq!(refusal.kind(), RefusalKind::IssuerUnavailable);
    }
    assert_eq!(counter.asked(), 4);
    drop(asking);
    counter.door.add_permits(1000);
    assert!(house.token(&directory, TOKEN).await.is_ok(), "it was not shut out");
}

#[tokio::test]
async fn an_issuer_is_not_asked_again_and_again_for_who_makes_tokens_up() {
    let (house, counter) = asking();
    let directory = house.directory();
    counter.says("mine", word());
    assert!(house.token(&directory, "mine").await.is_ok());
    for number in 0..50 {
        let token = format!("made-up-{number}");
        refused(house.token(&directory, &token).await, "not active", &token);
    }
    let refusal = house.token(&directory, "one-too-many").await.unwrap_err();
    assert_eq!(refusal.kind(), RefusalKind::LimitReached, "{refusal:?}");
    assert_eq!(refusal.limit().unwrap().retry_after, Duration::from_millis(500));
    assert_eq!(counter.asked(), 51);
    assert!(house.token(&directory, "mine").await.is_ok(), "it is known to be good");
    assert!(from_other(&house, &directory, TOKEN).await.is_ok(), "nobody else waits");
    house.clock.advance(Duration::from_millis(500));
    refused(house.token(&directory, "one-more").await, "not active", "one-more");
    assert_eq!(
        house.token(&directory, "another").await.unwrap_err().kind(),
        RefusalKind::LimitReached
    );
}

#[tokio::test]
async fn tokens_that_have_ended_are_no_guesses() {
    let (house, counter) = asking();
    let directory = house.directory();
    let tokens: Vec<_> = (0..60).map(|it| format!("token-{it}")).collect();
    for token in &tokens {
        counter.says(token, word());
        assert!(house.token(&directory, token).await.is_ok());
        counter.says(token, json!({"active": false}));
    }
    house.clock.advance(Duration::from_secs(30));
    for token in &tokens {
        let refusal = house.token(&directory, token).await.unwrap_err();
        assert_eq!(refusal.wrong(), Some(model::Wrong::Ended), "{refusal:?}");
    }
    let refusal = house.token(&directory, "made-up").await.unwrap_err();
    assert_eq!(refusal.wrong(), Some(model::Wrong::Unknown), "{refusal:?}");
}
