//! `onedoor check`.

use crate::binary::{DOCUMENT, STATE, onedoor, write};

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

const OLD: &str =
    "owner: team\nupstream: {url: 'http://127.0.0.1:9'}\ndocument: documents/old.yaml\n";

/// A fault of each kind: of the disk, of a text, of what is declared, of names that lead nowhere, of a
/// document, of what a role means by it, and of a guard. Each file but these is sound, and some name them.
const FAULTY: &[(&str, &str)] = &[
    (
        "state/clients/app.yaml",
        "kind: app\nowner: team\nprofiles:\n  default:\n    roles: [reader, latin, raeder]\n",
    ),
    ("state/clients/robot.yaml", "kind: robot\nowner: team\nprofiles: {default: {}}\n"),
    ("state/collections/old.yaml", OLD),
    (
        "state/credentials/robot.yaml",
        "profile: robot/default\nkind: api_key\nexpires: 2027-01-31\n\
         hmac: 0000000000000000000000000000000000000000000000000000000000000a0b\n",
    ),
    ("state/documents/old.yaml", "openapi: 1.0.0\n"),
    ("state/documents/broken.yaml", "openapi: [\n"),
    ("state/guards/bad.yaml", "policy: 'forbid('\n"),
    (
        "state/guards/good.yaml",
        "policy: 'forbid (principal, action == Action::\"old.list\", resource);'\n",
    ),
    ("state/limits/a.yaml", "rate: fast\n"),
    (
        "state/roles/reader.yaml",
        "allow:\n  - operations: ['orders:nope', 'old:list', 'broken:list', 'gone:list']\n",
    ),
];

#[test]
fn faults_of_every_kind_are_told_in_one_run_and_none_that_follows_from_another() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), STATE);
    write(folder.path(), FAULTY);
    for name in ["broken", "gone"] {
        let (path, text) = (format!("state/collections/{name}.yaml"), OLD.replace("old", name));
        write(folder.path(), &[(&*path, &*text)]);
    }
    let state = folder.path().join("state");
    std::fs::write(state.join("roles/latin.yaml"), b"# ok\n# \xe9t\xe9\n").unwrap();
    std::os::unix::fs::symlink("nowhere", state.join("documents/gone.yaml")).unwrap();
    let ran = onedoor(folder.path(), &["check", "state"]);
    assert_eq!((ran.code, ran.err.as_str()), (1, ""));
    for fault in [
        "clients/app.yaml:5: profiles.default.roles[2]: unknown role \"raeder\"",
        "clients/robot.yaml:1: kind: \"robot\" is not known",
        "documents/broken.yaml:",
        "documents/gone.yaml: cannot be read",
        "documents/old.yaml: the OpenAPI document cannot be read: unknown OpenAPI version \"1.0.0\"",
        "guards/bad.yaml:1: guard bad: ",
        "limits/a.yaml:1: rate: \"fast\" is not a rate",
        "roles/latin.yaml:2: is not UTF-8 text",
        "roles/reader.yaml:1: role reader: orders has no operation \"nope\"",
    ] {
        assert!(ran.out.contains(fault), "{fault} is missing in\n{}", ran.out);
    }
    assert!(ran.out.ends_with("\n9 faults\n"), "{}", ran.out);
    assert_eq!(ran.out.matches("    help: ").count(), 9, "{}", ran.out);
}

#[test]
fn a_guard_is_checked_along_with_the_rest_where_all_collections_are_sound() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), STATE);
    write(
        folder.path(),
        &[
            (
                "state/guards/a.yaml",
                "policy: 'forbid (principal, action == Action::\"orders.nope\", resource);'\n",
            ),
            ("state/limits/a.yaml", "rate: fast\n"),
            ("state/roles/reader.yaml", "allow:\n  - operations: ['orders:nope']\n"),
        ],
    );
    let ran = onedoor(folder.path(), &["check", "state"]);
    assert_eq!(ran.code, 1);
    for place in ["guards/a.yaml:1: ", "limits/a.yaml:1: ", "roles/reader.yaml:1: "] {
        assert!(ran.out.contains(place), "{place} is missing in\n{}", ran.out);
    }
    assert!(ran.out.ends_with("\n3 faults\n"), "{}", ran.out);
}

#[test]
fn what_of_a_document_cannot_be_used_is_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), STATE);
    let document = format!("{DOCUMENT}  /broken:\n    get: 5\n");
    write(folder.path(), &[("state/documents/orders.yaml", &document)]);
    let ran = onedoor(folder.path(), &["check", "state"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    let warning = "warning: documents/orders.yaml: /paths/~1broken/get: left out: no mapping";
    let told: Vec<_> = ran.out.lines().skip(1).collect();
    assert_eq!(told, [warning, "1 warning"], "{}", ran.out);
}
