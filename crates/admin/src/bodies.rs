//! What management needs of the bodies that are kept. Whoever puts the process together provides it.

use schemars::JsonSchema;
use serde::Serialize;

/// A body that was kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct BodyView {
    /// The id of the call.
    pub request_id: String,
    /// `request` or `response`.
    pub direction: String,
    /// Whom it is about, as the record has it: the kind, and a hash of that day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// What it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// How it was packed on its way: it was kept as it came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_encoding: Option<String>,
    /// How many bytes are kept.
    pub bytes: u64,
    /// How many bytes went by.
    pub passed: u64,
    /// Whether it came to its end.
    pub ended: bool,
    /// The body, where it is text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The body in base64, where it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
}

/// Why a body is not shown, or nobody was forgotten.
#[derive(Debug, thiserror::Error)]
pub enum BodyFault {
    /// There is none, or nothing opens it any more.
    #[error("{0}")]
    Absent(String),
    /// The disk, the keyring or the log failed.
    #[error("{0}")]
    Failed(String),
}
