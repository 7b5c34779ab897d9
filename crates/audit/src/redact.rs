//! The arguments of a call, and other texts of callers, without what no record may hold.

mod canonical;
mod card;
mod email;
mod found;
mod known;
mod name;
pub(crate) mod path;
mod policy;
mod prefix;
mod salt;
pub(crate) mod sentence;
mod shown;
#[cfg(test)]
mod tests;
mod value;
mod walk;

use model::Timestamp;
use serde_json::{Map, Value};

pub use known::{Form, hash_of};
pub use name::is_secret_name;
pub use policy::{Policy, is_in_vain};
pub use salt::Salt;
pub use sentence::without_addresses;
pub use value::is_secret_text;

/// What stands where a secret was.
pub const REDACTED: &str = "[redacted]";

/// Arguments that may be recorded: a record takes no others.
#[derive(Debug, Clone, PartialEq)]
pub struct Redacted {
    value: Value,
    digest: String,
    found: Option<String>,
}

/// By what arguments are redacted.
#[derive(Debug, Clone, Copy)]
pub struct By<'a> {
    /// What was declared of the operation.
    pub policy: &'a Policy,
    /// What values are hashed under.
    pub salt: &'a Salt,
    /// When they arrived: that day's key is taken.
    pub at: Timestamp,
}

impl Redacted {
    /// Takes out of `arguments` what may not be kept, and cuts what is too long, too deep or too much.
    #[must_use]
    pub fn of(arguments: &Map<String, Value>, by: By<'_>) -> Self {
        let day = by.salt.day(by.at);
        let digest = day.hash(&canonical::bytes(arguments));
        let (value, found) = walk::kept(arguments, by.policy, &day);
        Self { value, digest, found: found.words() }
    }

    /// What is left.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// Which detectors found something ([`model::Detector`]), with blanks between; none where none did.
    #[must_use]
    pub fn found(&self) -> Option<&str> {
        self.found.as_deref()
    }

    /// The hash of all that there was: the same for the same arguments on the same day.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }
}
