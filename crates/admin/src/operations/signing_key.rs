//! `list_signing_keys`, `rotate_signing_key` and `withdraw_signing_key`: what signs tokens.

use std::sync::Arc;

use http::{Method, StatusCode};
use model::{Effect, quantity::parse_duration};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Admin, Call, SigningFault, SigningKeyView, SigningKeys, authority,
    failure::Failure,
    operation::{NoBody, NoParameters, Operation},
    reply::Reply,
    resource::ById,
};

/// Lists signing keys.
#[derive(Debug)]
pub(crate) struct List;

/// The keys.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Keys {
    /// Newest first.
    items: Vec<SigningKeyView>,
}

impl Operation for List {
    const NAME: &'static str = "list_signing_keys";
    const COMMAND: [&'static str; 2] = ["signing_key", "list"];
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/signing-keys";
    const EFFECT: Effect = Effect::Read;
    const SUMMARY: &'static str = "List the keys that sign tokens, with state and age";
    type Parameters = NoParameters;
    type Body = NoBody;
    type Output = Keys;

    async fn run(
        admin: &Admin,
        _: &Call,
        _: NoParameters,
        _: NoBody,
    ) -> Result<Reply<Keys>, Failure> {
        Ok(Reply::of(Keys { items: keys(admin)?.list().await? }))
    }
}

/// Makes a new signing key.
#[derive(Debug)]
pub(crate) struct Rotate;

/// How it begins.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wish {
    /// How long it is published before it signs, from `2s` to `7d`: `15m` where it is missing. Whoever
    /// checks tokens elsewhere must look for new keys more often than that.
    #[schemars(length(max = 50))]
    ahead: Option<String>,
}

impl Operation for Rotate {
    const NAME: &'static str = "rotate_signing_key";
    const COMMAND: [&'static str; 2] = ["signing_key", "rotate"];
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/signing-keys";
    const EFFECT: Effect = Effect::Write;
    const SUMMARY: &'static str = "Make the successor of the key that signs tokens";
    const DESCRIPTION: &'static str = "It is published now and signs later. The keys before it are published until all tokens that they signed have ended, and are deleted then. While one is under way that signs sooner, no other is made.";
    const STATUS: StatusCode = StatusCode::CREATED;
    type Parameters = NoParameters;
    type Body = Wish;
    type Output = SigningKeyView;

    async fn run(
        admin: &Admin,
        call: &Call,
        _: NoParameters,
        wish: Wish,
    ) -> Result<Reply<SigningKeyView>, Failure> {
        let keys = all_of(admin, call)?;
        let ahead = wish.ahead.as_deref().map(parse_duration).transpose();
        let ahead =
            ahead.map_err(|error| Failure::field("body.ahead", error, "write 15m or 1h"))?;
        Ok(Reply::of(keys.rotate(ahead).await?))
    }
}

/// Takes a signing key away.
#[derive(Debug)]
pub(crate) struct Withdraw;

/// What was taken away.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Withdrawn {
    /// The key.
    id: String,
    /// Whether it was there until now: it may have been withdrawn before, or never have been.
    was_there: bool,
    /// The keys that are left, newest first.
    left: Vec<SigningKeyView>,
}

impl Operation for Withdraw {
    const NAME: &'static str = "withdraw_signing_key";
    const COMMAND: [&'static str; 2] = ["signing_key", "withdraw"];
    const METHOD: Method = Method::DELETE;
    const PATH: &'static str = "/signing-keys/{id}";
    const EFFECT: Effect = Effect::Destructive;
    const SUMMARY: &'static str = "Take a signing key away at once";
    const DESCRIPTION: &'static str = "For a key that others may have. All tokens that it signed are refused on every replica within a second; refresh tokens and opaque tokens stay good. Where it was the one that signs, another does a second later.";
    type Parameters = ById;
    type Body = NoBody;
    type Output = Withdrawn;

    async fn run(
        admin: &Admin,
        call: &Call,
        by: ById,
        _: NoBody,
    ) -> Result<Reply<Withdrawn>, Failure> {
        let keys = all_of(admin, call)?;
        let was_there = keys.withdraw(&by.id).await?;
        Ok(Reply::of(Withdrawn { id: by.id, was_there, left: keys.list().await? }))
    }
}

/// The keys, for a caller who may touch what belongs to everybody.
fn all_of(admin: &Admin, call: &Call) -> Result<Arc<dyn SigningKeys>, Failure> {
    authority::ensure_everywhere(call, "signing keys belong to everybody")?;
    keys(admin)
}

fn keys(admin: &Admin) -> Result<Arc<dyn SigningKeys>, Failure> {
    admin.plane.signing_keys().ok_or_else(|| {
        let detail = "this door gives no tokens: see [oauth] in docs/configuration.md";
        Failure::Conflict(detail.to_owned())
    })
}

impl From<SigningFault> for Failure {
    fn from(fault: SigningFault) -> Self {
        match fault {
            SigningFault::Conflict(detail) => Self::Conflict(detail),
            SigningFault::Invalid(why) => Self::field("body.ahead", why, "write 15m or 1h"),
            SigningFault::Unavailable(detail) => Self::Unavailable(detail),
        }
    }
}
