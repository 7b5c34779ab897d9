//! Faults of clients, roles, limits and credentials.

use super::{KEY, check, faults};

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn a_client_says_what_is_wrong_with_it() {
    check(&[
        (
            "clients/a.yaml",
            "",
            &[
                "clients/a.yaml:1: kind is missing | write kind: agent, app, partner or service",
                "clients/a.yaml:1: owner is missing | name the person or team who answers for this client",
            ],
        ),
        (
            "clients/a.yaml",
            "[]",
            &[
                "clients/a.yaml:1: expected a mapping, found a list | write keys and values: key: value",
            ],
        ),
        (
            "clients/a.yaml",
            "kind: robot\nowner: \"\"\n",
            &[
                "clients/a.yaml:1: kind: \"robot\" is not known | known here: agent, app, partner, service",
                "clients/a.yaml:2: owner: the text is empty | write something, or leave the key away",
            ],
        ),
        (
            "clients/a.yaml",
            "kind: agnet\nowner: 12\nonwer: x\n",
            &[
                "clients/a.yaml:1: kind: \"agnet\" is not known | did you mean agent? known here: agent, app, partner, service",
                "clients/a.yaml:2: owner: expected text, found a number | put it in quotes",
                "clients/a.yaml:3: unknown key \"onwer\" | did you mean owner? known here: kind, owner, description, enabled, profiles",
            ],
        ),
        (
            "clients/a.yaml",
            "kind: app\nowner: t\nenabled: yes\ndescription: [a]\n",
            &[
                "clients/a.yaml:3: enabled: expected true or false, found text | write true or false, without quotes",
                "clients/a.yaml:4: description: expected text, found a list | write text here",
            ],
        ),
        (
            "clients/a.yaml",
            "kind: app\nowner: t\nprofiles:\n  Live: {}\n  live:\n  live: {}\n",
            &[
                "clients/a.yaml:4: profiles: \"Live\" is not a valid profile name | use 1 to 63 of a-z, 0-9, - and _, and begin with a letter or a digit",
                "clients/a.yaml:6: profiles: key \"live\" is named twice | it stands on line 5 too: leave one of them",
            ],
        ),
        (
            "clients/a.yaml",
            "kind: app\nowner: t\nprofiles:\n  live:\n    role: [reader]\n    surfaces: []\n    networks: [10.0.0.1/8, x, \"::ffff:10.0.0.1\"]\n    expires: tomorrow\n",
            &[
                "clients/a.yaml:5: profiles.live: unknown key \"role\" | did you mean roles? known here: roles, surfaces, networks, expires, tokens, rotation, enabled",
                "clients/a.yaml:6: profiles.live.surfaces: the list is empty | name rest or mcp, or leave the key away for both",
                "clients/a.yaml:7: profiles.live.networks[0]: the address has bits beyond its prefix | write 10.0.0.0/8",
                "clients/a.yaml:7: profiles.live.networks[1]: \"x\" is not a network | write 192.0.2.0/24, 2001:db8::/32 or one address",
                "clients/a.yaml:7: profiles.live.networks[2]: an IPv4 network in IPv6 form matches nobody | write it as IPv4",
                "clients/a.yaml:8: profiles.live.expires: \"tomorrow\" is not a time | write 2027-01-31 or 2027-01-31T12:00:00Z",
            ],
        ),
        (
            "clients/a.yaml",
            "kind: app\nowner: t\nprofiles:\n  live:\n    roles: [raeder, Reader, reader, reader]\n    surfaces: [rest, web]\n    networks: []\n",
            &[
                "clients/a.yaml:5: profiles.live.roles[0]: unknown role \"raeder\" | did you mean reader? or add roles/raeder.yaml",
                "clients/a.yaml:5: profiles.live.roles[1]: \"Reader\" is not a valid role id | use 1 to 63 of a-z, 0-9, - and _, and begin with a letter or a digit",
                "clients/a.yaml:5: profiles.live.roles[3]: \"reader\" is named twice | once will do",
                "clients/a.yaml:6: profiles.live.surfaces[1]: \"web\" is not known | known here: mcp, rest",
                "clients/a.yaml:7: profiles.live.networks: the list is empty | name a network, or leave the key away for any",
            ],
        ),
        (
            "clients/a.yaml",
            "kind: app\nowner: t\nprofiles: {live: {roles: reader}}\n",
            &[
                "clients/a.yaml:3: profiles.live.roles: expected a list, found text | write a list: [first, second]",
            ],
        ),
        (
            "clients/anonymous.yaml",
            "kind: app\nowner: t\n",
            &[
                "clients/anonymous.yaml:1: the client anonymous is built in | delete this file, and name anonymous under allow of an operation",
            ],
        ),
        (
            "clients/a.yaml",
            "kind: app\nowner: \"a\\u0007b\"\n",
            &["clients/a.yaml:2: owner: there is a control character in it | take it out"],
        ),
    ]);
}

#[test]
fn a_role_says_what_is_wrong_with_it() {
    check(&[
        (
            "roles/a.yaml",
            "description: x\n",
            &["roles/a.yaml:1: allow is missing | list what is allowed, or write [] for nothing"],
        ),
        (
            "roles/a.yaml",
            "allow:\n  - operations: []\n  - operations: [orders, \"*:x\"]\n    effects: []\n  - effects: [delete]\n  - orders:list\n",
            &[
                "roles/a.yaml:2: allow[0].operations: the list is empty | name operations",
                "roles/a.yaml:3: allow[1].operations[0]: \"orders\" does not name operations | write orders:get_order, orders:* or *:*",
                "roles/a.yaml:3: allow[1].operations[1]: \"*:x\" does not name operations | write orders:get_order, orders:* or *:*",
                "roles/a.yaml:4: allow[1].effects: the list is empty | name read, write or destructive, or leave the key away for all",
                "roles/a.yaml:5: allow[2].effects[0]: \"delete\" is not known | known here: destructive, read, write",
                "roles/a.yaml:5: allow[2]: operations is missing | name operations: [orders:get_order, \"shop:*\"]",
                "roles/a.yaml:6: allow[3]: expected a mapping, found text | write keys and values: key: value",
            ],
        ),
        (
            "roles/a.yaml",
            "allow:\n  - operations: [\"order:*\", other:list]\n    effect: [read]\n",
            &[
                "roles/a.yaml:2: allow[0].operations[0]: unknown collection \"order\" | did you mean orders? or add collections/order.yaml",
                "roles/a.yaml:2: allow[0].operations[1]: unknown collection \"other\" | add collections/other.yaml, or name another",
                "roles/a.yaml:3: allow[0]: unknown key \"effect\" | did you mean effects? known here: operations, effects",
            ],
        ),
    ]);
}

#[test]
fn a_limit_says_what_is_wrong_with_it() {
    check(&[
        (
            "limits/a.yaml",
            "per: user\n",
            &[
                "limits/a.yaml:1: per: \"user\" is not known | known here: all, client, client_operation, operation, profile, profile_operation",
                "limits/a.yaml:1: rate or quota is missing | write rate: 10/s or quota: 1000/day",
            ],
        ),
        (
            "limits/a.yaml",
            "rate: 10/day\nburst: 0\n",
            &[
                "limits/a.yaml:1: rate: \"10/day\" is not a rate | write 10/s, 100/m or 1000/h",
                "limits/a.yaml:2: burst: 0 is out of bounds | write a whole number from 1 to 4294967295",
            ],
        ),
        (
            "limits/a.yaml",
            "rate: 10/s\nquota: 5/day\n",
            &[
                "limits/a.yaml:2: quota: there is a rate already | make two limits of it, in two files",
            ],
        ),
        (
            "limits/a.yaml",
            "quota: 5/day\nburst: 5\noperations: []\n",
            &[
                "limits/a.yaml:2: burst: a quota has no burst | leave it away, or write a rate",
                "limits/a.yaml:3: operations: the list is empty | name operations, or leave the key away for all",
            ],
        ),
        (
            "limits/a.yaml",
            "rate: 10/s\nclient: shpo\nprofile: shop/life\n",
            &[
                "limits/a.yaml:2: client: unknown client \"shpo\" | did you mean shop? or add clients/shpo.yaml",
                "limits/a.yaml:3: profile: shop/life is not a profile of client shpo | leave client away: the profile says it",
                "limits/a.yaml:3: profile: unknown profile \"shop/life\" | did you mean shop/live?",
            ],
        ),
        (
            "limits/a.yaml",
            "rate: 10/s\nprofile: shop\nburst: 1.5\n",
            &[
                "limits/a.yaml:2: profile: \"shop\" is not a valid profile id | write it as client/profile",
                "limits/a.yaml:3: burst: 1.5 is out of bounds | write a whole number from 1 to 4294967295",
            ],
        ),
        (
            "limits/a.yaml",
            "rate: 10\n",
            &["limits/a.yaml:1: rate: \"10\" is not a rate | write 10/s, 100/m or 1000/h"],
        ),
    ]);
}

#[test]
fn a_credential_says_what_is_wrong_with_it() {
    check(&[
        (
            "credentials/a.yaml",
            "kind: key\nhmac: 00\n",
            &[
                "credentials/a.yaml:1: expires is missing | write when it ends: 2027-01-31",
                "credentials/a.yaml:1: kind: \"key\" is not known | known here: api_key, client_secret, external, mtls, private_key_jwt",
                "credentials/a.yaml:1: profile is missing | write the profile it leads to: client/profile",
            ],
        ),
        (
            "credentials/a.yaml",
            "profile: shop/live\nkind: api_key\nexpires: 2026-01-01\ncreated: 2027-01-01\nhmac: odk_secret\n",
            &[
                "credentials/a.yaml:3: expires: it ends before it is created | write a later time",
                "credentials/a.yaml:5: hmac: not the HMAC of a key | write 64 hexadecimal digits, as onedoor credential new does",
            ],
        ),
        (
            "credentials/a.yaml",
            "profile: anonymous/default\nkind: external\nexpires: 2027-01-01\nissuer: stuff\nclaims: {}\n",
            &[
                "credentials/a.yaml:1: profile: anonymous is who shows no credential | name another client's profile",
                "credentials/a.yaml:4: issuer: unknown issuer \"stuff\" | did you mean staff? or add issuers/stuff.yaml",
                "credentials/a.yaml:5: claims: no claim is named, so every token would do | name at least one claim and its value: {azp: shop}",
            ],
        ),
        (
            "credentials/a.yaml",
            "profile: nobody/live\nkind: external\nexpires: 2027-01-01\nissuer: staff\nclaims: {azp: 7}\nhmac: x\nstate: dead\n",
            &[
                "credentials/a.yaml:1: profile: unknown client \"nobody\" | add clients/nobody.yaml, or name another",
                "credentials/a.yaml:5: claims.azp: expected text, found a number | put it in quotes",
                "credentials/a.yaml:6: unknown key \"hmac\" | known here: profile, kind, state, created, replaced, expires, issuer, claims",
                "credentials/a.yaml:7: state: \"dead\" is not known | known here: active, retiring, retired, revoked",
            ],
        ),
        (
            "clients/shop.yaml",
            "kind: app\nowner: team\nprofiles:\n  live: {rotation: {lifetime_max: 30d}}\n",
            &[
                "credentials/key.yaml:1: created is missing: shop/live has a lifetime_max | write since when it lives: 2026-11-30",
            ],
        ),
        (
            "credentials/a.yaml",
            KEY,
            &[
                "credentials/key.yaml:1: credential a (credentials/a.yaml:1) has the same hmac | delete one: a key leads to one profile",
            ],
        ),
    ]);
}

#[test]
fn a_stop_stops_exactly_one_thing_and_never_the_door_itself() {
    let one = "write one of client: ID, client_id: URL, person: ISSUER:SUB, collection: ID, upstream: ID, agents: all";
    let client_id = "stops/a.yaml:1: client_id: not a client that describes itself | write the URL of its document, or the dyn-… that it registered itself as";
    let person = "stops/a.yaml:1: person: not a person | write local:NAME, or the issuer's id and their sub there, as corp:00u1";
    check(&[
        (
            "stops/a.yaml",
            "because: x\n",
            &[&format!("stops/a.yaml:1: nothing is stopped by it | {one}")],
        ),
        (
            "stops/a.yaml",
            "client: anonymous\nagents: all\nbecause: x\n",
            &[&format!("stops/a.yaml:1: it stops more than one thing | {one}")],
        ),
        (
            "stops/a.yaml",
            "agents: some\n",
            &[
                "stops/a.yaml:1: agents: \"some\" is not known | known here: all",
                "stops/a.yaml:1: because is missing | say why: its key was found in a public place",
            ],
        ),
        (
            "stops/a.yaml",
            "collection: onedoor\nbecause: x\n",
            &[
                "stops/a.yaml:1: collection: onedoor cannot be stopped | nobody could start it again",
            ],
        ),
        (
            "stops/a.yaml",
            "client: nobody\nbecause: x\n",
            &[
                "stops/a.yaml:1: client: unknown client \"nobody\" | add clients/nobody.yaml, or name another",
            ],
        ),
        ("stops/a.yaml", "client_id: shop-agent\nbecause: x\n", &[client_id]),
        ("stops/a.yaml", "client_id: http://a.example/c\nbecause: x\n", &[client_id]),
        ("stops/a.yaml", "client_id: 'https://a.example/c d'\nbecause: x\n", &[client_id]),
        ("stops/a.yaml", "person: ann\nbecause: x\n", &[person]),
        ("stops/a.yaml", "person: 'local:'\nbecause: x\n", &[person]),
        ("stops/a.yaml", "person: 'No Issuer:42'\nbecause: x\n", &[person]),
        (
            "stops/a.yaml",
            "person: 'corp:42'\nbecause: x\n",
            &[
                "stops/a.yaml:1: person: unknown issuer \"corp\" | add issuers/corp.yaml, or name another",
            ],
        ),
    ]);
}

#[test]
fn what_is_wrong_with_a_second_factor_does_not_make_it_optional() {
    for (second_factor, want) in [
        ("{required: yes}", "second_factor.required: expected true or false, found text"),
        ("{since: soon}", "second_factor.since: \"soon\" is not a time"),
        ("{demanded: true}", "second_factor: unknown key \"demanded\""),
        ("required", "second_factor: expected"),
    ] {
        let user = format!("second_factor: {second_factor}\n");
        let found = faults(&[("users/ann.yaml", &user)]);
        assert!(found.len() == 1 && found[0].contains(want), "{found:?}");
    }
}

#[test]
fn an_admission_leads_to_a_profile_that_clients_nobody_registered_can_get_tokens_of() {
    let want = "admissions/a.yaml:1: profile: profile \"bots/p\" gets no tokens for people | give it tokens with authorization_code or device_code or jwt_bearer, or name another";
    for (terms, is_good) in [
        ("{grants: [authorization_code], redirect_uris: [\"https://a.example/b\"]}", true),
        ("{grants: [jwt_bearer]}", true),
        ("{grants: [device_code]}", true),
        ("{grants: [client_credentials]}", false),
    ] {
        let client = format!(
            "kind: agent\nowner: team\nprofiles:\n  p:\n    roles: [reader]\n    tokens: {terms}\n"
        );
        let found = faults(&[
            ("clients/bots.yaml", &client),
            ("admissions/a.yaml", "profile: bots/p\nregistrations: [metadata_document]\n"),
        ]);
        let want: &[&str] = if is_good { &[] } else { &[want] };
        assert_eq!(found, want, "{terms}");
    }
}

#[test]
fn an_admission_of_the_command_line_leads_to_a_profile_that_has_tokens_for_devices() {
    let want = |grants: &str| {
        format!(
            "admissions/a.yaml:1: profile: profile \"bots/p\" gets no tokens for people | give it tokens with {grants}, or name another"
        )
    };
    let (device, others) =
        (want("device_code"), want("authorization_code or device_code or jwt_bearer"));
    for (grants, registrations, want) in [
        ("device_code", "command_line", &[][..]),
        ("jwt_bearer", "command_line", &[&device][..]),
        ("device_code", "command_line, dynamic", &[]),
        ("client_credentials", "dynamic", &[&others]),
        ("jwt_bearer", "command_line, dynamic", &[&device]),
    ] {
        let client = format!(
            "kind: agent\nowner: team\nprofiles:\n  p:\n    roles: [reader]\n    tokens: {{grants: [{grants}]}}\n"
        );
        let admission = format!("profile: bots/p\nregistrations: [{registrations}]\n");
        let found = faults(&[("clients/bots.yaml", &client), ("admissions/a.yaml", &admission)]);
        assert_eq!(found.iter().collect::<Vec<_>>(), want, "{grants} {registrations}");
    }
}

#[test]
fn what_clients_may_do_for_themselves_is_said_by_rotation_alone_and_ends() {
    let given = "allow: [{operations: ['self:*']}]\n";
    let profile = |rotation: &str| {
        format!("kind: app\nowner: o\nprofiles:\n  p: {{rotation: {{{rotation}}}}}\n")
    };
    let endless = profile("self_service: true");
    check(&[
        (
            "roles/a.yaml",
            given,
            &[
                "roles/a.yaml:1: allow[0].operations: no role gives what clients may do for themselves | write rotation: {self_service: true, lifetime_max: 90d} into the profile",
            ],
        ),
        (
            "roles/self-service.yaml",
            "allow: []\n",
            &[
                "roles/self-service.yaml:1: the role self-service is built in | give this file another name",
            ],
        ),
        (
            "clients/a.yaml",
            &endless,
            &[
                "clients/a.yaml:4: profiles.p.rotation.self_service: what a client renews itself must have a longest life | write lifetime_max, too",
            ],
        ),
        ("clients/a.yaml", &profile("self_service: true, lifetime_max: 30d"), &[]),
        ("clients/a.yaml", &profile("self_service: false"), &[]),
        ("limits/a.yaml", "rate: 1/min\noperations: ['self:*']\n", &[]),
        ("stops/a.yaml", "collection: self\nbecause: it runs wild\n", &[]),
    ]);
    let given = "kind: app\nowner: o\nprofiles:\n  p: {roles: [self-service]}\n";
    assert_eq!(faults(&[("clients/a.yaml", given)]).len(), 1);
}
