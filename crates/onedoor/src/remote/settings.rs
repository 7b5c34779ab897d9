//! Where the running door is, and the credential that it is shown. Never from the command line: others can read that.

use std::{
    fs,
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, anyhow};
use model::Secret;
use serde::{Deserialize, Serialize};

use super::Failure;

/// Where a door listens for management unless told otherwise.
pub(crate) const URL: &str = "http://127.0.0.1:8081";
/// Largest client configuration.
const FILE_BYTES_MAX: u64 = 64 << 10;

/// Which door, and with which credential.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) url: String,
    pub(super) token: Secret<String>,
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

fn variable(name: &str) -> Option<String> {
    std::env::var_os(name)?.into_string().ok()
}

fn config_path(variable: &dyn Fn(&str) -> Option<String>) -> PathBuf {
    let set = |name: &str| variable(name).filter(|it| !it.is_empty()).map(PathBuf::from);
    let folder = set("ONEDOOR_CONFIG_HOME").or_else(|| set("XDG_CONFIG_HOME"));
    let folder = folder.or_else(|| set("HOME").map(|it| it.join(".config")));
    folder.unwrap_or_default().join("onedoor/client.toml")
}

/// Writes the client configuration at `path`, whole or not at all, for our eyes only.
///
/// # Errors
/// What the disk says.
pub(crate) fn write_client_config(path: &Path, url: &str, token: &str) -> anyhow::Result<()> {
    let file = File { url: Some(url.to_owned()), token: Some(token.to_owned()) };
    let text = Secret::new(toml::to_string(&file).context("cannot write the settings as TOML")?);
    write_private(path, text.expose().as_bytes())
        .with_context(|| format!("cannot write {}", path.display()))
}

fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let parent = path.parent().unwrap_or(Path::new("."));
    fs::DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
    let draft = parent.join(format!(".{}.new", uuid::Uuid::new_v4().simple()));
    let mut options = fs::OpenOptions::new();
    let written = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)
        .and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&draft, path));
    if written.is_err() {
        // Best effort: the draft is in nobody's way.
        drop(fs::remove_file(&draft));
    }
    written
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
        let url = url.map(ToOwned::to_owned).or_else(|| set("ONEDOOR_URL"));
        if let Some(token) = set("ONEDOOR_TOKEN") {
            let url = match url {
                Some(url) => url,
                None => read(path)?.and_then(|it| it.url).unwrap_or_else(|| URL.to_owned()),
            };
            return Ok(Self { url: trimmed(&url), token: Secret::new(token) });
        }
        let file = read(path)?;
        let shown = path.display();
        let Some(File { url: home, token: Some(token) }) = file else {
            let text = format!(
                "there is no credential to show: set ONEDOOR_TOKEN, or write token = \"…\" into {shown}; `onedoor init` makes both on a new door"
            );
            return Err(Failure::NoCredential(text));
        };
        let home = trimmed(home.as_deref().unwrap_or(URL));
        let url = url.map_or_else(|| home.clone(), |it| trimmed(&it));
        // A credential goes to the door that it is for, and to no other that somebody names.
        if url != home {
            let text = format!(
                "the credential in {shown} is for {home}: set ONEDOOR_TOKEN to one for {url}"
            );
            return Err(Failure::NoCredential(text));
        }
        Ok(Self { url, token: Secret::new(token.trim().to_owned()) })
    }
}

/// Without what does not matter at its end.
fn trimmed(url: &str) -> String {
    url.trim().trim_end_matches('/').to_owned()
}

fn read(path: &Path) -> anyhow::Result<Option<File>> {
    let shown = path.display();
    let file = match fs::File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.with_context(|| format!("cannot read {shown}"))?,
    };
    let metadata = file.metadata().with_context(|| format!("cannot look at {shown}"))?;
    let mode = metadata.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(anyhow!(
            "{shown} can be read by others (mode {mode:o}): chmod 600 it; if others did read it, revoke its credential"
        ));
    }
    if !metadata.is_file() || metadata.len() > FILE_BYTES_MAX {
        return Err(anyhow!("{shown} is no client configuration: write url and token into it"));
    }
    let mut text = String::new();
    file.take(FILE_BYTES_MAX)
        .read_to_string(&mut text)
        .with_context(|| format!("cannot read {shown}"))?;
    let text = Secret::new(text);
    // The words of the parser show what stands there, and that may be the credential.
    toml::from_str(text.expose()).map(Some).map_err(|error| {
        let before = error.span().and_then(|it| text.expose().get(..it.start)).unwrap_or_default();
        let line = before.matches('\n').count().saturating_add(1);
        anyhow!("{shown}:{line} is wrong: it may hold url = \"…\" and token = \"…\", and no more")
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

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
        found.map(|it| (it.url, it.token.expose().clone()))
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
            write_private(&path, text.as_bytes()).unwrap();
            let failure = find(folder.path(), None, &[]).unwrap_err().to_string();
            assert!(failure.contains(&format!("client.toml:{line} is wrong")), "{failure}");
            assert!(!failure.contains("hunter2"), "{failure}");
        }
    }
}
