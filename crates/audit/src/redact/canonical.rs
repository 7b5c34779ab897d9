//! Arguments in one form, whatever order their names came in: for hashing them.

use serde_json::{Map, Value};

/// Room for usual arguments, so that they are written without growing.
const USUAL_BYTES: usize = 256;

/// Compact JSON with the names of each object in order.
pub(super) fn bytes(arguments: &Map<String, Value>) -> Vec<u8> {
    let mut out = Vec::with_capacity(USUAL_BYTES);
    put_object(&mut out, arguments);
    out
}

fn put(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Array(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                put_comma(out, index);
                put(out, item);
            }
            out.push(b']');
        }
        Value::Object(object) => put_object(out, object),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => put_leaf(out, value),
    }
}

fn put_object(out: &mut Vec<u8>, object: &Map<String, Value>) {
    let mut members: Vec<_> = object.iter().collect();
    members.sort_unstable_by_key(|(name, _)| *name);
    out.push(b'{');
    for (index, (name, value)) in members.into_iter().enumerate() {
        put_comma(out, index);
        put_leaf(out, name);
        out.push(b':');
        put(out, value);
    }
    out.push(b'}');
}

fn put_comma(out: &mut Vec<u8>, index: usize) {
    if index > 0 {
        out.push(b',');
    }
}

fn put_leaf<T: serde::Serialize + ?Sized>(out: &mut Vec<u8>, leaf: &T) {
    // What is JSON already is written to memory, and that does not fail.
    serde_json::to_writer(out, leaf).ok();
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(value: &Value) -> String {
        String::from_utf8(bytes(value.as_object().unwrap())).unwrap()
    }

    #[test]
    fn the_order_of_names_makes_no_difference_and_all_else_does() {
        let one = json!({"b": [{"y": 1, "x": null}, "é\n"], "a": true});
        let other = json!({"a": true, "b": [{"x": null, "y": 1}, "é\n"]});
        assert_eq!(text(&one), r#"{"a":true,"b":[{"x":null,"y":1},"é\n"]}"#);
        assert_eq!(text(&one), text(&other));
        for (one, other) in [
            (json!({"a": 1}), json!({"a": "1"})),
            (json!({"a": [1, 2]}), json!({"a": [2, 1]})),
            (json!({"a": {}}), json!({"a": []})),
            (json!({"a\":\"": ""}), json!({"a": "\":\""})),
        ] {
            assert_ne!(text(&one), text(&other));
        }
    }
}
