//! `onedoor demo`.

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

use crate::binary::{command, onedoor};

#[test]
fn the_guided_run_goes_as_it_should() {
    let folder = tempfile::tempdir().unwrap();
    let ran = onedoor(folder.path(), &["demo", "--once", "--port", "0"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    assert!(!ran.out.contains('\u{1b}'), "colours without a terminal");
    assert!(!ran.out.contains('✗'), "{}", ran.out);
    for line in [
        "reads order 1001             REST 200 MCP ok",
        "may not delete it            REST 403 MCP refused  the same refusal",
        "REST 200 MCP ok REST 200 MCP ok REST 200 MCP refused REST 429",
        "11 calls, 11 records",
        "\"mcpServers\"",
        "curl -H 'Authorization: Bearer odk_",
    ] {
        assert!(ran.out.contains(line), "{line} is missing in\n{}", ran.out);
    }
    assert_eq!(left(folder.path()), 0, "it leaves something behind");
}

/// How many things are left in the folder for temporary ones.
fn left(folder: &std::path::Path) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

#[test]
fn a_port_in_use_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let ran = onedoor(folder.path(), &["demo", "--once", "--port", &port]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains(&format!("cannot listen on port {port}")), "{}", ran.err);
    assert_eq!(left(folder.path()), 0);
}

#[test]
fn it_stays_up_until_ctrl_c() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = command(folder.path(), &["demo", "--port", "0"]);
    let mut demo = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|it| it.contains("up until Ctrl-C")));
    assert_eq!(left(folder.path()), 1);
    assert!(demo.try_wait().unwrap().is_none(), "it ended by itself");
    let id = demo.id().to_string();
    assert!(Command::new("kill").args(["-s", "INT", &id]).status().unwrap().success());
    assert!(lines.any(|it| it.ends_with("is removed")));
    assert_eq!(demo.wait().unwrap().code(), Some(0));
    assert_eq!(left(folder.path()), 0);
}
