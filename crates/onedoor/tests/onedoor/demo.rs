//! `onedoor demo`.

use crate::binary::onedoor;

#[test]
fn the_guided_run_goes_as_it_should() {
    let folder = tempfile::tempdir().unwrap();
    let ran = onedoor(folder.path(), &["demo", "--once", "--port", "0"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    assert!(!ran.out.contains('\u{1b}'), "colours without a terminal");
    assert!(!ran.out.contains('✗'), "{}", ran.out);
    for line in [
        "reads order 1001             REST 200 MCP ok",
        "may not delete it            REST 403 MCP refused",
        "REST 200 MCP ok REST 200 MCP ok REST 200 MCP refused REST 429",
        "11 calls, 11 records",
        "\"mcpServers\"",
        "curl -H 'Authorization: Bearer odk_",
    ] {
        assert!(ran.out.contains(line), "{line} is missing in\n{}", ran.out);
    }
}

#[test]
fn a_port_in_use_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let ran = onedoor(folder.path(), &["demo", "--once", "--port", &port]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains(&format!("cannot listen on port {port}")), "{}", ran.err);
}
