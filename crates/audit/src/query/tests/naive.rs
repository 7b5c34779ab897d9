//! Finds records in the plainest way, for tests.

use model::Timestamp;
use serde_json::Value;

use super::{Field, Filter, Order, Question};

/// The numbers of the records that fit, in the order that is asked for.
pub(super) fn find(records: &[Value], question: &Question) -> Vec<u64> {
    let mut found: Vec<_> = records
        .iter()
        .filter(|it| fits(it, &question.filter))
        .map(|it| it["seq"].as_u64().unwrap())
        .filter(|it| *it < question.reached)
        .collect();
    if question.order == Order::NewestFirst {
        found.reverse();
    }
    found
}

fn fits(record: &Value, filter: &Filter) -> bool {
    let time = Timestamp::parse(record["time"].as_str().unwrap()).unwrap();
    let texts = record.as_object().unwrap().iter();
    let texts = texts.filter(|it| !["seq", "time", "hash", "crc"].contains(&it.0.as_str()));
    let mut texts = texts.flat_map(|it| texts_of(it.1));
    let text = filter.text.as_ref().map(|it| it.to_ascii_lowercase());
    filter.since.is_none_or(|it| it <= time)
        && filter.until.is_none_or(|it| time < it)
        && filter
            .fields
            .iter()
            .all(|(field, values)| values.iter().any(|it| of(record, *field).as_ref() == Some(it)))
        && text.is_none_or(|wanted| texts.any(|it| it.to_ascii_lowercase().contains(&wanted)))
}

fn texts_of(value: &Value) -> Vec<String> {
    match value {
        Value::Object(members) => members
            .iter()
            .flat_map(|(name, it)| [vec![name.clone()], texts_of(it)].concat())
            .collect(),
        Value::Array(values) => values.iter().flat_map(texts_of).collect(),
        Value::String(text) => vec![text.clone()],
        Value::Null => Vec::new(),
        other => vec![other.to_string()],
    }
}

fn of(record: &Value, field: Field) -> Option<String> {
    let name = match field {
        Field::ArgumentsDigest => "arguments_digest",
        Field::Status => return record["status"].as_u64().map(|it| it.to_string()),
        Field::Client => "client",
        Field::Credential => "credential",
        Field::Decision => "decision",
        Field::Event => "event",
        Field::Id => "id",
        Field::Kind => "kind",
        Field::Operation => "operation",
        Field::Outcome => "outcome",
        Field::Profile => "profile",
        Field::Surface => "surface",
        Field::User => "user",
    };
    record[name].as_str().map(str::to_owned)
}
