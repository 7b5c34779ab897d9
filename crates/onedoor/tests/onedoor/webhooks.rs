//! What happens to credentials is told: by the log, and to a receiver that was not there at first.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener},
    path::Path,
    thread,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use crate::{
    binary::{STATE, command, write},
    managed::init,
    serving::Serving,
};

fn configure(folder: &Path, receiver: SocketAddr) {
    let config = format!(
        "[[webhooks]]\nname = \"ops\"\nurl = \"http://{receiver}/hook\"\nsecret = \"hook\"\nevents = [\"credential.issued\"]\n"
    );
    write(folder, &[("onedoor.toml", &config)]);
}

fn done(door: &Serving, folder: &Path, key: &str, arguments: &[&str]) -> String {
    let mut command = command(folder, arguments);
    command.env("ONEDOOR_URL", door.management()).env("ONEDOOR_TOKEN", key);
    let output = command.env("XDG_CONFIG_HOME", folder.join("config")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Takes one request, and answers that it is well.
fn receive(listener: &TcpListener) -> String {
    let (mut stream, _) = listener.accept().unwrap();
    let (mut request, mut bytes) = (String::new(), [0; 4096]);
    // The body ends with the object in the object.
    while !request.ends_with("}}") {
        let count = stream.read(&mut bytes).unwrap();
        assert!(count > 0, "it ended early: {request}");
        request.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
    }
    stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").unwrap();
    request
}

#[test]
fn what_was_issued_before_a_kill_is_told_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let receiver = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = receiver.local_addr().unwrap();
    drop(receiver);
    configure(path, address);
    let secret = format!("whsec_{}", STANDARD.encode([7; 32]));
    write(path, STATE);
    write(
        path,
        &[("state/secrets/hook.yaml", "owner: team\nsource: store\n"), ("secret", &secret)],
    );
    let key = init(path);
    let mut door = Serving::start_configured(path);
    done(&door, path, &key, &["apply", "-f", "state"]);
    done(&door, path, &key, &["secret", "set", "hook", "--value-file", "secret"]);
    let issue = ["credential", "issue", "--profile", "app/default", "--json"];
    let issued: Value = serde_json::from_str(&done(&door, path, &key, &issue)).unwrap();
    let line = door.wait_for("event=\"credential.issued\"");
    assert!(line.contains(issued["id"].as_str().unwrap()), "{line}");
    door.wait_for("the webhook ops is told later");
    let waiting = done(&door, path, &key, &["delivery", "list"]);
    assert!(waiting.contains("credential.issued"), "{waiting}");
    // Dropping it kills it.
    drop(door);

    let receiver = TcpListener::bind(address).unwrap();
    let received = thread::spawn(move || receive(&receiver));
    let door = Serving::start_configured(path);
    let request = received.join().unwrap();
    assert!(request.starts_with("POST /hook HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("webhook-signature: v1,"), "{request}");
    let (_, body) = request.split_once("\r\n\r\n").unwrap();
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["type"], "credential.issued");
    assert_eq!(body["data"]["credential"], issued["id"]);
    for secret in [issued["key"].as_str().unwrap(), &secret] {
        assert!(!request.contains(secret), "{request}");
    }
    // What was delivered is not kept.
    let mut left = String::new();
    for _ in 0..100 {
        left = done(&door, path, &key, &["delivery", "list", "--json"]);
        if !left.contains("credential.issued") {
            return;
        }
    }
    panic!("it is still in line: {left}");
}

#[test]
fn of_a_folder_the_log_alone_tells() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    configure(path, SocketAddr::from(([127, 0, 0, 1], 1)));
    write(path, STATE);
    let credential = |id: &str, digit: &str, end: &str| {
        let text = format!(
            "profile: app/default\nkind: api_key\nhmac: '{}'\nexpires: {end}\n",
            digit.repeat(64)
        );
        write(path, &[(&format!("state/credentials/{id}.yaml"), &text)]);
    };
    credential("far", "1", "2200-01-01");
    credential("near", "2", &soon());
    let mut door = Serving::start_folder_configured(path);
    assert!(door.seen().contains("webhooks are told nothing"), "{}", door.seen());
    let line = door.wait_for("event=\"credential.due\"");
    assert!(line.contains("near of app/default"), "{line}");
    credential("new", "3", "2200-01-01");
    let line = door.wait_for("event=\"credential.issued\"");
    assert!(line.contains("new of app/default"), "{line}");
    assert!(!door.seen().contains("far of app/default"), "{}", door.seen());
}

/// A time in an hour.
fn soon() -> String {
    model::Clock::system().now().plus(std::time::Duration::from_secs(3600)).to_string()
}
