//! What a new credential is known by: a secret that is made here, or what the client says in public.

use std::collections::BTreeMap;

use model::{
    Credential, CredentialId, Expiry, KeyKind, Profile, ProfileId, Proof, Secret, Timestamp,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use state::Kind;

use crate::{Admin, Call, authority, change::Plan, failure::Failure, working::Working};

/// Which sort of credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum NewKind {
    /// A key that is shown with each call.
    ApiKey,
    /// A secret that is shown to get tokens.
    ClientSecret,
    /// A token of a trusted issuer that says certain claims, shown with each call.
    External,
    /// A client certificate: with each call that shows nothing else, or to get tokens.
    Mtls,
    /// A key of the client's own, with which it signs to get tokens.
    PrivateKeyJwt,
}

/// What the client shows, where it makes that itself.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(super) struct Public {
    /// Of `external`: the trusted issuer whose tokens are shown.
    #[schemars(length(max = 63))]
    issuer: Option<String>,
    /// Of `external`: what its tokens must say.
    claims: Option<BTreeMap<String, String>>,
    /// Of `private_key_jwt`: where its public keys are.
    #[schemars(length(max = 2000))]
    jwks_url: Option<String>,
    /// Of `private_key_jwt`: its public keys.
    jwks: Option<Map<String, Value>>,
    /// Of `mtls`: the SHA-256 of the certificate's DER form, in hexadecimal digits.
    #[schemars(length(max = 100))]
    thumbprint: Option<String>,
    /// Of `mtls`: a DNS name that the certificate has.
    #[schemars(length(max = 300))]
    dns: Option<String>,
    /// Of `mtls`: an e-mail address that it has.
    #[schemars(length(max = 300))]
    email: Option<String>,
    /// Of `mtls`: an IP address that it has.
    #[schemars(length(max = 100))]
    ip: Option<String>,
    /// Of `mtls`: a URI that it has.
    #[schemars(length(max = 2000))]
    uri: Option<String>,
    /// Of `mtls`: its subject.
    #[schemars(length(max = 1000))]
    subject: Option<String>,
}

/// A credential that is about to be stored.
// No Debug: the secret must not come into a log.
pub(super) struct New {
    pub(super) id: CredentialId,
    pub(super) kind: &'static str,
    pub(super) secret: Option<(KeyKind, Secret<String>)>,
    pub(super) profile: ProfileId,
    pub(super) expires: Timestamp,
    text: String,
}

impl NewKind {
    /// The kind of what is there.
    pub(super) fn of(proof: &Proof) -> Self {
        match proof {
            Proof::ApiKey { .. } => Self::ApiKey,
            Proof::ClientSecret { .. } => Self::ClientSecret,
            Proof::External { .. } => Self::External,
            Proof::Mtls { .. } => Self::Mtls,
            Proof::PrivateKeyJwt { .. } => Self::PrivateKeyJwt,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::ApiKey => "api_key",
            Self::ClientSecret => "client_secret",
            Self::External => "external",
            Self::Mtls => "mtls",
            Self::PrivateKeyJwt => "private_key_jwt",
        }
    }

    /// The secret that is made for it, where one is.
    fn key(self) -> Option<KeyKind> {
        match self {
            Self::ApiKey => Some(KeyKind::ApiKey),
            Self::ClientSecret => Some(KeyKind::ClientSecret),
            Self::External | Self::Mtls | Self::PrivateKeyJwt => None,
        }
    }
}

impl Public {
    /// What a client may say for itself.
    pub(super) fn of_client(jwks: Option<Map<String, Value>>, thumbprint: Option<String>) -> Self {
        Self { jwks, thumbprint, ..Self::default() }
    }

    /// What is said, as a document says it.
    fn members(&self) -> Map<String, Value> {
        // No `..`: a new field must be looked at here.
        let Self { issuer, claims, jwks_url, jwks, thumbprint, dns, email, ip, uri, subject } =
            self;
        let texts = [
            ("issuer", issuer),
            ("jwks_url", jwks_url),
            ("thumbprint", thumbprint),
            ("dns", dns),
            ("email", email),
            ("ip", ip),
            ("uri", uri),
            ("subject", subject),
        ];
        let texts =
            texts.into_iter().filter_map(|(name, text)| Some((name, json!(text.as_ref()?))));
        let keys = jwks.as_ref().map(|it| ("jwks", Value::Object(it.clone())));
        let claims = claims.as_ref().map(|it| ("claims", json!(it)));
        texts.chain(keys).chain(claims).map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

impl New {
    /// A new credential of `profile`, good from `now` until it `expires`.
    ///
    /// # Errors
    /// `Invalid` where a secret is made here and something else is given all the same.
    pub(super) fn make(
        admin: &Admin,
        profile: &ProfileId,
        (kind, public): (NewKind, &Public),
        (now, expires): (Timestamp, Timestamp),
    ) -> Result<Self, Failure> {
        let chance = uuid::Uuid::new_v4();
        let (mut members, kind_name) = (public.members(), kind.as_str());
        let (id, secret, text) = match kind.key() {
            Some(key) => {
                if let Some(name) = members.keys().next() {
                    let message = format!("the door makes the {kind_name} itself");
                    return Err(Failure::field(&format!("body.{name}"), message, "leave it away"));
                }
                let made = admin.plane.new_key(key);
                let (secret, hash) = made.map_err(|error| Failure::internal(&error))?;
                let made = Credential::new(profile, key.proof(hash), chance, (now, expires));
                let made = made.map_err(|error| Failure::internal(&error))?;
                let text = state::write_credential(&made);
                (made.id, Some((key, secret)), text)
            }
            None => {
                let id = Credential::new_id(profile, chance);
                let id = id.map_err(|error| Failure::internal(&error))?;
                members.insert("profile".to_owned(), json!(profile.as_str()));
                members.insert("kind".to_owned(), json!(kind_name));
                members.insert("created".to_owned(), json!(now.to_string()));
                members.insert("expires".to_owned(), json!(expires.to_string()));
                let text = state::document(Kind::Credential, id.as_str(), &Value::Object(members));
                (id, None, text)
            }
        };
        Ok(Self { id, kind: kind_name, secret, profile: profile.clone(), expires, text })
    }

    /// Adds it to what is to become of desired state. Its faults are told by field.
    pub(super) fn add_to(&self, plan: &mut Plan) {
        let path = Kind::Credential.path(self.id.as_str());
        plan.files.insert(path.clone(), Some(self.text.clone()));
        plan.body = Some(path);
    }

    /// Whether `old` would be known by the very same.
    pub(super) fn is_known_as(&self, old: &Credential) -> bool {
        let members = |text: &str| {
            let mut members = state::to_json(text).ok()?;
            let object = members.as_object_mut()?;
            for name in ["profile", "created", "replaced", "expires", "state"] {
                object.remove(name);
            }
            Some(members)
        };
        let new = members(&self.text);
        new.is_some() && new == members(&state::write_credential(old))
    }
}

/// When a new credential of `profile` ends.
///
/// # Errors
/// `Invalid` where that is no time, has gone by, or is later than the profile allows.
pub(super) fn expiry(
    text: Option<&str>,
    profile: &Profile,
    now: Timestamp,
) -> Result<Timestamp, Failure> {
    let wrong = |error: String, help: &str| Failure::field("body.expires", error, help);
    let latest = profile.rotation.lifetime_max.map(|it| (it, now.plus(it)));
    let end = Expiry::parse(text.unwrap_or(Expiry::USUAL)).and_then(|it| it.end(now));
    let end = end.map_err(|error| wrong(error, Expiry::HELP))?;
    match latest {
        Some((_, latest)) if text.is_none() => Ok(end.min(latest)),
        Some((longest, latest)) if end > latest => {
            let id = &profile.id;
            let longest = longest.as_secs();
            let message = format!("the rotation of {id} lets none live longer than {longest}s");
            Err(wrong(message, &format!("write {latest} or earlier, or leave it away")))
        }
        Some(_) | None => Ok(end),
    }
}

/// The profile `id` within the caller's reach.
///
/// # Errors
/// `NotFound` where there is none.
pub(super) fn known<'a>(
    working: &'a Working,
    call: &Call,
    id: &ProfileId,
) -> Result<&'a Profile, Failure> {
    let profiles = working.desired.clients.iter().flat_map(|it| &it.profiles);
    let found = profiles.into_iter().find(|it| it.id == *id);
    let is_reached = authority::reaches(call, working, Kind::Client, id.client());
    found.filter(|_| is_reached).ok_or_else(|| Failure::no_such("profile", id.as_str()))
}
