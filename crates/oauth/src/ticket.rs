//! Secrets that this server makes and hands out once: it keeps only what they hash to.

use aws_lc_rs::{digest, rand};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use store::Digest;

use crate::error::{Code, Denied};

/// What a ticket is for, as the store has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ticket {
    /// A request to be authorized that a person is yet to decide on.
    Authorization,
    /// An authorization code.
    Code,
    /// What a person decided on a device's request. Its text is the device's code.
    Decision,
    /// What a device asks with until a person has decided (RFC 8628).
    Device,
    /// A secret that an app is to be given, and that no code has confirmed yet.
    Enrolment,
    /// What a client asked for ahead (RFC 9126). Its text is a `request_uri`.
    Pushed,
    /// A recovery code, which stands for a second factor once.
    Recovery,
    /// A refresh token.
    Refresh,
    /// The second factor of an account. Its digest is the account's, and nothing to show.
    SecondFactor,
    /// Somebody who has shown a password and is yet to show a second factor.
    SecondStep,
    /// A browser in which somebody has signed in.
    Session,
    /// A person who was sent to a provider to sign in.
    SignIn,
    /// What a device shows, and a person types.
    UserCode,
}

impl Ticket {
    /// The kind that the store knows it by.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Authorization => "authorization",
            Self::Code => "code",
            Self::Decision => "device_decision",
            Self::Device => "device_code",
            Self::Enrolment => "enrolment",
            Self::Pushed => "pushed",
            Self::Recovery => "recovery_code",
            Self::Refresh => "refresh",
            Self::SecondFactor => "second_factor",
            Self::SecondStep => "second_step",
            Self::Session => "session",
            Self::SignIn => "sign_in",
            Self::UserCode => "user_code",
        }
    }

    /// What its text begins with, so that people and scanners know one when they see it.
    fn prefix(self) -> &'static str {
        match self {
            Self::Authorization
            | Self::Enrolment
            | Self::Recovery
            | Self::SecondFactor
            | Self::SecondStep
            | Self::Session
            | Self::SignIn
            | Self::UserCode => "",
            Self::Code => "odc_",
            Self::Decision | Self::Device => "odd_",
            Self::Pushed => "urn:ietf:params:oauth:request_uri:",
            Self::Refresh => "odr_",
        }
    }

    /// A new one of 256 random bits, and its digest.
    ///
    /// # Errors
    /// `server_error` where the system gives no random bytes.
    pub(crate) fn issue(self) -> Result<(String, Digest), Denied> {
        let text = format!("{}{}", self.prefix(), random()?);
        let digest = digest(&text);
        Ok((text, digest))
    }
}

/// 256 random bits in base64url.
pub(crate) fn random() -> Result<String, Denied> {
    let mut bytes = [0; 32];
    let filled = rand::fill(&mut bytes);
    filled.map_err(|_| Denied::new(Code::ServerError, "the system gives no random bytes"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// The SHA-256 of a text.
pub(crate) fn digest(text: &str) -> Digest {
    let mut digest = [0; 32];
    let hash = digest::digest(&digest::SHA256, text.as_bytes());
    digest.iter_mut().zip(hash.as_ref()).for_each(|(to, from)| *to = *from);
    digest
}

/// The SHA-256 of a text in base64url, as PKCE has it (RFC 7636 section 4.2).
pub(crate) fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(verifier))
}
