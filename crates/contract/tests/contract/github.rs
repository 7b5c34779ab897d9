//! GitHub's whole description: about 1,200 operations, 13 MB. `cargo xtask test` fetches it.

use std::{fs, sync::Arc};

use contract::Document;
use serde_json::Value;

use crate::{checker, operation};

const FILE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../node_modules/@octokit/openapi/generated/api.github.com.json"
);

#[test]
fn every_operation_of_github_is_a_valid_tool() {
    let text = fs::read_to_string(FILE)
        .unwrap_or_else(|fault| panic!("{FILE}: {fault}; `cargo xtask test` fetches it"));
    let value: Arc<Value> = Arc::new(serde_json::from_str(&text).unwrap());
    let listed = value["paths"].as_object().unwrap().values();
    let count: usize = listed.map(|it| it.as_object().unwrap().len()).sum();
    let document = Document::read(&value).unwrap();
    checker::check(&document, false);
    let left_out: Vec<&str> = document
        .warnings()
        .iter()
        .filter(|it| it.message.starts_with("left out"))
        .map(|it| it.pointer.as_str())
        .collect();
    // Whoever calls `compare/{basehead}` meets it: the two are one request.
    assert_eq!(left_out, ["/paths/~1repos~1{owner}~1{repo}~1compare~1{base}...{head}/get"]);
    assert_eq!(document.operations().len(), count - left_out.len());
    assert!(count > 1000, "{count}");
    let issue = operation(&document, "issues_create");
    assert_eq!(issue.input_schema["required"], serde_json::json!(["owner", "repo", "title"]));
    let contents = operation(&document, "repos_get-content");
    assert_eq!(contents.template.for_router(), "/repos/{p1}/{p2}/contents/{*p4}");
}
