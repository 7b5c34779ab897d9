//! What webhooks are to be told: in line with its revision, taken by one, in order.

use store::{Announcement, Backlog, Delivery, DeliveryFilter, Error, Message, Next, Store};
use tokio::task::JoinSet;

use crate::place::{Place, at, commit};

on_every_database!(
    a_message_is_in_line_with_its_revision_or_not_at_all,
    one_holder_has_a_message_until_its_time_is_over,
    a_webhook_is_told_in_order_and_others_do_not_wait_for_it,
    of_two_that_send_at_once_one_gets_the_message,
    what_comes_with_time_is_told_once_over_all_replicas,
    what_nobody_sends_dies_and_is_forgotten_later,
    deliveries_are_listed_by_webhook_and_state_and_in_pages,
);

fn message(id: &str, webhook: &str) -> Message {
    Message {
        id: id.to_owned(),
        webhook: webhook.to_owned(),
        event: "credential.issued".to_owned(),
        body: format!("body of {id}"),
        created: at(100),
    }
}

async fn put(store: &Store, messages: &[Message]) {
    let head = store.head().await.unwrap().to_string();
    store.commit_telling(&commit(&[("a", Some(&head))]), messages).await.unwrap();
}

async fn take(store: &Store, holder: &str, now: i64) -> Option<Delivery> {
    store.take_delivery("ops", holder, (at(now), at(now + 60))).await.unwrap()
}

async fn ids(store: &Store, filter: DeliveryFilter<'_>, after: u64) -> Vec<String> {
    let found = store.deliveries(filter, after, 2).await.unwrap();
    found.into_iter().map(|it| it.message.id).collect()
}

async fn a_message_is_in_line_with_its_revision_or_not_at_all(place: &Place) {
    let store = place.open().await;
    put(&store, &[message("a", "ops")]).await;
    let again = store::Commit { base: Some(9), ..commit(&[("b", Some("1"))]) };
    let error = store.commit_telling(&again, &[message("b", "ops")]).await.unwrap_err();
    assert!(matches!(error, Error::Conflict { .. }), "{error}");
    // Neither is there one of what changed nothing.
    let same = commit(&[("a", Some("0"))]);
    let error = store.commit_telling(&same, &[message("c", "ops")]).await.unwrap_err();
    assert!(matches!(error, Error::NoChange { .. }), "{error}");
    let error = store.commit_telling(&commit(&[("b", Some("1"))]), &[message("\0", "ops")]).await;
    assert!(matches!(error, Err(Error::Nul { .. })), "{error:?}");
    let found = store.deliveries(DeliveryFilter::default(), 0, 9).await.unwrap();
    let want = Delivery {
        number: 1,
        message: message("a", "ops"),
        attempts: 0,
        due: at(100),
        error: None,
        dead: None,
    };
    assert_eq!(found, [want]);
    let backlog = Backlog { waiting: 1, oldest: Some(at(100)), dead: 0 };
    assert_eq!(store.backlog().await.unwrap(), backlog);
}

async fn one_holder_has_a_message_until_its_time_is_over(place: &Place) {
    let store = place.open().await;
    put(&store, &[message("a", "ops")]).await;
    assert_eq!(take(&store, "one", 99).await, None, "before it was made");
    let taken = take(&store, "one", 100).await.unwrap();
    assert_eq!(taken.message.id, "a");
    assert_eq!(take(&store, "other", 159).await, None);
    assert_eq!(take(&store, "other", 160).await.unwrap().message.id, "a");
    // Who came too late says nothing about it any more.
    assert!(!store.delivered(taken.number, "one").await.unwrap());
    let late = store.not_delivered(taken.number, "one", (Next::Dead(at(170)), "late")).await;
    assert!(!late.unwrap());
    assert!(store.delivered(taken.number, "other").await.unwrap());
    assert_eq!(store.backlog().await.unwrap(), Backlog::default());
}

async fn a_webhook_is_told_in_order_and_others_do_not_wait_for_it(place: &Place) {
    let store = place.open().await;
    put(&store, &[message("a", "ops"), message("x", "siem")]).await;
    put(&store, &[message("b", "ops")]).await;
    let first = take(&store, "one", 100).await.unwrap();
    assert_eq!(take(&store, "one", 100).await, None, "b waits for a");
    let again = (Next::Again(at(300)), "status 500");
    assert!(store.not_delivered(first.number, "one", again).await.unwrap());
    assert_eq!(take(&store, "one", 299).await, None, "b waits for a");
    let other = store.take_delivery("siem", "one", (at(100), at(160))).await.unwrap();
    assert_eq!(other.unwrap().message.id, "x");
    let first = take(&store, "one", 300).await.unwrap();
    let seen = (first.message.id.as_str(), first.attempts, first.error.as_deref());
    assert_eq!(seen, ("a", 1, Some("status 500")));
    let dead = (Next::Dead(at(301)), "status 500");
    assert!(store.not_delivered(first.number, "one", dead).await.unwrap());
    assert_eq!(take(&store, "one", 301).await.unwrap().message.id, "b");
    let backlog = Backlog { waiting: 2, oldest: Some(at(100)), dead: 1 };
    assert_eq!(store.backlog().await.unwrap(), backlog);
}

async fn of_two_that_send_at_once_one_gets_the_message(place: &Place) {
    let store = place.open().await;
    let messages: Vec<_> = (0..20).map(|it| message(&it.to_string(), "ops")).collect();
    put(&store, &messages).await;
    let mut tasks = JoinSet::new();
    for holder in 0..4 {
        let store = store.clone();
        tasks.spawn(async move {
            let mut sent = Vec::new();
            while store.backlog().await.unwrap().waiting > 0 {
                let Some(taken) = take(&store, &holder.to_string(), 100).await else { continue };
                sent.push((taken.number, taken.message.id));
                assert!(store.delivered(taken.number, &holder.to_string()).await.unwrap());
            }
            sent
        });
    }
    let mut sent = tasks.join_all().await.concat();
    sent.sort();
    let want: Vec<_> = (0..20).map(|it| (it + 1, it.to_string())).collect();
    assert_eq!(sent, want);
}

async fn what_comes_with_time_is_told_once_over_all_replicas(place: &Place) {
    let store = place.open().await;
    let due = |id: &str, time| Announcement {
        event: "credential.due".to_owned(),
        subject: "shop-1".to_owned(),
        at: at(time),
        messages: vec![message(id, "ops")],
    };
    let (mut one, mut other) = (vec![due("a", 500)], vec![due("b", 500)]);
    let (first, second) = tokio::join!(store.announce(&one), store.announce(&other));
    let mut told = [first.unwrap(), second.unwrap()].concat();
    told.sort_unstable();
    assert_eq!(told, [false, true]);
    // With another end it is due anew.
    one.push(due("c", 600));
    other.clear();
    assert_eq!(store.announce(&one).await.unwrap(), [false, true]);
    assert_eq!(store.announce(&other).await.unwrap(), [false; 0]);
    assert_eq!(store.backlog().await.unwrap().waiting, 2);
    // It stays told for as long as it could be noticed.
    store.purge_deliveries(at(550), (at(0), at(500)), 9).await.unwrap();
    assert_eq!(store.announce(&[due("d", 500)]).await.unwrap(), [false]);
    store.purge_deliveries(at(550), (at(0), at(501)), 9).await.unwrap();
    assert_eq!(store.announce(&[due("d", 500)]).await.unwrap(), [true]);
}

async fn what_nobody_sends_dies_and_is_forgotten_later(place: &Place) {
    let store = place.open().await;
    put(&store, &[message("a", "ops"), message("b", "gone")]).await;
    let held = take(&store, "one", 150).await.unwrap();
    store.purge_deliveries(at(200), (at(100), at(0)), 9).await.unwrap();
    assert_eq!(store.backlog().await.unwrap().waiting, 2, "both are young");
    store.purge_deliveries(at(200), (at(101), at(0)), 9).await.unwrap();
    let dead = DeliveryFilter { is_dead: Some(true), ..DeliveryFilter::default() };
    let found = store.deliveries(dead, 0, 9).await.unwrap();
    assert_eq!(found.len(), 1, "one is held: {found:?}");
    assert_eq!((found[0].message.id.as_str(), found[0].dead), ("b", Some(at(200))));
    assert!(found[0].error.as_deref().unwrap().contains("no replica"));
    assert!(store.delivered(held.number, "one").await.unwrap());
    store.purge_deliveries(at(300), (at(0), at(200)), 9).await.unwrap();
    assert_eq!(store.backlog().await.unwrap().dead, 1);
    store.purge_deliveries(at(300), (at(0), at(201)), 9).await.unwrap();
    assert_eq!(store.backlog().await.unwrap(), Backlog::default());
}

async fn deliveries_are_listed_by_webhook_and_state_and_in_pages(place: &Place) {
    let store = place.open().await;
    put(&store, &[message("a", "ops"), message("b", "siem"), message("c", "ops")]).await;
    let first = take(&store, "one", 100).await.unwrap();
    store.not_delivered(first.number, "one", (Next::Dead(at(101)), "x")).await.unwrap();
    let all = DeliveryFilter::default();
    assert_eq!(ids(&store, all, 0).await, ["a", "b"]);
    assert_eq!(ids(&store, all, 2).await, ["c"]);
    let of = DeliveryFilter { webhook: Some("ops"), ..all };
    assert_eq!(ids(&store, of, 0).await, ["a", "c"]);
    assert_eq!(ids(&store, DeliveryFilter { is_dead: Some(true), ..of }, 0).await, ["a"]);
    assert_eq!(ids(&store, DeliveryFilter { is_dead: Some(false), ..of }, 0).await, ["c"]);
}
