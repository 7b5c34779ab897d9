//! `introspection:` of an issuer: how it is asked about opaque tokens.

use model::{Introspection, SecretId};
use serde_json::Value;

use crate::{address, field::Field, references::Target, writer::Writer};

/// Reads how an issuer is asked. Without a URL its metadata has to say where: `is_discovered`.
pub(super) fn read(field: Field<'_>, is_discovered: bool) -> Option<Introspection> {
    field.mapping(|it| {
        let url = it.optional("url").map(|it| it.parse(address::trusted));
        if url.is_none() && !is_discovered {
            let help = "write url: https://…, or discovery: true for the issuer";
            it.field().fault("nobody says where the issuer is asked", help);
        }
        let client_id = it.required("client_id", "write who the door is there");
        let client_id = client_id.and_then(|it| it.text());
        let secret = it.required("client_secret", "name a secret: the file secrets/ID.yaml");
        let secret = secret.and_then(|it| {
            let secret = it.parse(SecretId::parse)?;
            it.refer(Target::Secret(secret.clone()));
            Some(secret)
        });
        Some(Introspection {
            url: match url {
                Some(url) => Some(url?),
                None => None,
            },
            client_id: client_id?.to_owned(),
            client_secret: secret?,
        })
    })?
}

/// It, as it is read.
pub(super) fn write(introspection: &Introspection) -> Value {
    let Introspection { url, client_id, client_secret } = introspection;
    let mut written = Writer::new();
    written.put_some("url", url.as_deref());
    written.put("client_id", client_id.as_str());
    written.put("client_secret", client_secret.as_str());
    written.value()
}
