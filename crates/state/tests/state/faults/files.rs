//! Faults of files: in the wrong place, or not what their name says.

use super::check;

#[test]
fn a_file_in_the_wrong_place_says_where_it_belongs() {
    check(&[
        (
            "clients/My App.yaml",
            "kind: app\nowner: t\n",
            &[
                "clients/My App.yaml: \"My App\" is not a valid client id | rename the file: use 1 to 63 of a-z, 0-9, - and _, and begin with a letter or a digit",
            ],
        ),
        (
            "clients/shop.json",
            "{}",
            &[
                "clients/shop.json:1: kind is missing | write kind: agent, app, partner or service",
                "clients/shop.json:1: owner is missing | name the person or team who answers for this client",
                "clients/shop.yaml: client shop has a file already: clients/shop.json | delete one of the two",
            ],
        ),
        ("clinets/a.yaml", "", &["clinets: unknown folder | did you mean clients?"]),
        (
            "things/a.txt",
            "",
            &[
                "things: unknown folder | the folders are admissions, clients, collections, credentials, guards, issuers, limits, roles, secrets, stops, upstreams, users, documents",
            ],
        ),
        (
            "a.yaml",
            "",
            &[
                "a.yaml: a document outside of the folders | move it to one of admissions, clients, collections, credentials, guards, issuers, limits, roles, secrets, stops, upstreams, users, documents",
            ],
        ),
        (
            "clients/a/b.yaml",
            "",
            &[
                "clients/a/b.yaml: clients has no folders in it | write clients/ID.yaml, or move it out of the state folder",
            ],
        ),
        (
            "clients/a.txt",
            "",
            &[
                "clients/a.txt: not a document of a client | write clients/ID.yaml, or move it out of the state folder",
            ],
        ),
    ]);
}

#[test]
fn broken_yaml_says_on_which_line() {
    check(&[
        (
            "clients/a.yaml",
            "kind: app\nowner: t\nkind: agent\n",
            &[
                "clients/a.yaml:3: key \"kind\" is named twice | it stands on line 1 too: leave one of them",
            ],
        ),
        (
            "clients/a.yaml",
            "kind: app\n  owner: t\n",
            &[
                "clients/a.yaml:2: mapping values are not allowed in this context | correct the YAML",
            ],
        ),
        (
            "clients/a.yaml",
            "kind: app\nowner: t\n---\nkind: app\n",
            &["clients/a.yaml:3: more than one document in a file | correct the YAML"],
        ),
        (
            "clients/a.yaml",
            "kind: app\nowner: *x\n",
            &["clients/a.yaml:2: while parsing node, found unknown anchor | correct the YAML"],
        ),
        (
            "clients/a.yaml",
            "kind: app\nowner: t\n~: x\n",
            &["clients/a.yaml:3: a key that is not text | correct the YAML"],
        ),
        (
            "clients/a.yaml",
            "kind: app\nowner: t\n? [a]\n: x\n",
            &["clients/a.yaml:3: a key that is not text | correct the YAML"],
        ),
    ]);
}

#[test]
fn an_openapi_document_says_what_is_wrong_with_it() {
    check(&[
        (
            "documents/orders.yaml",
            "a: [\n",
            &["documents/orders.yaml:1: unclosed bracket '[' | correct the document"],
        ),
        (
            "documents/orders.yaml",
            "{\"a\": 1,\n \"a\": 2}",
            &["documents/orders.yaml:2: key \"a\" is named twice | correct the document"],
        ),
        (
            "documents/orders.yaml",
            "a: 1\nb: 2\na: 3\n",
            &["documents/orders.yaml:3: key \"a\" is named twice | correct the document"],
        ),
        (
            "documents/orders.yaml",
            "[]",
            &["documents/orders.yaml: not a mapping | put an OpenAPI document there"],
        ),
    ]);
}
