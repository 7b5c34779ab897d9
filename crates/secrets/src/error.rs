//! What can go wrong with keys, sealed values and the places that hold secrets. Never shows a value.

use std::borrow::Cow;

use model::SecretId;

/// Why a keyring cannot be read, or a secret has no value.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The text of a keyring is not right. What stands in it is not repeated.
    #[error("key-encryption keys, line {line}: {reason}")]
    Keyring {
        /// The line, from 1; 0 for the text as a whole.
        line: usize,
        /// What is wrong, and what to write.
        reason: Cow<'static, str>,
    },
    /// A place has no value, or none that can be used.
    #[error("secret \"{secret}\": {place}: {reason}")]
    NoValue {
        /// The secret.
        secret: SecretId,
        /// Where it was looked for.
        place: String,
        /// What is wrong, and what to do.
        reason: Cow<'static, str>,
    },
    /// A value does not open: it was changed, or it belongs to another secret, version or purpose.
    #[error(
        "the sealed value of secret \"{secret}\" does not open with key \"{key}\": it was changed, or belongs elsewhere"
    )]
    Tampered {
        /// The secret.
        secret: SecretId,
        /// The key it names.
        key: String,
    },
    /// A value is sealed by a key that is not in the keyring.
    #[error(
        "secret \"{secret}\" is sealed by the unknown key-encryption key \"{key}\": add the key to the keyring"
    )]
    UnknownKey {
        /// The secret.
        secret: SecretId,
        /// The key's id.
        key: String,
    },
    /// A sealed value is not of a form that this version reads.
    #[error("the sealed value of secret \"{secret}\" has a form that is not known here")]
    UnknownForm {
        /// The secret.
        secret: SecretId,
    },
    /// The system gives no random bytes, or a value is too long to be sealed.
    #[error("secret \"{secret}\" cannot be sealed")]
    Unsealable {
        /// The secret.
        secret: SecretId,
    },
}
