//! `report_found_credential`: a key that lies about somewhere is refused for ever from now on.

use http::Method;
use model::{Credential, CredentialState, Effect, LastUse, Proof, Secret, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use state::{Desired, Kind};

use super::ages;
use crate::{
    Admin, Call, authority,
    change::Plan,
    failure::Failure,
    operation::{NoParameters, Operation},
    reply::Reply,
    working::{Working, client},
};

/// Takes a key that was found.
#[derive(Debug)]
pub(crate) struct ReportFound;

/// What was found, and where.
// No Debug: the key must not come into a log.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Finding {
    /// The API key or client secret that was found, whole.
    #[schemars(length(min = 1, max = 200))]
    key: String,
    /// Where it was found, for the revision; not the key itself.
    #[schemars(length(max = 500))]
    reason: Option<String>,
}

/// What the key was.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Found {
    /// The credential's id; the client's where that registered itself.
    id: String,
    /// `api_key` or `client_secret`.
    kind: &'static str,
    /// The profile that it led to; none where its client registered itself.
    profile: Option<String>,
    /// That profile's client.
    client: String,
    /// Who answers for the client; nobody where it registered itself.
    owner: Option<String>,
    /// What it was until now: `active`, `retiring`, `retired`, `expired` or `revoked`.
    was: &'static str,
    /// What it is from now on: `revoked`.
    state: &'static str,
    /// When it ended, or would have; none where its client registered itself.
    expires: Option<String>,
    /// When it was last used, where it was and is within your reach.
    last_used: Option<String>,
    /// How it was last used: `call`, `token` (one that was got with it) or `token_request`.
    used_by: Option<&'static str>,
    /// From which address it was last used.
    used_from: Option<String>,
    /// What to do next.
    next: Vec<String>,
    /// The revision in force.
    revision: u64,
}

impl Operation for ReportFound {
    const NAME: &'static str = "report_found_credential";
    const COMMAND: [&'static str; 2] = ["credential", "report"];
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/reports/found-credentials";
    const EFFECT: Effect = Effect::Destructive;
    const SUMMARY: &'static str = "Hand in a key that was found: it is revoked";
    const DESCRIPTION: &'static str = "Whose ever it is: who has the key could use it, so nothing more is needed to have it refused. The answer says which credential it was, how it was last used, and what to do next. The key itself is in no answer and no record. To hand one in again changes nothing. The secret of a client that registered itself ends that client, with all that it was given. Wrong keys are counted: after 20 there is one more every 10 seconds.";
    type Parameters = NoParameters;
    type Body = Finding;
    type Output = Found;

    async fn run(
        admin: &Admin,
        call: &Call,
        _: NoParameters,
        finding: Finding,
    ) -> Result<Reply<Found>, Failure> {
        let Finding { key, reason } = finding;
        let key = Secret::new(key);
        ensure_left_out(&key, reason.as_deref())?;
        let proofs = recognized(admin, call, &key)?;
        let working = admin.working();
        let found = known_by(&working.desired, &proofs).and_then(|it| placed(&working, it));
        let Some((path, found)) = found else {
            let ended = admin.plane.end_registered_client(&proofs).await;
            let client = ended.map_err(Failure::Unavailable)?.ok_or_else(unknown)?;
            admin.guesses.give_back(&call.caller.profile, call.at);
            return Ok(Reply::of(registered(client, working.revision)));
        };
        admin.guesses.give_back(&call.caller.profile, call.at);
        let profile = &found.profile;
        let changeable = admin.changeable().map_err(|_| read_only(&found, &path));
        let store = changeable?;
        admin.store_uses().await?;
        let reaches = authority::reaches(call, &working, Kind::Credential, found.id.as_str());
        let used = match reaches {
            true => store.last_use(found.id.as_str()).await?,
            false => None,
        };
        let reason = reason.map_or_else(|| "found".to_owned(), |it| format!("found: {it}"));
        let plan = |working: &Working| revoked(working, &proofs, &reason);
        let after = admin.change(call, plan).await?;
        let end = working.rotation(profile).end(&found);
        let was = ages::state(found.state, end, call.at);
        let owner = client(&working.desired, profile.client()).map(|it| it.owner.clone());
        let next = next(&found, owner.as_deref().unwrap_or_default(), used.is_some());
        let told = told(&found, (was, end), used);
        Ok(Reply::of(Found { owner, next, revision: after.revision, ..told }))
    }
}

/// What the credential with this key is known by. It costs a guess until it is found to be one.
///
/// # Errors
/// `Slowed` after too many wrong ones; `Invalid` for what is no key of any door.
fn recognized(admin: &Admin, call: &Call, key: &Secret<String>) -> Result<Vec<Proof>, Failure> {
    admin.guesses.pay(&call.caller.profile, call.at)?;
    let proofs = admin.plane.recognize(key);
    if proofs.is_empty() {
        let message = "this is no key of a door: its start, its length or its checksum is wrong";
        let help = "hand it in whole, as it was found; for tokens see docs/credentials.md";
        return Err(Failure::field("body.key", message, help));
    }
    Ok(proofs)
}

/// Whoever reads the revision must not find the key there.
fn ensure_left_out(key: &Secret<String>, reason: Option<&str>) -> Result<(), Failure> {
    let key = key.expose().trim();
    match reason {
        Some(reason) if !key.is_empty() && reason.contains(key) => {
            let help = "say where it was found without it: the reason is kept";
            Err(Failure::field("body.reason", "the key itself is in it", help))
        }
        Some(_) | None => Ok(()),
    }
}

// By its HMAC, which nobody can guess without the pepper: how long comparing takes tells nothing.
fn known_by<'a>(desired: &'a Desired, proofs: &[Proof]) -> Option<&'a Credential> {
    desired.credentials.iter().map(|it| &**it).find(|it| proofs.contains(&it.proof))
}

/// The path of its file, and the credential.
fn placed(working: &Working, found: &Credential) -> Option<(String, Credential)> {
    let (path, _) = working.document(Kind::Credential, found.id.as_str())?;
    Some((path.to_owned(), found.clone()))
}

/// The plan to revoke it; to do nothing where it is revoked.
fn revoked(working: &Working, proofs: &[Proof], reason: &str) -> Result<Plan, Failure> {
    let found = known_by(&working.desired, proofs);
    let (path, mut credential) = found.and_then(|it| placed(working, it)).ok_or_else(unknown)?;
    if credential.state == CredentialState::Revoked {
        return Ok(Plan::default());
    }
    credential.state = CredentialState::Revoked;
    let text = state::write_credential(&credential);
    let plan = Plan::file(&path, Some(text), Some(reason.to_owned()));
    Ok(Plan { found: Some(path), ..plan })
}

fn unknown() -> Failure {
    let detail = "it is a whole key, and no credential of this door has it: it may be of another door, or its credential was deleted";
    Failure::NotFound(detail.to_owned())
}

fn read_only(found: &Credential, path: &str) -> Failure {
    let Credential { id, profile, .. } = found;
    Failure::ReadOnly(format!(
        "it is the key of {id}, of {profile}, and what is served is a folder: write state: revoked into {path}"
    ))
}

fn told(found: &Credential, (was, end): (&'static str, Timestamp), used: Option<LastUse>) -> Found {
    let how = used.and_then(|it| it.how);
    Found {
        id: found.id.to_string(),
        kind: found.proof.kind(),
        profile: Some(found.profile.to_string()),
        client: found.profile.client().to_owned(),
        owner: None,
        was,
        state: "revoked",
        expires: Some(end.to_string()),
        last_used: used.map(|it| it.at.to_string()),
        used_by: how.map(|it| it.way.as_str()),
        used_from: how.map(|it| it.from.to_string()),
        next: Vec::new(),
        revision: 0,
    }
}

/// What is told of a client that registered itself, and is no more.
fn registered(client: String, revision: u64) -> Found {
    Found {
        id: client.clone(),
        kind: "client_secret",
        profile: None,
        client,
        owner: None,
        was: "active",
        state: "revoked",
        expires: None,
        last_used: None,
        used_by: None,
        used_from: None,
        next: vec![
            "nothing is to be given: it registers itself anew, and asks its people again"
                .to_owned(),
            "take it out of where it was found".to_owned(),
        ],
        revision,
    }
}

/// What to do now, in its order.
fn next(found: &Credential, owner: &str, is_used: bool) -> Vec<String> {
    let Credential { profile, proof, .. } = found;
    let client = profile.client();
    let mut next = vec![format!("tell {owner}, who answers for {client}, where it was found")];
    if found.state.is_good() {
        let kind = match proof {
            Proof::ClientSecret { .. } => " --kind client_secret".to_owned(),
            Proof::ApiKey { .. }
            | Proof::External { .. }
            | Proof::Mtls { .. }
            | Proof::PrivateKeyJwt { .. } => String::new(),
        };
        next.push(format!(
            "give its holder another: onedoor credential issue --profile {profile}{kind}"
        ));
    }
    if is_used {
        next.push(format!("see what was done with it: onedoor audit query --client {client}"));
    }
    next.push("take it out of where it was found".to_owned());
    next
}
