//! Every fault says where it is, what is wrong and what to do; all are told at once.

mod access;
mod files;
mod published;
mod upstreams;

use crate::folder;

/// A small state without faults. A case replaces files of it, or adds some.
const GOOD: &[(&str, &str)] = &[
    ("clients/shop.yaml", "kind: app\nowner: team\nprofiles:\n  live:\n    roles: [reader]\n"),
    (
        "collections/orders.yaml",
        "owner: team\nupstream: {url: http://orders}\ndocument: documents/orders.yaml\n",
    ),
    ("credentials/key.yaml", KEY),
    ("documents/orders.yaml", "openapi: 3.1.0\n"),
    (
        "issuers/staff.yaml",
        "issuer: https://staff\njwks_url: https://staff/keys\naudiences: [door]\nalgorithms: [ES256]\n",
    ),
    ("limits/all.yaml", "rate: 10/s\n"),
    ("roles/reader.yaml", "allow:\n  - operations: [orders:list]\n    effects: [read]\n"),
];

const KEY: &str = "profile: shop/live
kind: api_key
expires: 2027-01-31
hmac: 0000000000000000000000000000000000000000000000000000000000000a0b
";

/// The faults of the good state with these files, as `place: what is wrong | what to do`.
fn faults(files: &[(&str, &str)]) -> Vec<String> {
    let read = state::read(&folder(GOOD.iter().chain(files).copied()));
    let faults = read.err().unwrap_or_default();
    faults.iter().map(|it| format!("{}: {} | {}", it.place, it.message, it.help)).collect()
}

/// Each case is a file with its text, and the faults that it must have: no more, and no other.
fn check(cases: &[(&str, &str, &[&str])]) {
    for (path, text, want) in cases {
        assert_eq!(faults(&[(path, text)]), *want, "{path}:\n{text}");
    }
}

#[test]
fn the_good_state_is_good() {
    assert_eq!(faults(&[]), <[String; 0]>::default());
}

#[test]
fn the_faults_of_all_files_are_told_at_once_in_order() {
    let files = [
        ("roles/b.yaml", "allow: [{operations: [nowhere:list]}]\nalow: []\n"),
        ("clients/b.yaml", "kind: app\n"),
        ("limits/b.yaml", "rate: [\n"),
        ("documents/orders.yaml", "- x\n- y: [\n"),
    ];
    let places: Vec<_> = faults(&files)
        .iter()
        .map(|it| it.split_once(": ").map_or("", |(place, _)| place).to_owned())
        .collect();
    assert_eq!(
        places,
        [
            "clients/b.yaml:1",
            "documents/orders.yaml:2",
            "limits/b.yaml:1",
            "roles/b.yaml:1",
            "roles/b.yaml:2"
        ]
    );
}

#[test]
fn a_fault_names_its_field() {
    let files = [
        ("clients/a.yaml", "kind: app\nprofiles: {b: {roles: [raeder], x: 1}}\n"),
        ("issuers/b.yaml", GOOD[4].1),
        ("limits/b.yaml", "rate: [\n"),
    ];
    let read = state::read(&folder(GOOD.iter().chain(&files).copied())).unwrap_err();
    let fields: Vec<_> = read.iter().map(|it| (it.place.to_string(), &*it.field)).collect();
    let want = [
        ("clients/a.yaml:1", "owner"),
        ("clients/a.yaml:2", "profiles.b.roles[0]"),
        ("clients/a.yaml:2", "profiles.b.x"),
        ("issuers/staff.yaml:1", "issuer"),
        ("limits/b.yaml:1", ""),
    ];
    assert_eq!(fields, want.map(|(place, field)| (place.to_owned(), field)));
}

#[test]
fn a_broken_client_does_not_make_its_credentials_faulty() {
    let broken = "kind: app\nprofiles: {other: {}}\n";
    let want = "clients/shop.yaml:1: owner is missing \
                | name the person or team who answers for this client";
    assert_eq!(faults(&[("clients/shop.yaml", broken)]), [want]);
    assert_eq!(faults(&[("clients/shop.yaml", "kind: [")]).len(), 1);
}

#[test]
fn a_broken_document_is_told_once_however_many_name_it() {
    let second = "owner: t\nupstream: {url: http://x}\ndocument: documents/orders.yaml\n";
    assert_eq!(
        faults(&[("collections/second.yaml", second), ("documents/orders.yaml", "[]")]),
        ["documents/orders.yaml: not a mapping | put an OpenAPI document there"]
    );
}

#[test]
fn the_claims_of_a_revoked_credential_are_free_again() {
    let token = |state| {
        format!(
            "profile: shop/live\nkind: external\nstate: {state}\nexpires: 2027-01-01\n\
             issuer: staff\nclaims: {{azp: shop}}\n"
        )
    };
    let (active, revoked) = (token("active"), token("revoked"));
    let with =
        |other: &str| faults(&[("credentials/a.yaml", &active), ("credentials/b.yaml", other)]);
    assert_eq!(
        with(&active),
        ["credentials/b.yaml:1: credential a (credentials/a.yaml:1) has the same claims | \
          name other claims: a token leads to one profile"]
    );
    assert_eq!(with(&revoked), <[String; 0]>::default());
}

#[test]
fn one_collection_may_lie_below_another() {
    let nested = "owner: t\nbase: /orders/items\nupstream: {url: http://x}\ndocument: {}\n";
    assert_eq!(faults(&[("collections/items.yaml", nested)]), <[String; 0]>::default());
}

#[test]
fn two_issuers_of_one_name_are_refused() {
    let twin = "issuer: https://staff\njwks_url: https://x\naudiences: [a]\nalgorithms: [ES256]\n";
    assert_eq!(
        faults(&[("issuers/twin.yaml", twin)]),
        ["issuers/twin.yaml:1: issuer staff (issuers/staff.yaml:1) has the same iss | \
          make one file of both"]
    );
}

#[test]
fn one_issuer_is_asked_about_opaque_tokens() {
    let asked = |id: &str, more: &str| {
        format!(
            "issuer: https://{id}\njwks_url: https://x\naudiences: [a]\nalgorithms: [ES256]\n{more}\
             introspection: {{url: https://x, client_id: d, client_secret: s}}\n"
        )
    };
    let (one, two) = (asked("one", ""), asked("two", ""));
    let secret = ("secrets/s.yaml", "owner: t\nsource: store\n");
    assert_eq!(
        faults(&[secret, ("issuers/one.yaml", &one), ("issuers/two.yaml", &two)]),
        ["issuers/two.yaml:1: issuer one (issuers/one.yaml:1) is asked about opaque \
          tokens too | leave one: an opaque token does not say whose it is"]
    );
    let two = asked("two", "enabled: false\n");
    let none = faults(&[secret, ("issuers/one.yaml", &one), ("issuers/two.yaml", &two)]);
    assert!(none.is_empty(), "{none:?}");
}

#[test]
fn what_may_be_secret_is_in_no_fault() {
    for (path, text) in [
        (
            "credentials/a.yaml",
            "profile: shop/live\nkind: api_key\nexpires: 2027-01-01\nhmac: hunter2\n",
        ),
        ("issuers/a.yaml", "issuer: https://u:hunter2@x\njwks: {keys: [{kty: oct, k: hunter2}]}\n"),
        ("collections/a.yaml", "upstream: {url: \"http://u:hunter2@x\"}\n"),
        ("collections/a.yaml", "upstream: \"http://u:hunter2@x\"\n"),
        ("secrets/a.yaml", "owner: t\nsource: hunter2!\n"),
        ("secrets/a.yaml", "owner: t\nsource: {env: hunter2!}\n"),
    ] {
        let faults = faults(&[(path, text)]);
        assert!(!faults.is_empty() && !faults.concat().contains("hunter2"), "{faults:?}");
    }
}

#[test]
fn nobody_calls_a_credential_unused_before_replicas_have_heard_of_each_other() {
    let profile = |quiet: &str| {
        format!("kind: app\nowner: o\nprofiles:\n  p: {{rotation: {{quiet: {quiet}}}}}\n")
    };
    check(&[
        (
            "clients/a.yaml",
            &profile("9s"),
            &[
                "clients/a.yaml:4: profiles.p.rotation.quiet: 9s is out of bounds | write a duration from 10s to 3660d",
            ],
        ),
        ("clients/a.yaml", &profile("10s"), &[]),
    ]);
}
