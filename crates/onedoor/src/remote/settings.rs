//! Where the running door is, and the credential that it is shown. Never from the command line: others can read that.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use model::Secret;
use serde::{Deserialize, Serialize};

use super::{
    Failure,
    login::Place,
    private_file::{self, folder, variable},
};

/// Where a door listens for management unless told otherwise.
pub(crate) const URL: &str = "http://127.0.0.1:8081";
/// What may stand in `client.toml`.
const HOLDS: &str = "url = \"…\" and token = \"…\"";

/// Which door, and with which credential.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) url: String,
    pub(super) credential: Credential,
}

/// What is shown to it.
#[derive(Debug)]
pub(super) enum Credential {
    /// A key or token that somebody put down.
    Given(Secret<String>),
    /// What a sign-in left there.
    SignedIn(Place),
}

/// `client.toml`.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

/// Where the client configuration is: in the folder that is meant for it.
pub(crate) fn client_config_path() -> PathBuf {
    config_path(&variable)
}

fn config_path(variable: &dyn Fn(&str) -> Option<String>) -> PathBuf {
    folder(variable, ["ONEDOOR_CONFIG_HOME", "XDG_CONFIG_HOME", ".config"]).join("client.toml")
}

/// Writes the client configuration at `path`, whole or not at all, for our eyes only.
///
/// # Errors
/// What the disk says.
pub(crate) fn write_client_config(path: &Path, url: &str, token: &str) -> anyhow::Result<()> {
    let file = File { url: Some(url.to_owned()), token: Some(token.to_owned()) };
    let text = Secret::new(toml::to_string(&file).context("cannot write the settings as TOML")?);
    private_file::write(path, text.expose().as_bytes())
        .with_context(|| format!("cannot write {}", path.display()))
}

impl Settings {
    /// The door at `url`, else at the one of the environment, of the file, or the usual one.
    ///
    /// # Errors
    /// Where there is no credential, or the file is broken or can be read by others.
    pub(super) fn find(url: Option<&str>) -> Result<Self, Failure> {
        Self::of(url, &client_config_path(), &variable)
    }

    fn of(
        url: Option<&str>,
        path: &Path,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, Failure> {
        let set = |name: &str| variable(name).map(|it| it.trim().to_owned());
        let set = |name: &str| set(name).filter(|it| !it.is_empty());
        let named = url.map(ToOwned::to_owned).or_else(|| set("ONEDOOR_URL"));
        if let Some(token) = set("ONEDOOR_TOKEN") {
            let url = match named {
                Some(url) => url,
                None => read(path)?.and_then(|it| it.url).unwrap_or_else(|| URL.to_owned()),
            };
            let credential = Credential::Given(Secret::new(token));
            return Ok(Self { url: trimmed(&url), credential });
        }
        let file = read(path)?;
        let home = file.as_ref().and_then(|it| it.url.as_deref());
        let home = trimmed(home.unwrap_or(URL));
        let url = named.map_or_else(|| home.clone(), |it| trimmed(&it));
        // Whoever signed in means to be that person here, whatever key was put down before.
        let place = Place::of(&url, variable);
        if place.is_taken() {
            return Ok(Self { url, credential: Credential::SignedIn(place) });
        }
        let shown = path.display();
        let Some(token) = file.and_then(|it| it.token) else {
            let text = format!(
                "there is no credential to show: `onedoor login` signs you in, or set ONEDOOR_TOKEN, or write token = \"…\" into {shown}; `onedoor init` makes the first one on a new door"
            );
            return Err(Failure::NoCredential(text));
        };
        // A credential goes to the door that it is for, and to no other that somebody names.
        if url != home {
            let text = format!(
                "the credential in {shown} is for {home}: `onedoor login --url {url}` signs you in there, or set ONEDOOR_TOKEN to one for it"
            );
            return Err(Failure::NoCredential(text));
        }
        let credential = Credential::Given(Secret::new(token.trim().to_owned()));
        Ok(Self { url, credential })
    }

    /// Where the door is, whatever there is to show to it; and where a sign-in there is kept.
    ///
    /// # Errors
    /// Where the file is broken or can be read by others.
    pub(super) fn door(url: Option<&str>) -> Result<(String, Place), Failure> {
        let set = |name: &str| variable(name).filter(|it| !it.trim().is_empty());
        let url = match url.map(ToOwned::to_owned).or_else(|| set("ONEDOOR_URL")) {
            Some(url) => url,
            None => {
                read(&client_config_path())?.and_then(|it| it.url).unwrap_or_else(|| URL.into())
            }
        };
        let url = trimmed(&url);
        let place = Place::of(&url, &variable);
        Ok((url, place))
    }
}

/// Without what does not matter at its end.
fn trimmed(url: &str) -> String {
    url.trim().trim_end_matches('/').to_owned()
}

fn read(path: &Path) -> anyhow::Result<Option<File>> {
    private_file::read(path, HOLDS)
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;

    fn find(
        folder: &Path,
        url: Option<&str>,
        set: &[(&str, &str)],
    ) -> Result<(String, String), Failure> {
        let path = folder.join("onedoor/client.toml");
        let found = Settings::of(url, &path, &|name| {
            set.iter().find(|it| it.0 == name).map(|it| it.1.to_owned())
        });
        found.map(|it| match it.credential {
            Credential::Given(token) => (it.url, token.expose().clone()),
            Credential::SignedIn(_) => (it.url, "signed in".to_owned()),
        })
    }

    #[test]
    fn the_file_is_in_the_folder_that_is_meant_for_it() {
        for (set, want) in [
            (&["ONEDOOR_CONFIG_HOME", "XDG_CONFIG_HOME", "HOME"][..], "ONEDOOR_CONFIG_HOME"),
            (&["XDG_CONFIG_HOME", "HOME"], "XDG_CONFIG_HOME"),
            (&["HOME"], "HOME/.config"),
        ] {
            let path = config_path(&|name| set.contains(&name).then(|| name.to_owned()));
            assert_eq!(path, Path::new(want).join("onedoor/client.toml"));
        }
    }

    #[test]
    fn the_command_line_comes_before_the_environment_and_that_before_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("onedoor/client.toml");
        write_client_config(&path, "http://127.0.0.1:9/", "a\"b\\c").unwrap();
        let token = [("ONEDOOR_TOKEN", " odk_2\n"), ("ONEDOOR_URL", "http://127.0.0.1:3")];
        for (url, set, want) in [
            (None, &[][..], ("http://127.0.0.1:9", "a\"b\\c")),
            (None, &token[..1], ("http://127.0.0.1:9", "odk_2")),
            (None, &token[..], ("http://127.0.0.1:3", "odk_2")),
            (Some("http://127.0.0.1:4"), &token[..], ("http://127.0.0.1:4", "odk_2")),
        ] {
            let found = find(folder.path(), url, set).unwrap();
            assert_eq!((found.0.as_str(), found.1.as_str()), want);
        }
        let other = tempfile::tempdir().unwrap();
        assert_eq!(find(other.path(), None, &token[..1]).unwrap().0, URL);
    }

    #[test]
    fn a_credential_of_the_file_is_shown_to_no_other_door() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("onedoor/client.toml");
        write_client_config(&path, "http://127.0.0.1:9", "odk_1").unwrap();
        for (url, set) in [
            (Some("https://elsewhere.example"), &[][..]),
            (None, &[("ONEDOOR_URL", "https://elsewhere.example")][..]),
        ] {
            let failure = find(folder.path(), url, set).unwrap_err();
            assert!(failure.to_string().contains("is for http://127.0.0.1:9"), "{failure}");
            assert_eq!(failure.code(), 4);
        }
        assert!(find(folder.path(), Some("http://127.0.0.1:9/"), &[]).is_ok());
    }

    #[test]
    fn who_signed_in_is_that_person_there_unless_the_environment_says_otherwise() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("onedoor/client.toml");
        write_client_config(&path, "http://127.0.0.1:9", "odk_1").unwrap();
        let state = folder.path().join("state");
        let state = ("ONEDOOR_STATE_HOME", state.to_str().unwrap());
        let set = [state, ("ONEDOOR_TOKEN", "odk_2")];
        let token = |url, set: &[_]| find(folder.path(), url, set).unwrap().1;
        assert_eq!(token(None, &set[..1]), "odk_1");
        let place =
            Place::of("http://127.0.0.1:9", &|name| (name == state.0).then(|| state.1.to_owned()));
        private_file::write(place.path(), b"").unwrap();
        assert_eq!(token(None, &set[..1]), "signed in");
        assert_eq!(token(Some("http://127.0.0.1:9/"), &set[..1]), "signed in");
        assert_eq!(token(None, &set), "odk_2");
        // It is signed in at that door, and at no other.
        assert!(find(folder.path(), Some("http://127.0.0.1:10"), &set[..1]).is_err());
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("onedoor/client.toml");
        write_client_config(&path, URL, "odk_1").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        for mode in [0o640, 0o604, 0o660] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let failure = find(folder.path(), None, &[]).unwrap_err();
            assert!(failure.to_string().contains(&format!("mode {mode:o}")), "{failure}");
        }
    }

    #[test]
    fn a_broken_file_is_refused_and_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("onedoor/client.toml");
        for (text, line) in [
            ("token = \"hunter2", 1),
            ("\nhunter2 = 1", 2),
            ("url = \"a\"\ntoken = ['hunter2']", 2),
        ] {
            private_file::write(&path, text.as_bytes()).unwrap();
            let failure = find(folder.path(), None, &[]).unwrap_err().to_string();
            assert!(failure.contains(&format!("client.toml:{line} is wrong")), "{failure}");
            assert!(!failure.contains("hunter2"), "{failure}");
        }
    }
}
