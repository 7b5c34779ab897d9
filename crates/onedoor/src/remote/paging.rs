//! Lists that come in pages: one after the other, or a word that there is more.

use admin::About;
use anyhow::anyhow;
use bytes::Bytes;
use serde_json::Value;

use super::{
    Failure,
    door::{Answer, Door},
    input::{Input, command},
};
use crate::logging;

/// Entries of a page where all are wanted: as many as one may have.
const PAGE_ENTRIES: u16 = 1000;
/// A list that goes on behind this many pages goes round in a circle.
const PAGES_MAX: usize = 1000;

/// All pages as one answer.
///
/// # Errors
/// What the door says to any of them.
pub(super) fn all(door: &Door, about: &About, mut input: Input) -> Result<Answer, Failure> {
    if !input.query.iter().any(|it| it.0 == "limit") {
        input.set("limit", PAGE_ENTRIES.to_string());
    }
    gathered(|cursor| {
        if let Some(cursor) = cursor {
            input.set("cursor", cursor);
        }
        door.send_patiently(about, &input)
    })
}

fn gathered(
    mut page: impl FnMut(Option<String>) -> Result<Answer, Failure>,
) -> Result<Answer, Failure> {
    let mut items = Vec::new();
    let mut cursor = None;
    for _ in 0..PAGES_MAX {
        let mut value = page(cursor)?.value;
        let next = value.as_object_mut().and_then(|it| it.remove("next")).as_ref().and_then(text);
        if let Some(Value::Array(found)) = value.get_mut("items") {
            items.append(found);
        }
        if next.is_none() {
            if let Some(members) = value.as_object_mut() {
                members.insert("items".to_owned(), Value::Array(items));
            }
            let text = serde_json::to_vec(&value).map_err(anyhow::Error::from)?;
            return Ok(Answer { text: Bytes::from(text), value });
        }
        cursor = next;
    }
    Err(anyhow!("the list goes on behind {PAGES_MAX} pages: ask for less").into())
}

fn text(cursor: &Value) -> Option<String> {
    match cursor {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Tells on the standard error that the list goes on.
pub(super) fn tell_more(answer: &Value, about: &About) {
    let command = command(about);
    if let Some(next) = answer.get("next").and_then(text) {
        let next = super::failure::visible(&next);
        logging::tell(format_args!(
            "there are more: `{command} --all` shows them, --cursor {next} goes on here"
        ));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(value: Value) -> Answer {
        Answer { text: Bytes::from(value.to_string()), value }
    }

    #[test]
    fn pages_are_followed_to_the_end_and_make_one_answer() {
        let mut cursors = Vec::new();
        let all = gathered(|cursor| {
            cursors.push(cursor.clone());
            Ok(answer(match cursor.as_deref() {
                None => json!({"items": [1], "next": "a", "total": 3}),
                Some("a") => json!({"items": [2], "next": 7, "total": 3}),
                _ => json!({"items": [3], "total": 3}),
            }))
        });
        let all = all.unwrap();
        assert_eq!(all.value, json!({"items": [1, 2, 3], "total": 3}));
        assert_eq!(serde_json::from_slice::<Value>(&all.text).unwrap(), all.value);
        assert_eq!(cursors, [None, Some("a".to_owned()), Some("7".to_owned())]);
    }

    #[test]
    fn a_list_in_a_circle_comes_to_an_end() {
        let mut count = 0;
        let failure = gathered(|_| {
            count += 1;
            Ok(answer(json!({"items": [], "next": "a"})))
        });
        assert_eq!((failure.unwrap_err().code(), count), (1, PAGES_MAX));
    }
}
