//! `onedoor import`.

use std::fs;

use crate::binary::{DOCUMENT, Ran, STATE, onedoor, write};

const USUAL: &[&str] =
    &["import", "api.yaml", "--collection", "shop", "--upstream", "http://127.0.0.1:9000"];

fn import(folder: &std::path::Path, more: &[&str]) -> Ran {
    onedoor(folder, &[USUAL, more].concat())
}

#[test]
fn an_imported_document_is_a_sound_collection() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &[("api.yaml", DOCUMENT)]);
    let ran = import(folder.path(), &["--owner", "shop-team"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    insta::assert_snapshot!(ran.out);
    let kept = fs::read_to_string(folder.path().join("state/documents/shop.yaml")).unwrap();
    assert_eq!(kept, DOCUMENT);
    let collection = fs::read_to_string(folder.path().join("state/collections/shop.yaml")).unwrap();
    insta::assert_snapshot!(collection);
    assert_eq!(onedoor(folder.path(), &["check"]).code, 0);
}

#[test]
fn an_import_does_not_replace_what_is_there_unless_forced() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &[("api.yaml", DOCUMENT), ("state/collections/shop.yaml", "mine")]);
    let ran = import(folder.path(), &[]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("is there already: add --force to replace it"), "{}", ran.err);
    let path = folder.path().join("state/collections/shop.yaml");
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    assert_eq!(import(folder.path(), &["--force"]).code, 0);
    assert!(fs::read_to_string(&path).unwrap().contains("upstream"));
}

#[test]
fn a_bad_import_says_why_and_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), STATE);
    for (text, more, want) in [
        (DOCUMENT, &["--base", "/mcp"][..], "belongs to the door itself"),
        (DOCUMENT, &["--base", "/orders"], "/orders"),
        (DOCUMENT, &["--base", "orders/"], "is not a base path"),
        ("a: [", &[], "api.yaml:1"),
        ("a: 1", &[], "is no OpenAPI document"),
        ("", &[], "is no OpenAPI document"),
    ] {
        write(folder.path(), &[("api.yaml", text)]);
        let ran = import(folder.path(), more);
        assert_eq!(ran.code, 1, "{text} {more:?}: {}", ran.out);
        assert!(ran.err.contains(want), "{want}: {}", ran.err);
        assert!(!folder.path().join("state/collections/shop.yaml").exists());
        assert!(!folder.path().join("state/documents/shop.yaml").exists());
    }
    let ran = onedoor(folder.path(), &[&["import", "none.yaml"], &USUAL[2..]].concat());
    assert!(ran.code == 1 && ran.err.contains("none.yaml: cannot be read"), "{}", ran.err);
}
