//! docs/siem.md says what the table says.

use std::{fmt::Write as _, fs};

use super::super::member::MEMBERS;

const BEGIN: &str = "<!-- table: begin -->\n";
const END: &str = "<!-- table: end -->";

#[test]
fn the_document_has_the_table_of_the_code() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/siem.md");
    let document = fs::read_to_string(path).unwrap();
    let (before, rest) = document.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let mut table = String::from("| member | OCSF | ECS | CEF |\n| --- | --- | --- | --- |\n");
    for it in &MEMBERS {
        writeln!(table, "| `{}` | `{}` | `{}` | `{}` |", it.name, it.ocsf, it.ecs, it.cef).unwrap();
    }
    let wanted = format!("{before}{BEGIN}{table}{END}{after}");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(path, &wanted).unwrap();
    }
    assert!(
        fs::read_to_string(path).unwrap() == wanted,
        "docs/siem.md is not what the code says: UPDATE=1 cargo test -p audit document",
    );
}
