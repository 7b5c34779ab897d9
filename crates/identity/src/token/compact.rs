//! The compact form of a token, taken apart: nothing in it is believed yet.

use serde_json::{Map, Value};

use super::{Algorithm, Claims, Defect, base64url, object};
use crate::CREDENTIAL_BYTES_MAX;

const KID_BYTES_MAX: usize = 256;

/// Parameters that would let a token choose its own key, change what is signed, or nest.
const REFUSED: [&str; 9] = ["b64", "crit", "cty", "enc", "jku", "jwk", "x5c", "x5u", "zip"];

/// A token in three parts, with header and claims read.
pub(crate) struct Compact<'a> {
    /// What the signature is over.
    pub(crate) message: &'a str,
    pub(crate) signature: Vec<u8>,
    pub(crate) header: Header,
    pub(crate) claims: Claims,
}

/// The few parameters that matter.
pub(crate) struct Header {
    pub(crate) algorithm: Algorithm,
    pub(crate) kid: Option<String>,
    typ: Option<String>,
}

impl<'a> Compact<'a> {
    pub(crate) fn parse(token: &'a str) -> Result<Self, Defect> {
        Self::after(token, |_| ()).map(|(compact, ())| compact)
    }

    /// Whether one of `keys` made the signature, whatever the payload is: vectors of signatures have
    /// payloads that are no claims.
    #[cfg(test)]
    pub(super) fn verifies(token: &str, keys: &crate::key_set::Keys) -> bool {
        let Ok((message, [header, _, signature])) = parts(token) else { return false };
        let header = object(&header).and_then(|it| Header::read(&it).ok());
        header.is_some_and(|it| keys.verify(it.kid.as_deref(), it.algorithm, message, &signature))
    }

    /// As [`Compact::parse`], for what is meant to bring its own key and proves to hold it.
    /// Gives the header's `jwk` as it stands.
    pub(crate) fn parse_with_key(token: &'a str) -> Result<(Self, Option<Value>), Defect> {
        Self::after(token, |header| header.shift_remove("jwk"))
    }

    /// Parses, with something taken out of the header before that is judged.
    fn after<T>(
        token: &'a str,
        take: impl FnOnce(&mut Map<String, Value>) -> T,
    ) -> Result<(Self, T), Defect> {
        let (message, [header, claims, signature]) = parts(token)?;
        let mut header = object(&header).ok_or(Defect::Object("header"))?;
        let claims = object(&claims).ok_or(Defect::Object("payload"))?;
        let taken = take(&mut header);
        let header = Header::read(&header)?;
        Ok((Self { message, signature, header, claims: Claims::new(claims) }, taken))
    }
}

/// Whether it is meant as a signed or encrypted token, good or not: its first part is an object.
pub(crate) fn is_jose(token: &str) -> bool {
    let first = token.split_once('.').map_or("", |(first, _)| first);
    // Loosely: one that is not quite strict is still no opaque token.
    first.starts_with("ey") || base64url(first).is_some_and(|it| it.trim_ascii().starts_with(b"{"))
}

/// What the signature is over; and header, payload and signature, decoded.
fn parts(token: &str) -> Result<(&str, [Vec<u8>; 3]), Defect> {
    if token.len() > CREDENTIAL_BYTES_MAX {
        return Err(Defect::TooLong);
    }
    let (message, signature) = token.rsplit_once('.').ok_or(Defect::Parts)?;
    let (header, payload) = message.split_once('.').ok_or(Defect::Parts)?;
    // A further dot, as in the five parts of an encrypted token, is no base64url.
    let part = |text| base64url(text).ok_or(Defect::Parts);
    let (header, payload, signature) = (part(header)?, part(payload)?, part(signature)?);
    if signature.is_empty() {
        return Err(Defect::Parts);
    }
    Ok((message, [header, payload, signature]))
}

impl Header {
    fn read(members: &Map<String, Value>) -> Result<Self, Defect> {
        if let Some(name) = REFUSED.into_iter().find(|it| members.contains_key(*it)) {
            return Err(Defect::Header(name));
        }
        let algorithm = members.get("alg").and_then(Value::as_str).and_then(Algorithm::parse);
        let kid = match members.get("kid") {
            None => None,
            Some(Value::String(kid)) if kid.len() <= KID_BYTES_MAX => Some(kid.clone()),
            Some(_) => return Err(Defect::Kid),
        };
        // One that is no text is there, and is no type: it must not pass for a missing one.
        let typ = members.get("typ").map(|it| it.as_str().unwrap_or_default().to_owned());
        Ok(Self { algorithm: algorithm.ok_or(Defect::AlgorithmUnknown)?, kid, typ })
    }

    /// Whether `typ` is one of `types`, in any case, with or without `application/`.
    pub(crate) fn is_of_type(&self, types: &[impl AsRef<str>]) -> bool {
        let Some(typ) = self.typ.as_deref() else { return false };
        let typ = match typ.split_at_checked("application/".len()) {
            Some((media, subtype)) if media.eq_ignore_ascii_case("application/") => subtype,
            _ => typ,
        };
        // A list may hold the empty text: none of these is it.
        !typ.is_empty() && types.iter().any(|it| it.as_ref().eq_ignore_ascii_case(typ))
    }

    /// Whether there is no `typ` at all.
    pub(crate) fn is_untyped(&self) -> bool {
        self.typ.is_none()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn header(text: &str) -> Result<Header, Defect> {
        Header::read(&object(text.as_bytes()).unwrap())
    }

    #[test]
    fn a_type_is_compared_as_a_media_type() {
        let types: [Box<str>; 1] = ["at+jwt".into()];
        for (typ, want) in [
            ("\"at+jwt\"", true),
            ("\"AT+JWT\"", true),
            ("\"Application/at+JWT\"", true),
            ("\"JWT\"", false),
            ("\"application/\"", false),
            ("\"application/application/at+jwt\"", false),
            ("\"at+jwt \"", false),
            ("\"ä\"", false),
            ("\"\"", false),
            ("[\"at+jwt\"]", false),
            ("null", false),
        ] {
            let header = header(&format!(r#"{{"alg":"ES256","typ":{typ}}}"#)).unwrap();
            assert_eq!(header.is_of_type(&types), want, "{typ}");
            assert!(!header.is_of_type(&[""]), "{typ}");
            assert!(!header.is_untyped(), "{typ}");
        }
        let untyped = header(r#"{"alg":"ES256"}"#).unwrap();
        assert!(!untyped.is_of_type(&types) && untyped.is_untyped());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,200}") {
            prop_assert!(Compact::parse(&text).is_err());
        }

        #[test]
        fn nothing_in_three_parts_makes_it_panic(text in "[A-Za-z0-9_.-]{0,120}") {
            drop(Compact::parse(&text));
        }
    }
}
