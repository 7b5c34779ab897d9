//! `export_state`: every file, byte for byte.

use std::collections::BTreeMap;

use http::Method;
use model::Effect;
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    Admin, Call, authority,
    failure::Failure,
    operation::{NoBody, NoParameters, Operation},
    reply::Reply,
};

/// Exports desired state.
#[derive(Debug)]
pub(crate) struct Export;

/// All files of a revision.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Files {
    /// The revision.
    revision: u64,
    /// The texts, by path.
    files: BTreeMap<String, String>,
}

impl Operation for Export {
    const NAME: &'static str = "export_state";
    const COMMAND: [&'static str; 2] = ["state", "export"];
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/state";
    const EFFECT: Effect = Effect::Read;
    const SUMMARY: &'static str = "Export desired state as files";
    const DESCRIPTION: &'static str = "The HMACs of API keys are among it, and no secret. Served with `serve --state`, the files are the same door.";
    type Parameters = NoParameters;
    type Body = NoBody;
    type Output = Files;

    async fn run(
        admin: &Admin,
        call: &Call,
        _: NoParameters,
        _: NoBody,
    ) -> Result<Reply<Files>, Failure> {
        authority::ensure_everywhere(call, "an export is everything")?;
        let working = admin.working();
        let files = working.folder.files();
        let files = files.map(|(path, text)| (path.to_string(), text.to_owned())).collect();
        Ok(Reply::of(Files { revision: working.revision, files }))
    }
}
