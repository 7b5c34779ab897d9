//! What every store does, whatever database it is kept in.

use std::collections::BTreeMap;

use store::{Error, Files, Revision, SealedChange, Store};

use crate::place::{Place, at, change, commit, secret, used, version};

on_every_database!(
    a_new_store_is_empty,
    a_commit_makes_the_next_revision_and_says_what_changed,
    a_commit_on_an_old_base_is_refused_and_writes_nothing,
    a_commit_that_changes_nothing_makes_no_revision,
    a_copy_is_brought_up_to_date_by_what_changed_since,
    every_revision_can_be_read_as_it_was,
    revisions_are_listed_newest_first_and_in_pages,
    lines_are_shown_as_changes_and_are_no_files,
    who_wrote_a_file_is_known_and_who_took_it_away_is_not_among_them,
    sealed_versions_change_with_their_revision_or_not_at_all,
    a_rewrap_is_refused_where_a_version_is_not_as_it_was_read,
    versions_are_read_by_key_and_in_pages,
    of_each_credential_the_latest_use_is_kept,
    texts_come_back_byte_for_byte_and_sorted_by_bytes,
    a_text_that_one_database_cannot_keep_is_refused_by_all,
    thousands_of_files_are_one_commit,
    a_commit_is_seen_by_who_watches,
);

fn texts(files: &[(&str, &str)]) -> Files {
    files.iter().map(|(path, text)| ((*path).into(), (*text).into())).collect()
}

async fn files(store: &Store) -> Files {
    store.read().await.unwrap().files
}

async fn a_new_store_is_empty(place: &Place) {
    let store = place.open().await;
    assert_eq!(store.head().await.unwrap(), 0);
    assert_eq!(store.read().await.unwrap(), store::Texts::default());
    assert_eq!(store.read_at(0).await.unwrap(), store::Texts::default());
    assert_eq!(store.since(0).await.unwrap(), store::Delta::default());
    assert_eq!(store.revisions(None, 10).await.unwrap(), []);
    assert_eq!(store.revision(1).await.unwrap(), None);
    assert_eq!(store.sealed().await.unwrap(), []);
    assert!(store.uses().await.unwrap().is_empty());
}

async fn a_commit_makes_the_next_revision_and_says_what_changed(place: &Place) {
    let store = place.open().await;
    let first = store.commit(&commit(&[("a", Some("1")), ("b", Some("1"))])).await.unwrap();
    let want = Revision {
        number: 1,
        at: at(100),
        author: "ada".to_owned(),
        reason: "because".to_owned(),
        request_id: "r-1".to_owned(),
        changed: 2,
    };
    assert_eq!(first, want);
    let second = [("a", Some("1")), ("b", None), ("c", Some("3")), ("gone", None)];
    let second = store.commit(&commit(&second)).await.unwrap();
    assert_eq!((second.number, second.changed), (2, 2));
    assert_eq!(store.revision(1).await.unwrap(), Some(want));
    assert_eq!(store.revision(2).await.unwrap(), Some(second));
    assert_eq!(
        store.changes(2).await.unwrap(),
        [change("b", Some("1"), None), change("c", None, Some("3"))]
    );
    assert_eq!(files(&store).await, texts(&[("a", "1"), ("c", "3")]));
    for unknown in [0, 3, u64::MAX] {
        let error = store.changes(unknown).await.unwrap_err();
        assert!(matches!(error, Error::UnknownRevision { head: 2, .. }), "{error}");
    }
}

async fn a_commit_on_an_old_base_is_refused_and_writes_nothing(place: &Place) {
    let store = place.open().await;
    let on = |base, text| store::Commit { base, ..commit(&[("a", Some(text))]) };
    store.commit(&on(Some(0), "1")).await.unwrap();
    store.commit(&on(Some(1), "2")).await.unwrap();
    for base in [0, 1, 3] {
        let mut late = on(Some(base), "late");
        late.sealed.push(SealedChange::Put(version("erp", 1, "active")));
        let error = store.commit(&late).await.unwrap_err();
        assert!(matches!(error, Error::Conflict { base: it, head: 2 } if it == base), "{error}");
    }
    assert_eq!(store.head().await.unwrap(), 2);
    assert_eq!(files(&store).await, texts(&[("a", "2")]));
    assert_eq!(store.sealed().await.unwrap(), []);
    assert_eq!(store.commit(&on(None, "3")).await.unwrap().number, 3);
}

async fn a_commit_that_changes_nothing_makes_no_revision(place: &Place) {
    let store = place.open().await;
    let error = store.commit(&commit(&[("gone", None)])).await.unwrap_err();
    assert!(matches!(error, Error::NoChange { head: 0 }), "{error}");
    store.commit(&commit(&[("a", Some("1"))])).await.unwrap();
    for same in [commit(&[]), commit(&[("a", Some("1"))]), commit(&[("a", None), ("a", Some("1"))])]
    {
        let error = store.commit(&same).await.unwrap_err();
        assert!(matches!(error, Error::NoChange { head: 1 }), "{error}");
    }
    assert_eq!(store.head().await.unwrap(), 1);
    assert_eq!(store.revisions(None, 10).await.unwrap().len(), 1);
}

async fn a_copy_is_brought_up_to_date_by_what_changed_since(place: &Place) {
    let store = place.open().await;
    store.commit(&commit(&[("a", Some("1")), ("b", Some("1"))])).await.unwrap();
    store.commit(&commit(&[("b", None), ("c", Some("2"))])).await.unwrap();
    store.commit(&commit(&[("c", Some("3"))])).await.unwrap();
    let delta = store.since(1).await.unwrap();
    assert_eq!(delta.revision, 3);
    assert_eq!(delta.files, [("b".to_owned(), None), ("c".to_owned(), Some("3".to_owned()))]);
    assert_eq!(store.since(3).await.unwrap().files, []);
    let error = store.since(4).await.unwrap_err();
    assert!(matches!(error, Error::UnknownRevision { revision: 4, head: 3 }), "{error}");
}

async fn every_revision_can_be_read_as_it_was(place: &Place) {
    let store = place.open().await;
    store.commit(&commit(&[("a", Some("1")), ("b", Some("1"))])).await.unwrap();
    store.commit(&commit(&[("a", Some("2")), ("b", None)])).await.unwrap();
    store.commit(&commit(&[("a", Some("3")), ("b", Some("3"))])).await.unwrap();
    for (number, want) in [
        (0, texts(&[])),
        (1, texts(&[("a", "1"), ("b", "1")])),
        (2, texts(&[("a", "2")])),
        (3, texts(&[("a", "3"), ("b", "3")])),
    ] {
        let read = store.read_at(number).await.unwrap();
        assert_eq!((read.revision, read.files), (number, want));
    }
    let error = store.read_at(4).await.unwrap_err();
    assert!(matches!(error, Error::UnknownRevision { revision: 4, head: 3 }), "{error}");
}

async fn revisions_are_listed_newest_first_and_in_pages(place: &Place) {
    let store = place.open().await;
    for text in ["1", "2", "3", "4", "5"] {
        store.commit(&commit(&[("a", Some(text))])).await.unwrap();
    }
    let page = async |before, limit| {
        let page = store.revisions(before, limit).await.unwrap();
        page.iter().map(|it| it.number).collect::<Vec<_>>()
    };
    assert_eq!(page(None, 2).await, [5, 4]);
    assert_eq!(page(Some(4), 2).await, [3, 2]);
    assert_eq!(page(Some(2), 2).await, [1]);
    assert_eq!(page(Some(1), 2).await, [0; 0]);
    assert_eq!(page(Some(u64::MAX), 9).await, [5, 4, 3, 2, 1]);
}

async fn who_wrote_a_file_is_known_and_who_took_it_away_is_not_among_them(place: &Place) {
    let store = place.open().await;
    let by = |author: &str, text| store::Commit {
        author: author.to_owned(),
        ..commit(&[("a", text), ("b", Some("same"))])
    };
    for (author, text) in [("eve", Some("1")), ("ada", Some("2")), ("eve", Some("3")), ("bo", None)]
    {
        store.commit(&by(author, text)).await.unwrap();
    }
    let writer = |path: &str, author: &str, (first, last)| {
        let (path, author) = (path.to_owned(), author.to_owned());
        store::Writer { path, author, first, last }
    };
    let want = [writer("a", "ada", (2, 2)), writer("a", "eve", (1, 3))];
    assert_eq!(store.writers("a").await.unwrap(), want);
    assert_eq!(store.writers("b").await.unwrap(), [writer("b", "eve", (1, 1))]);
    assert_eq!(store.writers("c").await.unwrap(), []);
    // What is gone counts where only a word is known, and what only ends like it does not.
    for (path, text) in [
        ("keys/a", Some("of: app/a")),
        ("keys/b", Some("{\"of\":\"app/b\"}")),
        ("keys/c", Some("of: 'app/c'")),
        ("keys/d", Some("of: web-app/d")),
        ("other/e", Some("of: app/e")),
        ("keys/a", None),
    ] {
        store.commit(&commit(&[(path, text)])).await.unwrap();
    }
    let found = store.writers_of_word("keys", "app/").await.unwrap();
    let found: Vec<_> = found.iter().map(|it| &*it.path).collect();
    assert_eq!(found, ["keys/a", "keys/b", "keys/c"]);
}

async fn lines_are_shown_as_changes_and_are_no_files(place: &Place) {
    let store = place.open().await;
    let mut with_line = commit(&[("a", Some("1"))]);
    let line = change("secrets/erp#1", None, Some("state: active"));
    with_line.lines = vec![line.clone()];
    assert_eq!(store.commit(&with_line).await.unwrap().changed, 2);
    assert_eq!(store.changes(1).await.unwrap(), [change("a", None, Some("1")), line]);
    let only_line = store::Commit { files: Vec::new(), ..with_line };
    assert_eq!(store.commit(&only_line).await.unwrap().number, 2);
    assert_eq!(files(&store).await, texts(&[("a", "1")]));
    assert_eq!(store.read_at(1).await.unwrap().files, texts(&[("a", "1")]));
    assert_eq!(store.since(1).await.unwrap().files, []);
}

async fn sealed_versions_change_with_their_revision_or_not_at_all(place: &Place) {
    let store = place.open().await;
    let with = |sealed| store::Commit { sealed, ..commit(&[]) };
    let state = |number, state: &str| SealedChange::State {
        secret: secret("erp"),
        version: number,
        state: state.to_owned(),
    };
    let first = with(vec![
        SealedChange::Put(version("erp", 2, "pending")),
        SealedChange::Put(version("erp", 1, "active")),
        SealedChange::Put(version("crm", 1, "active")),
    ]);
    assert_eq!(store.commit(&first).await.unwrap().number, 1);
    let numbers = async || {
        let sealed = store.sealed().await.unwrap();
        sealed
            .into_iter()
            .map(|it| (it.secret.to_string(), it.version, it.state))
            .collect::<Vec<_>>()
    };
    let row = |id: &str, number, state: &str| (id.to_owned(), number, state.to_owned());
    let all = [row("crm", 1, "active"), row("erp", 1, "active"), row("erp", 2, "pending")];
    assert_eq!(numbers().await, all);
    let want = [version("erp", 1, "active"), version("erp", 2, "pending")];
    assert_eq!(store.sealed_of(&secret("erp")).await.unwrap(), want);

    let twice = with(vec![state(1, "revoked"), SealedChange::Put(version("erp", 2, "active"))]);
    let error = store.commit(&twice).await.unwrap_err();
    assert!(matches!(error, Error::VersionExists { version: 2, .. }), "{error}");
    let missing = SealedChange::Delete { secret: secret("erp"), version: 3 };
    for missing in [missing, state(3, "active")] {
        let error = store.commit(&with(vec![state(1, "revoked"), missing])).await.unwrap_err();
        assert!(matches!(error, Error::UnknownVersion { version: 3, .. }), "{error}");
    }
    assert_eq!(numbers().await, all);
    assert_eq!(store.head().await.unwrap(), 1);

    let rotated =
        vec![state(2, "active"), SealedChange::Delete { secret: secret("erp"), version: 1 }];
    assert_eq!(store.commit(&with(rotated)).await.unwrap().number, 2);
    assert_eq!(numbers().await, [row("crm", 1, "active"), row("erp", 2, "active")]);
}

async fn a_rewrap_is_refused_where_a_version_is_not_as_it_was_read(place: &Place) {
    let store = place.open().await;
    let put = |it| SealedChange::Put(it);
    let with = |sealed| store::Commit { sealed, ..commit(&[]) };
    let versions =
        [version("a", 1, "active"), version("b", 1, "active"), version("c", 1, "active")];
    store.commit(&with(versions.clone().map(put).to_vec())).await.unwrap();
    let wrapped =
        versions.map(|it| store::SealedVersion { key: "k2".to_owned(), sealed: vec![9], ..it });
    let rewrap = |it: &store::SealedVersion| SealedChange::Rewrap {
        version: it.clone(),
        from: "k1".to_owned(),
    };
    // In the meantime b was made anew, c is gone, and a has another state.
    let anew = store::SealedVersion { created: at(60), ..version("b", 1, "active") };
    let sealed = vec![
        SealedChange::State { secret: secret("a"), version: 1, state: "retiring".to_owned() },
        SealedChange::Delete { secret: secret("b"), version: 1 },
        put(anew.clone()),
        SealedChange::Delete { secret: secret("c"), version: 1 },
    ];
    store.commit(&with(sealed)).await.unwrap();
    let [a, b, c] = &wrapped;
    for late in [b, c] {
        let error = store.commit(&with(vec![rewrap(a), rewrap(late)])).await.unwrap_err();
        assert!(matches!(error, Error::UnknownVersion { version: 1, .. }), "{error}");
    }
    assert_eq!(store.sealing_keys().await.unwrap(), BTreeMap::from([("k1".to_owned(), 2)]));
    store.commit(&with(vec![rewrap(a)])).await.unwrap();
    let a = store::SealedVersion { state: "retiring".to_owned(), ..a.clone() };
    assert_eq!(store.sealed().await.unwrap(), [a.clone(), anew]);
    // It is under that key no more.
    store.commit(&with(vec![rewrap(&a)])).await.unwrap_err();
    assert_eq!(store.head().await.unwrap(), 3);
}

async fn versions_are_read_by_key_and_in_pages(place: &Place) {
    let store = place.open().await;
    let under = |id: &str, number: u32, key: &str| store::SealedVersion {
        key: key.to_owned(),
        ..version(id, number, "active")
    };
    let all = [
        under("a", 1, "k1"),
        under("a", 2, "k2"),
        under("a", 10, "k1"),
        under("b", 1, "k1"),
        under("b-2", 1, "k1"),
    ];
    let sealed = all.clone().map(SealedChange::Put).to_vec();
    store.commit(&store::Commit { sealed, ..commit(&[]) }).await.unwrap();
    let want = BTreeMap::from([("k1".to_owned(), 4), ("k2".to_owned(), 1)]);
    assert_eq!(store.sealing_keys().await.unwrap(), want);
    let mut found = Vec::new();
    loop {
        let after = found.last().map(|it: &store::SealedVersion| (it.secret.clone(), it.version));
        let after = after.as_ref().map(|(secret, version)| (secret, *version));
        let page = store.sealed_under("k1", after, 3).await.unwrap();
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= 3);
        found.extend(page);
    }
    let [one, _, ten, b, b_2] = all;
    assert_eq!(found, [one, ten, b, b_2]);
    assert_eq!(store.sealed_under("k0", None, 3).await.unwrap(), []);
}

async fn of_each_credential_the_latest_use_is_kept(place: &Place) {
    let store = place.open().await;
    let note = async |uses: &[(&str, i64)]| {
        let uses: Vec<_> = uses.iter().map(|(id, s)| ((*id).to_owned(), used(*s))).collect();
        store.note_uses(&uses).await.unwrap();
    };
    note(&[("x", 5), ("y", 1), ("x", 3)]).await;
    note(&[("x", 4), ("y", 2), ("z", 7)]).await;
    note(&[]).await;
    let want = [("x", 5), ("y", 2), ("z", 7)].map(|(id, s)| (id.to_owned(), used(s)));
    assert_eq!(store.uses().await.unwrap(), BTreeMap::from(want));
    assert_eq!(store.last_use("y").await.unwrap(), Some(used(2)));
    assert_eq!(store.last_use("w").await.unwrap(), None);
    assert_eq!(store.head().await.unwrap(), 0);
}

async fn texts_come_back_byte_for_byte_and_sorted_by_bytes(place: &Place) {
    let store = place.open().await;
    let odd = "a: \"x\"\r\n\ttab\u{1}\u{7f} é \u{1f6aa}'); DROP TABLE files; --$1\n\n";
    let paths = ["B/1", "a/1", "a-b/1", "é/1", "a'b", "a\"b", "$1"];
    let written: Vec<_> = paths.iter().map(|it| (*it, Some(odd))).collect();
    store.commit(&commit(&written)).await.unwrap();
    assert_eq!(files(&store).await, texts(&paths.map(|it| (it, odd))));
    let changed = store.changes(1).await.unwrap();
    let mut sorted = paths.to_vec();
    sorted.sort_unstable();
    assert_eq!(changed.iter().map(|it| it.path.as_str()).collect::<Vec<_>>(), sorted);
    let since = store.since(0).await.unwrap().files;
    assert_eq!(since.iter().map(|it| it.0.as_str()).collect::<Vec<_>>(), sorted);
    store.commit(&commit(&[("a/1", Some(""))])).await.unwrap();
    assert_eq!(&*files(&store).await["a/1"], "");
}

async fn a_text_that_one_database_cannot_keep_is_refused_by_all(place: &Place) {
    let store = place.open().await;
    let whole = commit(&[("a", Some("1"))]);
    let nul = || "a\0b".to_owned();
    let mut state = version("erp", 1, "active");
    state.state = nul();
    let broken = [
        commit(&[("a\0b", Some("1"))]),
        commit(&[("a", Some("1\0"))]),
        store::Commit { author: nul(), ..whole.clone() },
        store::Commit { reason: nul(), ..whole.clone() },
        store::Commit { request_id: nul(), ..whole.clone() },
        store::Commit { lines: vec![change("x", Some("\0"), None)], ..whole.clone() },
        store::Commit { sealed: vec![SealedChange::Put(state)], ..whole },
    ];
    for broken in broken {
        let error = store.commit(&broken).await.unwrap_err();
        assert!(matches!(error, Error::Nul { .. }), "{error}");
        assert!(!error.to_string().contains('\0'));
    }
    let error = store.note_uses(&[(nul(), used(1))]).await.unwrap_err();
    assert!(matches!(error, Error::Nul { .. }), "{error}");
    assert_eq!(store.head().await.unwrap(), 0);
}

async fn thousands_of_files_are_one_commit(place: &Place) {
    let store = place.open().await;
    let mut many = commit(&[]);
    many.files = (0..3_001).map(|it| (format!("f/{it:05}"), Some(format!("text {it}")))).collect();
    assert_eq!(store.commit(&many).await.unwrap().changed, 3_001);
    let uses: Vec<_> = (0..1_001).map(|it| (format!("c{it}"), used(it))).collect();
    store.note_uses(&uses).await.unwrap();
    assert_eq!(store.uses().await.unwrap().len(), 1_001);
    assert_eq!(files(&store).await.len(), 3_001);
    // However many are asked for at once.
    many.files.last_mut().unwrap().1 = None;
    store.commit(&many).await.unwrap();
    let all = many.files[..3_000].iter();
    let all = all.map(|(path, text)| (path.as_str().into(), text.as_deref().unwrap().into()));
    assert_eq!(files(&store).await, all.collect());
    many.files.pop();
    many.files.iter_mut().skip(1).for_each(|it| it.1 = None);
    assert_eq!(store.commit(&many).await.unwrap().changed, 2_999);
    assert_eq!(files(&store).await, texts(&[("f/00000", "text 0")]));
    assert_eq!(store.read_at(1).await.unwrap().files.len(), 3_001);
}

async fn a_commit_is_seen_by_who_watches(place: &Place) {
    let store = place.open().await;
    let mut watch = store.watch();
    assert_eq!(*watch.borrow_and_update(), 0);
    let mine = store.clone().commit(&commit(&[("a", Some("1"))])).await.unwrap();
    assert_eq!(mine.number, 1);
    // At once: nothing was waited for in between.
    assert_eq!(*watch.borrow_and_update(), 1);
}
