//! The OpenAPI document of management: as committed, and such that tools can be made of it.

use std::{collections::BTreeSet, fs, path::Path, sync::Arc};

#[test]
fn the_document_is_the_one_that_is_committed() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/api/management.json");
    let now = format!("{:#}\n", admin::document());
    if std::env::var_os("UPDATE").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &now).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == now,
        "docs/api/management.json is not what the code says: UPDATE=1 cargo test -p admin document",
    );
}

#[test]
fn no_two_operations_share_a_name_a_command_or_a_route() {
    let operations = admin::operations();
    let names: BTreeSet<_> = operations.iter().map(|it| it.name).collect();
    let commands: BTreeSet<_> = operations.iter().map(|it| it.command).collect();
    let routes: BTreeSet<_> = operations.iter().map(|it| (it.method.as_str(), it.path)).collect();
    let count = operations.len();
    assert_eq!((names.len(), commands.len(), routes.len()), (count, count, count));
    // A word in a place where another route has a parameter must be no id.
    for it in &operations {
        assert!(it.path.starts_with('/') && !it.path.ends_with('/'), "{}", it.path);
        assert!(!it.summary.ends_with('.') && it.summary.len() < 70, "{}", it.summary);
    }
}

#[test]
fn every_schema_is_one_and_refuses_what_it_does_not_name() {
    for it in admin::operations() {
        for schema in [Some(&it.parameters), it.body.as_ref(), Some(&it.output)] {
            let Some(schema) = schema else { continue };
            jsonschema::draft202012::meta::validate(schema).unwrap();
            jsonschema::draft202012::new(schema).unwrap();
        }
        for schema in [Some(&it.parameters), it.body.as_ref()].into_iter().flatten() {
            assert_eq!(schema["additionalProperties"], false, "{}: {schema}", it.name);
            for (name, property) in schema["properties"].as_object().into_iter().flatten() {
                assert!(property["description"].is_string(), "{}: {name} says nothing", it.name);
            }
        }
    }
}

#[test]
fn every_operation_becomes_a_tool() {
    let document = contract::Document::read(&Arc::new(admin::document())).unwrap();
    assert!(document.warnings().is_empty(), "{:?}", document.warnings());
    let mut listed: Vec<_> = admin::operations().iter().map(|it| it.name).collect();
    let mut read: Vec<_> = document.operations().iter().map(|it| it.name.as_str()).collect();
    listed.sort_unstable();
    read.sort_unstable();
    assert_eq!(read, listed);
    for it in document.operations() {
        assert_eq!(it.input_schema["type"], "object", "{}", it.name);
        assert!(it.output_schema.is_some(), "{} answers JSON", it.name);
    }
    let pairs: Vec<_> = read.iter().map(|it| ("onedoor", *it)).collect();
    for (tool, name) in contract::tool_names(&pairs).iter().zip(&read) {
        assert_eq!(*tool, format!("onedoor_{name}"));
        assert!(tool.len() <= 64, "{tool}");
    }
}

#[test]
fn a_tool_takes_parameters_and_body_together() {
    let document = contract::Document::read(&Arc::new(admin::document())).unwrap();
    let put = document.operations().iter().find(|it| it.name == "put_client").unwrap();
    let properties: Vec<_> = put.input_schema["properties"].as_object().unwrap().keys().collect();
    for name in ["id", "reason", "If-Match", "kind", "owner", "profiles"] {
        assert!(properties.iter().any(|it| *it == name), "{name} in {properties:?}");
    }
    let arguments = serde_json::json!({"id": "shop", "kind": "app", "owner": "shop-team"});
    put.bind(arguments.as_object().unwrap().clone()).unwrap();
}
