//! `issue_credential`: a new credential; a secret that is made for it is shown this once.

use http::{Method, StatusCode};
use model::{Effect, KeyKind, ProfileId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::new::{New, NewKind, Public, expiry, known};
use crate::{
    Admin, Call,
    change::Plan,
    failure::Failure,
    operation::{NoParameters, Operation},
    reply::Reply,
    working::Working,
};

/// Makes a credential.
#[derive(Debug)]
pub(crate) struct Issue;

/// For whom, and for how long.
#[derive(Debug, Deserialize, JsonSchema)]
// Said of the schema alone: serde cannot refuse the rest where something is flattened.
#[schemars(extend("additionalProperties" = false))]
pub(crate) struct Wish {
    /// The profile that it leads to: `client/profile`.
    #[schemars(length(max = 130))]
    profile: String,
    /// What has to be shown; an API key where it is missing.
    kind: Option<NewKind>,
    /// When it ends: so long from now (`90d`), or at a time; 90 days where it is missing, or less
    /// where the profile's rotation says so.
    #[schemars(length(max = 50))]
    expires: Option<String>,
    /// Why, for the revision.
    #[schemars(length(max = 500))]
    reason: Option<String>,
    #[serde(flatten)]
    public: Public,
}

/// A credential that was just made.
// No Debug: the secret must not come into a log.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Issued {
    /// Its public id.
    id: String,
    /// `api_key`, `client_secret`, `external`, `mtls` or `private_key_jwt`.
    kind: &'static str,
    /// The API key. It is shown this once, and kept nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// The client secret. It is shown this once, and kept nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    /// The profile that it leads to. It is the client's id for tokens, too.
    profile: String,
    /// When it ends.
    expires: String,
    /// The revision in which it is good.
    revision: u64,
}

impl Operation for Issue {
    const NAME: &'static str = "issue_credential";
    const COMMAND: [&'static str; 2] = ["credential", "issue"];
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/credentials";
    const EFFECT: Effect = Effect::Write;
    const SUMMARY: &'static str = "Make a credential for a profile";
    const DESCRIPTION: &'static str = "An API key or a client secret is made here and shown this once: only its HMAC is kept. For external, mtls and private_key_jwt, say what the client shows.";
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
        let Wish { profile, kind, expires, reason, public } = wish;
        let id = ProfileId::parse(&profile)
            .map_err(|error| Failure::field("body.profile", error.to_string(), ""))?;
        let kind = kind.unwrap_or(NewKind::ApiKey);
        let end = |working: &Working| {
            let profile = known(working, call, &id)?;
            expiry(expires.as_deref(), profile, call.at)
        };
        let ends = end(&admin.working())?;
        let new = New::make(admin, &id, (kind, &public), (call.at, ends))?;
        let plan = |working: &Working| {
            // Its policy may be another since.
            end(working)?;
            let mut plan = Plan { reason: reason.clone().unwrap_or_default(), ..Plan::default() };
            new.add_to(&mut plan);
            Ok(plan)
        };
        let after = admin.change(call, plan).await?;
        Ok(Reply::of(issued(&new, after.revision)))
    }
}

/// What is told of a new credential.
pub(super) fn issued(new: &New, revision: u64) -> Issued {
    let shown = |wanted: KeyKind| {
        let secret = new.secret.as_ref().filter(|it| it.0 == wanted);
        secret.map(|it| it.1.expose().clone())
    };
    Issued {
        id: new.id.to_string(),
        kind: new.kind,
        key: shown(KeyKind::ApiKey),
        secret: shown(KeyKind::ClientSecret),
        profile: new.profile.to_string(),
        expires: new.expires.to_string(),
        revision,
    }
}
