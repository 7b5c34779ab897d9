//! The twelve kinds of documents, and the folder that each has.

use crate::folder::Purpose;

/// What a document declares: decided by the folder it stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Who is let in without being registered.
    Admission,
    /// A client with its profiles.
    Client,
    /// A collection of operations.
    Collection,
    /// A credential, without its secret.
    Credential,
    /// A guard over what roles allow.
    Guard,
    /// A trusted issuer of tokens.
    Issuer,
    /// A limit on calls.
    Limit,
    /// A role.
    Role,
    /// A secret for an upstream, by its source.
    Secret,
    /// A stop of who calls, or of what is called.
    Stop,
    /// An upstream of its own, which collections share.
    Upstream,
    /// A person with an account of the door.
    User,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Admission,
        Self::Client,
        Self::Collection,
        Self::Credential,
        Self::Guard,
        Self::Issuer,
        Self::Limit,
        Self::Role,
        Self::Secret,
        Self::Stop,
        Self::Upstream,
        Self::User,
    ];

    /// The folder of its documents.
    #[must_use]
    pub fn folder(self) -> &'static str {
        match self {
            Self::Admission => "admissions",
            Self::Client => "clients",
            Self::Collection => "collections",
            Self::Credential => "credentials",
            Self::Guard => "guards",
            Self::Issuer => "issuers",
            Self::Limit => "limits",
            Self::Role => "roles",
            Self::Secret => "secrets",
            Self::Stop => "stops",
            Self::Upstream => "upstreams",
            Self::User => "users",
        }
    }

    /// What the file at `path` declares, and its id; nothing where it is no document.
    #[must_use]
    pub fn of_path(path: &str) -> Option<(Self, &str)> {
        match Purpose::of(path) {
            Purpose::Document { kind, stem } => Some((kind, stem)),
            Purpose::Ignored | Purpose::OpenApi | Purpose::Stray { .. } => None,
        }
    }

    /// The word for one of it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admission => "admission",
            Self::Client => "client",
            Self::Collection => "collection",
            Self::Credential => "credential",
            Self::Guard => "guard",
            Self::Issuer => "issuer",
            Self::Limit => "limit",
            Self::Role => "role",
            Self::Secret => "secret",
            Self::Stop => "stop",
            Self::Upstream => "upstream",
            Self::User => "user",
        }
    }

    /// The file that declares `id`, relative to the state folder.
    #[must_use]
    pub fn path(self, id: &str) -> String {
        format!("{}/{id}.yaml", self.folder())
    }
}
