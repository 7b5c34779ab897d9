//! `credentials/ID.yaml`: a proof bound to one profile, without the secret itself.

use std::{collections::BTreeMap, fmt::Write as _};

use model::{
    ClientId, Credential, CredentialId, CredentialState, IssuerId, ProfileId, Proof, Timestamp,
};
use serde_json::Value;

use crate::{
    field::Field,
    reader::Reader,
    references::Target,
    writer::{self, Writer},
};

const STATES: &[(&str, CredentialState)] = &[
    ("active", CredentialState::Active),
    ("retiring", CredentialState::Retiring),
    ("revoked", CredentialState::Revoked),
];

#[derive(Clone, Copy)]
enum ProofKind {
    ApiKey,
    External,
}

const KINDS: &[(&str, ProofKind)] =
    &[("api_key", ProofKind::ApiKey), ("external", ProofKind::External)];

/// Reads the credential `id`.
pub(crate) fn read(id: CredentialId, root: Field<'_>) -> Option<Credential> {
    let place = root.place();
    root.mapping(|it| {
        let profile = it.required("profile", "write the profile it leads to: client/profile");
        let profile = profile.and_then(|it| read_profile(&it));
        let kind = it.required("kind", "write kind: api_key or external");
        let kind = kind.and_then(|it| it.one_of(KINDS));
        let state = it.optional("state").map(|it| it.one_of(STATES));
        let created = it.optional("created").and_then(|it| it.parse(Timestamp::parse));
        let expires = it.required("expires", "write when it ends: 2027-01-31");
        let expires = expires.and_then(|it| {
            let expires = it.parse(Timestamp::parse)?;
            if created.is_some_and(|it| it >= expires) {
                it.fault("it ends before it is created", "write a later time");
            }
            Some(expires)
        });
        let Some(kind) = kind else {
            // Which other keys it may have hangs on the kind: no fault for any of them.
            for key in ["hmac", "issuer", "claims"] {
                it.optional(key);
            }
            return None;
        };
        let proof = match kind {
            ProofKind::ApiKey => read_api_key(it),
            ProofKind::External => read_external(it),
        };
        let state = state.unwrap_or(Some(CredentialState::Active))?;
        Some(Credential {
            profile: profile?,
            proof: proof?,
            state,
            created,
            expires: expires?,
            place,
            id,
        })
    })?
}

fn read_profile(field: &Field<'_>) -> Option<ProfileId> {
    let profile = field.parse(ProfileId::parse)?;
    if profile.client() == ClientId::anonymous().as_str() {
        field.fault("anonymous is who shows no credential", "name another client's profile");
        return None;
    }
    field.refer(Target::Profile(profile.clone()));
    Some(profile)
}

fn read_api_key(it: &mut Reader<'_>) -> Option<Proof> {
    let help = "make a key with: onedoor credential new CLIENT/PROFILE";
    let hmac = it.required("hmac", help)?.parse(|text| {
        // Not shown: whoever takes this for the place of the key itself has put it here.
        parse_hmac(text).ok_or(
            "not the HMAC of a key: write 64 hexadecimal digits, as onedoor credential new does",
        )
    })?;
    Some(Proof::ApiKey { hmac })
}

fn parse_hmac(text: &str) -> Option<[u8; 32]> {
    let digit = |it: u8| char::from(it).to_digit(16).and_then(|it| u8::try_from(it).ok());
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    let bytes = pairs.iter().map(|[high, low]| Some((digit(*high)? << 4) | digit(*low)?));
    bytes.collect::<Option<Vec<u8>>>()?.try_into().ok()
}

fn read_external(it: &mut Reader<'_>) -> Option<Proof> {
    let issuer = it.required("issuer", "name an issuer: the file issuers/ID.yaml");
    let issuer = issuer.and_then(|it| {
        let issuer = it.parse(IssuerId::parse)?;
        it.refer(Target::Issuer(issuer.clone()));
        Some(issuer)
    });
    let help = "name at least one claim and its value: {azp: shop}";
    let claims = it.required("claims", help).and_then(|field| {
        let entries = field.entries()?;
        if entries.is_empty() {
            field.fault("no claim is named, so every token would do", help);
        }
        let claim = |entry| Some((field.child(entry).text()?.to_owned(), entry));
        let claims = entries.into_iter().filter_map(claim);
        Some(claims.map(|(value, entry)| (entry.key.clone(), value)).collect::<BTreeMap<_, _>>())
    });
    Some(Proof::External { issuer: issuer?, claims: claims? })
}

/// The document of a credential.
#[must_use]
pub fn write_credential(credential: &Credential) -> String {
    let Credential { id: _, profile, proof, state, created, expires, place: _ } = credential;
    let mut document = Writer::new();
    document.put("profile", profile.as_str());
    document.put("kind", proof.kind());
    let state = match state {
        CredentialState::Active => "active",
        CredentialState::Retiring => "retiring",
        CredentialState::Revoked => "revoked",
    };
    document.put_if(state != "active", "state", state);
    document.put_some("created", created.map(writer::time));
    document.put("expires", writer::time(*expires));
    match proof {
        Proof::Mtls { .. } | Proof::PrivateKeyJwt { .. } => {}
        Proof::ApiKey { hmac } | Proof::ClientSecret { hmac } => {
            let hex = hmac.iter().fold(String::with_capacity(64), |mut hex, byte| {
                // Writing to a String cannot fail.
                let _ = write!(hex, "{byte:02x}");
                hex
            });
            document.put("hmac", hex);
        }
        Proof::External { issuer, claims } => {
            document.put("issuer", issuer.as_str());
            let claim = |(name, value): (&String, &String)| (name.clone(), value.clone().into());
            document.put("claims", Value::Object(claims.iter().map(claim).collect()));
        }
    }
    document.text()
}
