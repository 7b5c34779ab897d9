//! `list_secret_versions`: numbers and states, never values.

use http::Method;
use model::Effect;
use schemars::JsonSchema;
use serde::Serialize;

use super::{found, versions};
use crate::{
    Admin, Call,
    failure::Failure,
    operation::{NoBody, Operation},
    reply::Reply,
    resource::ById,
};

/// Lists the versions of a secret.
#[derive(Debug)]
pub(crate) struct ListVersions;

/// The versions.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Versions {
    /// By number.
    items: Vec<Version>,
}

/// A version, without its value.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Version {
    /// Its number.
    version: u32,
    /// `pending`, `active`, `retiring` or `revoked`.
    state: &'static str,
    /// The id of the key-encryption key under which it is sealed.
    key: String,
    /// When it was made.
    created: String,
}

impl Operation for ListVersions {
    const NAME: &'static str = "list_secret_versions";
    const COMMAND: [&'static str; 2] = ["secret", "versions"];
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/secrets/{id}/versions";
    const EFFECT: Effect = Effect::Read;
    const SUMMARY: &'static str = "List the versions of a secret, without their values";
    type Parameters = ById;
    type Body = NoBody;
    type Output = Versions;

    async fn run(
        admin: &Admin,
        call: &Call,
        by: ById,
        _: NoBody,
    ) -> Result<Reply<Versions>, Failure> {
        let secret = found(&admin.working(), call, &by.id)?;
        let mut versions = versions(admin, &secret).await?;
        versions.sort_by_key(|(it, _)| it.version);
        let items = versions.into_iter().map(|(it, state)| Version {
            version: it.version,
            state: state.as_str(),
            key: it.key,
            created: it.created.to_string(),
        });
        Ok(Reply::of(Versions { items: items.collect() }))
    }
}
