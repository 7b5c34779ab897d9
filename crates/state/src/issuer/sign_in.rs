//! `sign_in:` of an issuer: how people sign in by it.

use std::collections::BTreeMap;

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
        let name_claim = it.optional("name_claim").map(|it| it.text());
        let groups_claim = it.optional("groups_claim").map(|it| it.text());
        let groups = it.optional("groups").map(|it| read_groups(&it, groups_claim.is_some()));
        Some(SignIn {
            label: label.unwrap_or_else(|| Some(id.as_str()))?.to_owned(),
            client_id: client_id?.to_owned(),
            client_secret: match secret {
                Some(secret) => Some(secret?),
                None => None,
            },
            scopes: scopes.unwrap_or_else(|| Some(USUAL_SCOPES.map(str::to_owned).into()))?,
            name_claim: match name_claim {
                Some(claim) => Some(claim?.to_owned()),
                None => None,
            },
            groups_claim: match groups_claim {
                Some(claim) => Some(claim?.to_owned()),
                None => None,
            },
            groups: match groups {
                Some(groups) => Some(groups?),
                None => None,
            },
        })
    })?
}

/// Reads what the groups of the provider are called here.
fn read_groups(field: &Field<'_>, has_claim: bool) -> Option<BTreeMap<String, String>> {
    if !has_claim {
        let help = "write groups_claim: the claim that lists the groups of a person";
        field.fault("no claim is named that has groups", help);
    }
    let entries = field.entries()?;
    if entries.is_empty() {
        let help = "write their name and ours: {Sales EMEA: sales}, or leave the key away";
        field.fault("no group is named, so none would count", help);
    }
    let group = |entry| Some((field.child(entry).text()?.to_owned(), entry));
    let groups = entries.into_iter().filter_map(group);
    Some(groups.map(|(ours, entry)| (entry.key.clone(), ours)).collect())
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
    let SignIn { label, client_id, client_secret, scopes, name_claim, groups_claim, groups } =
        sign_in;
    let mut written = Writer::new();
    written.put_if(label != id.as_str(), "label", label.as_str());
    written.put("client_id", client_id.as_str());
    written.put_some("client_secret", client_secret.as_ref().map(SecretId::as_str));
    if *scopes != USUAL_SCOPES {
        written.put("scopes", writer::list(scopes));
    }
    written.put_some("name_claim", name_claim.as_deref());
    written.put_some("groups_claim", groups_claim.as_deref());
    let group = |(theirs, ours): (&String, &String)| (theirs.clone(), ours.clone().into());
    let groups = groups.as_ref().map(|it| Value::Object(it.iter().map(group).collect()));
    written.put_some("groups", groups);
    written.value()
}
