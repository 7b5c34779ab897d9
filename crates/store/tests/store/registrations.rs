//! Registrations, signing keys, replays, and what is forgotten when its time is over.

use store::{Error, Grant, GrantFilter, Registration, SigningKey, Taken, TakenBack};

use crate::place::{Place, at, digest, grant, handle};

on_every_database!(
    a_registration_is_kept_and_counted,
    a_registration_is_deleted_with_what_came_of_it,
    a_registration_that_was_never_used_is_forgotten,
    a_signing_key_is_never_overwritten,
    a_signing_key_is_rewrapped_where_it_is_as_it_was_read,
    what_was_seen_is_not_seen_first_again,
    nothing_is_forgotten_before_its_time,
    a_little_is_forgotten_at_a_time,
    a_text_that_one_database_cannot_keep_is_in_no_registration,
);

fn registration(id: &str, created: i64, used: Option<i64>) -> Registration {
    let (id, body) = (id.to_owned(), "{}".to_owned());
    Registration { id, body, created: at(created), used: used.map(at) }
}

async fn a_registration_is_kept_and_counted(place: &Place) {
    let store = place.open().await;
    for (id, created) in [("c", 10), ("a", 20), ("b", 30)] {
        store.put_registration(id, "{}", at(created)).await.unwrap();
    }
    let [a, b, c] =
        [registration("a", 20, None), registration("b", 30, None), registration("c", 10, None)];
    assert_eq!(store.registration("a").await.unwrap(), Some(a.clone()));
    assert_eq!(store.registration("d").await.unwrap(), None);
    assert_eq!(store.registrations(None, 2).await.unwrap(), [a, b.clone()]);
    assert_eq!(store.registrations(Some("a"), 9).await.unwrap(), [b, c]);
    for (since, want) in [(0, 3), (20, 2), (21, 1), (31, 0)] {
        assert_eq!(store.count_registrations(at(since)).await.unwrap(), want, "{since}");
    }
    // It changes, and stays as old as it is.
    store.put_registration("a", "changed", at(99)).await.unwrap();
    let changed = store.registration("a").await.unwrap().unwrap();
    assert_eq!((changed.body.as_str(), changed.created), ("changed", at(20)));
}

async fn a_registration_is_deleted_with_what_came_of_it(place: &Place) {
    let store = place.open().await;
    store.put_registration("shop", "{}", at(10)).await.unwrap();
    store.put_grant(&grant("a")).await.unwrap();
    store.put_grant(&Grant { client: "crm".to_owned(), ..grant("b") }).await.unwrap();
    let gone = store.delete_registration("shop", at(150)).await.unwrap();
    assert_eq!(gone, TakenBack { was_there: true, grants: vec!["a".to_owned()] });
    let again = store.delete_registration("shop", at(160)).await.unwrap();
    assert_eq!(again, TakenBack { was_there: false, grants: vec![] });
    assert_eq!(store.registration("shop").await.unwrap(), None);
    assert_eq!(store.grant("a").await.unwrap().unwrap().revoked, Some(at(150)));
    assert_eq!(store.grant("b").await.unwrap().unwrap().revoked, None);
    let told = store.revoked_since(0, 9).await.unwrap();
    assert_eq!(told.iter().map(|it| (&*it.kind, &*it.id)).collect::<Vec<_>>(), [("grant", "a")]);
}

async fn a_registration_that_was_never_used_is_forgotten(place: &Place) {
    let store = place.open().await;
    for (id, created) in [("old", 10), ("older", 5), ("used", 5), ("shop", 5), ("young", 20)] {
        store.put_registration(id, "{}", at(created)).await.unwrap();
    }
    assert!(store.note_registration_use("used", at(12)).await.unwrap());
    assert!(!store.note_registration_use("used", at(11)).await.unwrap());
    assert!(!store.note_registration_use("unknown", at(11)).await.unwrap());
    assert_eq!(store.registration("used").await.unwrap(), Some(registration("used", 5, Some(12))));
    store.put_grant(&grant("of-shop")).await.unwrap();
    assert_eq!(store.purge_registrations(at(20), at(12), 1).await.unwrap(), 1);
    assert_eq!(store.registration("older").await.unwrap(), None);
    assert_eq!(store.purge_registrations(at(20), at(12), 9).await.unwrap(), 1);
    let left = async || {
        let left = store.registrations(None, 9).await.unwrap();
        left.into_iter().map(|it| it.id).collect::<Vec<_>>()
    };
    assert_eq!(left().await, ["shop", "used", "young"]);
    // One that leads to nothing any more, and was used long ago.
    assert!(store.note_registration_use("shop", at(12)).await.unwrap());
    assert_eq!(store.purge_registrations(at(20), at(13), 9).await.unwrap(), 1);
    assert_eq!(left().await, ["shop", "young"]);
}

fn signing_key(id: &str, created: i64) -> SigningKey {
    SigningKey {
        id: id.to_owned(),
        algorithm: "EdDSA".to_owned(),
        public: "{}".to_owned(),
        key: "k1".to_owned(),
        sealed: vec![0, 1, 255],
        created: at(created),
        activates: at(created + 10),
        retires: None,
    }
}

async fn a_signing_key_is_never_overwritten(place: &Place) {
    let store = place.open().await;
    let (old, new) = (signing_key("a", 10), signing_key("b", 20));
    store.put_signing_key(&old).await.unwrap();
    store.put_signing_key(&new).await.unwrap();
    let error = store.put_signing_key(&signing_key("a", 99)).await.unwrap_err();
    assert!(matches!(error, Error::Exists { .. }), "{error}");
    assert_eq!(store.signing_keys().await.unwrap(), [new.clone(), old.clone()]);
    assert!(store.set_signing_key_times("a", at(11), Some(at(90))).await.unwrap());
    assert!(!store.set_signing_key_times("c", at(11), None).await.unwrap());
    let retiring = SigningKey { activates: at(11), retires: Some(at(90)), ..old };
    assert_eq!(store.signing_keys().await.unwrap(), [new.clone(), retiring]);
    assert!(store.delete_signing_key("a").await.unwrap());
    assert!(!store.delete_signing_key("a").await.unwrap());
    assert_eq!(store.signing_keys().await.unwrap(), [new]);
}

async fn a_signing_key_is_rewrapped_where_it_is_as_it_was_read(place: &Place) {
    let store = place.open().await;
    let wrapped =
        |it| SigningKey { key: "k2".to_owned(), sealed: vec![9], algorithm: "x".to_owned(), ..it };
    for (id, created) in [("a", 10), ("b", 20)] {
        store.put_signing_key(&signing_key(id, created)).await.unwrap();
    }
    let rewrap = async |it: SigningKey, from: &str| {
        store.rewrap_signing_key(&wrapped(it), from).await.unwrap()
    };
    assert!(!rewrap(signing_key("a", 11), "k1").await, "it was made anew");
    assert!(!rewrap(signing_key("a", 10), "k0").await, "it is under another key");
    assert!(!rewrap(signing_key("c", 10), "k1").await, "it is gone");
    assert!(rewrap(signing_key("a", 10), "k1").await);
    let a = SigningKey { algorithm: "EdDSA".to_owned(), ..wrapped(signing_key("a", 10)) };
    assert_eq!(store.signing_keys().await.unwrap(), [signing_key("b", 20), a]);
}

async fn what_was_seen_is_not_seen_first_again(place: &Place) {
    let store = place.open().await;
    assert!(store.first_seen(&digest(1), at(200)).await.unwrap());
    assert!(!store.first_seen(&digest(1), at(200)).await.unwrap());
    assert!(!store.first_seen(&digest(1), at(900)).await.unwrap());
    assert!(store.first_seen(&digest(2), at(200)).await.unwrap());
}

async fn nothing_is_forgotten_before_its_time(place: &Place) {
    let store = place.open().await;
    let days = 24 * 3600;
    for id in ["g", "h"] {
        store.put_grant(&grant(id)).await.unwrap();
    }
    store.revoke_grants(GrantFilter::One("g"), at(150)).await.unwrap();
    store.put_handle(&handle(1, None)).await.unwrap();
    store.put_handle(&handle(2, None)).await.unwrap();
    store.take_handle(&digest(2), "refresh", at(150)).await.unwrap();
    store.first_seen(&digest(1), at(200)).await.unwrap();
    assert_eq!(store.purge(at(199), 99).await.unwrap(), 0);
    let again = store.take_handle(&digest(2), "refresh", at(199)).await.unwrap();
    assert!(matches!(again, Taken::Again(_)), "{again:?}");
    assert!(!store.first_seen(&digest(1), at(200)).await.unwrap());
    // Both handles and the replay.
    assert_eq!(store.purge(at(200), 99).await.unwrap(), 3);
    let gone = store.peek_handle(&digest(1), "refresh", at(150)).await.unwrap();
    assert_eq!(gone, Taken::Unknown);
    assert!(store.first_seen(&digest(1), at(200)).await.unwrap());
    store.purge(at(200), 99).await.unwrap();
    // The entry of the grant.
    assert_eq!(store.revoked_since(0, 9).await.unwrap().len(), 1);
    assert_eq!(store.purge(at(999), 99).await.unwrap(), 0);
    assert_eq!(store.purge(at(1000), 99).await.unwrap(), 1);
    assert_eq!(store.revoked_since(0, 9).await.unwrap(), []);
    // The grants.
    assert_eq!(store.purge(at(999 + 30 * days), 99).await.unwrap(), 0);
    assert_eq!(store.purge(at(1000 + 30 * days), 99).await.unwrap(), 2);
    assert_eq!(store.grant("h").await.unwrap(), None);
    // Numbers go on where they were.
    store.revoke("token", &["t".to_owned()], at(1), at(2)).await.unwrap();
    assert_eq!(store.revoked_since(0, 9).await.unwrap()[0].number, 2);
}

async fn a_little_is_forgotten_at_a_time(place: &Place) {
    let store = place.open().await;
    for number in 0..5 {
        store.put_handle(&handle(number, None)).await.unwrap();
        store.first_seen(&digest(number), at(200)).await.unwrap();
    }
    let mut purged = Vec::new();
    for _ in 0..5 {
        purged.push(store.purge(at(300), 3).await.unwrap());
    }
    assert_eq!(purged, [3, 3, 3, 1, 0]);
}

async fn a_text_that_one_database_cannot_keep_is_in_no_registration(place: &Place) {
    let store = place.open().await;
    let key = || signing_key("a", 10);
    let nul = || "a\0b".to_owned();
    let broken = [
        store.put_registration("\0", "{}", at(1)).await,
        store.put_registration("a", "\0", at(1)).await,
        store.registration("\0").await.map(drop),
        store.registrations(Some("\0"), 1).await.map(drop),
        store.note_registration_use("\0", at(1)).await.map(drop),
        store.delete_registration("\0", at(1)).await.map(drop),
        store.put_signing_key(&SigningKey { id: nul(), ..key() }).await,
        store.put_signing_key(&SigningKey { algorithm: nul(), ..key() }).await,
        store.put_signing_key(&SigningKey { public: nul(), ..key() }).await,
        store.put_signing_key(&SigningKey { key: nul(), ..key() }).await,
        store.rewrap_signing_key(&key(), "\0").await.map(drop),
        store.set_signing_key_times("\0", at(1), None).await.map(drop),
        store.delete_signing_key("\0").await.map(drop),
    ];
    for (number, broken) in broken.into_iter().enumerate() {
        assert!(matches!(broken, Err(Error::Nul { .. })), "{number}: {broken:?}");
    }
    assert_eq!(store.registrations(None, 9).await.unwrap(), []);
    assert_eq!(store.signing_keys().await.unwrap(), []);
}
