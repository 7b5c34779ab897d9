//! `list_peppers`: which hashes depend on which pepper.

use http::Method;
use model::Effect;
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    Admin, Call,
    failure::Failure,
    operation::{NoBody, NoParameters, Operation},
    peppers::UnderPepper,
    reply::Reply,
};

/// Lists peppers.
#[derive(Debug)]
pub(crate) struct List;

/// The peppers.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Peppers {
    /// The newest first, then those that are missing.
    items: Vec<UnderPepper>,
}

impl Operation for List {
    const NAME: &'static str = "list_peppers";
    const COMMAND: [&'static str; 2] = ["pepper", "list"];
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/peppers";
    const EFFECT: Effect = Effect::Read;
    const SUMMARY: &'static str = "List the peppers, and how many keys are hashed under each";
    const DESCRIPTION: &'static str = "A key comes under the newest pepper some seconds after it was used. An older pepper may be taken out when nothing depends on it any more.";
    type Parameters = NoParameters;
    type Body = NoBody;
    type Output = Peppers;

    async fn run(
        admin: &Admin,
        _: &Call,
        _: NoParameters,
        _: NoBody,
    ) -> Result<Reply<Peppers>, Failure> {
        Ok(Reply::of(Peppers { items: admin.peppers().await? }))
    }
}
