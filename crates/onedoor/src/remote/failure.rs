//! Why a command of the running door did not end well: in words, with what to do, and as an exit code.

use std::fmt::{self, Write as _};

use http::StatusCode;
use model::Fault;
use serde_json::Value;

use crate::terminal::Faults;

/// Why it did not end well.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Files to be read have these faults.
    Faults(Vec<Fault>),
    /// There is no credential to show.
    NoCredential(String),
    /// The door said no.
    Refused(Box<Refused>),
    /// It could not be carried out.
    Stopped(anyhow::Error),
    /// Nothing came back from the door.
    Unreached(anyhow::Error),
    /// The command line does not say what is needed.
    Unclear(String),
}

/// What the door said.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(super) status: StatusCode,
    /// The problem document (RFC 9457); null where there was none.
    pub(super) problem: Value,
    /// How long to wait, as the door says it.
    pub(super) retry_after: Option<String>,
    /// The permission that the operation needs.
    pub(super) permission: String,
    /// The command that shows what is there.
    pub(super) list: Option<String>,
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Stopped(error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Stopped(error.into())
    }
}

impl From<Vec<Fault>> for Failure {
    fn from(faults: Vec<Fault>) -> Self {
        Self::Faults(faults)
    }
}

impl Failure {
    /// The exit code, as `--help` promises it.
    pub(super) fn code(&self) -> u8 {
        match self {
            Self::Faults(_) | Self::Stopped(_) | Self::Unreached(_) => 1,
            Self::Unclear(_) => 2,
            Self::NoCredential(_) => 4,
            Self::Refused(refused) => match refused.status.as_u16() {
                401 | 403 => 4,
                404 => 5,
                409 | 412 => 6,
                400 | 413 | 415 | 422 | 431 => 7,
                _ => 1,
            },
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Faults(faults) => Faults(faults).fmt(f),
            Self::NoCredential(text) | Self::Unclear(text) => write!(f, "error: {text}"),
            Self::Refused(refused) => refused.fmt(f),
            Self::Stopped(error) | Self::Unreached(error) => write!(f, "error: {error:#}"),
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let member = |name: &str| self.problem.get(name).and_then(Value::as_str);
        let flaws = self.problem.get("errors").and_then(Value::as_array);
        let flaws = flaws.map(Vec::as_slice).unwrap_or_default();
        let title = member("title").unwrap_or("the door answered no more than a status");
        write!(f, "error: {} ({})", lower(title), self.status.as_u16())?;
        // One flaw is told in the detail already.
        if flaws.len() > 1 {
            f.write_char(':')?;
            flaws.iter().try_for_each(|it| flaw(f, it))?;
        } else if let Some(detail) = member("detail") {
            write!(f, ": {}", visible(detail))?;
        }
        if let Some(rule) = member("rule").or_else(|| member("limit")) {
            write!(f, "\n  by {}", visible(rule))?;
        }
        write!(f, "\n{}", self.help())?;
        match member("request_id") {
            Some(id) => write!(f, "\nits record: onedoor audit query --request-id {}", visible(id)),
            None => Ok(()),
        }
    }
}

impl Refused {
    /// Whether the operation itself answered. Otherwise it was not even found.
    fn is_of_operation(&self) -> bool {
        let kind = self.problem.get("type").and_then(Value::as_str);
        kind.is_some_and(|it| it.starts_with("https://onedoor.dev/problems/"))
    }

    fn help(&self) -> String {
        match self.status.as_u16() {
            401 => "show a good credential: `onedoor login` signs you in, ONEDOOR_TOKEN and token in client.toml take a key; an admin makes one with `onedoor credential issue`".to_owned(),
            403 => format!(
                "`onedoor whoami` shows your roles; the permission that is asked for is {}",
                self.permission
            ),
            404 => match self.list.as_ref().filter(|_| self.is_of_operation()) {
                Some(list) => format!("`{list}` shows what is there and within your reach"),
                None => {
                    "is --url where a Onedoor of this version listens for management?".to_owned()
                }
            },
            409 => "nothing was changed: put first what stands in the way aside".to_owned(),
            412 => "nothing was changed: look at what is there now, and try again with its version".to_owned(),
            400 | 413 | 415 | 422 | 431 => "nothing was changed: correct this and try again".to_owned(),
            429 => match &self.retry_after {
                Some(seconds) => format!("try again in {} s", visible(seconds)),
                None => "try again later".to_owned(),
            },
            507 => "nothing was changed: the door goes on serving what it has".to_owned(),
            502..=504 => "try again shortly; `onedoor health get` shows how the door is".to_owned(),
            300..=399 => "give the address that it leads to as --url: no redirect is followed".to_owned(),
            _ => "the log of the door says why".to_owned(),
        }
    }
}

fn flaw(f: &mut fmt::Formatter<'_>, flaw: &Value) -> fmt::Result {
    let member = |name| flaw.get(name).and_then(Value::as_str).unwrap_or_default();
    write!(f, "\n  {}: {}", visible(member("field")), visible(member("message")))?;
    match member("help") {
        "" => Ok(()),
        help => write!(f, "; {}", visible(help)),
    }
}

fn lower(title: &str) -> String {
    let mut letters = title.chars();
    let first = letters.next().map(|it| it.to_ascii_lowercase());
    visible(&first.into_iter().chain(letters).collect::<String>())
}

/// What came from elsewhere must not move the cursor or change colours.
pub(super) fn visible(text: &str) -> String {
    let is_bad = |it: char| it.is_control() && it != '\t';
    text.chars().map(|it| if is_bad(it) { '\u{fffd}' } else { it }).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(status: u16, problem: Value) -> Failure {
        Failure::Refused(Box::new(Refused {
            status: StatusCode::from_u16(status).unwrap(),
            problem,
            retry_after: Some("7".to_owned()),
            permission: "onedoor:put_client".to_owned(),
            list: Some("onedoor client list".to_owned()),
        }))
    }

    #[test]
    fn every_refusal_has_its_exit_code_and_says_what_to_do() {
        for (status, code, want) in [
            (401, 4, "ONEDOOR_TOKEN"),
            (403, 4, "onedoor:put_client"),
            (404, 5, "`onedoor client list`"),
            (409, 6, "nothing was changed"),
            (412, 6, "try again with its version"),
            (400, 7, "correct this"),
            (422, 7, "correct this"),
            (429, 1, "in 7 s"),
            (500, 1, "the log of the door"),
            (503, 1, "try again shortly"),
            (507, 1, "goes on serving"),
            (302, 1, "no redirect is followed"),
        ] {
            let kind = "https://onedoor.dev/problems/x";
            let problem = json!({"type": kind, "title": "Title", "detail": "detail"});
            let failure = refused(status, problem);
            assert_eq!(failure.code(), code, "{status}");
            let text = failure.to_string();
            assert!(text.contains(want), "{text}");
            assert!(text.starts_with(&format!("error: title ({status}): detail\n")), "{text}");
        }
    }

    #[test]
    fn an_address_that_is_no_management_api_is_not_taken_for_a_missing_thing() {
        let missing =
            json!({"type": "https://onedoor.dev/problems/not-found", "title": "Not there"});
        for (problem, is_elsewhere) in [
            (missing, false),
            (json!({"type": "urn:onedoor:refusal:not_found", "title": "not found"}), true),
            (Value::Null, true),
        ] {
            let text = refused(404, problem).to_string();
            assert_eq!(text.contains("is --url where"), is_elsewhere, "{text}");
        }
    }

    #[test]
    fn all_flaws_are_told_with_place_and_help() {
        let flaw = |field| json!({"field": field, "message": "is wrong", "help": "write 1"});
        let errors = [flaw("body.kind"), flaw("body.owner")];
        let text = refused(422, json!({"title": "Wrong fields", "detail": "2", "errors": errors}));
        insta::assert_snapshot!(text, @"
        error: wrong fields (422):
          body.kind: is wrong; write 1
          body.owner: is wrong; write 1
        nothing was changed: correct this and try again
        ");
    }

    #[test]
    fn what_the_door_says_cannot_steer_the_terminal() {
        let text = refused(404, json!({"title": "x", "detail": "\u{1b}[2J\u{7}"})).to_string();
        assert!(!text.contains('\u{1b}') && !text.contains('\u{7}'), "{text:?}");
    }
}
