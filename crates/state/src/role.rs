//! `roles/ID.yaml`: a role and what it allows.

use model::{
    CollectionId, Effect, Grant, Pattern, Role, RoleId,
    role::{BUILT_IN, SELF_SERVICE},
};

use crate::{
    field::Field,
    references::Target,
    writer::{self, Writer},
};

/// The words for effects.
pub(crate) const EFFECTS: &[(&str, Effect)] =
    &[("destructive", Effect::Destructive), ("read", Effect::Read), ("write", Effect::Write)];

/// Reads the role `id`.
pub(crate) fn read(id: RoleId, root: Field<'_>) -> Option<Role> {
    let place = root.place();
    if BUILT_IN.contains(&id.as_str()) || id.as_str() == SELF_SERVICE {
        root.fault(format_args!("the role {id} is built in"), "give this file another name");
    }
    root.mapping(|it| {
        let description = it.optional("description").and_then(|it| it.prose());
        let allow = it.required("allow", "list what is allowed, or write [] for nothing");
        let grants = allow.and_then(|it| it.list());
        let grants = grants.map(|it| it.into_iter().filter_map(read_grant).collect());
        Some(Role { description: description.map(str::to_owned), grants: grants?, place, id })
    })?
}

fn read_grant(field: Field<'_>) -> Option<Grant> {
    field.mapping(|it| {
        let operations =
            it.required("operations", "name operations: [orders:get_order, \"shop:*\"]");
        let operations = operations.and_then(|it| {
            let patterns = read_patterns(&it, "name operations")?;
            check_given(&it, &patterns);
            Some(patterns)
        });
        let absent = "name read, write or destructive, or leave the key away for all";
        let effects = it.optional("effects");
        let effects = effects.and_then(|it| it.filled_set(absent, |it| it.one_of(EFFECTS)));
        Some(Grant { operations: operations?, effects: effects.unwrap_or_default() })
    })?
}

/// What clients may do for themselves is no matter of roles: who could give it to others could do it
/// for them.
fn check_given(field: &Field<'_>, patterns: &[Pattern]) {
    let of_clients = CollectionId::self_service();
    if patterns.iter().any(|it| it.collection() == Some(of_clients.as_str())) {
        let help = "write rotation: {self_service: true, lifetime_max: 90d} into the profile";
        field.fault("no role gives what clients may do for themselves", help);
    }
}

/// Reads a list of patterns. `absent` says what to do instead of leaving it empty.
pub(crate) fn read_patterns(field: &Field<'_>, absent: &str) -> Option<Vec<Pattern>> {
    field.filled_set(absent, |it| {
        let pattern = it.parse(Pattern::parse)?;
        if let Some(collection) = pattern.collection() {
            it.refer(Target::Collection(collection.to_owned()));
        }
        Some(pattern)
    })
}

/// The document of a role.
#[must_use]
pub fn write_role(role: &Role) -> String {
    let Role { id: _, description, grants, place: _ } = role;
    let mut document = Writer::new();
    document.put_some("description", description.as_deref());
    let write = |Grant { operations, effects }: &Grant| {
        let mut written = Writer::new();
        written.put("operations", writer::list(operations));
        let effects: Vec<_> = effects.iter().map(|it| it.as_str()).collect();
        written.put_list("effects", &effects);
        written.value()
    };
    document.put("allow", grants.iter().map(write).collect::<serde_json::Value>());
    document.text()
}
