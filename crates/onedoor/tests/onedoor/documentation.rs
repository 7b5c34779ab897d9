//! The pages in `docs/`, tried out.

use crate::binary::{onedoor, write};

#[test]
fn the_state_folder_of_the_documentation_has_no_fault() {
    let folder = tempfile::tempdir().unwrap();
    let page = include_str!("../../../../docs/state.md");
    let mut count = 0;
    let mut parts = page.split("```");
    // Text, block, text, block: the file's name stands in backquotes before its block.
    while let (Some(before), Some(block)) = (parts.next(), parts.next()) {
        let name = before.trim_end().trim_end_matches('`').rsplit('`').next().unwrap();
        let text = block.strip_prefix("yaml\n").expect("a block of YAML");
        write(&folder.path().join("state"), &[(name, text)]);
        count += 1;
    }
    assert_eq!(count, 20);
    let ran = onedoor(folder.path(), &["check"]);
    assert_eq!(ran.code, 0, "{}", ran.out);
}

#[test]
fn every_command_of_the_running_door_is_in_the_documentation() {
    let page = include_str!("../../../../docs/cli.md");
    for about in admin::operations() {
        let [noun, verb] = about.command;
        let line = page.lines().find(|it| it.starts_with(&format!("| `{noun}` |")));
        let verbs = line.unwrap_or_else(|| panic!("no {noun}")).split('|').nth(2).unwrap();
        assert!(verb.is_empty() || verbs.contains(&format!("`{verb}`")), "{noun} {verb}");
    }
}
