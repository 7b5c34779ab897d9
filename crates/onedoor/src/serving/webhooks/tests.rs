//! Real receivers on loopback, good and bad.

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use model::{Secret, SecretId, Timestamp};
use store::{Announcement, Backlog, DeliveryFilter, Location};
use testkit::{Postgres, Recorder, Seen};

use super::*;

const KEY: [u8; 32] = [7; 32];

fn secret() -> SecretId {
    SecretId::parse("ops-hook").unwrap()
}

fn hook(name: &str, url: String) -> config::Webhook {
    let events = CredentialEvent::ALL.to_vec();
    config::Webhook { name: name.to_owned(), url, secret: secret(), events }
}

/// One replica over `location` with these webhooks.
async fn replica(location: &Location, hooks: &[config::Webhook], clock: &Clock) -> Webhooks {
    let fleet = Arc::new(Fleet::new(Clock::system()));
    let value = format!("whsec_{}", STANDARD.encode(KEY));
    fleet.secrets().set(&secret(), Secret::new(value.into_bytes()), None);
    let store = Store::open(location).await.unwrap();
    let webhooks = open(hooks, Some(&store), (&fleet, clock)).unwrap().unwrap();
    Webhooks { patience: Duration::from_millis(300), ..webhooks }
}

/// Puts a message for `webhook` in line.
async fn put(webhooks: &Webhooks, webhook: &str, id: &str) {
    let now = webhooks.clock.now();
    let message = Message {
        id: id.to_owned(),
        webhook: webhook.to_owned(),
        event: "credential.due".to_owned(),
        body: format!("{{\"of\":\"{id}\"}}"),
        created: now,
    };
    let announcement = Announcement {
        event: "credential.due".to_owned(),
        subject: id.to_owned(),
        at: now,
        messages: vec![message],
    };
    assert_eq!(webhooks.store.announce(&[announcement]).await.unwrap(), [true]);
}

fn clock() -> Clock {
    Clock::fake(Timestamp::from_seconds(1_800_000_000))
}

fn header<'a>(seen: &'a Seen, name: &str) -> &'a str {
    seen.headers[name].to_str().unwrap()
}

fn ids(seen: &[Seen]) -> Vec<&str> {
    seen.iter().map(|it| header(it, "webhook-id")).collect()
}

/// What the last try of the first message came to.
async fn error(webhooks: &Webhooks) -> String {
    let found = webhooks.store.deliveries(DeliveryFilter::default(), 0, 1).await.unwrap();
    found[0].error.clone().unwrap_or_default()
}

#[tokio::test]
async fn a_message_comes_signed_whole_and_once() {
    let recorder = Recorder::start().await;
    let hooks = [hook("ops", recorder.url() + "/hook?token=t")];
    let webhooks = replica(&Location::Memory, &hooks, &clock()).await;
    assert!(!webhooks.send_next(&hooks[0]).await.unwrap());
    put(&webhooks, "ops", "msg_1").await;
    assert!(webhooks.send_next(&hooks[0]).await.unwrap());
    assert!(!webhooks.send_next(&hooks[0]).await.unwrap());
    let [seen] = &recorder.take()[..] else { panic!("it comes once") };
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", "/hook?token=t"));
    assert_eq!(&seen.body[..], b"{\"of\":\"msg_1\"}");
    assert_eq!(header(seen, "content-type"), "application/json");
    assert_eq!(header(seen, "webhook-timestamp"), "1800000000");
    let signature = header(seen, "webhook-signature").strip_prefix("v1,").unwrap();
    let signed = b"msg_1.1800000000.{\"of\":\"msg_1\"}";
    let key = hmac::Key::new(hmac::HMAC_SHA256, &KEY);
    hmac::verify(&key, signed, &STANDARD.decode(signature).unwrap()).unwrap();
}

#[tokio::test]
async fn a_receiver_that_is_broken_is_tried_again_in_order_until_it_works() {
    let recorder = Recorder::start().await;
    for path in ["/fail", "/hang"] {
        let hooks = [hook("ops", recorder.url() + path)];
        let clock = clock();
        let webhooks = replica(&Location::Memory, &hooks, &clock).await;
        for id in ["a", "b"] {
            put(&webhooks, "ops", id).await;
        }
        assert!(!webhooks.send_next(&hooks[0]).await.unwrap());
        // Not at once, and b waits for a.
        assert!(!webhooks.send_next(&hooks[0]).await.unwrap());
        assert_eq!(ids(&recorder.take()), ["a"], "{path}");
        clock.advance(Duration::from_millis(1_500));
        assert!(!webhooks.send_next(&hooks[0]).await.unwrap());
        assert_eq!(ids(&recorder.take()), ["a"], "{path}");
        assert_eq!(webhooks.store.backlog().await.unwrap().waiting, 2);
        // The receiver is repaired.
        recorder.publish(path, "{}");
        clock.advance(Duration::from_secs(3));
        while webhooks.send_next(&hooks[0]).await.unwrap() {}
        assert_eq!(ids(&recorder.take()), ["a", "b"], "{path}");
        assert_eq!(webhooks.store.backlog().await.unwrap(), Backlog::default());
    }
}

#[tokio::test]
async fn what_is_not_taken_for_a_day_is_dead_and_the_next_one_is_tried() {
    let recorder = Recorder::start().await;
    let hooks = [hook("ops", recorder.url() + "/fail")];
    let clock = clock();
    let webhooks = replica(&Location::Memory, &hooks, &clock).await;
    put(&webhooks, "ops", "a").await;
    clock.advance(TRIED_FOR - Duration::from_secs(1));
    put(&webhooks, "ops", "b").await;
    assert!(!webhooks.send_next(&hooks[0]).await.unwrap(), "it is not over yet");
    clock.advance(Duration::from_secs(300));
    assert!(webhooks.send_next(&hooks[0]).await.unwrap());
    assert!(!webhooks.send_next(&hooks[0]).await.unwrap());
    assert_eq!(ids(&recorder.take()), ["a", "a", "b"]);
    let backlog = webhooks.store.backlog().await.unwrap();
    assert_eq!((backlog.waiting, backlog.dead), (1, 1));
    assert_eq!(error(&webhooks).await, "status 500");
}

#[tokio::test]
async fn what_a_process_was_about_to_send_when_it_was_killed_is_sent_by_the_next_one() {
    let recorder = Recorder::start().await;
    let folder = tempfile::tempdir().unwrap();
    let location = Location::Sqlite(folder.path().join("onedoor.db"));
    let hooks = [hook("ops", recorder.url() + "/hook")];
    let clock = clock();
    let killed = replica(&location, &hooks, &clock).await;
    put(&killed, "ops", "a").await;
    let now = clock.now();
    let taken = killed.store.take_delivery("ops", &killed.holder, (now, now.plus(HELD))).await;
    assert!(taken.unwrap().is_some());
    drop(killed);
    let next = replica(&location, &hooks, &clock).await;
    clock.advance(HELD - Duration::from_secs(1));
    assert!(!next.send_next(&hooks[0]).await.unwrap(), "the other may be sending it");
    clock.advance(Duration::from_secs(1));
    assert!(next.send_next(&hooks[0]).await.unwrap());
    assert_eq!(ids(&recorder.take()), ["a"]);
}

#[tokio::test]
async fn without_a_fitting_secret_or_a_receiver_nothing_is_sent_and_no_url_is_shown() {
    let recorder = Recorder::start().await;
    let hooks = [hook("ops", recorder.url() + "/token-in-path")];
    let clock = clock();
    let webhooks = replica(&Location::Memory, &hooks, &clock).await;
    put(&webhooks, "ops", "a").await;
    webhooks.fleet.secrets().clear(&secret());
    webhooks.send_next(&hooks[0]).await.unwrap();
    assert_eq!(error(&webhooks).await, "the secret ops-hook has no value");
    webhooks.fleet.secrets().set(&secret(), Secret::new(b"hunter2".to_vec()), None);
    clock.advance(Duration::from_secs(5));
    webhooks.send_next(&hooks[0]).await.unwrap();
    let told = error(&webhooks).await;
    assert!(told.contains("ops-hook is not whsec_") && !told.contains("hunter2"), "{told}");
    assert_eq!(recorder.take(), []);

    // Nobody listens, and where nobody may be asked.
    for url in ["http://127.0.0.1:1/token-in-path", "https://10.0.0.1/token-in-path"] {
        let hooks = [hook("ops", url.to_owned())];
        let webhooks = replica(&Location::Memory, &hooks, &clock).await;
        put(&webhooks, "ops", "a").await;
        webhooks.send_next(&hooks[0]).await.unwrap();
        let told = error(&webhooks).await;
        assert!(!told.is_empty() && !told.contains("token-in-path"), "{told}");
    }
    let fleet = Arc::new(Fleet::new(Clock::system()));
    for url in ["http://ops.example.com/hook", "ftp://x", "https://u:p@ops.example.com/", "x"] {
        assert!(open(&[hook("ops", url.to_owned())], None, (&fleet, &clock)).is_err(), "{url}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_on_one_postgres_send_each_message_once_and_in_order() {
    let (server, recorder) = (Postgres::start(), Recorder::start().await);
    let location = Location::Postgres(Secret::new(server.url().to_owned()));
    let hooks = [hook("ops", recorder.url() + "/ops"), hook("siem", recorder.url() + "/siem")];
    let one = replica(&location, &hooks, &Clock::system()).await;
    let other = replica(&location, &hooks, &Clock::system()).await;
    let names: Vec<_> = (0..10).map(|it| format!("msg_{it}")).collect();
    for name in &names {
        put(&one, "ops", name).await;
        put(&other, "siem", &format!("{name}_siem")).await;
    }
    let store = one.store.clone();
    let all_sent = async {
        while store.backlog().await.unwrap().waiting > 0 {
            sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        ((), ()) = async { tokio::join!(one.run(), other.run()) } => panic!("they run for ever"),
        all = tokio::time::timeout(Duration::from_secs(30), all_sent) => all.unwrap(),
    }
    let seen = recorder.take();
    for (path, end) in [("/ops", ""), ("/siem", "_siem")] {
        let of = seen.iter().filter(|it| it.target == path).cloned().collect::<Vec<_>>();
        let want: Vec<_> = names.iter().map(|it| format!("{it}{end}")).collect();
        assert_eq!(ids(&of), want);
    }
}

#[test]
fn waits_grow_from_a_second_to_five_minutes_with_chance() {
    let milliseconds = |attempts, chance| wait(attempts, chance).as_millis();
    assert_eq!(milliseconds(0, 0), 1_000);
    assert_eq!(milliseconds(0, 500), 1_250);
    assert_eq!(milliseconds(3, 0), 8_000);
    assert_eq!(milliseconds(3, 999), 11_996);
    for attempts in [8, 31, 32, u32::MAX] {
        assert_eq!(milliseconds(attempts, 0), 200_000);
        assert_eq!(milliseconds(attempts, 999), 299_900);
    }
}
