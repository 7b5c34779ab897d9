//! A door by TLS at which Ann signs in by a browser, for the command line.

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

pub(crate) const PASSWORD: &str = "correct horse battery";

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
pub(crate) struct Door {
    pub(crate) folder: tempfile::TempDir,
    authority: Authority,
    pub(crate) serving: Serving,
    pub(crate) key: String,
}

impl Door {
    pub(crate) fn start() -> Self {
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

    pub(crate) fn url(&self) -> String {
        format!("https://{}", self.serving.management_address())
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let folder = self.folder.path();
        let mut command = command(folder, arguments);
        command.env("ONEDOOR_URL", self.url()).env("SSL_CERT_FILE", folder.join("tls/ca.pem"));
        command.env("XDG_CONFIG_HOME", folder.join("config"));
        command.env("XDG_STATE_HOME", folder.join("local"));
        command.env_remove("ONEDOOR_TOKEN").env_remove("ONEDOOR_STATE_HOME");
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        ran(self.command(arguments).spawn().unwrap())
    }

    /// Declares [`FILES`] and Ann, as the operator that `onedoor init` made.
    pub(crate) fn declare(&self) {
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
    pub(crate) fn begin(&self) -> (Child, BufReader<ChildStderr>, String) {
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

    pub(crate) fn client(&self) -> TlsClient {
        TlsClient::new(&self.authority, &["http/1.1"], None)
    }

    /// Signs Ann in, by a browser.
    pub(crate) async fn sign_in(&self) -> Ran {
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

    /// What a command prints that the first operator types.
    pub(crate) fn operate(&self, arguments: &[&str]) -> String {
        let ran = ran(self.command(arguments).env("ONEDOOR_TOKEN", &self.key).spawn().unwrap());
        assert_eq!(ran.code, 0, "{arguments:?}: {}", ran.err);
        ran.out
    }

    pub(crate) fn listed(&self, noun: &str) -> Vec<Value> {
        let answer: Value = serde_json::from_str(&self.operate(&[noun, "list", "--json"])).unwrap();
        answer["items"].as_array().unwrap().clone()
    }

    pub(crate) async fn manage(&self, path: &str, token: &str) -> Answer {
        let bearer = format!("Bearer {token}");
        let address = self.serving.management_address();
        let mut connection = self.client().connect(address).await.unwrap();
        connection.get(path, &[("authorization", &bearer)]).await.unwrap()
    }

    /// The file that holds the tokens; none where nobody is signed in.
    pub(crate) fn kept(&self) -> Option<PathBuf> {
        let logins = self.folder.path().join("local/onedoor/logins");
        let mut files = fs::read_dir(logins).ok()?.map(|it| it.unwrap().path());
        files.find(|it| it.extension().is_some_and(|it| it == "toml"))
    }
}

pub(crate) fn ran(child: Child) -> Ran {
    let output = child.wait_with_output().unwrap();
    Ran {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// What the file says of `name`.
pub(crate) fn said(file: &Path, name: &str) -> String {
    let text = fs::read_to_string(file).unwrap();
    let line = text.lines().find_map(|it| it.strip_prefix(&format!("{name} = ")));
    line.unwrap().trim_matches('"').to_owned()
}

/// As if the access token had ended.
pub(crate) fn age(file: &Path) {
    let (text, expires) = (fs::read_to_string(file).unwrap(), said(file, "expires"));
    fs::write(file, text.replace(&expires, "1")).unwrap();
}
