//! The pages in `docs/`, tried out.

use crate::binary::{onedoor, write};

#[test]
fn the_state_folder_of_the_documentation_has_no_fault() {
    let folder = tempfile::tempdir().unwrap();
    let page = include_str!("../../../../docs/state.md");
    let mut count = 0;
    for part in page.split("\n`").skip(1) {
        let Some((name, rest)) = part.split_once("`\n\n```yaml\n") else { continue };
        let (text, _) = rest.split_once("```").unwrap();
        write(&folder.path().join("state"), &[(name, text)]);
        count += 1;
    }
    assert_eq!(count, 10);
    let ran = onedoor(folder.path(), &["check"]);
    assert_eq!(ran.code, 0, "{}", ran.out);
}
