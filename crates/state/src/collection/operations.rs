//! `select:` and `operations:` of a collection: which of the document's, and what is changed on them.

use std::collections::BTreeMap;

use model::{Override, Place, id::is_operation_name};
use serde_json::Value;

use super::recording;
use crate::{
    field::Field,
    reader::Reader,
    report::shown,
    role::EFFECTS,
    writer::{self, Writer},
};

/// Reads the names of the operations that are published.
pub(super) fn read_select(field: &Field<'_>) -> Option<Vec<(String, Place)>> {
    let absent = "name operations, or leave the key away for all";
    field.filled_set(absent, |it| Some((it.parse(checked_name)?, it.place())))
}

/// Reads what is changed, by the operation's name in the document.
pub(super) fn read_overrides(field: &Field<'_>) -> BTreeMap<String, Override> {
    let entries = field.entries().into_iter().flatten();
    entries
        .filter_map(|entry| {
            if let Err(error) = checked_name(&entry.key) {
                let (message, help) = error.rsplit_once(": ")?;
                field.fault_at(entry, message, help);
            }
            let place = field.place_at(entry.line);
            let changed = field.child(entry).mapping(|it| read_override(place, it))?;
            Some((entry.key.clone(), changed))
        })
        .collect()
}

fn read_override(place: Place, it: &mut Reader<'_>) -> Override {
    let name = it.optional("name").and_then(|it| it.parse(checked_name));
    let description = it.optional("description").and_then(|it| it.prose());
    let is_hidden = it.optional("hidden").and_then(|it| it.bool()).unwrap_or(false);
    let effect = it.optional("effect").and_then(|it| it.one_of(EFFECTS));
    let allow = it.optional("allow").and_then(|it| it.set(|it| it.one_of(&[("anonymous", ())])));
    let recording = it.optional("audit").map(recording::read);
    Override {
        name,
        description: description.map(str::to_owned),
        is_hidden,
        effect,
        is_public: allow.is_some_and(|it| !it.is_empty()),
        recording: recording.unwrap_or_default(),
        place,
    }
}

fn checked_name(text: &str) -> Result<String, String> {
    if is_operation_name(text) {
        Ok(text.to_owned())
    } else {
        let help = "use 1 to 64 of a-z, A-Z, 0-9, - and _";
        Err(format!("{} is not the name of an operation: {help}", shown(text)))
    }
}

/// The changes as they are read.
pub(super) fn write_overrides(overrides: &BTreeMap<String, Override>) -> Value {
    let mut written = Writer::new();
    for (operation, changed) in overrides {
        let Override { name, description, is_hidden, effect, is_public, recording, place: _ } =
            changed;
        let mut one = Writer::new();
        one.put_some("name", name.as_deref());
        one.put_some("description", description.as_deref());
        one.put_if(*is_hidden, "hidden", true);
        one.put_some("effect", effect.map(model::Effect::as_str));
        if *is_public {
            one.put("allow", writer::list(&["anonymous"]));
        }
        one.put_some("audit", recording::write(recording));
        written.put(operation, one.value());
    }
    written.value()
}
