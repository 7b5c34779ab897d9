//! One callable thing.

use serde::Serialize;

use crate::{CollectionId, Level, OperationId};

/// What an operation does to the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// Takes something away that may not come back.
    Destructive,
    /// Changes nothing.
    Read,
    /// Changes something.
    Write,
}

impl Effect {
    /// What the method promises (RFC 9110 section 9.2.1); a method we do not know may do anything.
    #[must_use]
    pub fn of_method(method: &http::Method) -> Self {
        match method.as_str() {
            "GET" | "HEAD" | "OPTIONS" | "TRACE" | "QUERY" => Self::Read,
            "POST" | "PUT" | "PATCH" => Self::Write,
            _ => Self::Destructive,
        }
    }

    /// The word for it in state, records and answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Destructive => "destructive",
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}

/// One callable thing: what permissions, limits and records speak of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Its id.
    pub id: OperationId,
    /// The collection it belongs to.
    pub collection: CollectionId,
    /// What it does to the world.
    pub effect: Effect,
    /// Whether callers without a credential may call it.
    pub is_public: bool,
    /// How safe the records of its calls are first; by its effect where nothing is said.
    pub level: Option<Level>,
    /// Its index in the snapshot's table of operations, from 0.
    pub position: usize,
}
