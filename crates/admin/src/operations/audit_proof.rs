//! `list_audit_proofs`: that single records are in the audit log, for whoever does not have the log.

use http::Method;
use model::Effect;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Admin, Call, ProofView, authority,
    failure::Failure,
    operation::{NoBody, Operation},
    reply::Reply,
};

/// So many records are proven by one call.
pub const PROVEN_AT_ONCE_MAX: usize = 500;

/// Proves records.
#[derive(Debug)]
pub(crate) struct List;

/// Which records.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    /// The numbers of the records, at most 500: `4711,4712`.
    #[schemars(length(min = 1, max = 10_000))]
    records: String,
}

/// The proofs.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Proofs {
    /// One for each record, in the order of their numbers.
    items: Vec<ProofView>,
    /// Records that were purged, or that no checkpoint covers yet.
    missing: Vec<u64>,
}

impl Operation for List {
    const NAME: &'static str = "list_audit_proofs";
    const COMMAND: [&'static str; 2] = ["audit", "proofs"];
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/audit/proofs";
    const EFFECT: Effect = Effect::Read;
    const SUMMARY: &'static str = "Prove that records are in the audit log";
    const DESCRIPTION: &'static str = "Each proof holds the record, its way to the root of the tree, and the signed checkpoint: onedoor audit verify-proof checks it with the public key alone. The whole log is read, as for a check.";
    type Parameters = Which;
    type Body = NoBody;
    type Output = Proofs;

    async fn run(
        admin: &Admin,
        call: &Call,
        which: Which,
        _: NoBody,
    ) -> Result<Reply<Proofs>, Failure> {
        authority::ensure_everywhere(call, "records tell of everybody's calls")?;
        let records = numbers(&which.records)?;
        // All of it is read: two at a time would only be slower.
        let _alone = admin.checking.lock().await;
        let items = admin.plane.prove_records(&records)?;
        let is_proven = |it: &u64| items.iter().any(|item| item.record == *it);
        let missing = records.into_iter().filter(|it| !is_proven(it)).collect();
        Ok(Reply::of(Proofs { items, missing }))
    }
}

/// The numbers in `text`, each once and in their order.
fn numbers(text: &str) -> Result<Vec<u64>, Failure> {
    let wrong = |message: String| {
        Failure::field("parameters.records", message, "write the numbers of records: 4711,4712")
    };
    let read: Result<Vec<u64>, _> = text.split(',').map(|it| it.trim().parse()).collect();
    let mut records = read.map_err(|error| wrong(format!("{text} are no numbers: {error}")))?;
    records.sort_unstable();
    records.dedup();
    if records.len() > PROVEN_AT_ONCE_MAX {
        let count = records.len();
        return Err(wrong(format!("{count} records are more than {PROVEN_AT_ONCE_MAX}")));
    }
    Ok(records)
}
