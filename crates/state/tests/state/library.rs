//! A library gives what reading anew gives, whatever changed since the last time.

use std::sync::Arc;

use proptest::{collection, prelude::*, sample};
use state::{Folder, Library};

use crate::example::shop;

/// Files with which others fit, or do not.
const TEXTS: &[(&str, &str)] = &[
    ("clients/web-shop.yaml", "kind: app\nowner: t\nprofiles: {live: {roles: [shop-reader]}}\n"),
    ("clients/web-shop.yaml", "kind: app\nprofiles: {}\n"),
    ("clients/web-shop.json", "{\"kind\": \"app\", \"owner\": \"t\"}"),
    ("clients/zoo.txt", ""),
    ("clinets/a.yaml", ""),
    ("collections/a.yaml", "owner: t\nupstream: one\ndocument: documents/b\n"),
    ("collections/b.yaml", "owner: t\nupstream: one\ndocument: documents/orders.yaml\n"),
    (
        "collections/c.yaml",
        "owner: t\nbase: /b\nupstream: {url: http://x}\ndocument: documents/b\n",
    ),
    (
        "credentials/a.yaml",
        "profile: web-shop/live\nkind: external\nexpires: 2030-01-01\nissuer: staff\nclaims: {a: b}\n",
    ),
    (
        "credentials/b.yaml",
        "profile: web-shop/live\nkind: external\nexpires: 2030-01-01\nissuer: staff\nclaims: {a: b}\n",
    ),
    ("documents/b", "{}"),
    ("documents/b", "openapi: 3.1.0\n"),
    ("documents/b", "["),
    ("documents/orders.yaml", "[]"),
    ("roles/shop-reader.yaml", "allow: []\n"),
    ("roles/shop-reader.yaml", "allow: 1\n"),
    ("secrets/a.yaml", "owner: t\nsource: store\n"),
    (
        "secrets/a.yaml",
        "owner: t\nsource: {vault: {address: https://v, mount: m, path: p, field: f, token: a}}\n",
    ),
    ("upstreams/one.yaml", "url: http://x\n"),
    ("upstreams/one.yaml", "url: http://y\nauth: {kind: bearer, secret: a}\n"),
    ("upstreams/one.yaml", "url: y\n"),
];

proptest! {
    #[test]
    fn a_library_gives_what_reading_anew_gives(
        edits in collection::vec((any::<sample::Index>(), any::<bool>()), 1..24),
    ) {
        let (mut library, mut folder) = (Library::new(), shop());
        for (index, is_removed) in edits {
            let (path, text) = index.get(TEXTS);
            if is_removed {
                folder.remove(path);
            } else {
                folder.insert(*path, *text).unwrap();
            }
            prop_assert_eq!(library.read(&folder), state::read(&folder));
        }
    }
}

#[test]
fn what_did_not_change_is_shared() {
    let (mut library, mut folder) = (Library::new(), shop());
    let named = "owner: t\nupstream: one\ndocument: documents/orders.yaml\nbase: /a\n";
    folder.insert("collections/a.yaml", named).unwrap();
    folder.insert("upstreams/one.yaml", "url: http://x\n").unwrap();
    let before = library.read(&folder).unwrap();
    folder.insert("upstreams/one.yaml", "url: http://y\n").unwrap();
    let after = library.read(&folder).unwrap();
    let is_shared: Vec<_> = (before.collections.iter().zip(&after.collections))
        .map(|(before, after)| Arc::ptr_eq(before, after))
        .collect();
    assert_eq!(is_shared, [false, true, true, true]);
    assert_eq!(after.collections[0].upstream.url, "http://y");
    assert!(before.clients.iter().zip(&after.clients).all(|(one, other)| Arc::ptr_eq(one, other)));
}

/// 2,500 clients with 10,000 profiles, 100,000 credentials, 200 upstreams, 200 collections with
/// 25 operations each.
fn big() -> Folder {
    let mut folder = Folder::new();
    let mut put = |path: String, text: String| folder.insert(path, text).unwrap();
    for it in 0..2_500 {
        let profiles: String =
            (0..4).map(|it| format!("  p{it}:\n    roles:\n      - r{it}\n")).collect();
        put(format!("clients/c{it}.yaml"), format!("kind: app\nowner: t\nprofiles:\n{profiles}"));
    }
    for it in 0..100_000 {
        let profile = it % 10_000;
        put(
            format!("credentials/k{it}.yaml"),
            format!(
                "profile: c{}/p{}\nkind: api_key\ncreated: 2026-11-23T06:00:00Z\n\
                 expires: 2030-11-30\nhmac: {it:064x}\n",
                profile / 4,
                profile % 4,
            ),
        );
    }
    for it in 0..200 {
        let operations: String = (0..25)
            .map(|it| {
                format!(
                    "  /o{it}/{{id}}:\n    get:\n      operationId: o{it}\n      parameters:\n        \
                     - {{name: id, in: path, required: true, schema: {{type: string}}}}\n      \
                     responses: {{\"200\": {{description: It}}}}\n"
                )
            })
            .collect();
        put(format!("documents/d{it}.yaml"), format!("openapi: 3.1.0\npaths:\n{operations}"));
        put(
            format!("upstreams/u{it}.yaml"),
            format!("url: http://127.0.0.1:{}\n", 10_000_i32.saturating_add(it)),
        );
        put(
            format!("collections/a{it}.yaml"),
            format!("owner: t\nupstream: u{it}\ndocument: documents/d{it}.yaml\n"),
        );
    }
    for it in 0..4 {
        put(format!("roles/r{it}.yaml"), format!("allow:\n  - operations: [\"a{it}:*\"]\n"));
    }
    folder
}

#[test]
#[ignore = "measures, in release: cargo test --release -p state -- --ignored --nocapture"]
#[expect(clippy::disallowed_methods, reason = "it measures for a person")]
fn a_big_folder_is_read_soon_and_a_change_of_it_at_once() {
    let (mut library, before) = (Library::new(), big());
    let begin = std::time::Instant::now();
    let desired = library.read(&before).unwrap();
    eprintln!("read {} files: {:?}", before.files().count(), begin.elapsed());
    for (path, text) in [
        ("credentials/k5.yaml", "profile: c1/p1\nkind: api_key\nexpires: 2030-11-30\nhmac: "),
        ("clients/c5.yaml", "kind: agent\nowner: t\nprofiles: {p0: , p1: , p2: , p3: }\n"),
        ("upstreams/u5.yaml", "url: http://127.0.0.1:1\n"),
    ] {
        let text = if text.ends_with(' ') {
            format!("{text}{:064x}\n", u64::MAX)
        } else {
            text.to_owned()
        };
        let begin = std::time::Instant::now();
        let mut after = before.clone();
        after.insert(path, text).unwrap();
        let edited = begin.elapsed();
        let changes = before.diff(&after);
        let compared = begin.elapsed();
        let next = library.read(&after).unwrap();
        eprintln!("{path}: edited {edited:?}, compared {compared:?}, read {:?}", begin.elapsed());
        assert!(changes.len() == 1 && next != desired);
        drop(library.read(&before).unwrap());
    }
}
