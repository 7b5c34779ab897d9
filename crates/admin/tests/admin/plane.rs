//! A data plane that compiles nothing but the rules, and remembers what was put in force.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use admin::{
    About, AccessView, BodyFault, BodyView, Counted, Ending, Grants, LogFault, LogKeyView, LogView,
    OperationView, Part, Plane, Prepared, ProofView, PurgedView, SegmentView, SigningKeys,
    UsageView,
};
use audit::{Happened, Journal, Memory, Page, Question, bodies::Direction};
use identity::api_key::{self, Pepper, SystemRandom};
use model::{
    Assignment, Caller, ClientId, Clock, CollectionId, CredentialId, Effect, Fault, KeyHash,
    KeyKind, LastUse, Lifecycle, Operation, OperationId, PepperId, ProfileId, Proof, Reach, Rehash,
    RequestId, Role, Secret, SecretId, Surface, Timestamp,
};
use policy::{Facts, Guards, Rules, Sources};
use serde_json::{Value, value::RawValue};
use state::Desired;

use crate::given::TestGrants;

#[derive(Debug)]
pub(crate) struct TestPlane {
    force: Arc<Mutex<Force>>,
    pub(crate) pepper: Pepper,
    pub(crate) given: Arc<TestGrants>,
    log: Journal,
    records: Memory,
}

#[derive(Debug)]
struct Force {
    rules: Rules,
    operations: Vec<Operation>,
    revisions: Vec<u64>,
    changed: Vec<String>,
    uses: Vec<(CredentialId, LastUse)>,
    purges: Vec<String>,
    is_log_damaged: bool,
    /// The clients that registered themselves, by what each is known by.
    registered: Vec<(Proof, String)>,
    forgotten: Vec<String>,
    /// How many are sealed under each key-encryption key.
    body_keys: BTreeMap<String, u64>,
    second_factors: BTreeMap<String, u64>,
}

impl TestPlane {
    pub(crate) fn new() -> Arc<Self> {
        let (rules, operations) = compiled(&Desired::default());
        let force = Force {
            rules,
            operations,
            revisions: Vec::new(),
            changed: Vec::new(),
            uses: Vec::new(),
            purges: Vec::new(),
            is_log_damaged: false,
            registered: Vec::new(),
            forgotten: Vec::new(),
            body_keys: BTreeMap::new(),
            second_factors: BTreeMap::new(),
        };
        let pepper = Pepper::new(&Secret::new(vec![7; 32])).unwrap();
        let (log, records) = Journal::memory(Clock::fake(Timestamp::from_seconds(0)));
        let force = Arc::new(Mutex::new(force));
        Arc::new(Self { force, pepper, given: Arc::default(), log, records })
    }

    /// The revisions that were put in force, in order.
    pub(crate) fn revisions(&self) -> Vec<u64> {
        self.force.lock().unwrap().revisions.clone()
    }

    /// What was recorded of events of this word, the oldest first.
    pub(crate) fn recorded(&self, event: &str) -> Vec<Value> {
        self.records.records().into_iter().filter(|it| it["event"] == *event).collect()
    }

    /// Why something was purged from the log, each time.
    pub(crate) fn purges(&self) -> Vec<String> {
        self.force.lock().unwrap().purges.clone()
    }

    /// So many keys of bodies and second factors are sealed under this key-encryption key.
    pub(crate) fn seal(&self, key: &str, body_keys: u64, second_factors: u64) {
        let mut force = self.force.lock().unwrap();
        force.body_keys = [(key.to_owned(), body_keys)].into();
        force.second_factors = [(key.to_owned(), second_factors)].into();
    }

    /// A client registers itself. Its secret.
    pub(crate) fn register(&self, id: &str) -> String {
        let kind = KeyKind::ClientSecret;
        let (secret, hash) = api_key::make(kind, &self.pepper, &SystemRandom::new()).unwrap();
        self.force.lock().unwrap().registered.push((kind.proof(hash), id.to_owned()));
        secret.expose().clone()
    }

    /// Who was forgotten and why, each time.
    pub(crate) fn forgotten(&self) -> Vec<String> {
        self.force.lock().unwrap().forgotten.clone()
    }

    /// Says whether something is wrong with the log.
    pub(crate) fn damage_log(&self, is_damaged: bool) {
        self.force.lock().unwrap().is_log_damaged = is_damaged;
    }

    /// The secrets whose value may have become another.
    pub(crate) fn changed_secrets(&self) -> Vec<String> {
        self.force.lock().unwrap().changed.clone()
    }

    /// A credential is used, and nobody takes note of it yet.
    pub(crate) fn use_credential(&self, credential: &str, of: LastUse) {
        let id = CredentialId::parse(credential).unwrap();
        self.force.lock().unwrap().uses.push((id, of));
    }

    /// Over what `caller` may carry the operation out; none where it may not.
    pub(crate) fn reach(&self, caller: &Caller, name: &str) -> Option<Reach> {
        let force = self.force.lock().unwrap();
        let id = OperationId::new(&CollectionId::own(), name).unwrap();
        let operation = force.operations.iter().find(|it| it.id == id)?;
        let guards = Guards::default();
        let facts = Facts {
            surface: Surface::Rest,
            ip: [127, 0, 0, 1].into(),
            at: Timestamp::from_seconds(0),
        };
        let clearance = policy::decide(&force.rules, &guards, caller, operation, &facts).ok()?;
        Some(clearance.settle(None).ok()?.reach().clone())
    }

    pub(crate) fn hmac(&self, key: &str) -> String {
        self.pepper.hash(key).text()
    }
}

/// All roles: those that are declared, and those that are always there.
fn roles(desired: &Desired) -> Vec<Role> {
    let mut roles = admin::built_in_roles();
    roles.extend(desired.roles.iter().map(|it| Role::clone(it)));
    roles
}

fn compiled(desired: &Desired) -> (Rules, Vec<Operation>) {
    let mut operations: Vec<Operation> = Vec::new();
    let mut add = |collection: &CollectionId, name: &str, effect: Effect| {
        operations.push(Operation {
            id: OperationId::new(collection, name).unwrap(),
            collection: collection.clone(),
            effect,
            is_public: false,
            level: None,
            position: operations.len(),
        });
    };
    for About { name, effect, .. } in admin::operations() {
        add(&CollectionId::own(), name, effect);
    }
    for it in desired.collections.iter().filter(|it| it.state == Lifecycle::Published) {
        let document = contract::Document::read(&it.document).unwrap();
        document.operations().iter().for_each(|of| add(&it.id, &of.name, of.effect));
    }
    let owners: Vec<_> = desired.collections.iter().map(|it| (&it.id, it.owner.as_str())).collect();
    let rules = Rules::compile(Sources {
        roles: &roles(desired),
        clients: &desired.clients,
        owners: &owners,
        operations: &operations,
    });
    (rules, operations)
}

impl Plane for TestPlane {
    fn prepare(&self, desired: &Arc<Desired>, revision: u64) -> Result<Prepared, Vec<Fault>> {
        for it in &desired.collections {
            contract::Document::read(&it.document).map_err(|error| {
                vec![Fault::new(&it.document_place, error.to_string(), "correct it").of("document")]
            })?;
        }
        let (rules, operations) = compiled(desired);
        let force = Arc::clone(&self.force);
        Ok(Box::new(move || {
            let mut force = force.lock().unwrap();
            (force.rules, force.operations) = (rules, operations);
            force.revisions.push(revision);
        }))
    }

    fn covers(
        &self,
        holder: &ProfileId,
        assignment: &Assignment,
        desired: &Desired,
    ) -> Result<(), String> {
        let role = roles(desired).into_iter().find(|it| it.id == assignment.role);
        let role = role.ok_or_else(|| format!("no role {}", assignment.role))?;
        policy::covers(&self.force.lock().unwrap().rules, holder, &role, &assignment.reach)
    }

    fn operations(&self) -> Vec<OperationView> {
        let force = self.force.lock().unwrap();
        let view = |it: &Operation| OperationView {
            id: it.id.to_string(),
            collection: it.collection.to_string(),
            effect: it.effect.as_str().to_owned(),
            method: "GET".to_owned(),
            path: "/".to_owned(),
            tool: it.id.name().to_owned(),
            public: it.is_public,
        };
        force.operations.iter().map(view).collect()
    }

    fn explain(&self, profile: &ProfileId, operation: &str) -> Option<AccessView> {
        let force = self.force.lock().unwrap();
        let operation = force.operations.iter().find(|it| it.id.as_str() == operation)?;
        let explained = policy::explain(&force.rules, &Guards::default(), profile, operation);
        let (allowed, because) = match explained.verdict {
            Ok(rules) => (true, rules.join(", ")),
            Err(denial) => (false, format!("{denial:?}")),
        };
        Some(AccessView { allowed, because, guards: Vec::new() })
    }

    fn who_can(&self, operation: &str) -> Option<Vec<ProfileId>> {
        let force = self.force.lock().unwrap();
        let operation = force.operations.iter().find(|it| it.id.as_str() == operation)?;
        Some(policy::who_can(&force.rules, operation))
    }

    fn usage(&self, _: Option<&ClientId>, _: usize) -> Vec<UsageView> {
        Vec::new()
    }

    fn records(&self, _: Question) -> Result<Page, String> {
        let record = r#"{"decision":"allow"}"#.to_owned();
        let records = vec![RawValue::from_string(record).unwrap()];
        Ok(Page { records, next: None, reached: 1, unreadable: 0 })
    }

    fn happened(&self, happened: &Happened<'_>) {
        self.log.happened(happened).unwrap();
    }

    fn log_segments(&self) -> Result<Vec<SegmentView>, String> {
        // One a day, each with a hundred records.
        let day = |day: u64| SegmentView {
            first: day * 100 - 100,
            last: day * 100 - 1,
            bytes: 7000,
            begun: format!("2026-11-{day:02}T00:00:00Z"),
            ended: format!("2026-11-{:02}T00:00:00Z", day + 1),
        };
        Ok((1..4).map(day).collect())
    }

    fn check_log(&self) -> Result<LogView, String> {
        Ok(LogView {
            name: "onedoor-test".to_owned(),
            keys: vec!["onedoor-test+00000000+AQ==".to_owned()],
            ok: true,
            fault: None,
            first: 0,
            records: 300,
            signed: 300,
            checkpoints: 3,
            sealed: 0,
            checkpoint: None,
            segments: self.log_segments()?,
        })
    }

    fn purge_log(&self, before: u64, why: &str) -> Result<PurgedView, LogFault> {
        let mut force = self.force.lock().unwrap();
        if force.is_log_damaged {
            return Err(LogFault::Conflict("what is to go is damaged".to_owned()));
        }
        force.purges.push(why.to_owned());
        Ok(PurgedView { first: 0, last: before - 1, segments: before / 100, bytes: 7000 })
    }

    fn prove_records(&self, records: &[u64]) -> Result<Vec<ProofView>, LogFault> {
        // As if no checkpoint covered more than this.
        let there = records.iter().filter(|it| **it < 300);
        let view = |it: &u64| ProofView { record: *it, proof: format!("proof of {it}") };
        Ok(there.map(view).collect())
    }

    fn rotate_log_key(&self, why: &str) -> Result<LogKeyView, LogFault> {
        self.force.lock().unwrap().purges.push(why.to_owned());
        Ok(LogKeyView { key: "new".to_owned(), replaced: "old".to_owned(), records: 300 })
    }

    fn body(&self, id: RequestId, direction: Direction) -> Result<BodyView, BodyFault> {
        if *id.as_bytes() != [0; 16] {
            return Err(BodyFault::Absent("no body was kept of it".to_owned()));
        }
        Ok(BodyView {
            request_id: id.to_string(),
            direction: direction.as_str().to_owned(),
            subject: Some("user hmac:7f3a-20261123:00".to_owned()),
            content_type: Some("application/json".to_owned()),
            content_encoding: None,
            bytes: 2,
            passed: 2,
            ended: true,
            text: Some("{}".to_owned()),
            base64: None,
        })
    }

    fn forget(
        &self,
        (kind, id): (&str, &str),
        (_, why): (RequestId, &str),
    ) -> Result<bool, BodyFault> {
        let mut force = self.force.lock().unwrap();
        force.forgotten.push(format!("{kind} {id}, {why}"));
        Ok(force.forgotten.len() == 1)
    }

    fn body_keys_under_keys(&self) -> Result<BTreeMap<String, u64>, String> {
        Ok(self.force.lock().unwrap().body_keys.clone())
    }

    fn rewrap_body_keys(&self) -> Result<u64, String> {
        Ok(0)
    }

    fn new_key(&self, kind: KeyKind) -> Result<(Secret<String>, KeyHash), String> {
        api_key::make(kind, &self.pepper, &SystemRandom::new()).map_err(|error| error.to_string())
    }

    fn recognize(&self, key: &Secret<String>) -> Vec<Proof> {
        let key = key.expose().trim();
        let Some(kind) = api_key::kind(key) else { return Vec::new() };
        self.pepper.hashes(key).into_iter().map(|it| kind.proof(it)).collect()
    }

    fn end_registered_client<'a>(&'a self, proofs: &'a [Proof]) -> Ending<'a> {
        let mut force = self.force.lock().unwrap();
        let found = force.registered.iter().position(|(it, _)| proofs.contains(it));
        let ended = found.map(|it| force.registered.remove(it).1);
        Box::pin(std::future::ready(Ok(ended)))
    }

    fn secret_changed(&self, secret: &SecretId) {
        self.force.lock().unwrap().changed.push(secret.to_string());
    }

    fn take_uses(&self) -> Vec<(CredentialId, LastUse)> {
        std::mem::take(&mut self.force.lock().unwrap().uses)
    }

    fn peppers(&self) -> Vec<PepperId> {
        self.pepper.ids()
    }

    fn registrations_under_peppers(&self) -> Counted<'_, PepperId> {
        Box::pin(std::future::ready(Ok(BTreeMap::new())))
    }

    fn outdated(&self) -> Vec<(CredentialId, Rehash)> {
        self.pepper.noted()
    }

    fn settle(&self, done: &[(CredentialId, Rehash)]) {
        self.pepper.settle(done);
    }

    fn second_factors_under_keys(&self) -> Counted<'_, String> {
        Box::pin(std::future::ready(Ok(self.force.lock().unwrap().second_factors.clone())))
    }

    fn signing_keys(&self) -> Option<Arc<dyn SigningKeys>> {
        None
    }

    fn grants(&self) -> Option<Arc<dyn Grants>> {
        Some(Arc::clone(&self.given) as Arc<dyn Grants>)
    }

    fn health(&self) -> Vec<Part> {
        vec![Part { name: "audit".to_owned(), ok: true, detail: String::new() }]
    }
}
