//! `rewrap_secrets`: sealed values come under the newest key-encryption key, and stay closed.

use http::Method;
use model::{Effect, SecretId};
use schemars::JsonSchema;
use secrets::{Keyring, Sealed, UPSTREAM_PURPOSE};
use serde::Serialize;
use store::{Change, SealedChange, SealedVersion};

use super::keyring;
use crate::{
    Admin, Call, authority,
    change::{Plan, Why},
    failure::Failure,
    keys::UnderKey,
    operation::{NoParameters, Operation},
    reply::Reply,
};

/// Most versions of one revision.
const VERSIONS_MAX: u32 = 100;

/// Most broken versions that are named.
const BROKEN_MAX: usize = 100;

/// Brings sealed values under the newest key.
#[derive(Debug)]
pub(crate) struct Rewrap;

/// What is sealed under which key now.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Rewrapped {
    /// The id of the newest key-encryption key.
    key: String,
    /// How many versions came under it.
    rewrapped: u64,
    /// How many versions were under it already.
    already: u64,
    /// How many keys of bodies that are kept beside the audit log came under it.
    body_keys: u64,
    /// The keys that are not in the keyring, and what is sealed under them: it cannot be read.
    unknown: Vec<UnderKey>,
    /// Versions that do not open with the key they name; at most 100 of them.
    broken: Vec<Broken>,
    /// The revision in force.
    revision: u64,
}

/// A version that was changed by somebody else than the door.
#[derive(Debug, Serialize, JsonSchema)]
struct Broken {
    /// The secret.
    id: String,
    /// The version's number.
    version: u32,
}

impl Operation for Rewrap {
    const NAME: &'static str = "rewrap_secrets";
    const COMMAND: [&'static str; 2] = ["secret", "rewrap"];
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/keyring/rewrap";
    const EFFECT: Effect = Effect::Write;
    const SUMMARY: &'static str = "Bring all sealed values under the newest key-encryption key";
    const DESCRIPTION: &'static str = "The values themselves are not opened. A revision has at most 100 versions: if one of several fails, those before it stay, and another call does the rest.";
    type Parameters = NoParameters;
    type Body = Why;
    type Output = Rewrapped;

    async fn run(
        admin: &Admin,
        call: &Call,
        _: NoParameters,
        why: Why,
    ) -> Result<Reply<Rewrapped>, Failure> {
        authority::ensure_everywhere(call, "keys belong to everybody")?;
        let already = admin.keys().await?.sealing.map_or(0, |it| it.versions);
        let keyring = keyring(admin)?;
        let work = Work { keyring, reason: why.reason.unwrap_or_default() };
        let (mut rewrapped, mut broken) = (0_u64, Vec::new());
        // Where a folder is served there are no versions, and keys of bodies all the same.
        let keys = if admin.store.is_some() { keyring.ids() } else { Vec::new() };
        for old in keys.iter().skip(1) {
            let mut after = None;
            while let Some(page) = work.page(admin, call, (old, after)).await? {
                rewrapped = rewrapped.saturating_add(page.rewrapped);
                broken.extend(page.broken);
                broken.truncate(BROKEN_MAX);
                after = Some(page.last);
            }
        }
        let body_keys = admin.plane.rewrap_body_keys();
        Ok(Reply::of(Rewrapped {
            key: keyring.current(),
            rewrapped,
            body_keys: body_keys.map_err(|error| Failure::internal(&error))?,
            already,
            unknown: admin.keys().await?.unknown,
            broken,
            revision: admin.revision(),
        }))
    }
}

/// How it is done.
struct Work<'a> {
    keyring: &'a Keyring,
    reason: String,
}

/// Versions that were looked at.
struct Page {
    rewrapped: u64,
    broken: Vec<Broken>,
    last: (SecretId, u32),
}

impl Work<'_> {
    /// Brings the next versions under `old` behind `after` under the newest key; none where there
    /// are no more.
    async fn page(
        &self,
        admin: &Admin,
        call: &Call,
        (old, after): (&str, Option<(SecretId, u32)>),
    ) -> Result<Option<Page>, Failure> {
        let store = admin.sealed_store()?;
        let after = after.as_ref().map(|(secret, version)| (secret, *version));
        let plan = |_| async move {
            let versions = store.sealed_under(old, after, VERSIONS_MAX).await?;
            let last = versions.last().map(|it| (it.secret.clone(), it.version));
            let (plan, broken) = self.plan(versions)?;
            let rewrapped = u64::try_from(plan.sealed.len()).unwrap_or(u64::MAX);
            Ok((plan, last.map(|last| Page { rewrapped, broken, last })))
        };
        admin.change_by(call, plan).await.map(|(_, page)| page)
    }

    /// What brings `versions` under the newest key, and those that do not open.
    fn plan(&self, versions: Vec<SealedVersion>) -> Result<(Plan, Vec<Broken>), Failure> {
        let mut plan = Plan { reason: self.reason.clone(), ..Plan::default() };
        let mut broken = Vec::new();
        for old in versions {
            let SealedVersion { secret, version, state, key: from, sealed, created } = old;
            let sealed = Sealed { key: from.clone(), bytes: sealed };
            match secrets::rewrap(self.keyring, &secret, version, UPSTREAM_PURPOSE, &sealed) {
                Ok(Some(Sealed { key, bytes: sealed })) => {
                    plan.lines.push(line(&secret, version, (&from, &key)));
                    let version = SealedVersion { secret, version, state, key, sealed, created };
                    plan.sealed.push(SealedChange::Rewrap { version, from });
                }
                Ok(None) => {}
                Err(error @ secrets::Error::Unsealable { .. }) => {
                    return Err(Failure::internal(&error));
                }
                Err(_) => broken.push(Broken { id: secret.to_string(), version }),
            }
        }
        Ok((plan, broken))
    }
}

/// What a revision says of a version that came under another key.
fn line(secret: &SecretId, version: u32, (before, after): (&str, &str)) -> Change {
    let said = |key: &str| Some(format!("key: {key}\n"));
    Change { path: format!("secrets/{secret}#{version}"), before: said(before), after: said(after) }
}
