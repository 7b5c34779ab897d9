//! Who is calling, as established by the credential alone.

use std::sync::Arc;

use crate::{ClientId, ClientKind, CredentialId, ProfileId, TokenBounds};

/// Who is calling. Only authentication makes one; no header of the request adds to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The registered client.
    pub client: ClientId,
    /// What sort of client it is.
    pub kind: ClientKind,
    /// The profile that the credential is bound to.
    pub profile: ProfileId,
    /// The credential; none for the built-in client `anonymous`.
    pub credential: Option<CredentialId>,
    /// The person it acts for: the token's `sub`, where that is not the client itself.
    pub user: Option<String>,
    /// Who acts in the name of the user, nearest first (RFC 8693 section 4.1, `act`).
    pub actors: Vec<String>,
    /// How far its token goes; as far as the profile where none.
    pub bounds: Option<Arc<TokenBounds>>,
    /// What it was known by.
    pub known_by: KnownBy,
}

/// What a caller was known by: for records, and nothing is decided by it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KnownBy {
    /// The kind of the credential; with a token of the door, of the one that it was got with.
    pub credential: Option<&'static str>,
    /// What the token is bound to, where it was one: `bearer` is to nothing.
    pub token: Option<&'static str>,
    /// Which token: its `jti`, or the beginning of its hash.
    pub token_id: Option<Arc<str>>,
    /// How the person signed in that the token speaks for (`amr`, RFC 8176), with blanks between.
    pub methods: Option<Arc<str>>,
    /// Which key signed the token (`kid`, RFC 7515 section 4.1.4).
    pub key: Option<Arc<str>>,
    /// The key or certificate that whoever shows the token has to hold: its thumbprint, as in `cnf`
    /// (RFC 9449 section 6.1, RFC 8705 section 3.1).
    pub bound_to: Option<Arc<str>>,
    /// What a token of the door ends with: the grant of a person, or the token it was exchanged for.
    pub grant: Option<Arc<str>>,
}

impl Caller {
    /// A caller without a credential.
    #[must_use]
    pub fn anonymous() -> Self {
        Self {
            client: ClientId::anonymous(),
            kind: ClientKind::App,
            profile: ProfileId::anonymous(),
            credential: None,
            user: None,
            actors: Vec::new(),
            bounds: None,
            known_by: KnownBy::default(),
        }
    }

    /// Whether no credential was shown.
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        self.client.is_anonymous()
    }
}
