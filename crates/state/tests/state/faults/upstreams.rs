//! Faults of upstreams, secrets, guards, and of roles within a reach.

use super::{check, faults};

const SECRETS: &[(&str, &str)] = &[
    ("secrets/key.yaml", "owner: t\nsource: store\n"),
    (
        "secrets/vaulted.yaml",
        "owner: t\nsource: {vault: {address: https://v, mount: a, path: b, field: c, token: key}}\n",
    ),
];

/// As [`check`], beside two secrets.
fn check_with_secrets(cases: &[(&str, &str, &[&str])]) {
    for (path, text, want) in cases {
        let files: Vec<_> = SECRETS.iter().copied().chain([(*path, *text)]).collect();
        assert_eq!(faults(&files), *want, "{path}:\n{text}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn an_upstream_says_what_is_wrong_with_it() {
    check_with_secrets(&[
        ("upstreams/a.yaml", "url: http://x\nauth: {kind: bearer, secret: key}\n", &[]),
        (
            "upstreams/a.yaml",
            "auth: {kind: token, secret: key, name: x}\n",
            &[
                "upstreams/a.yaml:1: auth.kind: \"token\" is not known | known here: basic, bearer, client_certificate, client_credentials, header, query",
                "upstreams/a.yaml:1: url is missing | write http://host:port or https://host/prefix",
            ],
        ),
        (
            "upstreams/a.yaml",
            "url: http://x\nauth: {kind: bearer, secret: kye, name: x}\n",
            &[
                "upstreams/a.yaml:2: auth.secret: unknown secret \"kye\" | did you mean key? or add secrets/kye.yaml",
                "upstreams/a.yaml:2: auth: unknown key \"name\" | known here: kind, secret",
            ],
        ),
        (
            "upstreams/a.yaml",
            "url: http://x\nauth: {kind: basic, username: \"a:b\"}\n",
            &[
                "upstreams/a.yaml:2: auth.username: the name of a user has no colon | write it without",
                "upstreams/a.yaml:2: auth: secret is missing | name a secret: the file secrets/ID.yaml",
            ],
        ),
        (
            "upstreams/a.yaml",
            "url: http://x\nauth: {kind: header, secret: key, name: Content-Length}\n",
            &[
                "upstreams/a.yaml:2: auth.name: the header content-length belongs to HTTP or to the door | name the header in which the upstream expects its key",
            ],
        ),
        (
            "upstreams/a.yaml",
            "url: http://x\nauth: {kind: header, secret: key, name: \"x y\"}\n",
            &[
                "upstreams/a.yaml:2: auth.name: \"x y\" is not the name of a header | write x-api-key",
            ],
        ),
        (
            "upstreams/a.yaml",
            "url: http://x\nauth: {kind: query, secret: key, name: \"a&b\"}\n",
            &[
                "upstreams/a.yaml:2: auth.name: \"a&b\" is not the name of a parameter | use 1 to 64 of a-z, A-Z, 0-9, -, _, . and ~",
            ],
        ),
        (
            "upstreams/a.yaml",
            "url: http://x\nauth: {kind: client_credentials, secret: key, token_url: http://idp, scopes: [a b], resource: x}\n",
            &[
                "upstreams/a.yaml:2: auth.resource: \"x\" is not a resource | write https://api.example.com/orders",
                "upstreams/a.yaml:2: auth.scopes[0]: \"a b\" is not one scope | name each by itself, without spaces",
                "upstreams/a.yaml:2: auth.token_url: http to another machine can be changed on the way | write https://",
                "upstreams/a.yaml:2: auth: client_id is missing | write who the door is there",
            ],
        ),
        (
            "upstreams/a.yaml",
            "url: http://x\nauth: {kind: client_certificate, secret: key}\n",
            &[
                "upstreams/a.yaml:2: auth: a certificate is shown over https only | write url: https://…",
            ],
        ),
        (
            "collections/a.yaml",
            "owner: t\ndocument: {}\nupstream: nowhere\n",
            &[
                "collections/a.yaml:3: upstream: unknown upstream \"nowhere\" | add upstreams/nowhere.yaml, or name another",
            ],
        ),
        (
            "collections/a.yaml",
            "owner: t\ndocument: {}\nupstream: {url: http://x, auth: {kind: bearer, secret: no}}\n",
            &[
                "collections/a.yaml:3: upstream.auth.secret: unknown secret \"no\" | add secrets/no.yaml, or name another",
            ],
        ),
    ]);
}

#[test]
fn a_secret_says_what_is_wrong_with_it() {
    let sources =
        "write store, {env: VARIABLE}, {file: /path} or {vault: {address: …, mount: …, path: …}}";
    check_with_secrets(&[
        (
            "secrets/a.yaml",
            "owner: t\nsource: {}\n",
            &[&format!("secrets/a.yaml:2: source: no source is named | {sources}")],
        ),
        (
            "secrets/a.yaml",
            "owner: t\nsource: {env: A, file: /b}\n",
            &["secrets/a.yaml:2: source: more than one source is named | leave one of them"],
        ),
        (
            "secrets/a.yaml",
            "owner: t\nsource: s3cret\n",
            &[&format!("secrets/a.yaml:2: source: not a source | {sources}")],
        ),
        (
            "secrets/a.yaml",
            "owner: t\nsource: {env: 1-a}\n",
            &[
                "secrets/a.yaml:2: source.env: not the name of a variable | use A-Z, a-z, 0-9 and _, as in SHOP_API_KEY",
            ],
        ),
        (
            "secrets/a.yaml",
            "owner: t\nsource: {file: /etc/../key}\n",
            &[
                "secrets/a.yaml:2: source.file: \"/etc/../key\" is not the absolute path of a file | write /path/to/file, without //, . and .. in it",
            ],
        ),
        (
            "secrets/a.yaml",
            "owner: t\nsource: {vault: {address: http://v, mount: a/, path: b, field: c, token: vaulted}}\n",
            &[
                "secrets/a.yaml:2: source.vault.address: http to another machine can be changed on the way | write https://",
                "secrets/a.yaml:2: source.vault.mount: \"a/\" is not a path within a vault | write shop/orders, with no slash at its ends and nothing encoded",
                "secrets/a.yaml:2: source.vault.token: secret \"vaulted\" is in a vault itself | name a secret from env, file or the store",
            ],
        ),
    ]);
}

#[test]
fn a_guard_says_what_is_wrong_with_it() {
    check(&[(
        "guards/a.yaml",
        "policy: \"\"\n",
        &["guards/a.yaml:1: policy: the text is empty | write something, or leave the key away"],
    )]);
}

#[test]
fn a_role_within_a_reach_says_what_is_wrong_with_it() {
    let client =
        |roles: &str| format!("kind: app\nowner: t\nprofiles: {{a: {{roles: {roles}}}}}\n");
    for (roles, want) in [
        ("[admin, {role: viewer, collections: [orders, onedoor], owners: [t]}]", &[][..]),
        (
            "[admim]",
            &["roles[0]: unknown role \"admim\" | did you mean admin? or add roles/admim.yaml"],
        ),
        (
            "[{role: reader}]",
            &[
                "roles[0]: neither collections nor owners are named | name collections or owners, or write the role's name alone for everywhere",
            ],
        ),
        (
            "[{role: reader, collections: []}]",
            &["roles[0].collections: the list is empty | name a collection, or leave the key away"],
        ),
        (
            "[{role: reader, collections: [order], owner: [t]}]",
            &[
                "roles[0].collections[0]: unknown collection \"order\" | did you mean orders? or add collections/order.yaml",
                "roles[0]: unknown key \"owner\" | did you mean owners? known here: role, collections, owners",
            ],
        ),
        (
            "[{role: reader, owners: [t]}, {role: reader, owners: [t]}]",
            &["roles[1]: the same role within the same reach | once will do"],
        ),
    ] {
        let want: Vec<_> =
            want.iter().map(|it| format!("clients/a.yaml:3: profiles.a.{it}")).collect();
        assert_eq!(faults(&[("clients/a.yaml", &client(roles))]), want, "{roles}");
    }
}

#[test]
fn what_is_built_in_cannot_be_declared_again() {
    check(&[
        (
            "roles/admin.yaml",
            "allow: []\n",
            &["roles/admin.yaml:1: the role admin is built in | give this file another name"],
        ),
        ("roles/a.yaml", "allow: [{operations: [\"onedoor:*\", onedoor:list_clients]}]\n", &[]),
    ]);
}
