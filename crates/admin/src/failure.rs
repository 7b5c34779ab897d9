//! Why an operation is not carried out, as whoever asked is told.

use std::fmt;

use http::StatusCode;
use model::Fault;
use schemars::JsonSchema;
use serde::Serialize;

/// Why an operation is not carried out. Nothing was changed then.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What was sent is wrong: everything that is.
    Invalid(Vec<Flaw>),
    /// What was sent cannot be read at all.
    Malformed(String),
    /// It would give more than the caller has.
    NotHeld(String),
    /// There is no such thing, or it is not the caller's business.
    NotFound(String),
    /// What is there stands in the way.
    Conflict(String),
    /// What is there is not what the caller saw (RFC 9110 section 13).
    Changed(String),
    /// Too much of it was wrong lately: later again.
    Slowed {
        /// How long to wait.
        seconds: u64,
        /// What was too much.
        detail: String,
    },
    /// The store cannot take it: full, read-only, or not the place where state is kept.
    ReadOnly(String),
    /// The store cannot be reached.
    Unavailable(String),
    /// It could not be carried out, for a reason of ours.
    Internal(String),
}

/// One thing that is wrong in what was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Flaw {
    /// Where: `body.profiles.default.roles[0]`, or the document's path and line.
    pub(crate) field: String,
    /// What is wrong, with name and value.
    pub(crate) message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schemars(default)]
    pub(crate) help: String,
}

/// A failure as it is told (RFC 9457).
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Problem {
    /// Which sort of failure: `https://onedoor.dev/problems/in-use`.
    pub(crate) r#type: String,
    /// The same in words.
    pub(crate) title: String,
    /// The status again.
    pub(crate) status: u16,
    /// What is wrong, and what to do.
    pub(crate) detail: String,
    /// Everything that is wrong in what was sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub(crate) errors: Vec<Flaw>,
}

/// Every status that a failure can have.
pub(crate) const STATUSES: [(u16, &str); 9] = [
    (400, "The request cannot be read."),
    (403, "It would give more than the caller has."),
    (404, "There is no such thing within the caller's reach."),
    (409, "What is there stands in the way."),
    (412, "It was changed in the meantime."),
    (422, "Fields are wrong: all are named."),
    (500, "It could not be carried out."),
    (503, "The store cannot be reached."),
    (507, "The store cannot take it: it is full or read-only."),
];

impl Failure {
    /// One wrong field.
    pub(crate) fn field(field: &str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Invalid(vec![Flaw {
            field: field.to_owned(),
            message: message.into(),
            help: help.into(),
        }])
    }

    /// There is no `what` with this id.
    pub(crate) fn no_such(what: &str, id: &str) -> Self {
        Self::NotFound(format!("there is no {what} {id:?}, or it is not within your reach"))
    }

    /// Desired state with these faults cannot be put in force. `body` is the path of the document
    /// that was sent as the body: of that one, fields are named instead of lines.
    pub(crate) fn faults(faults: Vec<Fault>, body: Option<&str>) -> Self {
        let flaws = faults.into_iter().map(|it| {
            let Fault { place, message, help, field } = it;
            let is_body = body.is_some_and(|it| it == &*place.file);
            let field = match (is_body, field.as_str()) {
                (true, "") => "body".to_owned(),
                (true, field) => format!("body.{field}"),
                (false, "") => place.to_string(),
                (false, field) => format!("{place} {field}"),
            };
            Flaw { field, message, help }
        });
        Self::Invalid(flaws.collect())
    }

    /// Something failed that the caller can do nothing about; its cause goes to the log.
    pub(crate) fn internal(cause: &dyn fmt::Display) -> Self {
        Self::Internal(cause.to_string())
    }

    /// The status of the answer.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::NotHeld(_) => StatusCode::FORBIDDEN,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::Changed(_) => StatusCode::PRECONDITION_FAILED,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Slowed { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::ReadOnly(_) => StatusCode::INSUFFICIENT_STORAGE,
        }
    }

    /// How long to wait, in seconds, where waiting helps (RFC 9110 section 10.2.3).
    pub(crate) fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Slowed { seconds, detail: _ } => Some(*seconds),
            Self::Malformed(_)
            | Self::NotHeld(_)
            | Self::NotFound(_)
            | Self::Conflict(_)
            | Self::Changed(_)
            | Self::Invalid(_)
            | Self::Internal(_)
            | Self::Unavailable(_)
            | Self::ReadOnly(_) => None,
        }
    }

    /// The failure as it is told.
    pub(crate) fn problem(self) -> Problem {
        let status = self.status().as_u16();
        let (name, title, detail, errors) = match self {
            Self::Malformed(detail) => ("malformed", "Cannot be read", detail, Vec::new()),
            Self::NotHeld(detail) => ("not-held", "More than you have", detail, Vec::new()),
            Self::NotFound(detail) => ("not-found", "Not there", detail, Vec::new()),
            Self::Conflict(detail) => ("conflict", "In the way", detail, Vec::new()),
            Self::Changed(detail) => ("changed", "Changed in the meantime", detail, Vec::new()),
            Self::Invalid(flaws) => ("invalid", "Wrong fields", summary(&flaws), flaws),
            Self::Internal(cause) => {
                log_failed(&cause);
                let detail = "it could not be carried out: the door's log says why".to_owned();
                ("internal", "Failed", detail, Vec::new())
            }
            Self::Unavailable(cause) => {
                log_away(&cause);
                let detail = "the store cannot be reached: try again shortly".to_owned();
                ("unavailable", "Store away", detail, Vec::new())
            }
            Self::Slowed { seconds, detail } => {
                let detail = format!("{detail}: try again in {seconds} seconds");
                ("slowed", "Too many wrong ones", detail, Vec::new())
            }
            Self::ReadOnly(detail) => ("read-only", "Cannot be written", detail, Vec::new()),
        };
        Problem {
            r#type: format!("https://onedoor.dev/problems/{name}"),
            title: title.to_owned(),
            status,
            detail,
            errors,
        }
    }
}

fn log_failed(cause: &str) {
    tracing::error!("a management operation failed: {cause}");
}

fn log_away(cause: &str) {
    tracing::warn!("the store cannot be reached: {cause}");
}

fn summary(flaws: &[Flaw]) -> String {
    match flaws {
        [Flaw { field, message, help }] if help.is_empty() => format!("{field}: {message}"),
        [Flaw { field, message, help }] => format!("{field}: {message}; {help}"),
        _ => format!("{} things are wrong: see errors", flaws.len()),
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::ReadOnly { .. } => {
                Self::ReadOnly("the store is full or read-only: nothing was changed".to_owned())
            }
            store::Error::Unavailable { .. } => Self::Unavailable(error.to_string()),
            store::Error::UnknownRevision { .. } => Self::NotFound(error.to_string()),
            store::Error::Nul { .. } => {
                Self::field("body", error.to_string(), "leave the character out")
            }
            store::Error::UnknownGrant { .. } | store::Error::UnknownVersion { .. } => {
                Self::NotFound(error.to_string())
            }
            store::Error::Exists { .. } | store::Error::VersionExists { .. } => {
                Self::Conflict(error.to_string())
            }
            other => Self::Internal(other.to_string()),
        }
    }
}
