//! Two processes over one database: one line of revisions, which both see.

use std::{collections::BTreeSet, time::Duration};

use store::{Commit, Error, Store};
use testkit::Postgres;
use tokio::{sync::watch::Receiver, task::JoinSet, time::timeout};

use crate::place::{Place, commit};

/// Longer than any poll. What takes longer does not come.
const PATIENCE: Duration = Duration::from_secs(5);

async fn sees(watch: &mut Receiver<u64>, number: u64) {
    let is_seen = timeout(PATIENCE, watch.wait_for(|it| *it == number)).await.is_ok();
    assert!(is_seen, "{number} is not seen, but {}", *watch.borrow());
}

async fn both_open_at_once(place: &Place) -> (Store, Store) {
    tokio::join!(place.open(), place.open())
}

async fn one_line_of_revisions(place: &Place) {
    let (ours, theirs) = both_open_at_once(place).await;
    let mut watch = theirs.watch();
    ours.commit(&commit(&[("a", Some("1"))])).await.unwrap();
    sees(&mut watch, 1).await;
    assert_eq!(theirs.since(0).await.unwrap().files.len(), 1);

    let on = |text| Commit { base: Some(1), ..commit(&[("a", Some(text))]) };
    let (mine, others) = (on("mine"), on("theirs"));
    let (first, second) = tokio::join!(ours.commit(&mine), theirs.commit(&others));
    let (won, lost) = if first.is_ok() { (first, second) } else { (second, first) };
    assert_eq!(won.unwrap().number, 2);
    let error = lost.unwrap_err();
    assert!(matches!(error, Error::Conflict { base: 1, head: 2 }), "{error}");

    let mut tasks = JoinSet::new();
    for number in 0..30 {
        let store = if number % 2 == 0 { ours.clone() } else { theirs.clone() };
        tasks.spawn(async move {
            let path = format!("n/{number}");
            store.commit(&commit(&[(&path, Some("1"))])).await.unwrap().number
        });
    }
    let numbers: BTreeSet<_> = tasks.join_all().await.into_iter().collect();
    assert_eq!(numbers, (3..=32).collect());
    sees(&mut watch, 32).await;
    assert_eq!(ours.read().await.unwrap(), theirs.read().await.unwrap());
    assert_eq!(ours.read().await.unwrap().files.len(), 31);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_stores_on_one_file_make_one_line_of_revisions() {
    one_line_of_revisions(&Place::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_stores_on_one_postgres_make_one_line_of_revisions() {
    let server = Postgres::start();
    one_line_of_revisions(&Place::postgres(server.url().to_owned())).await;
}

#[tokio::test]
async fn a_notification_is_heard_and_a_lost_one_is_made_up_for() {
    let server = Postgres::start();
    let store = Place::postgres(server.url().to_owned()).open().await;
    let mut watch = store.watch();
    // No revision 7 is in the tables, so only a listener can know of it.
    let heard = async {
        loop {
            server.sql("onedoor", "SELECT pg_notify('onedoor_revision', '7')");
            if timeout(Duration::from_millis(100), watch.wait_for(|it| *it == 7)).await.is_ok() {
                break;
            }
        }
    };
    timeout(PATIENCE, heard).await.unwrap();
    // Nobody is told of this one.
    server.sql("onedoor", "UPDATE head SET revision = 8");
    sees(&mut watch, 8).await;
}

#[tokio::test]
async fn a_closed_store_answers_no_more_and_its_clones_neither() {
    let place = Place::sqlite();
    let store = place.open().await;
    let clone = store.clone();
    store.commit(&commit(&[("a", Some("1"))])).await.unwrap();
    store.close().await;
    assert!(matches!(clone.read().await, Err(Error::Unavailable { .. })));
    assert_eq!(place.open().await.head().await.unwrap(), 1);
}
