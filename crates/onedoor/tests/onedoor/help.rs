//! The help that people read.

use crate::binary::onedoor;

#[test]
fn every_command_explains_itself() {
    let folder = tempfile::tempdir().unwrap();
    for (name, arguments) in [
        ("onedoor", &["--help"][..]),
        ("apply", &["apply", "--help"]),
        ("audit", &["audit", "--help"]),
        ("audit_export", &["audit", "export", "--help"]),
        ("audit_reconcile", &["audit", "reconcile", "--help"]),
        ("audit_set_aside", &["audit", "set-aside", "--help"]),
        ("audit_verify", &["audit", "verify", "--help"]),
        ("check", &["check", "--help"]),
        ("client", &["client", "--help"]),
        ("client_list", &["client", "list", "--help"]),
        ("client_put", &["client", "put", "--help"]),
        ("credential_issue", &["credential", "issue", "--help"]),
        ("credential_rotate", &["credential", "rotate", "--help"]),
        ("credential_new", &["credential", "new", "--help"]),
        ("demo", &["demo", "--help"]),
        ("diff", &["diff", "--help"]),
        ("export", &["export", "--help"]),
        ("import", &["import", "--help"]),
        ("init", &["init", "--help"]),
        ("login", &["login", "--help"]),
        ("logout", &["logout", "--help"]),
        ("secret_set", &["secret", "set", "--help"]),
        ("serve", &["serve", "--help"]),
    ] {
        let ran = onedoor(folder.path(), arguments);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""));
        insta::assert_snapshot!(name, ran.out);
    }
}

#[test]
fn a_wrong_command_line_is_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [
        &["serv"][..],
        &["check", "--all"],
        &["credential", "new", "no-slash"],
        &["credential", "new", "a/b", "--expires", "soon"],
        &["import", "x.yaml", "--collection", "Not-An-Id", "--upstream", "http://a"],
        &["serve", "--listen", "here"],
        &["demo", "--port", "65536"],
    ] {
        let ran = onedoor(folder.path(), arguments);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{arguments:?}");
        assert!(ran.err.starts_with("error: "), "{}", ran.err);
    }
    assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none(), "something was written");
}
