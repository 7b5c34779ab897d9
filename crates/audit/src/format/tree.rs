//! Objects in objects, reached by a path with dots.

use serde_json::{Map, Value};

/// What is where the path says.
pub(super) fn get<'a>(tree: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(tree, |it, name| it.get(name))
}

/// Puts a value where the path says, making what is above it.
pub(super) fn put(tree: &mut Map<String, Value>, path: &str, value: Value) {
    let Some((first, rest)) = path.split_once('.') else {
        tree.insert(path.to_owned(), value);
        return;
    };
    let below = tree.entry(first).or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(below) = below {
        put(below, rest, value);
    }
}
