//! On what terms a profile gets tokens from the door's own authorization server.

use std::time::Duration;

use crate::Audience;

/// A way to ask for a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GrantType {
    /// A person signs in and consents (RFC 6749 section 4.1, with PKCE).
    AuthorizationCode,
    /// The client for itself (RFC 6749 section 4.4).
    ClientCredentials,
    /// A person consents on another device (RFC 8628).
    DeviceCode,
    /// An identity provider's assertion for a person (RFC 7523, ID-JAG).
    JwtBearer,
    /// A token that renews (RFC 6749 section 6).
    RefreshToken,
    /// One token for another (RFC 8693).
    TokenExchange,
}

impl GrantType {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::AuthorizationCode,
        Self::ClientCredentials,
        Self::DeviceCode,
        Self::JwtBearer,
        Self::RefreshToken,
        Self::TokenExchange,
    ];

    /// The word for it in state and records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::ClientCredentials => "client_credentials",
            Self::DeviceCode => "device_code",
            Self::JwtBearer => "jwt_bearer",
            Self::RefreshToken => "refresh_token",
            Self::TokenExchange => "token_exchange",
        }
    }

    /// The value of the parameter `grant_type`.
    #[must_use]
    pub fn parameter(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::ClientCredentials => "client_credentials",
            Self::DeviceCode => "urn:ietf:params:oauth:grant-type:device_code",
            Self::JwtBearer => "urn:ietf:params:oauth:grant-type:jwt-bearer",
            Self::RefreshToken => "refresh_token",
            Self::TokenExchange => "urn:ietf:params:oauth:grant-type:token-exchange",
        }
    }
}

/// What a token's holder has to prove besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenBinding {
    /// A key, with each request (RFC 9449).
    Dpop,
    /// A client certificate, with the connection (RFC 8705 section 3).
    Mtls,
}

impl TokenBinding {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dpop => "dpop",
            Self::Mtls => "mtls",
        }
    }
}

/// On what terms a profile gets tokens. Its client's id at the authorization server is the profile's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenTerms {
    /// The ways it may ask; at least one, sorted.
    pub grants: Vec<GrantType>,
    /// Where people are sent back to, each compared whole but for the port of a loopback address.
    pub redirect_uris: Vec<String>,
    /// Whether it is a client that can keep no secret, such as a program on people's machines.
    pub is_public: bool,
    /// Only people of these groups; everybody who can sign in where empty.
    pub groups: Vec<String>,
    /// How long an access token is good.
    pub lifetime: Duration,
    /// After this a person has to consent anew, however often the token was renewed.
    pub refresh_lifetime: Duration,
    /// What the holder has to prove; nothing where none.
    pub binding: Option<TokenBinding>,
    /// Whether access tokens tell nothing to who holds them.
    pub is_opaque: bool,
    /// Whether people can be sent only with a request that was pushed (RFC 9126).
    pub must_push: bool,
    /// What the tokens are good for of which it may ask whether they are good (RFC 7662), besides its
    /// own; the door stands for all.
    pub introspects: Vec<Audience>,
}

impl TokenTerms {
    /// How long an access token is good, where nobody says.
    pub const LIFETIME: Duration = Duration::from_secs(10 * 60);
    /// The longest that may be said.
    pub const LIFETIME_MAX: Duration = Duration::from_secs(60 * 60);
    /// How long a refresh token can be renewed, where nobody says.
    pub const REFRESH_LIFETIME: Duration = Duration::from_secs(30 * 24 * 3600);
    /// The longest that may be said.
    pub const REFRESH_LIFETIME_MAX: Duration = Duration::from_secs(366 * 24 * 3600);
}
