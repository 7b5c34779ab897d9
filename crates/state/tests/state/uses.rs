//! What is in use says by what.

use state::Kind;

use crate::folder;

const FILES: &[(&str, &str)] = &[
    (
        "clients/app.yaml",
        "kind: app\nowner: t\nprofiles: {a: {roles: [all, {role: admin, collections: [own]}]}}\n",
    ),
    (
        "collections/own.yaml",
        "owner: t\ndocument: {}\nupstream: {url: http://x, auth: {kind: bearer, secret: a}}\n",
    ),
    ("collections/shared.yaml", "owner: t\ndocument: {}\nupstream: one\n"),
    (
        "credentials/token.yml",
        "profile: app/a\nkind: external\nexpires: 2030-01-01\nissuer: idp\nclaims: {azp: x}\n",
    ),
    ("guards/g.yaml", "policy: x\n"),
    (
        "issuers/idp.yaml",
        "issuer: https://i\njwks_url: https://i\naudiences: [a]\nalgorithms: [ES256]\n\
         introspection: {url: https://i, client_id: d, client_secret: c}\n",
    ),
    ("limits/l.yaml", "profile: app/a\nrate: 1/s\noperations: [\"shared:*\"]\n"),
    ("roles/all.yaml", "allow: [{operations: [\"*:*\"]}, {operations: [\"own:*\"]}]\n"),
    ("secrets/a.yaml", "owner: t\nsource: store\n"),
    (
        "secrets/b.yaml",
        "owner: t\nsource: {vault: {address: https://v, mount: m, path: p, field: f, token: a}}\n",
    ),
    ("secrets/c.yaml", "owner: t\nsource: store\n"),
    ("stops/client.yaml", "client: app\nbecause: x\n"),
    ("stops/everybody.yaml", "agents: all\nbecause: x\n"),
    ("stops/own.yaml", "collection: own\nbecause: x\n"),
    ("stops/person.yaml", "person: \"idp:42\"\nbecause: x\n"),
    ("stops/up.yaml", "upstream: one\nbecause: x\n"),
    ("upstreams/one.yaml", "url: http://x\nauth: {kind: bearer, secret: b}\n"),
];

#[test]
fn what_is_in_use_says_by_what() {
    let desired = state::read(&folder(FILES.iter().copied())).unwrap();
    for (kind, id, want) in [
        (Kind::Client, "app", &["credentials/token.yml", "limits/l.yaml", "stops/client.yaml"][..]),
        (Kind::Client, "other", &[]),
        (Kind::Collection, "own", &["clients/app.yaml", "roles/all.yaml", "stops/own.yaml"]),
        (Kind::Collection, "shared", &["limits/l.yaml"]),
        (Kind::Credential, "token", &[]),
        (Kind::Guard, "g", &[]),
        (Kind::Issuer, "idp", &["credentials/token.yml", "stops/person.yaml"]),
        (Kind::Limit, "l", &[]),
        (Kind::Role, "all", &["clients/app.yaml"]),
        (Kind::Role, "admin", &["clients/app.yaml"]),
        (Kind::Secret, "a", &["collections/own.yaml", "secrets/b.yaml"]),
        (Kind::Secret, "b", &["upstreams/one.yaml"]),
        (Kind::Secret, "c", &["issuers/idp.yaml"]),
        (Kind::Stop, "everybody", &[]),
        (Kind::Upstream, "one", &["collections/shared.yaml", "stops/up.yaml"]),
    ] {
        assert_eq!(state::uses(&desired, kind, id), want, "{} {id}", kind.as_str());
    }
}

#[test]
fn what_is_in_no_use_can_go_and_what_is_in_use_cannot() {
    let whole = folder(FILES.iter().copied());
    let desired = state::read(&whole).unwrap();
    for (path, _) in FILES {
        let (folder, name) = path.split_once('/').unwrap();
        let kind = Kind::ALL.into_iter().find(|it| it.folder() == folder).unwrap();
        let is_used = !state::uses(&desired, kind, name.split('.').next().unwrap()).is_empty();
        let mut without = whole.clone();
        without.remove(path);
        assert_eq!(state::read(&without).is_err(), is_used, "{path}");
    }
}
