//! What a token is bound to (RFC 7800): a key that its sender proves with each request (RFC 9449), or
//! a client certificate (RFC 8705).

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

use super::{Claims, Defect, base64url};

/// What a token is bound to: to nothing, to one of them, or to both.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Confirmation {
    /// The thumbprint of the key that signs proofs (RFC 9449 section 6.1).
    pub(crate) jkt: Option<Box<str>>,
    /// The SHA-256 of a certificate's DER (RFC 8705 section 3.1).
    pub(crate) certificate: Option<[u8; 32]>,
}

impl Confirmation {
    /// The word for what the token is bound to, `bearer` where that is nothing.
    pub(crate) fn as_str(&self) -> &'static str {
        match (&self.jkt, &self.certificate) {
            (None, None) => "bearer",
            (None, Some(_)) => "mtls",
            (Some(_), None) => "dpop",
            (Some(_), Some(_)) => "dpop+mtls",
        }
    }

    /// The thumbprint of what the token is bound to, as its `cnf` has it; of both that of the key.
    pub(crate) fn thumbprint(&self) -> Option<Cow<'_, str>> {
        let key = self.jkt.as_deref().map(Cow::Borrowed);
        let certificate = || Some(URL_SAFE_NO_PAD.encode(self.certificate?).into());
        key.or_else(certificate)
    }
}

impl Claims {
    /// What the token says that it is bound to.
    ///
    /// # Errors
    /// Where it is bound to something that cannot be proved here: then nobody may show it.
    pub(crate) fn confirmation(&self) -> Result<Confirmation, Defect> {
        let Some(cnf) = self.get("cnf") else { return Ok(Confirmation::default()) };
        let members = cnf.as_object().ok_or(Defect::Bound)?;
        let jkt = members.get("jkt").map(|it| thumbprint(it).map(|(text, _)| text.into()));
        let certificate = members.get("x5t#S256").map(|it| thumbprint(it).map(|(_, it)| it));
        // Members that nobody here understands are ignored beside one that is understood.
        if jkt.is_none() && certificate.is_none() {
            return Err(Defect::Bound);
        }
        Ok(Confirmation { jkt: jkt.transpose()?, certificate: certificate.transpose()? })
    }
}

/// A SHA-256 in base64url, in the one way to write it.
fn thumbprint(value: &Value) -> Result<(&str, [u8; 32]), Defect> {
    let text = value.as_str().ok_or(Defect::Bound)?;
    let bytes = base64url(text).and_then(|it| it.try_into().ok()).ok_or(Defect::Bound)?;
    Ok((text, bytes))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_cannot_be_proved_here_is_no_binding_that_somebody_fulfils() {
        let jkt = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
        let read = |cnf: Value| match json!({ "cnf": cnf }) {
            Value::Object(members) => Claims::new(members).confirmation(),
            _ => panic!("no object"),
        };
        let both = read(json!({"jkt": jkt, "x5t#S256": jkt, "kid": "other"})).unwrap();
        assert_eq!(both.jkt.as_deref(), Some(jkt));
        assert_eq!(both.certificate.unwrap()[..2], [0xd1, 0x97]);
        assert_eq!(both.thumbprint().as_deref(), Some(jkt));
        assert_eq!(read(json!({"jkt": jkt})).unwrap().certificate, None);
        assert_eq!(read(json!({"x5t#S256": jkt})).unwrap().thumbprint().as_deref(), Some(jkt));
        assert_eq!(read(json!({"x5t#S256": jkt})).unwrap().jkt, None);
        for bad in [
            json!(null),
            json!(jkt),
            json!([]),
            json!({}),
            json!({"jwk": {}}),
            json!({"jkt": null}),
            json!({"jkt": ""}),
            json!({"jkt": jkt.strip_prefix('0')}),
            json!({"jkt": format!("{jkt}=")}),
            json!({"jkt": [jkt]}),
            json!({"jkt": jkt, "x5t#S256": "x"}),
            json!({"x5t#S256": 1}),
            json!({"x5t": jkt}),
        ] {
            assert_eq!(read(bad.clone()), Err(Defect::Bound), "{bad}");
        }
        assert_eq!(Claims::new(serde_json::Map::new()).confirmation(), Ok(Confirmation::default()));
        assert_eq!(Confirmation::default().thumbprint(), None);
    }
}
