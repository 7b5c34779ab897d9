//! Bodies are kept, shown and forgotten: over both surfaces, by the command line, and over a restart.

use std::{fs, path::Path, process::Command};

use serde_json::{Value, json};
use testkit::Recorder;

use crate::{
    binary::{Ran, STATE, write},
    managed::Managed,
    serving::Serving,
};

/// A door in front of `upstream`, which keeps the bodies of answers about an order.
fn managed(upstream: &Recorder) -> (Managed, String) {
    let managed = Managed::start();
    write(managed.folder.path(), STATE);
    let collection = format!(
        "owner: team\nupstream: {{url: '{}'}}\ndocument: documents/orders.yaml\n\
         audit: {{bodies: {{keep: both, subject: {{kind: order, argument: id}}}}}}\n",
        upstream.url()
    );
    write(managed.folder.path(), &[("state/collections/orders.yaml", &collection)]);
    managed.done(&["apply", "-f", "state"]);
    let issued = managed.done(&["credential", "issue", "--profile", "app/default", "--json"]);
    let issued: Value = serde_json::from_str(&issued).unwrap();
    (managed, issued["key"].as_str().unwrap().to_owned())
}

/// How often records are looked for; each time a program is started for that.
const LOOKS_MAX: usize = 500;

/// The ids of the calls of whose bodies there is a record, the oldest first.
fn calls(managed: &Managed, count: usize) -> Vec<String> {
    let query = ["audit", "query", "--kind", "bodies", "--order", "oldest", "--json"];
    for _ in 0..LOOKS_MAX {
        let found: Value = serde_json::from_str(&managed.done(&query)).unwrap();
        let items = found["items"].as_array().unwrap();
        if items.len() >= count {
            return items.iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect();
        }
    }
    panic!("there are no records of the bodies of {count} calls");
}

fn body(managed: &Managed, id: &str) -> Ran {
    managed.run(&["audit", "body", id, "response", "--json"])
}

/// What both verifiers say of the log.
fn verified(managed: &Managed) {
    let verify = ["audit", "verify", ".onedoor/audit", "--key", ".onedoor/audit.pub"];
    managed.done(&verify);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/audit/verify.py");
    let data = managed.folder.path().join(".onedoor");
    let key = fs::read_to_string(data.join("audit.pub")).unwrap();
    let home = std::env::home_dir().unwrap();
    let python = home.join(".cache/onedoor/python/cryptography-50.0.2/bin/python");
    assert!(python.exists(), "{} is missing: `cargo xtask test` makes it", python.display());
    let mut python = Command::new(python);
    python.arg(script).args(["--key", key.trim()]).arg(data.join("audit"));
    let told = String::from_utf8(python.output().unwrap().stdout).unwrap();
    assert!(told.starts_with("ok"), "{told}");
}

fn holds(folder: &Path, text: &str) -> bool {
    fs::read_dir(folder).unwrap().any(|it| {
        let path = it.unwrap().path();
        if path.is_dir() {
            return holds(&path, text);
        }
        let bytes = fs::read(&path).unwrap_or_default();
        bytes.windows(text.len()).any(|it| it == text.as_bytes())
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subject_is_forgotten_for_good_and_the_log_is_checked_as_before() {
    let upstream = Recorder::start().await;
    upstream.publish("/orders/7", r#"{"customer":"Ann-Marie-0815"}"#);
    let (mut managed, key) = managed(&upstream);
    let client = managed.door.client();
    let bearer = format!("Bearer {key}");
    let headers = [("authorization", bearer.as_str())];
    let rest = client.send("GET", "/orders/orders/7", &headers, "").await;
    assert_eq!(rest.status, 200, "{}", rest.text());
    let tool = client.call_tool(&key, "orders_get_order", &json!({"id": 7})).await;
    assert_eq!(tool.json()["result"]["isError"], false, "{}", tool.text());
    client.send("GET", "/orders/orders/8", &headers, "").await;
    let ids = calls(&managed, 3);
    let (of_seven, of_eight) = ids.split_at(2);
    for id in of_seven {
        let shown: Value = serde_json::from_str(&body(&managed, id).out).unwrap();
        assert_eq!(shown["text"], r#"{"customer":"Ann-Marie-0815"}"#);
        let request = managed.run(&["audit", "body", id, "request"]);
        assert!(request.code != 0 && request.err.contains("no bytes"), "{}", request.err);
    }
    let audit = managed.folder.path().join(".onedoor");
    assert!(!holds(&audit, "Ann-Marie-0815"));
    verified(&managed);

    let forget = ["audit", "forget", "--kind", "order", "--id", "7", "--reason", "request 17"];
    assert!(managed.done(&forget).contains("true"));
    for _ in 0..2 {
        for id in of_seven {
            let gone = body(&managed, id);
            assert!(gone.code != 0 && gone.err.contains("forgotten"), "{}{}", gone.out, gone.err);
        }
        assert_eq!(body(&managed, &of_eight[0]).code, 0);
        assert!(managed.done(&forget).contains("false"));
        verified(&managed);
        // It stays so after a kill.
        managed.door.signal("KILL");
        managed.door = Serving::start_managed(managed.folder.path());
    }
    let told = managed.done(&["audit", "query", "--event", "bodies.forget", "--json"]);
    assert!(told.contains("request 17") && told.contains("order hmac:"), "{told}");
    let read = ["audit", "query", "--operation", "onedoor.get_audit_body", "--json"];
    assert!(managed.done(&read).contains(&of_seven[0]));

    // What comes now has another key.
    let client = managed.door.client();
    client.send("GET", "/orders/orders/7", &headers, "").await;
    let again = calls(&managed, 4).pop().unwrap();
    assert_eq!(body(&managed, &again).code, 0);
    assert!(body(&managed, &of_seven[0]).err.contains("forgotten"));
}
