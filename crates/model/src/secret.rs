//! Values that no output may show, and where they come from.

use std::{fmt, path::PathBuf};

use zeroize::Zeroize;

use crate::{Place, SecretId};

/// A value without `Display`, whose `Debug` hides it, zeroed on drop.
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    /// Takes `value` out of sight.
    #[must_use]
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value, for the few places that must use it.
    #[must_use]
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// A secret as it is declared: by name and source, never with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredSecret {
    /// Its id.
    pub id: SecretId,
    /// Who answers for it: a person or a team.
    pub owner: String,
    /// What it is for, for people.
    pub description: Option<String>,
    /// Where its value is.
    pub source: SecretSource,
    /// Where it is declared.
    pub place: Place,
}

/// Where a secret's value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// In this variable of the process's environment.
    Environment {
        /// The variable's name.
        variable: String,
    },
    /// In this file, without the line end that may close it.
    File {
        /// The file, absolute.
        path: PathBuf,
    },
    /// In the door's own store, sealed.
    Store,
    /// In `HashiCorp` Vault or `OpenBao`, key-value engine version 2.
    Vault {
        /// `https://vault.example.com:8200`; no slash at the end.
        address: String,
        /// Where the engine is mounted.
        mount: String,
        /// The entry's path.
        path: String,
        /// The field of the entry.
        field: String,
        /// The namespace, where there are any.
        namespace: Option<String>,
        /// The token shown there: another secret, which is not in a vault.
        token: SecretId,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Secret::new(String::from("hunter2"))), "Secret(..)");
    }
}
