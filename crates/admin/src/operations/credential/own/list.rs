//! `list_credentials` of a client: its own, their age, their last use, and when they are due.

use http::Method;
use model::{Credential, Effect, LastUse};
use schemars::JsonSchema;
use serde::Serialize;

use super::{super::ages, ensure_allowed, of_profile};
use crate::{
    Admin, Call,
    failure::Failure,
    operation::{NoBody, NoParameters, Operation},
    reply::Reply,
    working::Working,
};

/// Most that are shown, the newest first.
const SHOWN_MAX: usize = 100;

/// Lists what leads to the caller's profile.
#[derive(Debug)]
pub(crate) struct List;

/// The credentials of the profile.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Credentials {
    /// The profile.
    profile: String,
    /// Those of the last hundred that were made, the newest first.
    items: Vec<Line>,
}

/// What there is to know of one.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Line {
    /// Its id.
    id: String,
    /// `api_key`, `client_secret`, `external`, `mtls` or `private_key_jwt`.
    kind: &'static str,
    /// `active`, `retiring`, `retired`, `revoked` or `expired`.
    state: &'static str,
    /// Whether this call was made with it.
    current: bool,
    /// How many days ago it was made, where that is known.
    age_days: Option<u64>,
    /// When it ends.
    expires: String,
    /// Whether it is time to rotate it.
    due: bool,
    /// When it is, or was, time to rotate it.
    due_at: String,
    /// When its successor was made, where it has one.
    replaced: Option<String>,
    /// When it was last used, as far as is stored.
    last_used: Option<String>,
    /// How it was last used: `call`, `token` (one that was got with it) or `token_request`.
    used_by: Option<&'static str>,
    /// From which address it was last used.
    used_from: Option<String>,
}

impl Operation for List {
    const NAME: &'static str = "list_credentials";
    const COMMAND: [&'static str; 2] = ["self", "list"];
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/credentials";
    const EFFECT: Effect = Effect::Read;
    const SUMMARY: &'static str = "List your own credentials, their age and when they are due";
    type Parameters = NoParameters;
    type Body = NoBody;
    type Output = Credentials;

    async fn run(
        admin: &Admin,
        call: &Call,
        _: NoParameters,
        _: NoBody,
    ) -> Result<Reply<Credentials>, Failure> {
        let working = admin.working();
        ensure_allowed(&working, call)?;
        let mut found: Vec<_> = of_profile(&working, call).collect();
        found.sort_by_key(|it| std::cmp::Reverse(it.created));
        found.truncate(SHOWN_MAX);
        let mut items = Vec::with_capacity(found.len());
        for credential in found {
            let used = match &admin.store {
                Some(store) => store.last_use(credential.id.as_str()).await?,
                None => None,
            };
            items.push(line(&working, call, credential, used));
        }
        Ok(Reply::of(Credentials { profile: call.caller.profile.to_string(), items }))
    }
}

fn line(working: &Working, call: &Call, it: &Credential, used: Option<LastUse>) -> Line {
    let rotation = working.rotation(&it.profile);
    let expires = rotation.end(it);
    let how = used.and_then(|it| it.how);
    Line {
        id: it.id.to_string(),
        kind: it.proof.kind(),
        state: ages::state(it.state, expires, call.at),
        current: call.caller.credential.as_ref() == Some(&it.id),
        age_days: it.created.map(|created| call.at.since(created).as_secs() / 86_400),
        expires: expires.to_string(),
        due: rotation.is_due(it, call.at),
        due_at: rotation.due(it).to_string(),
        replaced: it.replaced.map(|it| it.to_string()),
        last_used: used.map(|it| it.at.to_string()),
        used_by: how.map(|it| it.way.as_str()),
        used_from: how.map(|it| it.from.to_string()),
    }
}
