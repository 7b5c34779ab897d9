//! How records name a token, and say by what the person signed in that it speaks for. Nothing is
//! decided by it.

use std::{borrow::Cow, sync::Arc};

use model::KnownBy;

use super::{Claims, Confirmation, texts};
use crate::fingerprint::Fingerprint;

/// Longest `jti` that is told as it is.
const ID_BYTES_MAX: usize = 256;
/// Most ways to sign in that are told.
const METHODS_MAX: usize = 8;

impl Claims {
    /// What is told of a token with this id that is bound as `confirmation` says, and that this key
    /// signed, if one did.
    pub(crate) fn known_by(
        &self,
        confirmation: &Confirmation,
        (id, key): (&str, Option<&str>),
    ) -> KnownBy {
        KnownBy {
            token: Some(confirmation.as_str()),
            token_id: Some(id.into()),
            methods: self.methods(),
            key: key.map(Into::into),
            bound_to: confirmation.thumbprint().map(Into::into),
            ..KnownBy::default()
        }
    }

    /// Its `jti`, which another issuer need not give: then the beginning of what the token hashes to.
    pub(crate) fn id_or(&self, fingerprint: &Fingerprint) -> Cow<'_, str> {
        match self.text("jti", ID_BYTES_MAX) {
            Ok(Some(id)) => id.into(),
            Ok(None) | Err(_) => fingerprint.shown().into(),
        }
    }

    /// How the person signed in, as the issuer says (`amr`, RFC 8176).
    fn methods(&self) -> Option<Arc<str>> {
        let methods = self.get("amr").into_iter().flat_map(texts).take(METHODS_MAX);
        let methods = methods.collect::<Vec<_>>().join(" ");
        (!methods.is_empty()).then(|| methods.into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn claims(value: Value) -> Claims {
        match value {
            Value::Object(members) => Claims::new(members),
            _ => panic!("not an object: {value}"),
        }
    }

    #[test]
    fn a_token_is_named_by_its_id_or_by_what_it_hashes_to() {
        let fingerprint = Fingerprint::of(b"test");
        let hashed = "sha256:9f86d081884c7d659a2feaa0c55ad015";
        for (value, want) in [
            (json!({"jti": "t1"}), "t1"),
            (json!({}), hashed),
            (json!({"jti": ""}), hashed),
            (json!({"jti": 7}), hashed),
            (json!({"jti": "x".repeat(257)}), hashed),
        ] {
            assert_eq!(claims(value.clone()).id_or(&fingerprint), want, "{value}");
        }
    }

    #[test]
    fn how_a_person_signed_in_is_told_where_the_issuer_says_it() {
        for (value, want) in [
            (json!({"amr": ["pwd", "otp", "mfa"]}), Some("pwd otp mfa")),
            (json!({"amr": "pwd"}), Some("pwd")),
            (json!({"amr": vec!["a"; 100]}), Some("a a a a a a a a")),
            (json!({"amr": []}), None),
            (json!({"amr": {"pwd": true}}), None),
            (json!({}), None),
        ] {
            assert_eq!(claims(value.clone()).methods().as_deref(), want, "{value}");
        }
    }
}
