//! `sign_in:` of an issuer: how people sign in by it.

use model::{IssuerId, SecretId, SignIn};
use serde_json::Value;

use crate::{
    field::Field,
    references::Target,
    report::shown,
    writer::{self, Writer},
};

/// What is asked for where nobody says.
const USUAL_SCOPES: [&str; 2] = ["profile", "email"];

/// Reads how people sign in by the issuer `id`.
pub(super) fn read(id: &IssuerId, field: Field<'_>) -> Option<SignIn> {
    field.mapping(|it| {
        let label = it.optional("label").map(|it| it.text());
        let client_id = it.required("client_id", "write who the door is there");
        let client_id = client_id.and_then(|it| it.text());
        let secret = it.optional("client_secret").map(|it| {
            let secret = it.parse(SecretId::parse)?;
            it.refer(Target::Secret(secret.clone()));
            Some(secret)
        });
        // Not a filled set: nothing but openid can be asked for.
        let scopes = it.optional("scopes").map(|it| it.set(|it| it.parse(parse_scope)));
        let groups_claim = it.optional("groups_claim").map(|it| it.text());
        Some(SignIn {
            label: label.unwrap_or_else(|| Some(id.as_str()))?.to_owned(),
            client_id: client_id?.to_owned(),
            client_secret: match secret {
                Some(secret) => Some(secret?),
                None => None,
            },
            scopes: scopes.unwrap_or_else(|| Some(USUAL_SCOPES.map(str::to_owned).into()))?,
            groups_claim: match groups_claim {
                Some(claim) => Some(claim?.to_owned()),
                None => None,
            },
        })
    })?
}

/// Reads a scope token (RFC 6749 section 3.3).
fn parse_scope(text: &str) -> Result<String, String> {
    if text == "openid" {
        return Err("openid is asked for in any case: leave it away".to_owned());
    }
    if text.bytes().all(|it| it.is_ascii_graphic() && it != b'"' && it != b'\\') {
        Ok(text.to_owned())
    } else {
        Err(format!("{} is not a scope: write one word without spaces in it", shown(text)))
    }
}

/// The way to sign in as it is read.
pub(super) fn write(id: &IssuerId, sign_in: &SignIn) -> Value {
    let SignIn { label, client_id, client_secret, scopes, groups_claim } = sign_in;
    let mut written = Writer::new();
    written.put_if(label != id.as_str(), "label", label.as_str());
    written.put("client_id", client_id.as_str());
    written.put_some("client_secret", client_secret.as_ref().map(SecretId::as_str));
    if *scopes != USUAL_SCOPES {
        written.put("scopes", writer::list(scopes));
    }
    written.put_some("groups_claim", groups_claim.as_deref());
    written.value()
}
