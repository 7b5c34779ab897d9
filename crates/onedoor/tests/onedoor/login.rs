//! `onedoor login`: a person signs in by a browser at a running door, and manages it without a key.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, Stdio},
};

use serde_json::Value;
use testkit::{Answer, Authority, TlsClient};

use crate::{
    binary::{Ran, command, write},
    browser::Browser,
    managed::init,
    serving::Serving,
};

const PASSWORD: &str = "correct horse battery";

const CONFIG: &str = "\
[tls]
certificate = \"tls/door.pem\"
key = \"tls/door.key\"

[management_tls]
certificate = \"tls/door.pem\"
key = \"tls/door.key\"
";

/// A person in each of two groups, of which one may manage.
const FILES: &[(&str, &str)] = &[
    (
        "state/clients/operators.yaml",
        "kind: service\nowner: platform\nprofiles:\n  admin:\n    roles: [admin]\n    \
         tokens: {grants: [device_code, refresh_token]}\n",
    ),
    (
        "state/admissions/operators.yaml",
        "profile: operators/admin\nregistrations: [command_line]\ngroups: [operators]\n",
    ),
];

/// A door over a new store, by TLS under an authority that no system trusts.
struct Door {
    folder: tempfile::TempDir,
    authority: Authority,
    serving: Serving,
    key: String,
}

impl Door {
    fn start() -> Self {
        let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
        authority.issue("door", "/CN=localhost", "DNS:localhost,IP:127.0.0.1");
        for name in ["door.pem", "door.key", "ca.pem"] {
            let path = folder.path().join("tls").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, authority.read(name)).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        write(folder.path(), &[("onedoor.toml", CONFIG)]);
        let key = init(folder.path());
        let serving = Serving::start_managed_tls(folder.path());
        Self { folder, authority, serving, key }
    }

    fn url(&self) -> String {
        format!("https://{}", self.serving.management_address())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let folder = self.folder.path();
        let mut command = command(folder, arguments);
        command.env("ONEDOOR_URL", self.url()).env("SSL_CERT_FILE", folder.join("tls/ca.pem"));
        command.env("XDG_CONFIG_HOME", folder.join("config"));
        command.env("XDG_STATE_HOME", folder.join("local"));
        command.env_remove("ONEDOOR_TOKEN").env_remove("ONEDOOR_STATE_HOME");
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        ran(self.command(arguments).spawn().unwrap())
    }

    /// Declares [`FILES`] and Ann, as the operator that `onedoor init` made.
    fn declare(&self) {
        let mut hash = command(self.folder.path(), &["password"]);
        let hash = hash.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = hash.spawn().unwrap();
        child.stdin.take().unwrap().write_all(PASSWORD.as_bytes()).unwrap();
        let hash = ran(child).out;
        let ann = format!("groups: [operators]\npassword: {}\n", hash.trim());
        write(self.folder.path(), FILES);
        write(self.folder.path(), &[("state/users/ann.yaml", &ann)]);
        let mut apply = self.command(&["apply", "-f", "state"]);
        let ran = ran(apply.env("ONEDOOR_TOKEN", &self.key).spawn().unwrap());
        assert_eq!(ran.code, 0, "{}", ran.err);
    }

    /// Begins to sign in: the command, what is left of its standard error, and the page that it names.
    fn begin(&self) -> (Child, BufReader<ChildStderr>, String) {
        let mut child = self.command(&["login"]).spawn().unwrap();
        let mut told = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("?user_code=") {
            line.clear();
            assert!(told.read_line(&mut line).unwrap() > 0, "it names no page");
        }
        let page = line.split_whitespace().find(|it| it.contains("://")).unwrap().to_owned();
        (child, told, page)
    }

    fn client(&self) -> TlsClient {
        TlsClient::new(&self.authority, &["http/1.1"], None)
    }

    /// Signs Ann in, by a browser.
    async fn sign_in(&self) -> Ran {
        let (child, mut told, page) = self.begin();
        let consumers = self.serving.address();
        let page = page.strip_prefix(&format!("https://{consumers}")).unwrap();
        let (_, code) = page.split_once('=').unwrap();
        let mut browser = Browser::new(self.client(), consumers);
        browser.open(page).await;
        let ann = [("name", "ann"), ("password", PASSWORD)];
        browser.send("/oauth/device/sign-in", &ann).await;
        browser.open(page).await;
        browser.send("/oauth/device", &[("user_code", code)]).await;
        for want in ["Onedoor command line", "operators/admin", "Delete a client"] {
            assert!(browser.page.contains(want), "{want}: {}", browser.page);
        }
        browser.send("/oauth/consent", &[("decision", "allow")]).await;
        let mut ran = ran(child);
        told.read_to_string(&mut ran.err).unwrap();
        ran
    }

    async fn manage(&self, path: &str, token: &str) -> Answer {
        let bearer = format!("Bearer {token}");
        let address = self.serving.management_address();
        let mut connection = self.client().connect(address).await.unwrap();
        connection.get(path, &[("authorization", &bearer)]).await.unwrap()
    }

    /// The file that holds the tokens; none where nobody is signed in.
    fn kept(&self) -> Option<PathBuf> {
        let logins = self.folder.path().join("local/onedoor/logins");
        let mut files = fs::read_dir(logins).ok()?.map(|it| it.unwrap().path());
        files.find(|it| it.extension().is_some_and(|it| it == "toml"))
    }
}

fn ran(child: Child) -> Ran {
    let output = child.wait_with_output().unwrap();
    Ran {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// What the file says of `name`.
fn said(file: &Path, name: &str) -> String {
    let text = fs::read_to_string(file).unwrap();
    let line = text.lines().find_map(|it| it.strip_prefix(&format!("{name} = ")));
    line.unwrap().trim_matches('"').to_owned()
}

/// As if the access token had ended.
fn age(file: &Path) {
    let (text, expires) = (fs::read_to_string(file).unwrap(), said(file, "expires"));
    fs::write(file, text.replace(&expires, "1")).unwrap();
}

#[tokio::test]
async fn a_person_signs_in_by_a_browser_and_manages_the_door_without_a_key() {
    let door = Door::start();
    let refused = door.run(&["login"]);
    assert_eq!(refused.code, 4, "{}", refused.err);
    assert!(refused.err.contains("registrations: [command_line]"), "{}", refused.err);
    door.declare();
    let nobody = door.run(&["whoami"]);
    assert!(nobody.code == 4 && nobody.err.contains("`onedoor login"), "{}", nobody.err);

    let signed_in = door.sign_in().await;
    assert!(signed_in.code == 0 && signed_in.out.contains("signed in at"), "{}", signed_in.err);
    let whoami = door.run(&["whoami"]);
    assert!(whoami.code == 0 && whoami.out.contains("operators/admin"), "{}", whoami.err);
    assert!(whoami.out.contains("local:ann"), "{}", whoami.out);
    let kept = door.kept().unwrap();
    assert_eq!(fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);

    // Many commands at once renew it once: a refresh token that comes twice would end all of it.
    let (first, refresh) = (said(&kept, "access_token"), said(&kept, "refresh_token"));
    age(&kept);
    let many: Vec<_> = (0..6).map(|_| door.command(&["whoami"]).spawn().unwrap()).collect();
    for child in many {
        let ran = ran(child);
        assert_eq!(ran.code, 0, "{}", ran.err);
    }
    let second = said(&kept, "refresh_token");
    assert!(second != refresh && said(&kept, "access_token") != first);
    age(&kept);
    let renewed = door.run(&["client", "list"]);
    assert_eq!(renewed.code, 0, "{}", renewed.err);

    let token = said(&kept, "access_token");
    assert_eq!(door.manage("/onedoor/v1/whoami", &token).await.status, 200);
    let signed_out = door.run(&["logout"]);
    assert_eq!((signed_out.code, door.kept()), (0, None), "{}", signed_out.err);
    assert_eq!(door.manage("/onedoor/v1/whoami", &token).await.status, 401);
    assert_eq!(door.run(&["whoami"]).code, 4);
    let again = door.run(&["logout"]);
    assert!(again.code == 0 && again.err.contains("nobody is signed in"), "{}", again.err);
}

#[tokio::test]
async fn a_sign_in_that_the_door_ended_says_so_and_is_replaced_by_a_new_one() {
    let door = Door::start();
    door.declare();
    let signed_in = door.sign_in().await;
    assert_eq!(signed_in.code, 0, "{}", signed_in.err);
    let kept = door.kept().unwrap();
    let first = said(&kept, "access_token");
    assert_eq!(door.sign_in().await.code, 0);
    // The earlier one ends with that: nobody could take it back any more.
    assert_eq!(door.manage("/onedoor/v1/whoami", &first).await.status, 401);
    fs::remove_file(door.folder.path().join("state/admissions/operators.yaml")).unwrap();
    let mut delete = door.command(&["admission", "delete", "operators"]);
    assert_eq!(ran(delete.env("ONEDOOR_TOKEN", &door.key).spawn().unwrap()).code, 0);
    let refused = door.run(&["whoami"]);
    assert!(refused.code == 4 && refused.err.contains("`onedoor login`"), "{}", refused.err);
    age(&kept);
    let over = door.run(&["whoami"]);
    assert!(over.code == 4 && over.err.contains("your sign-in is over"), "{}", over.err);
    for text in [&refused.err, &over.err] {
        assert!(!text.contains(&said(&kept, "refresh_token")), "{text}");
    }
}

#[tokio::test]
async fn operators_see_what_a_person_gave_and_end_it_and_an_account_ends_it_for_good() {
    let door = Door::start();
    door.declare();
    let operator = |arguments: &[&str]| {
        let ran = ran(door.command(arguments).env("ONEDOOR_TOKEN", &door.key).spawn().unwrap());
        assert_eq!(ran.code, 0, "{arguments:?}: {}", ran.err);
        ran.out
    };
    let listed = |arguments: &[&str]| {
        let answer: Value = serde_json::from_str(&operator(arguments)).unwrap();
        answer["items"].as_array().unwrap().clone()
    };
    assert_eq!(door.sign_in().await.code, 0);
    let token = said(&door.kept().unwrap(), "access_token");
    let grants = listed(&["grant", "list", "--person", "local:ann", "--json"]);
    assert_eq!(grants.len(), 1, "{grants:?}");
    assert_eq!(
        (&grants[0]["client"], &grants[0]["state"]),
        (&"onedoor-cli".into(), &"good".into())
    );
    assert_eq!(listed(&["consent", "list", "--json"])[0]["person"], "local:ann");
    assert_eq!(listed(&["sign_in", "list", "--json"])[0]["person"], "local:ann");
    assert!(listed(&["registration", "list", "--json"]).is_empty());
    assert!(operator(&["grant", "revoke", "--person", "local:ann"]).contains("revoked: 1"));
    assert_eq!(door.manage("/onedoor/v1/whoami", &token).await.status, 401);
    assert!(operator(&["sign_in", "end", "--person", "local:ann"]).contains("ended: 1"));

    // By a stop, which is lifted again; and by the account, which gives nothing back.
    assert_eq!(door.sign_in().await.code, 0);
    let token = said(&door.kept().unwrap(), "access_token");
    let whoami = async || door.manage("/onedoor/v1/whoami", &token).await.status.as_u16();
    operator(&["stop", "put", "lost", "--person", "local:ann", "--because", "a test"]);
    assert_eq!(whoami().await, 403);
    operator(&["stop", "delete", "lost"]);
    assert_eq!(whoami().await, 200);
    let account = door.folder.path().join("state/users/ann.yaml");
    let enabled = fs::read_to_string(&account).unwrap();
    let put = ["user", "put", "ann", "-f", "state/users/ann.yaml"];
    fs::write(&account, format!("{enabled}enabled: false\n")).unwrap();
    let told = operator(&put);
    assert!(told.contains("ended for good: grants 1, sign-ins 1"), "{told}");
    assert_eq!(whoami().await, 401);
    fs::write(&account, enabled).unwrap();
    assert!(!operator(&put).contains("ended"));
    assert_eq!(whoami().await, 401);
    let over = door.run(&["whoami"]);
    assert_eq!(over.code, 4, "{}", over.err);
}

#[tokio::test]
async fn a_sign_in_that_cannot_be_kept_is_taken_back() {
    let door = Door::start();
    door.declare();
    // No folder can be made where a file is.
    fs::write(door.folder.path().join("local"), "").unwrap();
    let failed = door.sign_in().await;
    assert!(failed.code == 1 && failed.err.contains("cannot lock"), "{}", failed.err);
    let records = audit::records(&door.folder.path().join(".onedoor/audit")).unwrap();
    let at = |path: &str| records.iter().rfind(|it| it["path"] == path);
    assert_eq!(at("/oauth/token").unwrap()["status"], 200, "{records:?}");
    assert_eq!(at("/oauth/revoke").unwrap()["status"], 200, "{records:?}");
}

#[tokio::test]
async fn management_says_by_its_own_address_who_gives_tokens_for_it() {
    let door = Door::start();
    for resource in ["", "/mcp", "/mcp/onedoor"] {
        let path = format!("/.well-known/oauth-protected-resource{resource}");
        let document = door.manage(&path, "none").await.json();
        assert_eq!(document["resource"], format!("{}{resource}", door.url()), "{document}");
        let servers = &document["authorization_servers"];
        assert_eq!(servers[0], format!("https://{}", door.serving.address()));
        assert_eq!(document["scopes_supported"][0], "collection:onedoor");
    }
    let answer = door.manage("/onedoor/v1/whoami", "none").await;
    let want = format!(
        "resource_metadata=\"{}/.well-known/oauth-protected-resource\", scope=\"collection:onedoor\"",
        door.url()
    );
    assert!(answer.header("www-authenticate").contains(&want), "{answer:?}");
    // There is nothing else of that kind, and no page where people sign in.
    for path in ["/.well-known/oauth-protected-resource/mcp/orders", "/oauth/device"] {
        let answer = door.manage(path, "none").await;
        assert_ne!(answer.status, 200, "{path}");
        assert_eq!(answer.json()["resource"], Value::Null);
    }
}
