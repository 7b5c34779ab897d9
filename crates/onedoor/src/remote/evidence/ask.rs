//! Questions to a door: one answer, all pages of a list, or the records of a period.

use admin::About;
use anyhow::anyhow;
use http::StatusCode;
use serde_json::Value;

use super::{Period, table::text};
use crate::remote::{Failure, door::Door, input::Input, paging};

/// Records are read up to so many pages.
const PAGES_MAX: usize = 10_000;
/// Records of a page.
const PAGE_RECORDS: &str = "1000";

fn operation(name: &str) -> Result<About, Failure> {
    let found = admin::operations().into_iter().find(|it| it.name == name);
    Ok(found.ok_or_else(|| anyhow!("there is no operation {name}"))?)
}

fn input(about: &About, query: &[(&str, &str)]) -> Input {
    let mut input = Input::plain(about, None);
    query.iter().for_each(|(name, value)| input.set(name, (*value).to_owned()));
    input
}

/// The answer of an operation.
pub(super) fn one(door: &Door, name: &str, query: &[(&str, &str)]) -> Result<Value, Failure> {
    let about = operation(name)?;
    Ok(door.send_patiently(&about, &input(&about, query))?.value)
}

/// The same, with a value for the one parameter of its path.
pub(super) fn of(
    door: &Door,
    name: &str,
    (parameter, value): (&str, &str),
) -> Result<Value, Failure> {
    let about = operation(name)?;
    let path = about.path.replace(&format!("{{{parameter}}}"), value);
    Ok(door.send_patiently(&about, &Input { path, ..Input::plain(&about, None) })?.value)
}

/// All pages of a list.
pub(super) fn all(door: &Door, name: &str) -> Result<Vec<Value>, Failure> {
    let about = operation(name)?;
    Ok(items(paging::all(door, &about, input(&about, &[]))?.value))
}

/// The items of an answer.
pub(super) fn items(mut answer: Value) -> Vec<Value> {
    match answer.get_mut("items").map(Value::take) {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    }
}

/// What was answered; nothing where this door has no such thing.
pub(super) fn if_any<T>(answered: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match answered {
        Err(Failure::Refused(it))
            if matches!(it.status, StatusCode::NOT_FOUND | StatusCode::CONFLICT) =>
        {
            Ok(None)
        }
        other => other.map(Some),
    }
}

/// Asks for records of the period that fit, one page behind the other. Gives whether those were all.
pub(super) fn records(
    door: &Door,
    period: Period,
    filter: &[(&str, &str)],
    take: &mut dyn FnMut(&Value),
) -> Result<bool, Failure> {
    let (since, until) = (period.from.to_string(), period.until.to_string());
    let mut cursor = String::new();
    for _ in 0..=PAGES_MAX {
        let mut query = vec![("since", &*since), ("until", &until), ("limit", PAGE_RECORDS)];
        query.extend(filter);
        if !cursor.is_empty() {
            query.push(("cursor", &cursor));
        }
        let answer = one(door, "query_audit", &query)?;
        answer.get("items").and_then(Value::as_array).into_iter().flatten().for_each(&mut *take);
        cursor = text(&answer, "next");
        if cursor.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}
