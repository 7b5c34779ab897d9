//! Why the store could not do something.

use std::borrow::Cow;

use model::SecretId;

/// What the database said.
type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why the store could not do something. No message holds the URL or its password.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The commit was made for a revision that is not the newest any more. Nothing was written.
    #[error("revision {head} came after {base}: read it, and make the change again")]
    Conflict {
        /// What the commit was made for.
        base: u64,
        /// The newest revision.
        head: u64,
    },
    /// The database holds what cannot be, or says so itself.
    #[error("the store is damaged, restore a backup: {what}")]
    Corrupt {
        /// What is wrong.
        what: String,
    },
    /// What is new has the id of what is there. Nothing was written.
    #[error("{what} is there already: take another id")]
    Exists {
        /// What is there.
        what: String,
    },
    /// What is written is no place for a store.
    #[error("that is no place for a store: {reason}")]
    Location {
        /// What to write instead.
        reason: Cow<'static, str>,
    },
    /// The commit says what is there already, so there is no new revision.
    #[error("nothing would change, revision {head} stays")]
    NoChange {
        /// The newest revision.
        head: u64,
    },
    /// PostgreSQL keeps no text with this character, so no store does.
    #[error("{what} has a character that cannot be stored: U+0000")]
    Nul {
        /// Which text.
        what: String,
    },
    /// The disk is full or read-only. Nothing was written, and reading goes on.
    #[error("the store takes no changes, its disk is full or read-only: {source}")]
    ReadOnly {
        /// What the database said.
        source: Source,
    },
    /// The database refused what it was asked.
    #[error("the database refused: {source}")]
    Refused {
        /// What the database said.
        source: Source,
    },
    /// The database was written by a newer Onedoor.
    #[error("the store has schema {found}, and this version knows up to {known}: use a newer one")]
    Schema {
        /// What the database has.
        found: u64,
        /// The newest that is known here.
        known: u64,
    },
    /// The database cannot be reached, or takes too long. A commit may or may not be in it.
    #[error("the store is out of reach: {source}")]
    Unavailable {
        /// What happened.
        source: Source,
    },
    /// Nothing can belong to this grant any more. Nothing was written.
    #[error("grant \"{grant}\" is unknown, revoked or expired: make a new one")]
    UnknownGrant {
        /// Which one.
        grant: String,
    },
    /// There is no revision of this number.
    #[error("unknown revision {revision}: the newest is {head}")]
    UnknownRevision {
        /// What was asked for.
        revision: u64,
        /// The newest revision.
        head: u64,
    },
    /// The secret has no version of this number.
    #[error("secret \"{secret}\" has no version {version}")]
    UnknownVersion {
        /// Which secret.
        secret: SecretId,
        /// What was asked for.
        version: u32,
    },
    /// The secret has a version of this number already. Nothing was written.
    #[error("secret \"{secret}\" has a version {version} already: take the next number")]
    VersionExists {
        /// Which secret.
        secret: SecretId,
        /// The number.
        version: u32,
    },
}

impl Error {
    pub(crate) fn location(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Location { reason: reason.into() }
    }

    pub(crate) fn corrupt(what: impl Into<String>) -> Self {
        Self::Corrupt { what: what.into() }
    }

    /// What one of the databases would not take, neither does. The texts are with what they are.
    pub(crate) fn refuse_nul<'t>(
        texts: impl IntoIterator<Item = (&'t str, &'t str)>,
    ) -> Result<(), Self> {
        match texts.into_iter().find(|(_, text)| text.contains('\0')) {
            Some((what, _)) => Err(Self::Nul { what: what.replace('\0', "\u{fffd}") }),
            None => Ok(()),
        }
    }

    pub(crate) fn unavailable(source: impl Into<Source>) -> Self {
        Self::Unavailable { source: source.into() }
    }
}
