//! Handles: taken once, whoever asks, and worth nothing without their grant.

use store::{Digest, Error, GrantFilter, Handle, Store, Taken};

use crate::place::{Place, at, digest, grant, handle};

on_every_database!(
    a_handle_is_taken_once,
    a_handle_is_known_by_digest_and_kind,
    a_look_tells_what_a_take_would_and_takes_nothing,
    an_expired_handle_is_not_taken,
    a_second_use_is_seen_after_the_end_as_long_as_it_is_kept,
    a_second_use_is_seen_until_the_grant_has_ended_and_does_nothing,
    a_handle_of_a_revoked_or_expired_grant_is_worth_nothing,
    no_handle_is_put_under_a_grant_that_ended,
    a_body_is_replaced_where_it_is_as_expected_and_not_taken,
    a_dropped_handle_is_unknown,
    good_handles_of_a_client_are_listed_page_by_page,
    handles_that_end_within_a_time_are_listed_page_by_page,
    a_rotation_is_done_whole_or_not_at_all,
    a_handle_that_one_database_cannot_keep_is_refused_by_all,
);

async fn take(store: &Store, number: u8, seconds: i64) -> Taken {
    store.take_handle(&digest(number), "refresh", at(seconds)).await.unwrap()
}

async fn peek(store: &Store, number: u8, seconds: i64) -> Taken {
    store.peek_handle(&digest(number), "refresh", at(seconds)).await.unwrap()
}

/// One of a grant once it is taken: known until that ends.
fn kept(handle: Handle) -> Handle {
    Handle { expires: grant("").expires, ..handle }
}

async fn a_handle_is_taken_once(place: &Place) {
    let store = place.open().await;
    let handle = handle(1, None);
    store.put_handle(&handle).await.unwrap();
    assert_eq!(take(&store, 1, 150).await, Taken::First(handle.clone()));
    assert_eq!(take(&store, 1, 150).await, Taken::Again(handle.clone()));
    assert_eq!(take(&store, 1, 199).await, Taken::Again(handle.clone()));
    let error = store.put_handle(&handle).await.unwrap_err();
    assert!(matches!(error, Error::Exists { .. }), "{error}");
    assert_eq!(take(&store, 1, 150).await, Taken::Again(handle));
}

async fn a_handle_is_known_by_digest_and_kind(place: &Place) {
    let store = place.open().await;
    assert_eq!(take(&store, 1, 150).await, Taken::Unknown);
    let refresh = handle(1, None);
    let code = Handle { kind: "code".to_owned(), ..refresh.clone() };
    store.put_handle(&refresh).await.unwrap();
    let taken = store.take_handle(&digest(1), "code", at(150)).await.unwrap();
    assert_eq!(taken, Taken::Unknown);
    store.put_handle(&code).await.unwrap();
    let taken = store.take_handle(&digest(1), "code", at(150)).await.unwrap();
    assert_eq!(taken, Taken::First(code));
    let mut near: Digest = digest(1);
    near[31] = 2;
    let taken = store.take_handle(&near, "refresh", at(150)).await.unwrap();
    assert_eq!(taken, Taken::Unknown);
    assert_eq!(take(&store, 1, 150).await, Taken::First(refresh));
}

async fn a_look_tells_what_a_take_would_and_takes_nothing(place: &Place) {
    let store = place.open().await;
    store.put_grant(&grant("g")).await.unwrap();
    store.put_handle(&handle(1, Some("g"))).await.unwrap();
    for seconds in [150, 199, 200, 150] {
        let first = Taken::First(handle(1, Some("g")));
        let want = if seconds < 200 { first } else { Taken::Expired };
        assert_eq!(peek(&store, 1, seconds).await, want);
    }
    assert_eq!(peek(&store, 2, 150).await, Taken::Unknown);
    take(&store, 1, 150).await;
    assert_eq!(peek(&store, 1, 150).await, Taken::Again(kept(handle(1, Some("g")))));
}

async fn an_expired_handle_is_not_taken(place: &Place) {
    let store = place.open().await;
    store.put_handle(&handle(1, None)).await.unwrap();
    assert_eq!(take(&store, 1, 200).await, Taken::Expired);
    assert_eq!(take(&store, 1, 300).await, Taken::Expired);
    assert_eq!(take(&store, 1, 199).await, Taken::First(handle(1, None)));
}

async fn a_second_use_is_seen_after_the_end_as_long_as_it_is_kept(place: &Place) {
    let store = place.open().await;
    store.put_handle(&handle(1, None)).await.unwrap();
    take(&store, 1, 150).await;
    assert_eq!(take(&store, 1, 300).await, Taken::Again(handle(1, None)));
    store.purge(at(300), 10).await.unwrap();
    assert_eq!(take(&store, 1, 300).await, Taken::Unknown);
}

async fn a_second_use_is_seen_until_the_grant_has_ended_and_does_nothing(place: &Place) {
    let store = place.open().await;
    store.put_grant(&grant("g")).await.unwrap();
    for number in [1, 2, 3] {
        store.put_handle(&handle(number, Some("g"))).await.unwrap();
    }
    take(&store, 1, 150).await;
    let new = handle(5, Some("g"));
    store.rotate_handle(&digest(2), "refresh", at(150), &new).await.unwrap();
    // What nobody took is gone.
    assert_eq!(store.purge(at(999), 10).await.unwrap(), 2);
    for number in [1, 2] {
        let new = handle(6, Some("g"));
        let rotated = store.rotate_handle(&digest(number), "refresh", at(999), &new).await.unwrap();
        assert!(matches!(rotated, Taken::Again(_)), "{number}: {rotated:?}");
        // Nor at any time before.
        let again = take(&store, number, 150).await;
        assert!(matches!(again, Taken::Again(_)), "{number}: {again:?}");
        let body = format!("body {number}");
        assert!(!store.replace_body(&digest(number), "refresh", "x", &body).await.unwrap());
    }
    assert_eq!(peek(&store, 6, 999).await, Taken::Unknown);
    assert_eq!(store.purge(at(1000), 10).await.unwrap(), 2);
    assert_eq!(take(&store, 1, 1000).await, Taken::Unknown);
}

async fn a_handle_of_a_revoked_or_expired_grant_is_worth_nothing(place: &Place) {
    let store = place.open().await;
    store.put_grant(&grant("revoked")).await.unwrap();
    let short = store::Grant { expires: at(160), ..grant("short") };
    store.put_grant(&short).await.unwrap();
    let (revoked, used, expired) =
        (handle(1, Some("revoked")), handle(2, Some("revoked")), handle(3, Some("short")));
    for handle in [&revoked, &used, &expired] {
        store.put_handle(handle).await.unwrap();
    }
    assert_eq!(take(&store, 2, 150).await, Taken::First(used.clone()));
    store.revoke_grants(GrantFilter::One("revoked"), at(150)).await.unwrap();
    assert_eq!(peek(&store, 1, 150).await, Taken::Revoked(revoked.clone()));
    assert_eq!(take(&store, 1, 150).await, Taken::Revoked(revoked));
    assert_eq!(take(&store, 1, 200).await, Taken::Expired);
    // That it comes again is told all the same.
    assert_eq!(take(&store, 2, 150).await, Taken::Again(kept(used)));
    assert_eq!(take(&store, 3, 160).await, Taken::Expired);
    let new = handle(9, Some("revoked"));
    let rotated = store.rotate_handle(&digest(1), "refresh", at(150), &new).await.unwrap();
    assert!(matches!(rotated, Taken::Revoked(_)), "{rotated:?}");
    assert_eq!(peek(&store, 9, 150).await, Taken::Unknown);
    assert_eq!(take(&store, 3, 159).await, Taken::First(expired));
}

async fn no_handle_is_put_under_a_grant_that_ended(place: &Place) {
    let store = place.open().await;
    store.put_grant(&grant("revoked")).await.unwrap();
    store.revoke_grants(GrantFilter::One("revoked"), at(150)).await.unwrap();
    store.put_grant(&store::Grant { expires: at(100), ..grant("expired") }).await.unwrap();
    for ended in ["revoked", "expired", "unknown"] {
        let error = store.put_handle(&handle(1, Some(ended))).await.unwrap_err();
        assert!(matches!(&error, Error::UnknownGrant { grant } if grant == ended), "{error}");
    }
    assert_eq!(peek(&store, 1, 150).await, Taken::Unknown);
}

async fn a_body_is_replaced_where_it_is_as_expected_and_not_taken(place: &Place) {
    let store = place.open().await;
    store.put_handle(&handle(1, None)).await.unwrap();
    let replace = async |kind: &str, body: &str, expected: &str| {
        store.replace_body(&digest(1), kind, body, expected).await.unwrap()
    };
    assert!(!replace("refresh", "approved", "pending").await);
    assert!(!replace("code", "approved", "body 1").await);
    assert!(replace("refresh", "approved", "body 1").await);
    assert!(!replace("refresh", "denied", "body 1").await);
    let approved = Handle { body: "approved".to_owned(), ..handle(1, None) };
    assert_eq!(take(&store, 1, 150).await, Taken::First(approved.clone()));
    assert!(!replace("refresh", "denied", "approved").await);
    assert_eq!(take(&store, 1, 150).await, Taken::Again(approved));
}

async fn a_dropped_handle_is_unknown(place: &Place) {
    let store = place.open().await;
    store.put_handle(&handle(1, None)).await.unwrap();
    assert!(!store.drop_handle(&digest(1), "code").await.unwrap());
    assert!(store.drop_handle(&digest(1), "refresh").await.unwrap());
    assert!(!store.drop_handle(&digest(1), "refresh").await.unwrap());
    assert_eq!(take(&store, 1, 150).await, Taken::Unknown);
}

async fn good_handles_of_a_client_are_listed_page_by_page(place: &Place) {
    let store = place.open().await;
    for id in ["a", "b", "revoked"] {
        store.put_grant(&grant(id)).await.unwrap();
    }
    let other = store::Grant { client: "other".to_owned(), ..grant("other") };
    store.put_grant(&other).await.unwrap();
    for (number, of) in [(3, "a"), (1, "a"), (2, "b"), (4, "b"), (5, "revoked"), (6, "other")] {
        store.put_handle(&handle(number, Some(of))).await.unwrap();
    }
    let code = Handle { kind: "code".to_owned(), ..handle(7, Some("a")) };
    store.put_handle(&code).await.unwrap();
    take(&store, 4, 150).await;
    store.revoke_grants(GrantFilter::One("revoked"), at(150)).await.unwrap();
    let list = async |after: Option<&Handle>, limit: u32, seconds: i64| {
        let what = ("shop", "refresh");
        store.handles_of_client(what, at(seconds), after, limit).await.unwrap()
    };
    let of = |number, grant| handle(number, Some(grant));
    assert_eq!(list(None, 9, 150).await, [of(1, "a"), of(3, "a"), of(2, "b")]);
    assert_eq!(list(None, 2, 150).await, [of(1, "a"), of(3, "a")]);
    assert_eq!(list(Some(&of(1, "a")), 9, 150).await, [of(3, "a"), of(2, "b")]);
    assert_eq!(list(Some(&of(3, "a")), 9, 150).await, [of(2, "b")]);
    assert_eq!(list(Some(&of(2, "b")), 9, 150).await, []);
    assert_eq!(list(None, 9, 200).await, [], "they have expired");
}

async fn handles_that_end_within_a_time_are_listed_page_by_page(place: &Place) {
    let store = place.open().await;
    let of = |number, seconds| Handle { expires: at(seconds), ..handle(number, None) };
    for it in [of(1, 200), of(3, 150), of(2, 150), of(4, 201), of(5, 149), of(6, 160)] {
        store.put_handle(&it).await.unwrap();
    }
    let code = Handle { kind: "code".to_owned(), ..of(7, 160) };
    store.put_handle(&code).await.unwrap();
    take(&store, 6, 120).await;
    let list = async |after: Option<&Handle>, limit: u32| {
        store.handles_ending("refresh", (at(150), at(200)), after, limit).await.unwrap()
    };
    assert_eq!(list(None, 9).await, [of(2, 150), of(3, 150), of(1, 200)]);
    assert_eq!(list(None, 1).await, [of(2, 150)]);
    assert_eq!(list(Some(&of(2, 150)), 9).await, [of(3, 150), of(1, 200)]);
    assert_eq!(list(Some(&of(1, 200)), 9).await, []);
}

async fn a_rotation_is_done_whole_or_not_at_all(place: &Place) {
    let store = place.open().await;
    store.put_grant(&grant("g")).await.unwrap();
    let (old, new) = (handle(1, Some("g")), handle(2, Some("g")));
    store.put_handle(&old).await.unwrap();
    let rotate =
        async |new: &Handle| store.rotate_handle(&digest(1), "refresh", at(150), new).await;
    // One that is there, and one of a grant that is not.
    let error = rotate(&old).await.unwrap_err();
    assert!(matches!(error, Error::Exists { .. }), "{error}");
    let error = rotate(&handle(2, Some("unknown"))).await.unwrap_err();
    assert!(matches!(error, Error::UnknownGrant { .. }), "{error}");
    assert_eq!(peek(&store, 1, 150).await, Taken::First(old.clone()));
    assert_eq!(rotate(&new).await.unwrap(), Taken::First(old.clone()));
    assert_eq!(rotate(&handle(3, Some("g"))).await.unwrap(), Taken::Again(kept(old)));
    assert_eq!(peek(&store, 2, 150).await, Taken::First(new));
    assert_eq!(peek(&store, 3, 150).await, Taken::Unknown);
}

async fn a_handle_that_one_database_cannot_keep_is_refused_by_all(place: &Place) {
    let store = place.open().await;
    store.put_handle(&handle(1, None)).await.unwrap();
    let nul = || "a\0b".to_owned();
    let broken = [
        store.put_handle(&Handle { kind: nul(), ..handle(2, None) }).await,
        store.put_handle(&Handle { body: nul(), ..handle(2, None) }).await,
        store.put_handle(&handle(2, Some("a\0b"))).await,
        store.peek_handle(&digest(1), "a\0b", at(150)).await.map(drop),
        store.take_handle(&digest(1), "a\0b", at(150)).await.map(drop),
        store.rotate_handle(&digest(1), "refresh", at(150), &handle(2, Some("\0"))).await.map(drop),
        store.replace_body(&digest(1), "refresh", "\0", "body 1").await.map(drop),
        store.replace_body(&digest(1), "refresh", "", "\0").await.map(drop),
        store.drop_handle(&digest(1), "\0").await.map(drop),
        store.handles_of_client(("\0", "refresh"), at(150), None, 9).await.map(drop),
        store.handles_ending("\0", (at(1), at(2)), None, 9).await.map(drop),
    ];
    for broken in broken {
        let error = broken.unwrap_err();
        assert!(matches!(error, Error::Nul { .. }), "{error}");
    }
    assert_eq!(take(&store, 1, 150).await, Taken::First(handle(1, None)));
}
