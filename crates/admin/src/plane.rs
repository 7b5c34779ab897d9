//! What management needs of the data plane. Whoever puts the process together provides it.

use std::{collections::BTreeMap, fmt, future::Future, pin::Pin, sync::Arc};

use audit::{Happened, Page, Question, bodies::Direction};
use model::{
    Assignment, ClientId, CredentialId, Fault, KeyHash, KeyKind, LastUse, PepperId, ProfileId,
    Proof, Rehash, RequestId, Secret, SecretId,
};
use schemars::JsonSchema;
use serde::Serialize;
use state::Desired;

use crate::{
    BodyFault, BodyView, Grants, LogFault, LogKeyView, LogView, ProofView, PurgedView, SegmentView,
    SigningKeys, peppers::Counted,
};

/// Tables that are ready: calling it puts them in force.
pub type Prepared = Box<dyn FnOnce() + Send>;

/// The end of a client that registered itself, on its way.
pub type Ending<'a> = Pin<Box<dyn Future<Output = Result<Option<String>, String>> + Send + 'a>>;

/// The data plane, as management sees it.
pub trait Plane: fmt::Debug + Send + Sync {
    /// Compiles `desired` as revision `revision`, without putting it in force.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    fn prepare(&self, desired: &Arc<Desired>, revision: u64) -> Result<Prepared, Vec<Fault>>;

    /// Whether `holder` has all that `assignment` would give, by the tables in force.
    ///
    /// # Errors
    /// What it does not have.
    fn covers(
        &self,
        holder: &ProfileId,
        assignment: &Assignment,
        desired: &Desired,
    ) -> Result<(), String>;

    /// The operations of the tables in force, in the order of their names.
    fn operations(&self) -> Vec<OperationView>;

    /// Whether `profile` may call the operation with this id, by which rule or why not, and on which
    /// conditions. None where there is no such operation.
    fn explain(&self, profile: &ProfileId, operation: &str) -> Option<AccessView>;

    /// The profiles that may call the operation with this id. None where there is none.
    fn who_can(&self, operation: &str) -> Option<Vec<ProfileId>>;

    /// What was used of limits; of one client where it is named, at most `max` entries.
    fn usage(&self, client: Option<&ClientId>, max: usize) -> Vec<UsageView>;

    /// A page of the records of the audit log that fit, out of all that were written.
    ///
    /// # Errors
    /// Where the log cannot be read.
    fn records(&self, question: Question) -> Result<Page, String>;

    /// Records what happened without a call.
    fn happened(&self, happened: &Happened<'_>);

    /// The segments of the audit log that are not written to any more, the oldest first.
    ///
    /// # Errors
    /// Where the log cannot be read.
    fn log_segments(&self) -> Result<Vec<SegmentView>, String>;

    /// Checks the audit log as whoever has a copy of it does.
    ///
    /// # Errors
    /// Where there is no log on a disk.
    fn check_log(&self) -> Result<LogView, String>;

    /// Has the closed segments go whose records are all before `before`; `why` is recorded.
    ///
    /// # Errors
    /// [`LogFault`]
    fn purge_log(&self, before: u64, why: &str) -> Result<PurgedView, LogFault>;

    /// The proofs of these records, as far as they are there and a checkpoint covers them.
    ///
    /// # Errors
    /// [`LogFault`]
    fn prove_records(&self, records: &[u64]) -> Result<Vec<ProofView>, LogFault>;

    /// Has another key sign the audit log from now on; `why` is recorded.
    ///
    /// # Errors
    /// [`LogFault`]
    fn rotate_log_key(&self, why: &str) -> Result<LogKeyView, LogFault>;

    /// The body that was kept of the call `id`.
    ///
    /// # Errors
    /// [`BodyFault`]
    fn body(&self, id: RequestId, direction: Direction) -> Result<BodyView, BodyFault>;

    /// Has nobody read any more what was kept of this kind of subject with this id; for the call with
    /// that id, and why is recorded. Says whether there was something.
    ///
    /// # Errors
    /// [`BodyFault`]
    fn forget(&self, subject: (&str, &str), why: (RequestId, &str)) -> Result<bool, BodyFault>;

    /// How many keys of bodies are sealed under each key-encryption key, by its id.
    ///
    /// # Errors
    /// Where they cannot be read.
    fn body_keys_under_keys(&self) -> Result<BTreeMap<String, u64>, String>;

    /// Brings the keys of bodies under the newest key-encryption key, and says how many.
    ///
    /// # Errors
    /// Where they cannot be read or written.
    fn rewrap_body_keys(&self) -> Result<u64, String>;

    /// A new key of this kind and its hash.
    ///
    /// # Errors
    /// Where there is no chance to be had.
    fn new_key(&self, kind: KeyKind) -> Result<(Secret<String>, KeyHash), String>;

    /// What a credential may be known by whose key this is, with or without spaces around it: under each
    /// pepper something else. None where it is no key of any door.
    fn recognize(&self, key: &Secret<String>) -> Vec<Proof>;

    /// Ends the client that registered itself and is known by one of these proofs, with all that it was
    /// given. Its id; none where there is none.
    fn end_registered_client<'a>(&'a self, proofs: &'a [Proof]) -> Ending<'a>;

    /// Tells that the value of a secret may be another now.
    fn secret_changed(&self, secret: &SecretId);

    /// The credentials that were used since this was asked before, and how last.
    fn take_uses(&self) -> Vec<(CredentialId, LastUse)>;

    /// The peppers under which keys are hashed, the newest first.
    fn peppers(&self) -> Vec<PepperId>;

    /// How many clients that registered themselves have a secret that is hashed under each pepper.
    fn registrations_under_peppers(&self) -> Counted<'_, PepperId>;

    /// Credentials that were shown and whose hash is under an older pepper.
    fn outdated(&self) -> Vec<(CredentialId, Rehash)>;

    /// Forgets those of them that are done.
    fn settle(&self, done: &[(CredentialId, Rehash)]);

    /// How many second factors of accounts, in force or being set up, are sealed under each
    /// key-encryption key, by its id.
    fn second_factors_under_keys(&self) -> Counted<'_, String>;

    /// The keys that sign tokens; none where the door gives no tokens.
    fn signing_keys(&self) -> Option<Arc<dyn SigningKeys>>;

    /// What people and clients were given; none where the door gives no tokens.
    fn grants(&self) -> Option<Arc<dyn Grants>>;

    /// How the parts of the process are.
    fn health(&self) -> Vec<Part>;
}

/// An operation of the tables in force.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct OperationView {
    /// Its id: `orders.get_order`.
    pub id: String,
    /// Its collection.
    pub collection: String,
    /// What it does to the world: `read`, `write` or `destructive`.
    pub effect: String,
    /// The method on the REST surface.
    pub method: String,
    /// The path on the REST surface.
    pub path: String,
    /// The name of the tool on the MCP surface.
    pub tool: String,
    /// Whether it can be called without a credential.
    pub public: bool,
}

/// Whether a profile may call an operation.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct AccessView {
    /// Whether roles allow it. Guards may still refuse a call.
    pub allowed: bool,
    /// By which rules, or why not.
    pub because: String,
    /// The guards that may refuse a call all the same: what they say depends on the call.
    pub guards: Vec<ConditionView>,
}

/// A guard that may refuse calls.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ConditionView {
    /// The guard.
    pub guard: String,
    /// The arguments that it reads; none where it decides without them.
    pub arguments: Vec<String>,
}

/// What was used of a limit.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct UsageView {
    /// The limit.
    pub limit: String,
    /// Whose bucket: a client, a profile, or of an operation as well.
    pub subject: String,
    /// How many calls are used: of a rate, those that have not run out yet.
    pub used: u64,
    /// How many fit: the quota's count, or the rate's burst.
    pub size: u64,
    /// How long until none is used, if nobody calls.
    pub renews_in_seconds: u64,
}

/// A part of the process and how it is.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Part {
    /// Which part: `store`, `audit`.
    pub name: String,
    /// Whether it works.
    pub ok: bool,
    /// What there is to say of it.
    pub detail: String,
}
