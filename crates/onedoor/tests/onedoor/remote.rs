//! The command line of a running door, against a door that is played.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::Stdio,
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};

use crate::binary::{self, Ran};

/// What was asked.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) line: String,
    headers: String,
    body: Value,
}

/// A door that answers as it is told.
pub(crate) struct Door {
    url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Door {
    pub(crate) fn start(answer: impl Fn(&Asked) -> (u16, Value) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let challenge =
            format!("Bearer resource_metadata=\"{url}/.well-known/oauth-protected-resource\"");
        let asked = Arc::<Mutex<Vec<Asked>>>::default();
        let seen = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let request = read(&stream);
                let (status, body) = answer(&request);
                seen.lock().unwrap().push(request);
                let body = body.to_string();
                let length = body.len();
                write!(
                    stream,
                    "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nretry-after: 7\r\n\
                     www-authenticate: {challenge}\r\n\
                     content-length: {length}\r\nconnection: close\r\n\r\n{body}"
                )
                .unwrap();
            }
        });
        Self { url, asked }
    }

    /// Runs the binary against this door.
    pub(crate) fn run(&self, folder: &Path, arguments: &[&str], stdin: &str) -> Ran {
        run(folder, &self.url, Some("odk_canary"), (arguments, stdin))
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

fn read(stream: &TcpStream) -> Asked {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let (mut headers, mut length) = (String::new(), 0);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).unwrap();
        let header = header.to_ascii_lowercase();
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if header.trim().is_empty() {
            break;
        }
        headers.push_str(&header);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let line = line.trim_end().trim_end_matches(" HTTP/1.1").to_owned();
    Asked { line, headers, body: serde_json::from_slice(&body).unwrap_or_default() }
}

fn run(folder: &Path, url: &str, token: Option<&str>, typed: (&[&str], &str)) -> Ran {
    let (arguments, stdin) = typed;
    let mut command = binary::command(folder, arguments);
    command.env("ONEDOOR_CONFIG_HOME", folder).env_remove("ONEDOOR_TOKEN");
    command.env("ONEDOOR_URL", url);
    if let Some(token) = token {
        command.env("ONEDOOR_TOKEN", token);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // Whoever needs no input may have closed it by now.
    drop(child.stdin.take().unwrap().write_all(stdin.as_bytes()));
    let output = child.wait_with_output().unwrap();
    let (out, err) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(!out.contains("odk_canary") && !err.contains("odk_canary"), "{out}{err}");
    Ran { code: output.status.code().unwrap(), out, err }
}

fn client(id: &str) -> Value {
    json!({"id": id, "etag": "\"7\"", "document": {"kind": "agent", "owner": "support-team"}})
}

#[test]
fn a_list_is_a_table_for_people_and_the_answer_itself_for_machines() {
    let folder = tempfile::tempdir().unwrap();
    let door = Door::start(|asked| {
        let is_last = asked.line.contains("cursor=a");
        let (id, next) = if is_last { ("b", Value::Null) } else { ("a", json!("a")) };
        let mut page = json!({"items": [client(id)], "total": 2, "next": next, "revision": 3});
        if is_last {
            page.as_object_mut().unwrap().remove("next");
        }
        (200, page)
    });
    let ran = door.run(folder.path(), &["client", "list", "--filter", "kind=agent"], "");
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(ran.out, "ID  KIND   OWNER\na   agent  support-team\n");
    assert!(ran.err.contains("onedoor client list --all"), "{}", ran.err);
    let [asked] = door.asked().try_into().unwrap();
    assert_eq!(asked.line, "GET /onedoor/v1/clients?filter=kind%3Dagent");
    assert!(asked.headers.contains("authorization: bearer odk_canary"), "{}", asked.headers);
    let ran = door.run(folder.path(), &["client", "list", "--json"], "");
    let answer: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(answer, json!({"items": [client("a")], "total": 2, "next": "a", "revision": 3}));
    door.asked();
    let ran = door.run(folder.path(), &["client", "list", "--all"], "");
    assert_eq!(
        (ran.out.as_str(), ran.err.as_str()),
        ("ID  KIND   OWNER\na   agent  support-team\nb   agent  support-team\n", "")
    );
    assert_eq!(door.asked()[1].line, "GET /onedoor/v1/clients?limit=1000&cursor=a");
}

#[test]
fn what_is_shown_of_a_document_can_be_written_back() {
    let folder = tempfile::tempdir().unwrap();
    let door = Door::start(|_| (200, client("shop-agent")));
    let shown = door.run(folder.path(), &["client", "get", "shop-agent"], "");
    assert_eq!(shown.out, "# client shop-agent, version \"7\"\nkind: agent\nowner: support-team\n");
    let put = ["client", "put", "shop-agent", "-f", "-", "--if-match", "7", "--reason", "a b"];
    let ran = door.run(folder.path(), &put, &shown.out);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let asked = &door.asked()[1];
    assert_eq!(asked.line, "PUT /onedoor/v1/clients/shop-agent?reason=a%20b");
    assert!(asked.headers.contains("if-match: \"7\""), "{}", asked.headers);
    assert_eq!(asked.body, json!({"kind": "agent", "owner": "support-team"}));
}

#[test]
fn every_refusal_is_told_and_has_its_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    for (status, code, want) in [
        (401, 4, "ONEDOOR_TOKEN"),
        (403, 4, "onedoor:get_client"),
        (404, 5, "`onedoor client list`"),
        (409, 6, "in the way"),
        (412, 6, "changed in the meantime"),
        (422, 7, "correct this"),
        (429, 1, "try again in 7 s"),
        (500, 1, "log of the door"),
        (507, 1, "nothing was changed"),
    ] {
        let door = Door::start(move |_| {
            let title = if status == 412 { "Changed in the meantime" } else { "In the way" };
            (
                status,
                json!({
                    "type": "https://onedoor.dev/problems/x", "title": title, "status": status,
                    "detail": "because", "request_id": "r1",
                }),
            )
        });
        let ran = door.run(folder.path(), &["client", "get", "a"], "");
        assert_eq!((ran.code, ran.out.as_str()), (code, ""), "{}", ran.err);
        assert!(ran.err.contains(want) && ran.err.contains("because"), "{}", ran.err);
        assert!(ran.err.contains("--request-id r1"), "{}", ran.err);
    }
}

#[test]
fn all_flaws_are_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let door = Door::start(|_| {
        let flaw = |field| json!({"field": field, "message": "is wrong", "help": "write 1"});
        let errors = [flaw("clients/a.yaml:1"), flaw("clients/a.yaml:2")];
        (422, json!({"title": "Wrong fields", "detail": "2 things", "errors": errors}))
    });
    let ran = door.run(folder.path(), &["client", "put", "a", "-f", "-"], "kind: x\n");
    assert_eq!(ran.code, 7);
    assert!(
        ran.err.contains("  clients/a.yaml:1: is wrong; write 1\n  clients/a.yaml:2: is wrong")
    );
}

#[test]
fn a_value_goes_in_by_the_standard_input_and_is_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let door = Door::start(|_| {
        (201, json!({"id": "stock-key", "version": 2, "state": "active", "revision": 9}))
    });
    let ran = door.run(folder.path(), &["secret", "set", "stock-key"], "hunter2\n");
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.contains("version: 2") && !ran.out.contains("hunter2"), "{}", ran.out);
    assert_eq!(door.asked()[0].body, json!({"value": "hunter2"}));
    for arguments in [&["secret", "set", "k", "hunter2"][..], &["secret", "set", "k", "--value=a"]]
    {
        assert_eq!(door.run(folder.path(), arguments, "").code, 2);
    }
    assert!(door.asked().is_empty());
}

const ROLE: &str = "# kept\r\nallow: [{operations: ['a:*']}]";

#[test]
fn a_folder_is_exported_byte_for_byte_and_nothing_is_overwritten_unasked() {
    let folder = tempfile::tempdir().unwrap();
    let door = Door::start(|_| {
        (200, json!({"revision": 4, "files": {"roles/a.yaml": ROLE, "documents/x/b.yaml": "é\n"}}))
    });
    let ran = door.run(folder.path(), &["export", "new"], "");
    assert_eq!(ran.code, 0, "{}", ran.err);
    let text = |name: &str| fs::read_to_string(folder.path().join("new").join(name)).unwrap();
    assert_eq!((text("roles/a.yaml"), text("documents/x/b.yaml")), (ROLE.into(), "é\n".into()));
    binary::write(folder.path(), &[("new/roles/b.yaml", "allow: []\n"), ("new/README.md", "hi")]);
    door.asked();
    let ran = door.run(folder.path(), &["export", "new"], "");
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("add --force") && door.asked().is_empty(), "{}", ran.err);
    let ran = door.run(folder.path(), &["export", "new", "--force"], "");
    assert!(ran.code == 0 && ran.err.contains("the door has no roles/b.yaml"), "{}", ran.err);
    assert_eq!(text("roles/b.yaml"), "allow: []\n");
    let ran = door.run(folder.path(), &["export", "new", "--force", "--prune"], "");
    assert!(ran.code == 0 && ran.out.contains("removed roles/b.yaml"), "{}", ran.out);
    assert!(!folder.path().join("new/roles/b.yaml").exists());
    assert_eq!(text("README.md"), "hi");
}

#[test]
fn a_door_that_names_files_outside_the_folder_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let door = Door::start(|_| {
        (200, json!({"revision": 4, "files": {"roles/a.yaml": "", "roles/../../b.yaml": ""}}))
    });
    let ran = door.run(folder.path(), &["export", "new"], "");
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("nothing was written"), "{}", ran.err);
    assert!(!folder.path().join("new").exists() && !folder.path().join("b.yaml").exists());
}

#[test]
fn drift_is_exit_code_3_and_a_diff_that_patch_understands() {
    let folder = tempfile::tempdir().unwrap();
    binary::write(
        folder.path(),
        &[("state/roles/a.yaml", ROLE), ("state/README.md", "hi"), ("state/roles/.b.yaml", "x")],
    );
    let door = Door::start(|asked| {
        let before = if asked.body["files"]["roles/a.yaml"] == ROLE { "" } else { "x" };
        let change = json!({"path": "roles/a.yaml", "action": "changed", "before": "a\nb\n", "after": "a\nc\n"});
        let changes = if before.is_empty() { json!([change]) } else { json!([]) };
        (200, json!({"revision": 4, "changes": changes, "applied": true}))
    });
    let ran = door.run(folder.path(), &["diff", "-f", "state"], "");
    assert_eq!(ran.code, 3, "{}", ran.err);
    assert_eq!(ran.out, "--- a/roles/a.yaml\n+++ b/roles/a.yaml\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n");
    let [asked] = door.asked().try_into().unwrap();
    assert_eq!(asked.line, "POST /onedoor/v1/state/diff");
    assert_eq!(asked.body, json!({"files": {"roles/a.yaml": ROLE}}));
    let apply = ["apply", "-f", "state", "--prune", "--reason", "why", "--base", "4"];
    let ran = door.run(folder.path(), &apply, "");
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(
        ran.out.contains("changed roles/a.yaml\n") && ran.out.contains("revision 4"),
        "{}",
        ran.out
    );
    let [asked] = door.asked().try_into().unwrap();
    assert_eq!(
        asked.body,
        json!({
            "files": {"roles/a.yaml": ROLE}, "prune": true, "dry_run": false,
            "reason": "why", "base": 4,
        })
    );
    binary::write(folder.path(), &[("state/roles/a.yaml", "allow: []\n")]);
    let ran = door.run(folder.path(), &["diff", "-f", "state"], "");
    assert_eq!((ran.code, ran.out.as_str()), (0, "no drift from revision 4\n"));
}

#[test]
fn without_a_good_credential_nothing_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let door = Door::start(|_| (200, json!({})));
    let whoami = (&["whoami"][..], "");
    let ran = run(folder.path(), &door.url, None, whoami);
    assert_eq!(ran.code, 4);
    assert!(ran.err.contains("set ONEDOOR_TOKEN"), "{}", ran.err);
    let config = format!("url = \"{}\"\ntoken = \"odk_canary\"\n", door.url);
    binary::write(folder.path(), &[("onedoor/client.toml", &config)]);
    let path = folder.path().join("onedoor/client.toml");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let ran = run(folder.path(), "", None, whoami);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("can be read by others (mode 644)"), "{}", ran.err);
    assert!(door.asked().is_empty());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let ran = run(folder.path(), "", None, whoami);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(door.asked()[0].headers.contains("bearer odk_canary"));
}

#[test]
fn a_door_that_is_not_there_is_told_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (url, want) in [
        (format!("http://{free}"), "is Onedoor running there?"),
        ("http://192.0.2.1:8081".to_owned(), "write https://"),
        ("here".to_owned(), "is no address of a door"),
    ] {
        let ran = run(folder.path(), &url, Some("odk_canary"), (&["whoami"], ""));
        assert_eq!((ran.code, ran.out.as_str()), (1, ""));
        assert!(ran.err.contains(want), "{}", ran.err);
    }
}

/// Else it would get tokens that are good there.
#[test]
fn a_door_that_says_it_is_another_one_gets_nobody_signed_in() {
    let folder = tempfile::tempdir().unwrap();
    for (resource, servers) in
        [("https://manage.example", "https://door.example"), ("http://127.0.0.1:8", "x")]
    {
        let door = Door::start(move |asked| match &*asked.line {
            "GET /onedoor/v1/whoami" => (401, json!({})),
            _ => (200, json!({"resource": resource, "authorization_servers": [servers]})),
        });
        let ran = run(folder.path(), &door.url, None, (&["login"], ""));
        assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{}", ran.err);
        assert!(ran.err.contains(&format!("says that it is {resource}")), "{}", ran.err);
        let asked: Vec<_> = door.asked().into_iter().map(|it| it.line).collect();
        assert_eq!(asked, ["GET /onedoor/v1/whoami", "GET /.well-known/oauth-protected-resource"]);
    }
}

#[test]
fn an_issuer_whose_metadata_names_another_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let own = Arc::<Mutex<String>>::default();
    let known = Arc::clone(&own);
    let door = Door::start(move |asked| {
        let url = known.lock().unwrap().clone();
        match &*asked.line {
            "GET /onedoor/v1/whoami" => (401, json!({})),
            "GET /.well-known/oauth-protected-resource" => {
                (200, json!({"resource": url, "authorization_servers": [url]}))
            }
            _ => (200, json!({"issuer": "https://door.example", "token_endpoint": url})),
        }
    });
    own.lock().unwrap().clone_from(&door.url);
    let ran = run(folder.path(), &door.url, None, (&["login"], ""));
    assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{}", ran.err);
    assert!(ran.err.contains("is not about"), "{}", ran.err);
    assert!(door.asked().iter().all(|it| it.line.starts_with("GET")));
}

#[test]
fn completions_know_the_commands_of_the_door() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let ran = binary::onedoor(folder.path(), &["completions", shell]);
        assert_eq!(ran.code, 0);
        for word in ["rollback", "if-match", "export", "retire"] {
            assert!(ran.out.contains(word), "{shell}: {word}");
        }
    }
}
