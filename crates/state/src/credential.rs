//! `credentials/ID.yaml`: a proof bound to one profile, without the secret itself.

mod certificate;

use std::collections::BTreeMap;

use model::{
    ClientId, Credential, CredentialId, CredentialState, IssuerId, KeyHash, KeySource, ProfileId,
    Proof, Timestamp,
};
use serde_json::Value;

use crate::{
    field::Field,
    issuer::read_client_keys,
    reader::Reader,
    references::Target,
    writer::{self, Writer},
};

const STATES: &[(&str, CredentialState)] = &[
    ("active", CredentialState::Active),
    ("retiring", CredentialState::Retiring),
    ("retired", CredentialState::Retired),
    ("revoked", CredentialState::Revoked),
];

#[derive(Clone, Copy)]
enum ProofKind {
    ApiKey,
    ClientSecret,
    External,
    Mtls,
    PrivateKeyJwt,
}

const KINDS: &[(&str, ProofKind)] = &[
    ("api_key", ProofKind::ApiKey),
    ("client_secret", ProofKind::ClientSecret),
    ("external", ProofKind::External),
    ("mtls", ProofKind::Mtls),
    ("private_key_jwt", ProofKind::PrivateKeyJwt),
];
/// The keys that hang on the kind.
const PROOF_KEYS: [&str; 5] = ["hmac", "issuer", "claims", "jwks_url", "jwks"];

/// Reads the credential `id`.
pub(crate) fn read(id: CredentialId, root: Field<'_>) -> Option<Credential> {
    let place = root.place();
    root.mapping(|it| {
        let profile = it.required("profile", "write the profile it leads to: client/profile");
        let profile = profile.and_then(|it| read_profile(&it));
        let kinds = "write kind: api_key, client_secret, external, mtls or private_key_jwt";
        let kind = it.required("kind", kinds);
        let kind = kind.and_then(|it| it.one_of(KINDS));
        let state = it.optional("state").map(|it| it.one_of(STATES));
        let created = it.optional("created").and_then(|it| it.parse(Timestamp::parse));
        let replaced = it.optional("replaced").and_then(|it| it.parse(Timestamp::parse));
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
            for key in PROOF_KEYS.into_iter().chain(certificate::KEYS) {
                it.optional(key);
            }
            return None;
        };
        let proof = match kind {
            ProofKind::ApiKey => read_hash(it).map(|hash| Proof::ApiKey { hash }),
            ProofKind::ClientSecret => read_hash(it).map(|hash| Proof::ClientSecret { hash }),
            ProofKind::External => read_external(it),
            ProofKind::Mtls => certificate::read(it).map(|certificate| Proof::Mtls { certificate }),
            ProofKind::PrivateKeyJwt => {
                read_client_keys(it).map(|keys| Proof::PrivateKeyJwt { keys })
            }
        };
        let state = state.unwrap_or(Some(CredentialState::Active))?;
        Some(Credential {
            profile: profile?,
            proof: proof?,
            state,
            created,
            replaced,
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

fn read_hash(it: &mut Reader<'_>) -> Option<KeyHash> {
    let help = "make a key with: onedoor credential new CLIENT/PROFILE";
    it.required("hmac", help)?.parse(|text| {
        // Not shown: whoever takes this for the place of the key itself has put it here.
        KeyHash::parse(text).ok_or(
            "not the HMAC of a key: write 64 hexadecimal digits, as onedoor credential new does",
        )
    })
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
    let Credential { id: _, profile, proof, state, created, replaced, expires, place: _ } =
        credential;
    let mut document = Writer::new();
    document.put("profile", profile.as_str());
    document.put("kind", proof.kind());
    let state = match state {
        CredentialState::Active => "active",
        CredentialState::Retiring => "retiring",
        CredentialState::Retired => "retired",
        CredentialState::Revoked => "revoked",
    };
    document.put_if(state != "active", "state", state);
    document.put_some("created", created.map(writer::time));
    document.put_some("replaced", replaced.map(writer::time));
    document.put("expires", writer::time(*expires));
    match proof {
        Proof::ApiKey { hash } | Proof::ClientSecret { hash } => document.put("hmac", hash.text()),
        Proof::External { issuer, claims } => {
            document.put("issuer", issuer.as_str());
            let claim = |(name, value): (&String, &String)| (name.clone(), value.clone().into());
            document.put("claims", Value::Object(claims.iter().map(claim).collect()));
        }
        Proof::Mtls { certificate } => certificate::write(certificate, &mut document),
        Proof::PrivateKeyJwt { keys: KeySource::Inline(keys) } => {
            document.put("jwks", Value::clone(keys));
        }
        Proof::PrivateKeyJwt { keys: KeySource::Url(url) } => {
            document.put("jwks_url", url.as_str());
        }
        // Only an issuer has metadata, and reading makes none of this.
        Proof::PrivateKeyJwt { keys: KeySource::Discovery } => {}
    }
    document.text()
}
