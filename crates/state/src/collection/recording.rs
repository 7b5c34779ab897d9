//! `audit:` of a collection or an operation: what records keep of the arguments of calls.

use model::{Detector, Pointer, Recording, Redaction, Sought, Treatment};
use serde_json::Value;

use crate::{field::Field, node::Entry, report::shown, suggestion, writer::Writer};

const TREATMENTS: &[(&str, Treatment)] = &[
    ("drop", Treatment::Drop),
    ("hash", Treatment::Hash),
    ("keep", Treatment::Keep),
    ("mask", Treatment::Mask),
];

/// Reads what is said of records.
pub(super) fn read(field: Field<'_>) -> Recording {
    let redactions = field.mapping(|it| it.optional("redact").map(|it| read_redactions(&it)));
    Recording { redactions: redactions.flatten().unwrap_or_default() }
}

fn read_redactions(field: &Field<'_>) -> Vec<Redaction> {
    let entries = field.entries().into_iter().flatten();
    entries.filter_map(|entry| read_redaction(field, entry)).collect()
}

fn read_redaction(field: &Field<'_>, entry: &Entry) -> Option<Redaction> {
    let value = field.child(entry);
    // Both are looked at before one of them ends it: all faults are told at once.
    let (of, treatment) = (read_sought(field, entry), value.one_of(TREATMENTS));
    let (of, treatment) = (of?, treatment?);
    let floor = match (&of, treatment) {
        (Sought::Like(Detector::Secret), Treatment::Keep | Treatment::Mask) => {
            Some(("a secret is in no record, nor a part of it", "write drop or hash"))
        }
        (Sought::Like(Detector::CardNumber), Treatment::Keep) => {
            Some(("no record holds a card number whole", "write mask, hash or drop"))
        }
        _ => None,
    };
    if let Some((message, help)) = floor {
        value.fault(message, help);
        return None;
    }
    Some(Redaction { of, treatment, place: value.place() })
}

/// Which values are meant: a detector by its name, or a place by a pointer.
fn read_sought(field: &Field<'_>, entry: &Entry) -> Option<Sought> {
    let key = &*entry.key;
    if key.starts_with('/') {
        return match Pointer::parse(key) {
            Ok(pointer) => Some(Sought::At(pointer)),
            Err(error) => {
                let (message, help) = error.rsplit_once(": ").unwrap_or((&error, "correct it"));
                field.fault_at(entry, message, help);
                None
            }
        };
    }
    let detector = Detector::ALL.into_iter().find(|it| it.as_str() == key);
    if detector.is_none() {
        let known = Detector::ALL.map(Detector::as_str);
        let listed = known.join(", ");
        let help = match suggestion::nearest(key, known) {
            Some(near) => format!("did you mean {near}? write {listed}, or a pointer: /name"),
            None => format!("write {listed}, or a pointer: /{key}"),
        };
        let message = format!("{} is no detector and no JSON pointer", shown(key));
        field.fault_at(entry, message, help);
    }
    detector.map(Sought::Like)
}

/// What is said of records, as it is read; nothing where nothing is said.
pub(super) fn write(recording: &Recording) -> Option<Value> {
    let Recording { redactions } = recording;
    if recording.is_empty() {
        return None;
    }
    let mut redact = Writer::new();
    for Redaction { of, treatment, place: _ } in redactions {
        redact.put(&of.to_string(), treatment.as_str());
    }
    let mut written = Writer::new();
    written.put("redact", redact.value());
    Some(written.value())
}
