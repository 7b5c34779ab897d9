//! Grants, the feed of revocations, and the consents that grants come of.

use std::{collections::BTreeMap, slice};

use store::{Consent, Error, Grant, GrantFilter, Handle, Revoked, Store, TakenBack};

use crate::place::{Place, at, grant, handle};

on_every_database!(
    a_grant_comes_back_as_it_was_put,
    grants_are_listed_by_whom_they_are_for_and_in_pages,
    grants_of_all_but_some_clients_are_listed_and_revoked,
    who_holds_grants_is_counted_as_long_as_they_are_good,
    what_is_good_of_a_client_for_a_user_is_told_once,
    a_grant_was_renewed_when_its_newest_handle_was_made,
    grants_are_revoked_with_their_entry_in_the_feed,
    a_grant_that_has_expired_is_not_revoked_nor_counted,
    the_feed_is_read_from_a_number_on_and_in_pages,
    a_revocation_is_seen_by_who_watches,
    a_consent_is_one_for_each_user_and_client,
    a_consent_is_taken_back_with_what_came_of_it,
    a_consent_is_forgotten_when_nothing_of_it_is_left,
    a_text_that_one_database_cannot_keep_is_in_no_grant,
    a_thousand_grants_are_revoked_at_once,
);

fn ids(grants: &[Grant]) -> Vec<&str> {
    grants.iter().map(|it| it.id.as_str()).collect()
}

/// Of shop for ada, of shop for bob, of crm for ada, of crm for itself.
async fn four(store: &Store) -> [Grant; 4] {
    let crm = |it| Grant { client: "crm".to_owned(), profile: "crm-ro".to_owned(), ..it };
    let four = [
        grant("a"),
        Grant { subject: Some("bob".to_owned()), ..grant("b") },
        crm(grant("c")),
        Grant { subject: None, ..crm(grant("d")) },
    ];
    for grant in &four {
        store.put_grant(grant).await.unwrap();
    }
    four
}

async fn revoked(store: &Store) -> Vec<(u64, String, String)> {
    let feed = store.revoked_since(0, 10_000).await.unwrap();
    feed.into_iter().map(|it| (it.number, it.kind, it.id)).collect()
}

fn entry(number: u64, id: &str) -> (u64, String, String) {
    (number, "grant".to_owned(), id.to_owned())
}

async fn a_grant_comes_back_as_it_was_put(place: &Place) {
    let store = place.open().await;
    assert_eq!(store.grant("a").await.unwrap(), None);
    for grant in four(&store).await {
        assert_eq!(store.grant(&grant.id).await.unwrap(), Some(grant));
    }
    let other = Grant { client: "other".to_owned(), ..grant("a") };
    let error = store.put_grant(&other).await.unwrap_err();
    assert!(matches!(error, Error::Exists { .. }), "{error}");
    assert_eq!(store.grant("a").await.unwrap(), Some(grant("a")));
}

async fn grants_are_listed_by_whom_they_are_for_and_in_pages(place: &Place) {
    let store = place.open().await;
    four(&store).await;
    let both = |subject, client| GrantFilter::SubjectAndClient { subject, client };
    for (filter, want) in [
        (GrantFilter::Client("shop"), vec!["a", "b"]),
        (GrantFilter::Subject("ada"), vec!["a", "c"]),
        (GrantFilter::Profile("crm-ro"), vec!["c", "d"]),
        (GrantFilter::One("d"), vec!["d"]),
        (both("ada", "crm"), vec!["c"]),
        (both("bob", "crm"), vec![]),
        (GrantFilter::Subject(""), vec![]),
    ] {
        let found = store.grants(filter, None, 9).await.unwrap();
        assert_eq!(ids(&found), want, "{filter:?}");
        let first = store.grants(filter, None, 1).await.unwrap();
        assert_eq!(ids(&first), want.iter().copied().take(1).collect::<Vec<_>>());
        if let Some(first) = first.first() {
            let rest = store.grants(filter, Some(&first.id), 9).await.unwrap();
            assert_eq!(ids(&rest), want[1..], "{filter:?}");
        }
    }
}

async fn grants_of_all_but_some_clients_are_listed_and_revoked(place: &Place) {
    let store = place.open().await;
    four(&store).await;
    let given = |subject, client, profile, besides| GrantFilter::Given {
        subject,
        client,
        profile,
        besides,
    };
    for (filter, want) in [
        (given(None, None, None, &[]), vec!["a", "b", "c", "d"]),
        (given(None, None, None, &["shop"]), vec!["c", "d"]),
        (given(None, None, None, &["shop", "crm"]), vec![]),
        (given(Some("ada"), None, None, &["crm", "none"]), vec!["a"]),
        (given(Some("ada"), Some("crm"), Some("crm-ro"), &[]), vec!["c"]),
        (given(None, Some("shop"), Some("crm-ro"), &[]), vec![]),
    ] {
        assert_eq!(ids(&store.grants(filter, None, 9).await.unwrap()), want, "{filter:?}");
    }
    let ids = store.revoke_grants(given(Some("ada"), None, None, &["crm"]), at(150)).await.unwrap();
    assert_eq!(ids, ["a"]);
    assert_eq!(store.grant("c").await.unwrap().unwrap().revoked, None);
}

async fn who_holds_grants_is_counted_as_long_as_they_are_good(place: &Place) {
    let store = place.open().await;
    let [a, ..] = four(&store).await;
    let of = async |now| {
        let found = store.holders(["sh%", "cr%"], None, (now, 9)).await.unwrap();
        found.into_iter().map(|it| (it.client, it.grants)).collect::<Vec<_>>()
    };
    let (crm, shop) = (("crm".to_owned(), 2), |grants| ("shop".to_owned(), grants));
    assert_eq!(of(at(101)).await, [crm.clone(), shop(2)]);
    let page = store.holders(["sh%", "cr%"], Some("crm"), (at(101), 9)).await.unwrap();
    assert_eq!((page.len(), &*page[0].client, page[0].newest), (1, "shop", a.created));
    assert_eq!(store.holders(["x%", "shop_"], None, (at(101), 9)).await.unwrap(), []);
    store.revoke_grants(GrantFilter::One("a"), at(150)).await.unwrap();
    assert_eq!(of(at(151)).await, [crm, shop(1)]);
    assert_eq!(of(a.expires).await, []);
}

async fn what_is_good_of_a_client_for_a_user_is_told_once(place: &Place) {
    let store = place.open().await;
    four(&store).await;
    let other = Grant { body: "{\"a\":1}".to_owned(), expires: at(1_500), ..grant("f") };
    for more in [Grant { expires: at(2_000), ..grant("e") }, other] {
        store.put_grant(&more).await.unwrap();
    }
    let good = async |now, limit| {
        let found = store.good_grants("ada", "shop", (now, limit)).await.unwrap();
        found.into_iter().map(|it| (it.profile, it.body, it.expires)).collect::<Vec<_>>()
    };
    let of = |body: &str, expires| ("shop-prod".to_owned(), body.to_owned(), at(expires));
    let (longest, next) = (of("{}", 2_000), of("{\"a\":1}", 1_500));
    assert_eq!(good(at(1_500), 9).await, slice::from_ref(&longest));
    assert_eq!(good(at(150), 1).await, slice::from_ref(&longest));
    assert_eq!(good(at(150), 9).await, [longest, next]);
    let acting = async |after, now| store.acting_for("ada", after, (now, 9)).await.unwrap();
    assert_eq!(acting(None, at(150)).await, ["crm", "shop"]);
    assert_eq!(acting(Some("crm"), at(150)).await, ["shop"]);
    assert_eq!(acting(None, at(2_000)).await, [""; 0]);
    store.revoke_grants(GrantFilter::Client("shop"), at(160)).await.unwrap();
    assert_eq!(good(at(161), 9).await, []);
    assert_eq!(acting(None, at(161)).await, ["crm"]);
}

async fn a_grant_was_renewed_when_its_newest_handle_was_made(place: &Place) {
    let store = place.open().await;
    four(&store).await;
    let first = handle(1, Some("a"));
    let later = Handle { created: at(170), ..handle(2, Some("a")) };
    let of_another_kind = Handle { kind: "other".to_owned(), ..handle(3, Some("b")) };
    for handle in [&first, &later, &of_another_kind] {
        store.put_handle(handle).await.unwrap();
    }
    let newest = store.newest_handles(&first.kind, &["a", "b", "c"]).await.unwrap();
    assert_eq!(newest, BTreeMap::from([("a".to_owned(), at(170))]));
    assert_eq!(store.newest_handles(&first.kind, &[]).await.unwrap(), BTreeMap::new());
}

async fn grants_are_revoked_with_their_entry_in_the_feed(place: &Place) {
    let store = place.open().await;
    let [a, b, c, d] = four(&store).await;
    let revoke = async |filter, seconds| {
        let mut ids = store.revoke_grants(filter, at(seconds)).await.unwrap();
        ids.sort();
        ids
    };
    assert_eq!(revoke(GrantFilter::One("unknown"), 1).await, [""; 0]);
    assert_eq!(revoke(GrantFilter::Subject("bob"), 150).await, ["b"]);
    let first = Revoked {
        number: 1,
        kind: Revoked::GRANT.to_owned(),
        id: "b".to_owned(),
        at: at(150),
        expires: b.expires,
    };
    assert_eq!(store.revoked_since(0, 9).await.unwrap(), [first]);
    assert_eq!(store.grant("b").await.unwrap(), Some(Grant { revoked: Some(at(150)), ..b }));
    // What is revoked stays as it was revoked.
    assert_eq!(revoke(GrantFilter::Client("shop"), 160).await, ["a"]);
    assert_eq!(revoke(GrantFilter::Client("shop"), 170).await, [""; 0]);
    assert_eq!(store.grant("a").await.unwrap().unwrap().revoked, Some(at(160)));
    assert_eq!(store.grant("b").await.unwrap().unwrap().revoked, Some(at(150)));
    assert_eq!(store.grant("c").await.unwrap(), Some(c));
    assert_eq!(revoke(GrantFilter::Profile("crm-ro"), 180).await, ["c", "d"]);
    let feed = revoked(&store).await;
    assert_eq!(feed[..2], [entry(1, "b"), entry(2, "a")]);
    assert_eq!(feed.iter().map(|it| it.0).collect::<Vec<_>>(), [1, 2, 3, 4]);
    let both = GrantFilter::SubjectAndClient { subject: "ada", client: "shop" };
    store.put_grant(&Grant { id: "e".to_owned(), ..a }).await.unwrap();
    store.put_grant(&Grant { id: "f".to_owned(), ..d }).await.unwrap();
    assert_eq!(revoke(both, 190).await, ["e"]);
}

async fn a_grant_that_has_expired_is_not_revoked_nor_counted(place: &Place) {
    let store = place.open().await;
    let [a, b, ..] = four(&store).await;
    let later = Grant { id: "later".to_owned(), expires: at(1_001), ..a.clone() };
    store.put_grant(&later).await.unwrap();
    let now = a.expires;
    assert_eq!(store.revoke_grants(GrantFilter::Client("shop"), now).await.unwrap(), ["later"]);
    assert_eq!(revoked(&store).await, [entry(1, "later")]);
    for grant in [a, b] {
        assert_eq!(store.grant(&grant.id).await.unwrap(), Some(grant));
    }
}

async fn the_feed_is_read_from_a_number_on_and_in_pages(place: &Place) {
    let store = place.open().await;
    four(&store).await;
    let ids: Vec<_> = (0..600).map(|it| format!("t{it:03}")).collect();
    store.revoke("token", &ids, at(150), at(400)).await.unwrap();
    store.revoke("token", &[], at(150), at(400)).await.unwrap();
    store.revoke_grants(GrantFilter::One("a"), at(150)).await.unwrap();
    assert_eq!(*store.watch_revocations().borrow(), 601);
    let mut after = 0;
    let mut found = Vec::new();
    loop {
        let page = store.revoked_since(after, 250).await.unwrap();
        assert!(page.len() <= 250);
        let Some(last) = page.last() else { break };
        after = last.number;
        found.extend(page);
    }
    assert!((1..=601).eq(found.iter().map(|it| it.number)));
    assert!(found.iter().take(600).map(|it| &it.id).eq(&ids));
    let token = &found[0];
    assert_eq!((token.kind.as_str(), token.at, token.expires), ("token", at(150), at(400)));
    assert_eq!((found[600].kind.as_str(), found[600].id.as_str()), ("grant", "a"));
    assert_eq!(store.revoked_since(u64::MAX, 9).await.unwrap(), []);
}

async fn a_revocation_is_seen_by_who_watches(place: &Place) {
    let store = place.open().await;
    four(&store).await;
    let (mut revocations, revisions) = (store.watch_revocations(), store.watch());
    assert_eq!(*revocations.borrow_and_update(), 0);
    store.clone().revoke_grants(GrantFilter::Client("shop"), at(150)).await.unwrap();
    // At once: nothing was waited for in between.
    assert_eq!(*revocations.borrow_and_update(), 2);
    assert_eq!(*revisions.borrow(), 0);
}

fn consent(subject: &str, client: &str) -> Consent {
    Consent {
        subject: subject.to_owned(),
        client: client.to_owned(),
        body: "{}".to_owned(),
        given: at(100),
    }
}

async fn a_consent_is_one_for_each_user_and_client(place: &Place) {
    let store = place.open().await;
    assert_eq!(store.consent("ada", "shop").await.unwrap(), None);
    for (subject, client) in [("bob", "shop"), ("ada", "shop"), ("ada", "crm"), ("ada", "x")] {
        store.put_consent(&consent(subject, client)).await.unwrap();
    }
    let more = Consent { body: "more".to_owned(), given: at(120), ..consent("ada", "shop") };
    store.put_consent(&more).await.unwrap();
    assert_eq!(store.consent("ada", "shop").await.unwrap(), Some(more.clone()));
    let [crm, x, bob] = [consent("ada", "crm"), consent("ada", "x"), consent("bob", "shop")];
    let list = async |subject, after, limit| store.consents(subject, after, limit).await.unwrap();
    assert_eq!(list(None, None, 2).await, [crm.clone(), more.clone()]);
    assert_eq!(list(None, Some(("ada", "shop")), 9).await, [x.clone(), bob]);
    assert_eq!(list(Some("ada"), None, 9).await, [crm, more, x.clone()]);
    assert_eq!(list(Some("ada"), Some(("ada", "shop")), 9).await, [x]);
    assert_eq!(list(Some("eve"), None, 9).await, []);
}

async fn a_consent_is_taken_back_with_what_came_of_it(place: &Place) {
    let store = place.open().await;
    four(&store).await;
    for client in ["shop", "crm"] {
        store.put_consent(&consent("ada", client)).await.unwrap();
    }
    let gone = store.delete_consent("ada", "shop", at(150)).await.unwrap();
    assert_eq!(gone, TakenBack { was_there: true, grants: vec!["a".to_owned()] });
    assert_eq!(store.consent("ada", "shop").await.unwrap(), None);
    assert_eq!(store.consent("ada", "crm").await.unwrap(), Some(consent("ada", "crm")));
    assert_eq!(revoked(&store).await, [entry(1, "a")]);
    assert_eq!(store.grant("a").await.unwrap().unwrap().revoked, Some(at(150)));
    assert_eq!(*store.watch_revocations().borrow(), 1);
    // There is no consent any more, but a grant that came late.
    store.put_grant(&grant("late")).await.unwrap();
    let gone = store.delete_consent("ada", "shop", at(160)).await.unwrap();
    assert_eq!(gone, TakenBack { was_there: false, grants: vec!["late".to_owned()] });
    assert_eq!(revoked(&store).await, [entry(1, "a"), entry(2, "late")]);
}

async fn a_consent_is_forgotten_when_nothing_of_it_is_left(place: &Place) {
    let store = place.open().await;
    for (subject, client) in [("ada", "crm"), ("ada", "shop"), ("bob", "shop"), ("eve", "shop")] {
        let given = at(0);
        store.put_consent(&Consent { given, ..consent(subject, client) }).await.unwrap();
        let (id, subject) = (format!("{subject} {client}"), Some(subject.to_owned()));
        let grant = Grant { id, client: client.to_owned(), subject, ..grant("") };
        // That of Eve never came to be.
        if grant.subject.as_deref() != Some("eve") {
            store.put_grant(&Grant { expires: at(10_000), ..grant }).await.unwrap();
        }
    }
    store.revoke_grants(GrantFilter::One("bob shop"), at(150)).await.unwrap();
    assert_eq!(store.purge_consents(at(3_600), 9).await.unwrap(), 0);
    assert_eq!(store.purge_consents(at(3_601), 1).await.unwrap(), 1);
    assert_eq!(store.purge_consents(at(9_999), 9).await.unwrap(), 1);
    let left = store.consents(None, None, 9).await.unwrap();
    let left: Vec<_> = left.iter().map(|it| (&*it.subject, &*it.client)).collect();
    assert_eq!(left, [("ada", "crm"), ("ada", "shop")]);
    assert_eq!(store.purge_consents(at(10_000), 9).await.unwrap(), 2);
}

async fn a_text_that_one_database_cannot_keep_is_in_no_grant(place: &Place) {
    let store = place.open().await;
    let nul = || "a\0b".to_owned();
    let broken = [
        store.put_grant(&grant("a\0b")).await,
        store.put_grant(&Grant { client: nul(), ..grant("a") }).await,
        store.put_grant(&Grant { profile: nul(), ..grant("a") }).await,
        store.put_grant(&Grant { subject: Some(nul()), ..grant("a") }).await,
        store.put_grant(&Grant { body: nul(), ..grant("a") }).await,
        store.grant("\0").await.map(drop),
        store.grants(GrantFilter::Client("shop"), Some("\0"), 1).await.map(drop),
        store.good_grants("\0", "shop", (at(1), 1)).await.map(drop),
        store.acting_for("ada", Some("\0"), (at(1), 1)).await.map(drop),
        store.revoke_grants(GrantFilter::Subject("\0"), at(1)).await.map(drop),
        store.revoke("\0", &["a".to_owned()], at(1), at(2)).await,
        store.revoke("token", &[nul()], at(1), at(2)).await,
        store.put_consent(&consent("\0", "shop")).await,
        store.put_consent(&consent("ada", "\0")).await,
        store.put_consent(&Consent { body: nul(), ..consent("ada", "shop") }).await,
        store.consent("\0", "shop").await.map(drop),
        store.consents(None, Some(("a", "\0")), 1).await.map(drop),
        store.delete_consent("ada", "\0", at(1)).await.map(drop),
    ];
    for (number, broken) in broken.into_iter().enumerate() {
        assert!(matches!(broken, Err(Error::Nul { .. })), "{number}: {broken:?}");
    }
    assert_eq!(store.grant("a").await.unwrap(), None);
    assert_eq!(revoked(&store).await, []);
}

async fn a_thousand_grants_are_revoked_at_once(place: &Place) {
    let store = place.open().await;
    for number in 0..1_000 {
        store.put_grant(&grant(&format!("g{number:04}"))).await.unwrap();
    }
    let ids = store.revoke_grants(GrantFilter::Client("shop"), at(150)).await.unwrap();
    assert_eq!(ids.len(), 1_000);
    let feed = store.revoked_since(0, 2_000).await.unwrap();
    assert!((1..=1_000).eq(feed.iter().map(|it| it.number)));
    assert!(feed.iter().map(|it| &it.id).eq(&ids));
}
