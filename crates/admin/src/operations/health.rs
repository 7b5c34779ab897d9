//! `get_health`: how the parts of the process are.

use std::time::Duration;

use http::Method;
use model::Effect;
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    Admin, Call, Part,
    failure::Failure,
    operation::{NoBody, NoParameters, Operation},
    peppers,
    reply::Reply,
};

/// So long a message may wait before something is wrong with its receiver.
const WAIT_MAX: Duration = Duration::from_secs(15 * 60);

/// Shows how the process is.
#[derive(Debug)]
pub(crate) struct Show;

/// How the process is.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Health {
    /// Whether all parts work.
    ok: bool,
    /// The version of the program.
    version: String,
    /// The revision in force.
    revision: u64,
    /// Since when it runs, in seconds.
    uptime_seconds: u64,
    /// The parts.
    parts: Vec<Part>,
}

impl Operation for Show {
    const NAME: &'static str = "get_health";
    const COMMAND: [&'static str; 2] = ["health", "get"];
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/health";
    const EFFECT: Effect = Effect::Read;
    const SUMMARY: &'static str = "Show how the door is";
    type Parameters = NoParameters;
    type Body = NoBody;
    type Output = Health;

    async fn run(
        admin: &Admin,
        _: &Call,
        _: NoParameters,
        _: NoBody,
    ) -> Result<Reply<Health>, Failure> {
        let mut parts = admin.plane.health();
        parts.push(store(admin).await);
        parts.extend(keyring(admin).await);
        parts.push(pepper(admin).await);
        parts.extend(webhooks(admin).await);
        Ok(Reply::of(Health {
            ok: parts.iter().all(|it| it.ok),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            revision: admin.revision(),
            uptime_seconds: admin.clock.elapsed().saturating_sub(admin.started).as_secs(),
            parts,
        }))
    }
}

async fn store(admin: &Admin) -> Part {
    let name = "store".to_owned();
    let Some(store) = &admin.store else {
        return Part { name, ok: true, detail: "none: a folder is served".to_owned() };
    };
    match store.head().await {
        Ok(head) => Part { name, ok: true, detail: format!("at revision {head}") },
        Err(error) => Part { name, ok: false, detail: error.to_string() },
    }
}

/// Which keys are needed still; nothing where nothing is sealed here.
async fn keyring(admin: &Admin) -> Option<Part> {
    if admin.store.is_none() && admin.keyring.is_none() {
        return None;
    }
    let name = "keyring".to_owned();
    Some(match admin.keys().await {
        Ok(keys) => Part { name, ok: keys.unknown.is_empty(), detail: keys.to_string() },
        Err(failure) => Part { name, ok: false, detail: failure.problem().detail },
    })
}

/// Which peppers are needed still.
async fn pepper(admin: &Admin) -> Part {
    let name = "pepper".to_owned();
    match admin.peppers().await {
        Ok(peppers) => {
            let (detail, ok) = peppers::told(&peppers);
            Part { name, ok, detail }
        }
        Err(failure) => Part { name, ok: false, detail: failure.problem().detail },
    }
}

/// How many messages wait; nothing where nobody is told and nobody was.
async fn webhooks(admin: &Admin) -> Option<Part> {
    let name = "webhooks".to_owned();
    let backlog = match admin.store.as_ref()?.backlog().await {
        Ok(backlog) => backlog,
        Err(error) => return Some(Part { name, ok: false, detail: error.to_string() }),
    };
    let store::Backlog { waiting, oldest, dead } = backlog;
    if admin.webhooks.is_empty() && waiting == 0 && dead == 0 {
        return None;
    }
    let waited = oldest.map(|it| admin.clock.now().since(it)).unwrap_or_default();
    let mut detail = format!("{waiting} deliveries wait");
    if waiting > 0 {
        detail = format!("{detail}, the oldest for {} s", waited.as_secs());
    }
    if dead > 0 {
        detail = format!("{detail}; {dead} are dead");
    }
    Some(Part { name, ok: waited <= WAIT_MAX, detail })
}
