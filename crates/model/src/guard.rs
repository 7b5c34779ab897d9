//! Conditions over what roles allow.

use crate::{GuardId, Place};

/// A policy in the Cedar language over what roles allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard {
    /// Its id.
    pub id: GuardId,
    /// What it is for, for people.
    pub description: Option<String>,
    /// The policy's text.
    pub policy: String,
    /// Where it is declared.
    pub place: Place,
}
