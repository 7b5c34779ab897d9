//! Every example document of the OpenAPI Initiative becomes valid tools.

use std::fs;

use contract::Document;
use serde_json::{Value, json};

use crate::{checker, operation, read};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/documents");

/// All documents, by name.
pub(crate) fn all() -> Vec<(String, Value)> {
    let entries = fs::read_dir(FOLDER).unwrap().map(|it| it.unwrap().path());
    let mut documents: Vec<_> = entries
        .filter(|it| it.extension().is_some_and(|it| it == "yaml"))
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, state::parse_document(&fs::read_to_string(path).unwrap()).unwrap())
        })
        .collect();
    documents.sort_by(|a, b| a.0.cmp(&b.0));
    documents
}

fn document(name: &str) -> Document {
    read(all().into_iter().find(|it| it.0 == name).unwrap().1)
}

#[test]
fn every_operation_of_every_document_is_a_valid_tool() {
    let counts: Vec<(String, usize)> = all()
        .into_iter()
        .map(|(name, value)| {
            let document = read(value);
            assert_eq!(document.warnings(), [], "{name}");
            checker::check(&document, false);
            (name, document.operations().len())
        })
        .collect();
    let counts: Vec<_> = counts.iter().map(|(name, count)| (name.as_str(), *count)).collect();
    assert_eq!(
        counts,
        [
            ("v2.0-petstore-expanded", 4),
            ("v3.0-api-with-examples", 2),
            ("v3.0-callback-example", 1),
            ("v3.0-link-example", 6),
            ("v3.0-petstore", 3),
            ("v3.0-petstore-expanded", 4),
            ("v3.0-uspto", 3),
            ("v3.1-non-oauth-scopes", 1),
            ("v3.1-tictactoe", 3),
            ("v3.1-webhook-example", 0),
        ]
    );
}

#[test]
fn the_same_document_gives_the_same_bytes() {
    for (name, value) in all() {
        let [first, second] = [read(value.clone()), read(value)];
        assert_eq!(
            format!(
                "{:?}",
                first.operations()[..].iter().map(|it| &it.input_schema).collect::<Vec<_>>()
            ),
            format!(
                "{:?}",
                second.operations()[..].iter().map(|it| &it.input_schema).collect::<Vec<_>>()
            ),
            "{name}"
        );
    }
}

#[test]
fn a_tool_reads_well() {
    let show = |name: &str, operation_name: &str| {
        let document = document(name);
        let operation = operation(&document, operation_name);
        json!({
            "name": operation.name,
            "request": format!("{} {}", operation.method, operation.template),
            "summary": operation.summary,
            "description": operation.description,
            "input": operation.input_schema,
            "output": operation.output_schema,
        })
    };
    insta::assert_json_snapshot!("put_square", show("v3.1-tictactoe", "put-square"));
    insta::assert_json_snapshot!("get_board", show("v3.1-tictactoe", "get-board"));
    insta::assert_json_snapshot!("find_pets", show("v2.0-petstore-expanded", "findPets"));
    insta::assert_json_snapshot!("add_pet", show("v3.0-petstore-expanded", "addPet"));
    insta::assert_json_snapshot!("perform_search", show("v3.0-uspto", "perform-search"));
}
