//! Walls: what sources in one place must not mention.

use model::Fault;

use super::{
    files::File,
    house::{House, Wall},
    paths::{Mention, mentions},
};

/// The faults of a source against all walls.
pub(crate) fn check(file: &File, house: &House) -> Vec<Fault> {
    let walls: Vec<_> = house.walls.iter().filter(|it| holds_for(it, file)).collect();
    if walls.is_empty() {
        return Vec::new();
    }
    let mentions = mentions(file.code(), &module_of(&file.path));
    let nevers = walls.iter().flat_map(|wall| wall.never.iter().map(|it| (*it, wall.instead)));
    nevers
        .filter_map(|(never, instead)| {
            // The first is enough: it is the import, and the others go with it.
            let first = mentions.iter().find(|it| is_within(it, never))?;
            let message = format!("must not mention {never}");
            Some(Fault::new(&file.line(first.line), message, instead))
        })
        .collect()
}

fn holds_for(wall: &Wall, file: &File) -> bool {
    let is_below = |folder: &&str| {
        let rest = file.path.strip_prefix(*folder);
        rest.is_some_and(|it| it.starts_with(['/', '.']))
    };
    // What is not in src is test.
    file.path.contains("/src/")
        && !file.is_test()
        && wall.inside.iter().any(is_below)
        && !wall.except.iter().any(is_below)
}

fn is_within(mention: &Mention, never: &str) -> bool {
    match mention.path.strip_prefix(never) {
        // One word alone may be a variable; as the beginning of a path it is a crate.
        Some("") => never.contains("::") || never.starts_with('.') || mention.is_import,
        Some(rest) => rest.starts_with("::"),
        None => false,
    }
}

/// The module path of a source: `crates/gateway/src/pipeline/meter.rs` is `crate::pipeline::meter`.
fn module_of(path: &str) -> Vec<String> {
    let inner = path.split_once("/src/").map_or(path, |(_, inner)| inner);
    let inner = inner.strip_suffix(".rs").unwrap_or(inner);
    let mut module = vec![String::from("crate")];
    if !matches!(inner, "lib" | "main") {
        module.extend(inner.split('/').map(str::to_owned));
    }
    module
}
