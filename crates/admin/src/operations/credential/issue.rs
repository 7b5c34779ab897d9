//! `issue_credential`: a new API key, shown this once.

use http::{Method, StatusCode};
use model::{Credential, Effect, Expiry, ProfileId, Secret, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use state::Kind;

use crate::{
    Admin, Call, authority,
    change::Plan,
    failure::Failure,
    operation::{NoParameters, Operation},
    reply::Reply,
    working::Working,
};

/// Makes an API key.
#[derive(Debug)]
pub(crate) struct Issue;

/// For whom, and for how long.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wish {
    /// The profile that the key leads to: `client/profile`.
    #[schemars(length(max = 130))]
    profile: String,
    /// When it ends: so long from now (`90d`), or at a time; 90 days where it is missing.
    #[schemars(length(max = 50))]
    expires: Option<String>,
    /// Why, for the revision.
    #[schemars(length(max = 500))]
    reason: Option<String>,
}

/// A key that was just made.
// No Debug: the key must not come into a log.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Issued {
    /// Its public id.
    pub(super) id: String,
    /// The key. It is shown this once, and kept nowhere.
    pub(super) key: String,
    /// The profile that it leads to.
    pub(super) profile: String,
    /// When it ends.
    pub(super) expires: String,
    /// The revision in which it is good.
    pub(super) revision: u64,
}

impl Operation for Issue {
    const NAME: &'static str = "issue_credential";
    const COMMAND: [&'static str; 2] = ["credential", "issue"];
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/credentials";
    const EFFECT: Effect = Effect::Write;
    const SUMMARY: &'static str = "Make an API key for a profile";
    const DESCRIPTION: &'static str = "The key is shown this once: only its HMAC is kept.";
    const STATUS: StatusCode = StatusCode::CREATED;
    type Parameters = NoParameters;
    type Body = Wish;
    type Output = Issued;

    async fn run(
        admin: &Admin,
        call: &Call,
        _: NoParameters,
        wish: Wish,
    ) -> Result<Reply<Issued>, Failure> {
        let Wish { profile, expires, reason } = wish;
        let id = ProfileId::parse(&profile)
            .map_err(|error| Failure::field("body.profile", error.to_string(), ""))?;
        let expires = expiry(expires.as_deref(), call.at)?;
        let (key, credential) = made(admin, &id, call.at, expires)?;
        let plan = |working: &Working| {
            check_known(working, call, &id)?;
            Ok(Plan::file(
                &Kind::Credential.path(credential.id.as_str()),
                Some(state::write_credential(&credential)),
                reason.clone(),
            ))
        };
        let after = admin.change(call, plan).await?;
        Ok(Reply::of(issued(&key, &credential, after.revision)))
    }
}

/// A new key of `profile`, and the credential that knows it again.
pub(super) fn made(
    admin: &Admin,
    profile: &ProfileId,
    now: Timestamp,
    expires: Timestamp,
) -> Result<(Secret<String>, Credential), Failure> {
    let (key, hmac) = admin.plane.new_key().map_err(|error| Failure::internal(&error))?;
    let credential = Credential::api_key(profile, hmac, uuid::Uuid::new_v4(), (now, expires))
        .map_err(|error| Failure::internal(&error))?;
    Ok((key, credential))
}

pub(super) fn issued(key: &Secret<String>, credential: &Credential, revision: u64) -> Issued {
    Issued {
        id: credential.id.to_string(),
        key: key.expose().clone(),
        profile: credential.profile.to_string(),
        expires: credential.expires.to_string(),
        revision,
    }
}

/// When a new key ends.
///
/// # Errors
/// `Invalid` where that is no time, or has gone by.
pub(super) fn expiry(text: Option<&str>, now: Timestamp) -> Result<Timestamp, Failure> {
    let expiry = Expiry::parse(text.unwrap_or(Expiry::USUAL));
    let end = expiry.and_then(|it| it.end(now));
    end.map_err(|error| Failure::field("body.expires", error, Expiry::HELP))
}

fn check_known(working: &Working, call: &Call, profile: &ProfileId) -> Result<(), Failure> {
    let clients = working.desired.clients.iter();
    let is_known = clients.flat_map(|it| &it.profiles).any(|it| it.id == *profile);
    if is_known && authority::reaches(call, working, Kind::Client, profile.client()) {
        return Ok(());
    }
    Err(Failure::no_such("profile", profile.as_str()))
}
