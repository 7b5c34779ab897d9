//! `roles:` of a profile: the roles that it has, each everywhere or within a reach.

use std::collections::BTreeMap;

use model::{Assignment, CollectionId, Reach, RoleId};
use serde_json::Value;

use crate::{
    field::Field,
    references::Target,
    report::shown,
    writer::{self, Writer},
};

/// Reads a list of names of roles, and of mappings of a role and where it holds.
pub(super) fn read(field: &Field<'_>) -> Option<Vec<Assignment>> {
    let mut names = BTreeMap::new();
    let mut assignments = Vec::new();
    for item in field.list()? {
        if item.is_mapping() {
            let Some(assignment) = read_within(item.clone()) else { continue };
            if assignments.contains(&assignment) {
                item.fault("the same role within the same reach", "once will do");
            } else {
                assignments.push(assignment);
            }
            continue;
        }
        let Some(text) = item.text() else { continue };
        if names.insert(text, ()).is_some() {
            item.fault(format_args!("{} is named twice", shown(text)), "once will do");
            continue;
        }
        assignments.extend(read_role(&item).map(Assignment::everywhere));
    }
    Some(assignments)
}

fn read_role(field: &Field<'_>) -> Option<RoleId> {
    let role = field.parse(RoleId::parse)?;
    field.refer(Target::Role(role.clone()));
    Some(role)
}

fn read_within(field: Field<'_>) -> Option<Assignment> {
    field.mapping(|it| {
        let role = it.required("role", "name a role: the file roles/ID.yaml");
        let role = role.and_then(|it| read_role(&it));
        let (collections, owners) = (it.optional("collections"), it.optional("owners"));
        if collections.is_none() && owners.is_none() {
            let help = "name collections or owners, or write the role's name alone for everywhere";
            it.field().fault("neither collections nor owners are named", help);
            return None;
        }
        let absent = "name a collection, or leave the key away";
        let collections = collections.map(|it| it.filled_set(absent, read_collection));
        let absent = "name an owner, or leave the key away";
        let owners = owners.map(|it| it.filled_set(absent, |it| it.text().map(str::to_owned)));
        // A list with a fault must not become an empty one: that would be everywhere.
        let reach = Reach {
            collections: collections.unwrap_or_else(|| Some(Vec::new()))?,
            owners: owners.unwrap_or_else(|| Some(Vec::new()))?,
        };
        Some(Assignment { role: role?, reach })
    })?
}

fn read_collection(field: &Field<'_>) -> Option<CollectionId> {
    let collection = field.parse(CollectionId::parse)?;
    field.refer(Target::Collection(collection.as_str().to_owned()));
    Some(collection)
}

/// The roles as they are read.
pub(super) fn write(assignments: &[Assignment]) -> Value {
    assignments.iter().map(write_one).collect()
}

fn write_one(Assignment { role, reach }: &Assignment) -> Value {
    if reach.is_everywhere() {
        return Value::from(role.as_str());
    }
    let Reach { collections, owners } = reach;
    let mut written = Writer::new();
    written.put("role", role.as_str());
    written.put_list("collections", collections);
    if !owners.is_empty() {
        written.put("owners", writer::list(owners));
    }
    written.value()
}
