//! Faults of collections and issuers.

use super::{check, faults};

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn a_collection_says_what_is_wrong_with_it() {
    check(&[
        (
            "collections/a.yaml",
            "owner: t\n",
            &[
                "collections/a.yaml:1: document is missing | name a file in documents/, or write the OpenAPI document here",
                "collections/a.yaml:1: upstream is missing | say where the operations are: {url: http://…}, or name one of upstreams/",
            ],
        ),
        (
            "collections/a.yaml",
            "owner: t\nupstream: {url: orders:80, answer_timeout: 5, connections_max: 0}\ndocument: documents/order.yaml\nbase: a/\n",
            &[
                "collections/a.yaml:2: upstream.answer_timeout: \"5\" is not a duration | write 250ms, 30s, 5m, 12h or 90d",
                "collections/a.yaml:2: upstream.connections_max: 0 is out of bounds | write a whole number from 1 to 65536",
                "collections/a.yaml:2: upstream.url: the address has no scheme | write http://host:port/prefix or https://host",
                "collections/a.yaml:3: document: there is no file \"documents/order.yaml\" | did you mean documents/orders.yaml?",
                "collections/a.yaml:4: base: \"a/\" is not a base path | write /orders, or / for the root, with no slash at the end and nothing encoded",
            ],
        ),
        (
            "collections/a.yaml",
            "owner: t\nupstream: http://orders\ndocument: 7\nstate: live\nbase: /mcp/a\n",
            &[
                "collections/a.yaml:2: upstream: an address is not the name of an upstream | write {url: http://…}",
                "collections/a.yaml:3: document: expected text, found a number | put it in quotes",
                "collections/a.yaml:4: state: \"live\" is not known | known here: draft, published, retired",
                "collections/a.yaml:5: base: the base \"/mcp/a\" belongs to the door itself | write another base",
            ],
        ),
        (
            "collections/a.yaml",
            "owner: t\nupstream: {url: http://x, idle_timeout: 2d}\ndocument: clients/shop.yaml\nbase: /orders\n",
            &[
                "collections/a.yaml:2: upstream.idle_timeout: 2d is out of bounds | write a duration from 1ms to 1d",
                "collections/a.yaml:3: document: there is no file \"clients/shop.yaml\" | put the document there; its path begins with documents/",
            ],
        ),
        (
            "collections/a.yaml",
            "owner: t\nupstream: {url: http://x}\ndocument: {a: 1, a: 2}\nselect: [a b, c, c]\noperations:\n  get.order: {effect: delete}\n  list: {allow: [everybody], hiden: true}\n",
            &[
                "collections/a.yaml:3: document: key \"a\" is named twice | it stands on line 3 too: leave one of them",
                "collections/a.yaml:4: select[0]: \"a b\" is not the name of an operation | use 1 to 64 of a-z, A-Z, 0-9, - and _",
                "collections/a.yaml:4: select[2]: \"c\" is named twice | once will do",
                "collections/a.yaml:6: operations.get.order.effect: \"delete\" is not known | known here: destructive, read, write",
                "collections/a.yaml:6: operations: \"get.order\" is not the name of an operation | use 1 to 64 of a-z, A-Z, 0-9, - and _",
                "collections/a.yaml:7: operations.list.allow[0]: \"everybody\" is not known | known here: anonymous",
                "collections/a.yaml:7: operations.list: unknown key \"hiden\" | did you mean hidden? known here: name, description, hidden, effect, allow, audit",
            ],
        ),
        (
            "collections/a.yaml",
            "owner: t\nupstream: {url: http://x}\ndocument: {}\nselect: []\nbase: /orders\n",
            &[
                "collections/a.yaml:4: select: the list is empty | name operations, or leave the key away for all",
                "collections/orders.yaml:1: collection a (collections/a.yaml:1) has the base \"/orders\" too | give one another base",
            ],
        ),
        (
            "collections/mcp.yaml",
            "owner: t\nupstream: {url: http://x}\ndocument: {}\n",
            &[
                "collections/mcp.yaml:1: the base \"/mcp\" belongs to the door itself | write another base",
            ],
        ),
        (
            "collections/onedoor.yaml",
            "owner: t\nupstream: {url: http://x}\ndocument: {}\n",
            &[
                "collections/onedoor.yaml:1: the collection onedoor is built in | give this file another name",
            ],
        ),
    ]);
}

#[test]
fn what_records_keep_is_known_and_never_a_secret() {
    let begin = "owner: t\nupstream: {url: http://x}\ndocument: {}\n";
    check(&[
        (
            "collections/a.yaml",
            &format!(
                "{begin}audit:\n  redact:\n    mail: hash\n    e_mail: hash\n    /a~b: hash\n    /a: hide\n    /a//b: keep\n"
            ),
            &[
                "collections/a.yaml:6: audit.redact: \"mail\" is no detector and no JSON pointer | did you mean email? write card_number, email, secret, or a pointer: /name",
                "collections/a.yaml:7: audit.redact: \"e_mail\" is no detector and no JSON pointer | did you mean email? write card_number, email, secret, or a pointer: /name",
                "collections/a.yaml:8: audit.redact: \"/a~b\" is no JSON pointer | write ~0 for ~ and ~1 for /, and no empty name",
                "collections/a.yaml:9: audit.redact./a: \"hide\" is not known | known here: drop, hash, keep, mask",
                "collections/a.yaml:10: audit.redact: \"/a//b\" is no JSON pointer | write ~0 for ~ and ~1 for /, and no empty name",
            ],
        ),
        (
            "collections/a.yaml",
            &format!(
                "{begin}operations:\n  get:\n    audit: {{redact: {{secret: keep, card_number: keep, iban: drop}}, redakt: {{}}}}\n"
            ),
            &[
                "collections/a.yaml:6: operations.get.audit.redact.card_number: no record holds a card number whole | write mask, hash or drop",
                "collections/a.yaml:6: operations.get.audit.redact.secret: a secret is in no record, nor a part of it | write drop or hash",
                "collections/a.yaml:6: operations.get.audit.redact: \"iban\" is no detector and no JSON pointer | write card_number, email, secret, or a pointer: /iban",
                "collections/a.yaml:6: operations.get.audit: unknown key \"redakt\" | did you mean redact? known here: redact, bodies, level",
            ],
        ),
        (
            "collections/a.yaml",
            &format!(
                "{begin}operations:\n  get:\n    audit: {{level: fast}}\naudit: {{level: strickt}}\n"
            ),
            &[
                "collections/a.yaml:6: operations.get.audit.level: \"fast\" is not known | known here: standard, strict",
                "collections/a.yaml:7: audit.level: \"strickt\" is not known | did you mean strict? known here: standard, strict",
            ],
        ),
    ]);
}

#[test]
fn which_bodies_are_kept_is_said_whole_and_within_bounds() {
    let begin = "owner: t\nupstream: {url: http://x}\ndocument: {}\naudit:\n  bodies:";
    check(&[
        (
            "collections/a.yaml",
            &format!(
                "{begin} {{size_max: 2MiB, content_types: [json], subject: {{kind: user}}}}\n"
            ),
            &[
                "collections/a.yaml:5: audit.bodies.content_types[0]: \"json\" is no content type | write application/json, text/* or */*",
                "collections/a.yaml:5: audit.bodies.size_max: 2MiB is more than is kept of a body | write at most 1MiB",
                "collections/a.yaml:5: audit.bodies.subject.kind: user is a kind of who calls | write another kind, or leave subject away",
                "collections/a.yaml:5: audit.bodies.subject: argument is missing | name the argument that says which of them",
                "collections/a.yaml:5: audit.bodies: keep is missing | write request, response, both or none",
            ],
        ),
        (
            "collections/a.yaml",
            &format!("{begin} {{keep: all, size_max: 0B, subject: {{kind: A b, argument: x}}}}\n"),
            &[
                "collections/a.yaml:5: audit.bodies.keep: \"all\" is not known | known here: none, request, response, both",
                "collections/a.yaml:5: audit.bodies.size_max: 0B keeps nothing | write at least 1B",
                "collections/a.yaml:5: audit.bodies.subject.kind: \"A b\" is no kind of subject | use 1 to 63 of a-z, 0-9, - and _, and begin with a letter or digit",
            ],
        ),
    ]);
}

#[test]
fn an_issuer_says_what_is_wrong_with_it() {
    check(&[
        (
            "issuers/local.yaml",
            "issuer: https://login.example.com\ndiscovery: true\naudiences: [door]\nalgorithms: [ES256]\n",
            &[
                "issuers/local.yaml:1: people of this door are called local:NAME | give the issuer's file another name",
            ],
        ),
        (
            "issuers/a.yaml",
            "issuer: http://staff.example\naudiences: []\nalgorithms: [HS256, none, ES265]\n",
            &[
                "issuers/a.yaml:1: discovery, jwks_url or jwks is missing | write discovery: true, jwks_url: https://… or the keys themselves under jwks",
                "issuers/a.yaml:1: issuer: http to another machine can be changed on the way | write https://",
                "issuers/a.yaml:2: audiences: the list is empty | name at least one",
                "issuers/a.yaml:3: algorithms[0]: \"HS256\" proves nothing here | name an algorithm with a public key: ES256, EdDSA, PS256, RS256",
                "issuers/a.yaml:3: algorithms[1]: \"none\" proves nothing here | name an algorithm with a public key: ES256, EdDSA, PS256, RS256",
                "issuers/a.yaml:3: algorithms[2]: \"ES265\" is not known | did you mean ES256? known here: ES256, ES384, ES512, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512",
            ],
        ),
        (
            "issuers/a.yaml",
            "issuer: https://staff\njwks_url: https://user:hunter2@x\naudiences: [a]\nalgorithms: [ES256]\ntypes: []\n",
            &[
                "issuers/a.yaml:2: jwks_url: the address has a user or a password | leave it away, credentials do not belong into addresses",
                "issuers/a.yaml:5: types: the list is empty | name at least one, or leave the key away for [at+jwt]",
            ],
        ),
        (
            "issuers/a.yaml",
            "issuer: https://a\njwks: {keys: []}\naudiences: [a]\nalgorithms: [ES256]\n",
            &[
                "issuers/a.yaml:2: jwks: not a set of keys | write {keys: [{kty: …}]} (RFC 7517 section 5)",
            ],
        ),
        (
            "issuers/a.yaml",
            "issuer: https://a\njwks: {keys: [{kty: OKP, d: hunter2}]}\naudiences: [a]\nalgorithms: [ES256]\n",
            &[
                "issuers/a.yaml:2: jwks: there is a private key in it | replace that key, and write its public half",
            ],
        ),
        (
            "issuers/a.yaml",
            "issuer: https://a\njwks: {keys: []}\njwks_url: https://a\naudiences: [a]\nalgorithms: [ES256]\n",
            &["issuers/a.yaml:2: jwks: there is a jwks_url already | leave one of the two"],
        ),
        (
            "issuers/a.yaml",
            "issuer: https://a\njwks_url: https://a\ndiscovery: true\naudiences: [a]\nalgorithms: [ES256]\n",
            &["issuers/a.yaml:2: jwks_url: there is a discovery already | leave one of the two"],
        ),
        (
            "issuers/a.yaml",
            "issuer: https://a\ndiscovery: false\naudiences: [a]\nalgorithms: [ES256]\n",
            &[
                "issuers/a.yaml:2: discovery: there is no other way to its keys | write true, or jwks_url or jwks instead",
            ],
        ),
        (
            "issuers/a.yaml",
            "issuer: https://a/?tenant=b\ndiscovery: true\naudiences: [a]\nalgorithms: [ES256]\n",
            &[
                "issuers/a.yaml:2: discovery: an issuer with a query has no metadata | write jwks_url: https://… instead",
            ],
        ),
    ]);
}

#[test]
fn an_issuer_that_is_asked_about_tokens_has_an_address_and_a_name_for_the_door() {
    check(&[
        (
            "issuers/a.yaml",
            "issuer: https://a\njwks_url: https://a\naudiences: [a]\nalgorithms: [ES256]\nintrospection: {url: http://a, client_secret: none}\n",
            &[
                "issuers/a.yaml:5: introspection.client_secret: unknown secret \"none\" | add secrets/none.yaml, or name another",
                "issuers/a.yaml:5: introspection.url: http to another machine can be changed on the way | write https://",
                "issuers/a.yaml:5: introspection: client_id is missing | write who the door is there",
            ],
        ),
        (
            "issuers/a.yaml",
            "issuer: https://a\njwks_url: https://a\naudiences: [a]\nalgorithms: [ES256]\nintrospection: {client_id: a, client_secret: none}\n",
            &[
                "issuers/a.yaml:5: introspection.client_secret: unknown secret \"none\" | add secrets/none.yaml, or name another",
                "issuers/a.yaml:5: introspection: nobody says where the issuer is asked | write url: https://…, or discovery: true for the issuer",
            ],
        ),
    ]);
}

#[test]
fn groups_that_are_mapped_are_listed_somewhere_and_have_a_word_here() {
    let issuer =
        "issuer: https://a\njwks_url: https://a/keys\naudiences: [x]\nalgorithms: [ES256]\n";
    for (sign_in, want) in [
        (
            "{client_id: x, groups_claim: groups, groups: {Sales EMEA: sales, \"7\": staff}}",
            &[][..],
        ),
        (
            "{client_id: x, groups: {Sales EMEA: sales}}",
            &[
                "sign_in.groups: no claim is named that has groups | write groups_claim: the claim that lists the groups of a person",
            ],
        ),
        (
            "{client_id: x, groups_claim: groups, groups: {}}",
            &[
                "sign_in.groups: no group is named, so none would count | write their name and ours: {Sales EMEA: sales}, or leave the key away",
            ],
        ),
        (
            "{client_id: x, groups_claim: groups, groups: {Sales EMEA: [sales]}}",
            &["sign_in.groups.Sales EMEA: expected text, found a list | write text here"],
        ),
    ] {
        let want: Vec<_> = want.iter().map(|it| format!("issuers/a.yaml:5: {it}")).collect();
        let text = format!("{issuer}sign_in: {sign_in}\n");
        assert_eq!(faults(&[("issuers/a.yaml", &text)]), want, "{sign_in}");
    }
}
