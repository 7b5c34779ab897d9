//! `onedoor check`.

use crate::binary::{STATE, onedoor, write};

#[test]
fn a_sound_folder_is_exit_code_0() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), STATE);
    let ran = onedoor(folder.path(), &["check", "state"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    assert!(ran.out.starts_with(
        "no fault in state: 1 collection, 2 operations, 1 client, 0 credentials, 0 limits"
    ));
    let left: Vec<_> = std::fs::read_dir(folder.path().join("state")).unwrap().collect();
    assert_eq!(left.len(), 4, "checking left something behind: {left:?}");
}

#[test]
fn all_faults_are_told_at_once_with_file_line_and_help() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), STATE);
    write(
        folder.path(),
        &[
            ("state/clients/app.yaml", "kind: robot\nowner: team\nprofils: {}\n"),
            ("state/roles/reader.yaml", "allow:\n  - operations: ['order:*']\n"),
            ("state/limits/a.yaml", "rate: fast\n"),
            ("state/clinets/b.yaml", "kind: app\n"),
        ],
    );
    let ran = onedoor(folder.path(), &["check", "state"]);
    assert_eq!((ran.code, ran.err.as_str()), (1, ""));
    insta::assert_snapshot!(ran.out);
}

#[test]
fn what_cannot_be_read_is_told_with_its_file() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), STATE);
    std::fs::write(folder.path().join("state/roles/latin.yaml"), b"# ok\n# \xe9t\xe9\n").unwrap();
    std::os::unix::fs::symlink("gone", folder.path().join("state/roles/link.yaml")).unwrap();
    let ran = onedoor(folder.path(), &["check", "state"]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("roles/latin.yaml:2: is not UTF-8 text"), "{}", ran.out);
    assert!(ran.out.contains("roles/link.yaml: cannot be read"), "{}", ran.out);
    assert!(ran.out.ends_with("2 faults\n"), "{}", ran.out);
    let ran = onedoor(folder.path(), &["check", "nowhere"]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("nowhere: cannot be listed"), "{}", ran.out);
}
