//! Documents of others: imported, checked and served by the binary.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::Value;

use crate::{
    binary::{Ran, onedoor, write},
    serving::{Serving, key},
};

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../contract/tests/documents");

/// A client that may call everything there is.
const CLIENT: &[(&str, &str)] = &[
    ("state/clients/app.yaml", "kind: app\nowner: team\nprofiles:\n  default:\n    roles: [all]\n"),
    ("state/roles/all.yaml", "allow:\n  - operations: ['*:*']\n"),
];

#[tokio::test]
async fn every_example_of_the_openapi_initiative_is_imported_and_served() {
    let folder = tempfile::tempdir().unwrap();
    let key = client(folder.path());
    let mut files: Vec<_> = fs::read_dir(EXAMPLES).unwrap().map(|it| it.unwrap().path()).collect();
    files.retain(|it| it.extension().is_some_and(|it| it == "yaml"));
    assert_eq!(files.len(), 10);
    let mut published = 0;
    let mut collections = Vec::new();
    for file in &files {
        let collection = file.file_stem().unwrap().to_str().unwrap().replace('.', "-");
        let ran = import(folder.path(), file, &collection, "http://127.0.0.1:9");
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
        published += operations(&ran.out);
        collections.push(collection);
    }
    assert_eq!(published, 27);
    let door = serve(folder.path(), published);
    let tools = door.client().list_tools(&key).await.concat();
    check_tools(&tools, published);
    for collection in collections {
        let (status, answer) = door.get(&format!("/{collection}/openapi.json"), &key);
        assert_eq!(status, 200, "{collection}: {answer}");
    }
}

/// Imports `file` as `collection` over `upstream`.
pub(crate) fn import(folder: &Path, file: &Path, collection: &str, upstream: &str) -> Ran {
    let file = file.to_str().unwrap();
    onedoor(folder, &["import", file, "--collection", collection, "--upstream", upstream])
}

/// The number before the word "operations" in what a command printed.
pub(crate) fn operations(printed: &str) -> usize {
    let words: Vec<_> = printed.split_whitespace().map(|it| it.trim_end_matches(',')).collect();
    let at = words.iter().position(|it| matches!(*it, "operation" | "operations")).unwrap();
    words[..at].last().unwrap().parse().unwrap()
}

/// The key of a client that may call everything there will be.
pub(crate) fn client(folder: &Path) -> String {
    write(folder, CLIENT);
    key(folder)
}

/// Checks and serves what was imported, `published` operations in all.
pub(crate) fn serve(folder: &Path, published: usize) -> Serving {
    let ran = onedoor(folder, &["check"]);
    assert_eq!((ran.code, operations(&ran.out)), (0, published), "{}", ran.out);
    Serving::start(folder)
}

/// What every client can do with a tool, whatever it was made from.
pub(crate) fn check_tools(tools: &[Value], published: usize) {
    let is_name = |it: &str| {
        let is_good = |it: char| it.is_ascii_alphanumeric() || it == '_' || it == '-';
        (1..=64).contains(&it.len()) && it.chars().all(is_good)
    };
    let mut names = BTreeSet::new();
    for tool in tools {
        let name = tool["name"].as_str().unwrap();
        assert!(is_name(name), "{name:?} is no name of a tool");
        assert!(names.insert(name), "{name} stands twice");
        let schema = &tool["inputSchema"];
        assert_eq!(schema["type"], "object", "{name}: {schema}");
        for word in ["oneOf", "anyOf", "allOf", "$ref"] {
            assert!(schema.get(word).is_none(), "{name} has {word} at its root: {schema}");
        }
    }
    assert_eq!(names.len(), published);
}
