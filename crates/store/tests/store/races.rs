//! Many at once, over two stores on one database: one is the first, and what is revoked stays so.

use std::time::Duration;

use store::{GrantFilter, Handle, Store, Taken};
use testkit::Postgres;
use tokio::{task::JoinSet, time::timeout};

use crate::place::{Place, at, digest, grant, handle};

/// Longer than any poll. What takes longer does not come.
const PATIENCE: Duration = Duration::from_secs(5);
const TAKERS: u8 = 50;
const ROUNDS: u8 = 20;

/// One of the two, in turn.
fn one_of(stores: &(Store, Store), number: u8) -> Store {
    if number.is_multiple_of(2) { stores.0.clone() } else { stores.1.clone() }
}

async fn one_of_many_is_the_first(stores: &(Store, Store)) {
    stores.0.put_grant(&grant("g")).await.unwrap();
    for (number, how) in [(200, "take"), (201, "rotate")] {
        stores.0.put_handle(&handle(number, Some("g"))).await.unwrap();
        let mut tasks = JoinSet::new();
        for taker in 0..TAKERS {
            let store = one_of(stores, taker);
            tasks.spawn(async move {
                let (digest, now) = (digest(number), at(150));
                let taken = match how {
                    "take" => store.take_handle(&digest, "refresh", now).await,
                    _ => {
                        let new = Handle { kind: how.to_owned(), ..handle(taker, Some("g")) };
                        store.rotate_handle(&digest, "refresh", now, &new).await
                    }
                };
                taken.unwrap()
            });
        }
        let taken = tasks.join_all().await;
        let firsts = taken.iter().filter(|it| matches!(it, Taken::First(_))).count();
        let agains = taken.iter().filter(|it| matches!(it, Taken::Again(_))).count();
        assert_eq!((firsts, agains), (1, usize::from(TAKERS) - 1), "{how}");
        let mut left = 0;
        for taker in 0..TAKERS {
            let new = stores.1.peek_handle(&digest(taker), how, at(150)).await.unwrap();
            left += usize::from(matches!(new, Taken::First(_)));
        }
        assert_eq!(left, usize::from(how != "take"), "{how}");
    }
}

/// Refresh tokens rotate without end while their grant is revoked.
async fn nothing_lives_on_of_a_revoked_grant(stores: &(Store, Store)) {
    for round in 0..ROUNDS {
        let id = format!("race-{round}");
        stores.0.put_grant(&grant(&id)).await.unwrap();
        let of_round = |number: u8| Handle { kind: id.clone(), ..handle(number, Some(&id)) };
        stores.0.put_handle(&of_round(0)).await.unwrap();
        let rotating = async {
            let mut made = 0;
            for number in 0..TAKERS {
                let (old, new) = (digest(number), of_round(number + 1));
                let store = one_of(stores, number);
                let taken = store.rotate_handle(&old, &id, at(150), &new).await.unwrap();
                if !matches!(taken, Taken::First(_)) {
                    assert!(matches!(taken, Taken::Revoked(_)), "{taken:?}");
                    break;
                }
                made = number + 1;
            }
            made
        };
        let filter = GrantFilter::SubjectAndClient { subject: "ada", client: "shop" };
        let revoking = async {
            // Not always at the beginning.
            for _ in 0..round {
                stores.1.grant(&id).await.unwrap();
            }
            stores.1.revoke_grants(filter, at(150)).await.unwrap()
        };
        let (made, revoked) = tokio::join!(rotating, revoking);
        assert!(revoked.contains(&id));
        for number in 0..=made {
            let left = stores.0.peek_handle(&digest(number), &id, at(150)).await.unwrap();
            let is_dead = matches!(left, Taken::Again(_) | Taken::Revoked(_));
            assert!(is_dead, "round {round}, {number} of {made}: {left:?}");
        }
        let next = stores.0.peek_handle(&digest(made + 1), &id, at(150)).await.unwrap();
        assert_eq!(next, Taken::Unknown, "round {round}");
    }
}

/// A reader that goes by the numbers misses nothing, whoever revokes meanwhile.
async fn the_feed_is_whole(stores: &(Store, Store)) {
    let mut watch = stores.1.watch_revocations();
    let before = *watch.borrow_and_update();
    let mut tasks = JoinSet::new();
    for number in 0..TAKERS {
        let store = one_of(stores, number);
        tasks.spawn(async move {
            let ids: Vec<_> = (0..number % 4 + 1).map(|it| format!("t-{number}-{it}")).collect();
            store.revoke("token", &ids, at(150), at(400)).await.unwrap();
            ids
        });
    }
    let reading = async {
        let (mut after, mut read) = (before, Vec::new());
        while after < before + 123 {
            let page = stores.1.revoked_since(after, 7).await.unwrap();
            for entry in page {
                assert_eq!(entry.number, after + 1);
                after = entry.number;
                read.push(entry.id);
            }
        }
        read
    };
    let (mut read, revoked) =
        tokio::join!(async { timeout(PATIENCE, reading).await.unwrap() }, tasks.join_all());
    let mut revoked: Vec<_> = revoked.into_iter().flatten().collect();
    read.sort();
    revoked.sort();
    assert_eq!(read, revoked);
    timeout(PATIENCE, watch.wait_for(|it| *it == before + 123)).await.unwrap().unwrap();
}

/// Those who revoke the same grants in other words do not wait for each other in a circle.
async fn revoking_the_same_grants_at_once_ends(stores: &(Store, Store)) {
    for number in 0..200 {
        stores.0.put_grant(&grant(&format!("many-{number}"))).await.unwrap();
    }
    let mut tasks = JoinSet::new();
    for number in 0..TAKERS {
        let store = one_of(stores, number);
        let filter = match number % 4 {
            0 => GrantFilter::Client("shop"),
            1 => GrantFilter::Subject("ada"),
            2 => GrantFilter::Profile("shop-prod"),
            _ => GrantFilter::SubjectAndClient { subject: "ada", client: "shop" },
        };
        tasks.spawn(async move { store.revoke_grants(filter, at(150)).await.unwrap() });
        let store = one_of(stores, number);
        tasks.spawn(async move {
            store.purge(at(0), 100).await.unwrap();
            Vec::new()
        });
    }
    let revoked = tasks.join_all().await.into_iter().flatten().filter(|it| it.starts_with("many-"));
    assert_eq!(revoked.count(), 200);
}

async fn many_at_once(place: &Place) {
    let stores = (place.open().await, place.open().await);
    one_of_many_is_the_first(&stores).await;
    nothing_lives_on_of_a_revoked_grant(&stores).await;
    the_feed_is_whole(&stores).await;
    revoking_the_same_grants_at_once_ends(&stores).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_on_one_file() {
    many_at_once(&Place::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_on_one_postgres() {
    let server = Postgres::start();
    many_at_once(&Place::postgres(server.url().to_owned())).await;
}
