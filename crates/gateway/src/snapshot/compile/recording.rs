//! What is recorded of a collection's calls: compiled, and checked against what there is.

use std::{collections::BTreeSet, sync::Arc};

use audit::redact::{Policy, is_in_vain};
use contract::{Document, Reader};
use model::{
    Argument, ArgumentType, BodyRule, Collection, Fault, Place, Recording, Redaction, Sought, Step,
    Treatment,
};
use state::nearest;

use super::collection::listed;
use crate::snapshot::KeptBodies;

/// Of an operation that says `own`: what it says goes before what its collection says.
pub(super) fn policy(collection: &Collection, own: &Recording) -> Policy {
    Policy::new(&[&own.redactions, &collection.recording.redactions])
}

/// Which bodies are kept of the calls of an operation that says `own`: that, else what its collection says.
/// An operation without the argument that names the subject keeps them as those of who calls.
pub(super) fn bodies(
    collection: &Collection,
    own: &Recording,
    contract: &contract::Operation,
) -> Option<Arc<KeptBodies>> {
    let rule = own.bodies.as_ref().or(collection.recording.bodies.as_ref())?;
    let subject = rule.subject.as_ref().and_then(|subject| {
        let has_it = contract.arguments().iter().any(|it| it.name == subject.argument);
        let reader = || Reader::new(contract, std::slice::from_ref(&subject.argument));
        has_it.then(|| (subject.clone(), reader()))
    });
    rule.keeps_any().then(|| Arc::new(KeptBodies { rule: Arc::new(rule.clone()), subject }))
}

/// What is declared and would not be done: a place that no argument has, or a secret that is to be shown.
pub(super) fn faults(collection: &Collection, document: &Document) -> Vec<Fault> {
    let operations = document.operations();
    let mut faults = Vec::new();
    let mut all = Vec::new();
    for operation in operations {
        let arguments = operation.arguments();
        if let Some(own) = collection.overrides.get(&operation.name) {
            let whose = format!("the operation \"{}\"", operation.name);
            faults.extend(Known::new(&whose, &arguments).faults(&own.recording));
        }
        all.extend(arguments);
    }
    let whose = format!("no operation of the collection {}", collection.id);
    faults.extend(Known::new(&whose, &all).faults(&collection.recording));
    faults
}

/// The arguments that a declaration can speak of.
struct Known<'a> {
    /// Who has them, or has not.
    whose: &'a str,
    arguments: &'a [Argument],
    names: BTreeSet<&'a str>,
}

impl<'a> Known<'a> {
    fn new(whose: &'a str, arguments: &'a [Argument]) -> Self {
        Self { whose, arguments, names: arguments.iter().map(|it| &*it.name).collect() }
    }

    fn faults(&self, recording: &Recording) -> Vec<Fault> {
        let redactions = recording.redactions.iter();
        let redactions = redactions.filter_map(|it| self.unplaced(it).or_else(|| in_vain(it)));
        redactions.chain(recording.bodies.as_ref().and_then(|it| self.subjectless(it))).collect()
    }

    /// A place that begins with no argument: it would be passed over in silence, typing errors too.
    fn unplaced(&self, redaction: &Redaction) -> Option<Fault> {
        let Sought::At(pointer) = &redaction.of else { return None };
        let Step::To(name) = pointer.steps().first()? else { return None };
        self.unknown(name, &redaction.place, ("audit.redact", &format!(" of {pointer}")))
    }

    /// A subject that no argument names, or that none can name: it would be kept as who calls.
    fn subjectless(&self, rule: &BodyRule) -> Option<Fault> {
        let name = &*rule.subject.as_ref()?.argument;
        self.unknown(name, &rule.place, ("audit.bodies.subject", "")).or_else(|| {
            let mut arguments = self.arguments.iter().filter(|it| *it.name == *name);
            let names_one =
                |it: &Argument| matches!(it.kind, Some(ArgumentType::Text | ArgumentType::Integer));
            if arguments.all(names_one) {
                return None;
            }
            let message = format!("audit.bodies.subject: \"{name}\" names nobody");
            let help = "name an argument that is a text or a whole number wherever it occurs, and in no form";
            Some(Fault::new(&rule.place, message, help))
        })
    }

    /// What `key` says of an argument that is not there; `at`, if it is a pointer.
    fn unknown(&self, name: &str, place: &Place, (key, at): (&str, &str)) -> Option<Fault> {
        if self.names.contains(name) {
            return None;
        }
        let begin = if at.is_empty() { "" } else { "/" };
        let known: Vec<_> = self.names.iter().copied().collect();
        let help = match nearest(name, known.iter().copied()) {
            Some(near) => format!("did you mean {begin}{near}?"),
            None if known.is_empty() => "leave it away: there are no arguments".to_owned(),
            None if at.is_empty() => format!("there is {}", listed(&known)),
            None => format!("there is {}; /* is each of them", listed(&known)),
        };
        let has = if self.whose.starts_with("no ") { "has" } else { "does not have" };
        let message = format!("{key}: {} {has} the argument \"{name}\"{at}", self.whose);
        Some(Fault::new(place, message, help))
    }
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
