//! What can be said of a folder beside its faults, and what cannot.

use model::{Fault, Place};
use state::Reading;

use crate::folder;

const COLLECTION: &str =
    "owner: t\nupstream: {url: http://x}\ndocument: documents/orders.yaml\nselect: [list]\n";
const CLIENT: &str = "kind: app\nowner: t\nprofiles: {live: {roles: [reader]}}\n";
const ISSUER: &str =
    "issuer: https://i\njwks_url: https://i/keys\naudiences: [door]\nalgorithms: [ES256]\n";
const TOKEN: &str = "profile: shop/live\nkind: external\nexpires: 2027-01-31\nissuer: staff\n\
                     claims: {azp: shop}\n";
const FILES: &[(&str, &str)] = &[
    ("clients/shop.yaml", CLIENT),
    ("collections/orders.yaml", COLLECTION),
    ("credentials/token.yaml", TOKEN),
    ("documents/orders.yaml", "openapi: 3.1.0\n"),
    ("guards/one.yaml", "policy: forbid (principal, action, resource);\n"),
    ("issuers/staff.yaml", ISSUER),
    ("roles/reader.yaml", "allow: [{operations: ['orders:list']}]\n"),
];

/// Reads the files, with some replaced, where others could not be read.
fn read(files: &[(&str, &str)], unread: &[&str]) -> Reading {
    let all = FILES.iter().filter(|(path, _)| !unread.iter().any(|it| path.starts_with(*it)));
    let fault = |path: &&str| Fault::new(&Place::new(&(*path).into(), 0), "x", "y");
    let unread: Vec<_> = unread.iter().map(fault).collect();
    state::read_sound(&folder(all.chain(files).copied()), &unread)
}

/// Its faults, and how many clients, collections, credentials, guards, issuers and roles are sound.
fn summary(reading: &Reading) -> (Vec<String>, [usize; 6]) {
    let Reading { sound, wrong } = reading;
    let places = wrong.faults.iter().map(|it| it.place.to_string()).collect();
    let counts = [
        sound.clients.len(),
        sound.collections.len(),
        sound.credentials.len(),
        sound.guards.len(),
        sound.issuers.len(),
        sound.roles.len(),
    ];
    (places, counts)
}

#[test]
fn where_nothing_is_wrong_all_is_sound() {
    let reading = read(&[], &[]);
    assert_eq!(summary(&reading), (vec![], [1; 6]));
    assert!(!reading.wrong.hides_collections);
    assert_eq!(reading.whole(), state::read(&folder(FILES.iter().copied())));
}

#[test]
fn what_names_a_file_that_nobody_could_read_is_not_at_fault() {
    for (path, counts) in [
        ("clients/shop.yaml", [0, 1, 0, 1, 1, 1]),
        ("collections/orders.yaml", [1, 0, 1, 1, 1, 1]),
        ("documents/orders.yaml", [1, 0, 1, 1, 1, 1]),
        ("documents", [1, 0, 1, 1, 1, 1]),
        ("issuers/staff.yaml", [1, 1, 0, 1, 0, 1]),
        ("roles/reader.yaml", [1, 1, 1, 1, 1, 0]),
        ("roles", [1, 1, 1, 1, 1, 0]),
        ("", [0; 6]),
    ] {
        let reading = read(&[], &[path]);
        assert_eq!(summary(&reading), (vec![path.to_owned()], counts), "{path}");
        assert_eq!(reading.wrong.hides_collections, counts[1] == 0, "{path}");
        assert!(reading.whole().is_err(), "{path}");
    }
    let other = read(&[("roles/reader.yaml", "allow: [{operations: ['ordres:list']}]\n")], &["x"]);
    assert_eq!(summary(&other).0, ["roles/reader.yaml:1", "x"], "what is not there is missing");
}

#[test]
fn what_stands_on_a_fault_is_not_sound_and_the_rest_is() {
    let upstream = COLLECTION.replace("{url: http://x}", "one");
    for (files, counts) in [
        (&[("clients/shop.yaml", "kind: robot\nowner: t\n")][..], [0, 1, 0, 1, 1, 1]),
        (&[("issuers/staff.yaml", &*format!("{ISSUER}x: 1\n"))], [1, 1, 0, 1, 0, 1]),
        (&[("guards/one.yaml", "policy: x\nx: 1\n")], [1, 1, 1, 0, 1, 1]),
        (&[("roles/reader.yaml", "allow: []\nx: 1\n")], [1, 1, 1, 1, 1, 1]),
        (&[("collections/orders.yaml", &*format!("{COLLECTION}x: 1\n"))], [1, 0, 1, 1, 1, 1]),
        (
            &[
                ("collections/orders.yaml", &*upstream),
                ("upstreams/one.yaml", "url: http://x\nx: 1\n"),
            ],
            [1, 0, 1, 1, 1, 1],
        ),
    ] {
        let reading = read(files, &[]);
        let (found, sound) = summary(&reading);
        assert_eq!((found.len(), sound), (1, counts), "{found:?}");
        let doubtful = usize::from(counts[1] == 0);
        assert_eq!(reading.wrong.doubtful.len(), doubtful, "{found:?}");
        assert_eq!(reading.wrong.hides_collections, doubtful == 1, "{found:?}");
    }
}
