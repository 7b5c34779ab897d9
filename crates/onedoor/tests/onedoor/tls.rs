//! `onedoor serve` over TLS: what the configuration says, and files that change while it runs.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use testkit::{Authority, TlsClient};

use crate::{
    binary::{STATE, onedoor, write},
    serving::{Serving, key, recorded},
};

const VIEW: &str = "/orders/openapi.json";

const CONFIG: &str = "\
[tls]
certificate = \"tls/door.pem\"
key = \"tls/door.key\"

[management_tls]
certificate = \"tls/door.pem\"
key = \"tls/door.key\"
client_ca = \"tls/ca.pem\"
client_certificates = \"required\"
";

fn authority() -> Authority {
    let authority = Authority::new();
    for name in ["first", "second"] {
        authority.issue(name, "/CN=localhost", "DNS:localhost");
    }
    authority
}

/// Puts a certificate and its key where the configuration says, first the one and then the other.
fn put(folder: &Path, authority: &Authority, certificate: &str, key: &str) {
    let put = |name: &str, bytes: Vec<u8>| {
        let path = folder.join("tls").join(name);
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    };
    fs::create_dir_all(folder.join("tls")).unwrap();
    put("ca.pem", authority.read("ca.pem"));
    put("door.pem", authority.read(&format!("{certificate}.pem")));
    put("door.key", authority.read(&format!("{key}.key")));
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_reloaded_while_connections_go_on() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), authority());
    write(folder.path(), STATE);
    write(folder.path(), &[("onedoor.toml", CONFIG)]);
    put(folder.path(), &authority, "first", "first");
    let key = key(folder.path());
    let mut door = Serving::start_tls(folder.path());
    let client = TlsClient::new(&authority, &["h2"], None);
    let headers = [("x-api-key", key.as_str())];
    let mut old = client.connect(door.address()).await.unwrap();
    assert_eq!(old.certificate, authority.certificate("first.pem").to_vec());
    assert_eq!(old.get(VIEW, &headers).await.unwrap().status, 200);

    put(folder.path(), &authority, "second", "first");
    door.wait_for("door.key");
    door.wait_for("the last good certificate of the public listener stays");
    let meanwhile = client.connect(door.address()).await.unwrap();
    assert_eq!(meanwhile.certificate, authority.certificate("first.pem").to_vec());
    door.signal("HUP");
    door.wait_for("the last good certificate of the public listener stays");

    put(folder.path(), &authority, "second", "second");
    door.wait_for("new connections to the public listener get the certificate");
    let mut new = client.connect(door.address()).await.unwrap();
    assert_eq!(new.certificate, authority.certificate("second.pem").to_vec());
    assert_eq!(new.get(VIEW, &headers).await.unwrap().status, 200);
    assert_eq!(old.get(VIEW, &headers).await.unwrap().status, 200, "it was dropped");

    let log = folder.path().join("state/.onedoor/audit");
    let read = recorded(&log, "tls.certificate_read");
    let note = read.last().unwrap()["note"].as_str().unwrap();
    assert!(
        note.starts_with("the public listener, ") || note.starts_with("management, "),
        "{note}"
    );
    let refused = recorded(&log, "tls.certificate_refused");
    assert!(refused.len() >= 2 && refused.iter().all(|it| it["outcome"] == "refused"));
    assert!(refused[0]["note"].as_str().unwrap().contains("door.key"), "{}", refused[0]);
    let detail = refused[0]["detail"].as_str().unwrap();
    assert!(!detail.is_empty() && detail != "[redacted]", "{}", refused[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_listener_has_its_own_rule_for_client_certificates() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), authority());
    write(folder.path(), STATE);
    write(folder.path(), &[("onedoor.toml", CONFIG)]);
    put(folder.path(), &authority, "first", "first");
    let door = Serving::start_tls(folder.path());
    let without = TlsClient::new(&authority, &["http/1.1"], None);
    let with = TlsClient::new(&authority, &["http/1.1"], Some((&authority, "second")));
    let mut public = without.connect(door.address()).await.unwrap();
    assert_eq!(public.get(VIEW, &[]).await.unwrap().status, 401);
    let mut management = with.connect(door.management_address()).await.unwrap();
    assert_eq!(management.get("/onedoor/v1/clients", &[]).await.unwrap().status, 401);
    // In TLS 1.3 a client learns only from its first read that it was refused.
    let refused = match without.connect(door.management_address()).await {
        Ok(mut connection) => connection.get("/onedoor/v1/clients", &[]).await.is_err(),
        Err(_) => true,
    };
    assert!(refused, "management was reached without a certificate");
}

#[test]
fn a_start_tells_all_that_is_wrong_with_the_files() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), authority());
    write(folder.path(), STATE);
    write(folder.path(), &[("onedoor.toml", CONFIG)]);
    let serve = || {
        let ran =
            onedoor(folder.path(), &["serve", "--config", "onedoor.toml", "--state", "state"]);
        assert_eq!(ran.code, 1, "{}", ran.err);
        ran.err
    };
    let told = serve();
    assert!(told.contains("tls/door.pem: cannot be read"), "{told}");
    assert!(told.contains("tls/door.key: cannot be read"), "{told}");
    assert!(told.contains("tls/ca.pem: cannot be read"), "{told}");

    put(folder.path(), &authority, "first", "second");
    let told = serve();
    assert!(told.contains("tls/door.key: is not the private key of the certificate"), "{told}");

    put(folder.path(), &authority, "first", "first");
    let key = folder.path().join("tls/door.key");
    fs::set_permissions(key, fs::Permissions::from_mode(0o640)).unwrap();
    let told = serve();
    assert!(told.contains("tls/door.key: can be read by others (mode 640)"), "{told}");
    assert!(told.contains("chmod 600 it"), "{told}");
}
