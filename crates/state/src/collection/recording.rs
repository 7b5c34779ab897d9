//! `audit:` of a collection or an operation: what records keep of arguments, which bodies are kept, and how
//! safe records are.

use model::{
    BodyRule, Detector, Level, MediaRange, Pointer, Recording, Redaction, Sought, SubjectRule,
    Treatment, id::is_slug, quantity::parse_bytes,
};
use serde_json::Value;

use crate::{
    field::Field,
    node::Entry,
    reader::Reader,
    report::shown,
    suggestion,
    writer::{self, Writer},
};

const TREATMENTS: &[(&str, Treatment)] = &[
    ("drop", Treatment::Drop),
    ("hash", Treatment::Hash),
    ("keep", Treatment::Keep),
    ("mask", Treatment::Mask),
];

const LEVELS: &[(&str, Level)] = &[("standard", Level::Standard), ("strict", Level::Strict)];

/// Reads what is said of records.
pub(super) fn read(field: Field<'_>) -> Recording {
    let recording = field.mapping(|it| {
        let redactions = it.optional("redact").map(|it| read_redactions(&it));
        let bodies = it.optional("bodies").and_then(|it| it.mapping(read_bodies).flatten());
        let level = it.optional("level").and_then(|it| it.one_of(LEVELS));
        Recording { redactions: redactions.unwrap_or_default(), bodies, level }
    });
    recording.unwrap_or_default()
}

/// Which bodies are kept: by the word for it, and whether those of requests and answers are.
const KEPT: &[(&str, (bool, bool))] = &[
    ("none", (false, false)),
    ("request", (true, false)),
    ("response", (false, true)),
    ("both", (true, true)),
];

/// Kinds of subjects that who calls is one of.
const CALLERS: [&str; 2] = ["user", "profile"];

fn read_bodies(it: &mut Reader<'_>) -> Option<BodyRule> {
    let place = it.field().place();
    let kept = it.required("keep", "write request, response, both or none");
    let kept = kept.and_then(|it| it.one_of(KEPT));
    let bytes_max = it.optional("size_max").map(|it| it.parse(checked_size));
    let content_types = it.optional("content_types").map(|it| {
        let absent = "name one, or leave the key away for text and data";
        it.filled_set(absent, |it| it.parse(MediaRange::parse))
    });
    let subject = it.optional("subject").map(|it| it.mapping(read_subject).flatten());
    let (request, response) = kept?;
    Some(BodyRule {
        request,
        response,
        bytes_max: bytes_max.unwrap_or(Some(BodyRule::BYTES_USUAL))?,
        content_types: content_types.unwrap_or_else(|| Some(BodyRule::usual_content_types()))?,
        subject: match subject {
            Some(subject) => Some(subject?),
            None => None,
        },
        place,
    })
}

fn checked_size(text: &str) -> Result<usize, String> {
    let (bytes, most) = (parse_bytes(text)?, BodyRule::BYTES_MAX);
    match bytes {
        0 => Err(format!("{text} keeps nothing: write at least 1B")),
        _ if bytes > most => {
            let most = writer::size(most);
            Err(format!("{text} is more than is kept of a body: write at most {most}"))
        }
        _ => Ok(bytes),
    }
}

fn read_subject(it: &mut Reader<'_>) -> Option<SubjectRule> {
    let kind = it.required("kind", "say what sort of subject it is, to forget it by: customer");
    let kind = kind.and_then(|it| it.parse(checked_kind));
    let argument = it.required("argument", "name the argument that says which of them");
    let argument = argument.and_then(|it| it.text());
    Some(SubjectRule { kind: kind?, argument: argument?.into() })
}

fn checked_kind(text: &str) -> Result<Box<str>, String> {
    if CALLERS.contains(&text) {
        let help = "write another kind, or leave subject away";
        return Err(format!("{text} is a kind of who calls: {help}"));
    }
    if is_slug(text) {
        return Ok(text.into());
    }
    let help = "use 1 to 63 of a-z, 0-9, - and _, and begin with a letter or digit";
    Err(format!("{} is no kind of subject: {help}", shown(text)))
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
    let Recording { redactions, bodies, level } = recording;
    if recording.is_empty() {
        return None;
    }
    let mut written = Writer::new();
    if !redactions.is_empty() {
        let mut redact = Writer::new();
        for Redaction { of, treatment, place: _ } in redactions {
            redact.put(&of.to_string(), treatment.as_str());
        }
        written.put("redact", redact.value());
    }
    written.put_some("bodies", bodies.as_ref().map(write_bodies));
    written.put_some("level", level.map(Level::as_str));
    Some(written.value())
}

fn write_bodies(rule: &BodyRule) -> Value {
    let BodyRule { request, response, bytes_max, content_types, subject, place: _ } = rule;
    let mut written = Writer::new();
    let kept = KEPT.iter().find(|it| it.1 == (*request, *response));
    written.put_some("keep", kept.map(|it| it.0));
    let size = writer::size(*bytes_max);
    written.put_if(*bytes_max != BodyRule::BYTES_USUAL, "size_max", size);
    if *content_types != BodyRule::usual_content_types() {
        written.put("content_types", writer::list(content_types));
    }
    written.put_some(
        "subject",
        subject.as_ref().map(|SubjectRule { kind, argument }| {
            let mut written = Writer::new();
            written.put("kind", &**kind);
            written.put("argument", &**argument);
            written.value()
        }),
    );
    written.value()
}
