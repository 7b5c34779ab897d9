//! Who gets in and what they may: by a credential, by a sign-in, by what was given to clients.

use serde_json::Value;

use super::{
    ask,
    table::{Pack, Table, text},
};
use crate::remote::{Failure, door::Door};

/// A list of the door that becomes a table as it is: a column is a member of an item or its document.
struct Listed {
    name: &'static str,
    operation: &'static str,
    title: &'static str,
    about: &'static str,
    columns: &'static [&'static str],
}

const LISTED: [Listed; 9] = [
    Listed {
        name: "users",
        operation: "list_users",
        title: "People with an account of this door",
        about: "They sign in with a password, and get what admissions and profiles give to their groups.",
        columns: &["id", "name", "groups", "second_factor", "enabled"],
    },
    Listed {
        name: "issuers",
        operation: "list_issuers",
        title: "Issuers",
        about: "Whose tokens are believed, and by whom people sign in.",
        columns: &["id", "issuer", "audiences", "algorithms", "types", "sign_in", "enabled"],
    },
    Listed {
        name: "admissions",
        operation: "list_admissions",
        title: "Admissions",
        about: "Which clients that nobody registered act as which profile, and for whom.",
        columns: &[
            "id",
            "profile",
            "registrations",
            "hosts",
            "software",
            "issuer",
            "groups",
            "position",
        ],
    },
    Listed {
        name: "registrations",
        operation: "list_registrations",
        title: "Clients that nobody registered",
        about: "Those that registered themselves, with the end of the secret that they were given, and those with a document that hold grants. What they call themselves, nobody has checked.",
        columns: &[
            "client",
            "name",
            "registered",
            "last_used",
            "secret_expires",
            "grants",
            "newest_grant",
        ],
    },
    Listed {
        name: "grants",
        operation: "list_grants",
        title: "Grants",
        about: "What clients were given and is good, and for whom: the tokens of one end with it.",
        columns: &[
            "id",
            "person",
            "client",
            "client_name",
            "profile",
            "scope",
            "resource",
            "admission",
            "since",
            "last_refreshed",
            "expires",
        ],
    },
    Listed {
        name: "consents",
        operation: "list_consents",
        title: "Consents",
        about: "What people allowed clients, until they take it back.",
        columns: &["person", "client", "client_name", "host", "profile", "scope", "since"],
    },
    Listed {
        name: "sign_ins",
        operation: "list_sign_ins",
        title: "Sign-ins",
        about: "In which browsers people are signed in.",
        columns: &["id", "person", "from", "since", "expires"],
    },
    Listed {
        name: "guards",
        operation: "list_guards",
        title: "Guards",
        about: "What takes away from what roles allow.",
        columns: &["id", "description", "policy"],
    },
    Listed {
        name: "stops",
        operation: "list_stops",
        title: "Stops",
        about: "Who and what is stopped.",
        columns: &[
            "id",
            "client",
            "client_id",
            "person",
            "collection",
            "upstream",
            "agents",
            "because",
            "by",
            "since",
        ],
    },
];

/// Asks for all of it.
pub(super) fn gather(door: &Door, pack: &mut Pack) -> Result<(), Failure> {
    profiles(door, pack)?;
    roles(door, pack)?;
    effective(door, pack)?;
    for listed in LISTED {
        let Listed { name, operation, title, about, columns } = listed;
        let Some(items) = ask::if_any(ask::all(door, operation))? else {
            pack.notes
                .push(format!("The door gives no tokens, so there is nothing of this: {title}."));
            continue;
        };
        let row = |item: &Value| columns.iter().map(|it| cell(item, it)).collect();
        let rows = items.iter().map(row).collect();
        pack.tables.push(Table { name, title, about, columns, rows });
    }
    Ok(())
}

/// What an item, or its document, says.
fn cell(item: &Value, column: &str) -> String {
    let document = item.get("document").unwrap_or(&Value::Null);
    let found = [item, document].map(|it| text(it, column));
    found.into_iter().find(|it| !it.is_empty()).unwrap_or_default()
}

fn profiles(door: &Door, pack: &mut Pack) -> Result<(), Failure> {
    let mut rows = Vec::new();
    for client in ask::all(door, "list_clients")? {
        let (id, document) = (text(&client, "id"), client.get("document").unwrap_or(&Value::Null));
        let profiles = document.get("profiles").and_then(Value::as_object);
        for (name, profile) in profiles.into_iter().flatten() {
            let is_off = [document, profile].iter().any(|it| text(it, "enabled") == "false");
            let state = if is_off { "disabled" } else { "enabled" };
            rows.push(vec![
                format!("{id}/{name}"),
                text(document, "kind"),
                text(document, "owner"),
                state.to_owned(),
                text(profile, "roles"),
                text(profile, "surfaces"),
                text(profile, "networks"),
                text(profile, "expires"),
            ]);
        }
    }
    pack.tables.push(Table {
        name: "profiles",
        title: "Clients and their profiles",
        about: "Who is registered, who answers for it, and which roles each profile has.",
        columns: &["profile", "kind", "owner", "state", "roles", "surfaces", "networks", "expires"],
        rows,
    });
    Ok(())
}

fn roles(door: &Door, pack: &mut Pack) -> Result<(), Failure> {
    let mut rows = Vec::new();
    for role in ask::all(door, "list_roles")? {
        let document = role.get("document").unwrap_or(&Value::Null);
        rows.push(vec![text(&role, "id"), text(document, "description"), text(document, "allow")]);
    }
    pack.tables.push(Table {
        name: "roles",
        title: "Roles",
        about: "What each declared role allows. viewer, auditor, editor and admin are always there.",
        columns: &["role", "description", "allows"],
        rows,
    });
    Ok(())
}

fn effective(door: &Door, pack: &mut Pack) -> Result<(), Failure> {
    let mut rows = Vec::new();
    for operation in ask::all(door, "list_operations")? {
        let id = text(&operation, "id");
        let found = ask::one(door, "list_access", &[("operation", &id)])?;
        for profile in found.get("profiles").and_then(Value::as_array).into_iter().flatten() {
            let profile = profile.as_str().unwrap_or_default().to_owned();
            rows.push(vec![profile, id.clone(), text(&operation, "effect")]);
        }
    }
    rows.sort();
    pack.tables.push(Table {
        name: "access",
        title: "Effective access",
        about: "Which profile may call which operation by its roles. Guards may still refuse a call.",
        columns: &["profile", "operation", "effect"],
        rows,
    });
    Ok(())
}
