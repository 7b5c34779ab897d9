//! What records keep of a collection's arguments: compiled, and checked against what there is.

use std::collections::BTreeSet;

use audit::redact::{Policy, is_in_vain};
use contract::Document;
use model::{Collection, Fault, Recording, Redaction, Sought, Step, Treatment};
use state::nearest;

use super::collection::listed;

/// Of an operation that says `own`: what it says goes before what its collection says.
pub(super) fn policy(collection: &Collection, own: &Recording) -> Policy {
    Policy::new(&[&own.redactions, &collection.recording.redactions])
}

/// What is declared and would not be done: a place that no argument has, or a secret that is to be shown.
pub(super) fn faults(collection: &Collection, document: &Document) -> Vec<Fault> {
    let operations = document.operations();
    let mut faults = Vec::new();
    let mut all = BTreeSet::new();
    for operation in operations {
        let arguments: BTreeSet<_> = operation.arguments().into_iter().map(|it| it.name).collect();
        if let Some(own) = collection.overrides.get(&operation.name) {
            let whose = format!("the operation \"{}\"", operation.name);
            faults.extend(of(&own.recording, &whose, &arguments));
        }
        all.extend(arguments);
    }
    let whose = format!("no operation of the collection {}", collection.id);
    faults.extend(of(&collection.recording, &whose, &all));
    faults
}

fn of(recording: &Recording, whose: &str, arguments: &BTreeSet<Box<str>>) -> Vec<Fault> {
    let redactions = recording.redactions.iter();
    redactions.filter_map(|it| unknown(it, whose, arguments).or_else(|| in_vain(it))).collect()
}

/// A place that begins with no argument: it would be passed over in silence, typing errors too.
fn unknown(redaction: &Redaction, whose: &str, arguments: &BTreeSet<Box<str>>) -> Option<Fault> {
    let Sought::At(pointer) = &redaction.of else { return None };
    let Step::To(name) = pointer.steps().first()? else { return None };
    if arguments.contains(name) {
        return None;
    }
    let known: Vec<_> = arguments.iter().map(|it| &**it).collect();
    let help = match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean /{near}?"),
        None if known.is_empty() => "leave it away: there are no arguments".to_owned(),
        None => format!("there is {}; /* is each of them", listed(&known)),
    };
    let has = if whose.starts_with("no ") { "has" } else { "does not have" };
    let message = format!("audit.redact: {whose} {has} the argument \"{name}\" of {pointer}");
    Some(Fault::new(&redaction.place, message, help))
}

fn in_vain(redaction: &Redaction) -> Option<Fault> {
    let Redaction { of, treatment, place } = redaction;
    if !is_in_vain(of, *treatment) {
        return None;
    }
    let message = format!("audit.redact: {of} is called as a secret is, and no record shows one");
    let help = match treatment {
        Treatment::Keep => "write hash or drop; of a card also mask",
        Treatment::Drop | Treatment::Hash | Treatment::Mask => "write hash or drop",
    };
    Some(Fault::new(place, message, help))
}
