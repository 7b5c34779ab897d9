//! `whoami`: the caller, as the door sees it.

use http::Method;
use model::Effect;
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    Admin, Call,
    failure::Failure,
    operation::{NoBody, NoParameters, Operation},
    reply::Reply,
};

/// Shows the caller.
#[derive(Debug)]
pub(crate) struct Show;

/// The caller, as its credential alone says.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Whoami {
    /// The registered client.
    client: String,
    /// The profile that the credential is bound to.
    profile: String,
    /// The credential.
    credential: Option<String>,
    /// The person it acts for.
    user: Option<String>,
    /// The roles of the profile, with their bounds.
    roles: Vec<String>,
    /// The surface that the call came by.
    surface: String,
    /// The revision in force.
    revision: u64,
}

impl Operation for Show {
    const NAME: &'static str = "whoami";
    const COMMAND: [&'static str; 2] = ["whoami", ""];
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/whoami";
    const EFFECT: Effect = Effect::Read;
    const SUMMARY: &'static str = "Show who is calling";
    type Parameters = NoParameters;
    type Body = NoBody;
    type Output = Whoami;

    async fn run(
        admin: &Admin,
        call: &Call,
        _: NoParameters,
        _: NoBody,
    ) -> Result<Reply<Whoami>, Failure> {
        let caller = &call.caller;
        let working = admin.working();
        let clients = working.desired.clients.iter();
        let profile = clients.flat_map(|it| &it.profiles).find(|it| it.id == caller.profile);
        let roles = profile.into_iter().flat_map(|it| &it.roles);
        Ok(Reply::of(Whoami {
            client: caller.client.to_string(),
            profile: caller.profile.to_string(),
            credential: caller.credential.as_ref().map(ToString::to_string),
            user: caller.user.clone(),
            roles: roles.map(shown).collect(),
            surface: call.surface.as_str().to_owned(),
            revision: working.revision,
        }))
    }
}

/// `editor for collections orders, owners shop-team`.
fn shown(assignment: &model::Assignment) -> String {
    let model::Assignment { role, reach } = assignment;
    if reach.is_everywhere() {
        return role.to_string();
    }
    let collections: Vec<_> = reach.collections.iter().map(ToString::to_string).collect();
    let bounds = [("collections", collections), ("owners", reach.owners.clone())];
    let bounds = bounds.iter().filter(|it| !it.1.is_empty());
    let bounds: Vec<_> =
        bounds.map(|(what, names)| format!("{what} {}", names.join(" "))).collect();
    format!("{role} for {}", bounds.join(", "))
}
