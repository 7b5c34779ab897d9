//! The data plane, as management sees it.

use std::{collections::BTreeMap, fmt, sync::Arc};

use admin::{
    AccessView, BodyFault, BodyView, ConditionView, Counted, Ending, Grants, LogFault, LogKeyView,
    LogView, OperationView, Part, Plane, Prepared, ProofView, PurgedView, SegmentView, SigningKeys,
    UsageView,
};
use audit::{Happened, Index, Page, Question, bodies::Direction};
use gateway::{Gateway, snapshot::Route};
use identity::api_key::{self, Pepper, SystemRandom};
use model::{
    Assignment, ClientId, CredentialId, Fault, KeyHash, KeyKind, LastUse, PepperId, ProfileId,
    Proof, Rehash, RequestId, Role, Secret, SecretId,
};
use state::Desired;
use tokio::task::block_in_place;

use super::{Supplier, bodies, grants::Given, log, signing::Signing};
use crate::serving::{LogKey, Retention, Watched, tell_unused};

/// A gateway, with what is needed to make tables and keys for it.
pub(crate) struct DataPlane {
    gateway: Arc<Gateway>,
    pepper: Arc<Pepper>,
    index: Arc<Index>,
    retention: Retention,
    log_key: LogKey,
    supplier: Arc<Supplier>,
    authorization: Option<Arc<oauth::Server>>,
    sinks: Watched,
    /// Made once: they follow from the list of operations.
    built_in: Vec<Role>,
}

impl DataPlane {
    /// The data plane of `gateway`, whose log is in `index`.
    pub(crate) fn new(
        gateway: Arc<Gateway>,
        pepper: Arc<Pepper>,
        (index, retention, log_key): (Arc<Index>, Retention, LogKey),
        (supplier, authorization, sinks): (Arc<Supplier>, Option<Arc<oauth::Server>>, Watched),
    ) -> Self {
        let built_in = admin::built_in_roles();
        Self {
            gateway,
            pepper,
            index,
            retention,
            log_key,
            supplier,
            authorization,
            sinks,
            built_in,
        }
    }

    fn route(&self, operation: &str) -> Option<Arc<Route>> {
        let snapshot = self.gateway.snapshot();
        snapshot.routes().find(|it| it.operation().id.as_str() == operation).cloned()
    }
}

impl Plane for DataPlane {
    fn prepare(&self, desired: &Arc<Desired>, revision: u64) -> Result<Prepared, Vec<Fault>> {
        // Takes its time where there is much: other calls go on meanwhile.
        let compiled =
            block_in_place(|| self.gateway.compile(desired, Some(&self.pepper), revision));
        let snapshot = compiled?;
        let (gateway, desired) = (Arc::clone(&self.gateway), Arc::clone(desired));
        let (supplier, authorization) = (Arc::clone(&self.supplier), self.authorization.clone());
        Ok(Box::new(move || {
            tell_unused(&gateway.snapshot(), &snapshot);
            gateway.swap(snapshot);
            supplier.declare(&desired);
            if let Some(server) = &authorization {
                server.declare(&desired);
            }
        }))
    }

    fn covers(
        &self,
        holder: &ProfileId,
        assignment: &Assignment,
        desired: &Desired,
    ) -> Result<(), String> {
        let Assignment { role, reach } = assignment;
        let declared = desired.roles.iter().map(|it| &**it);
        let found = self.built_in.iter().chain(declared).find(|it| it.id == *role);
        let role = found.ok_or_else(|| format!("there is no role {role}"))?;
        policy::covers(self.gateway.snapshot().rules(), holder, role, reach)
    }

    fn operations(&self) -> Vec<OperationView> {
        self.gateway.snapshot().routes().map(|it| view(it)).collect()
    }

    fn explain(&self, profile: &ProfileId, operation: &str) -> Option<AccessView> {
        let route = self.route(operation)?;
        let snapshot = self.gateway.snapshot();
        let (rules, guards) = (snapshot.rules(), snapshot.guards());
        let explained = policy::explain(rules, guards, profile, route.operation());
        let (allowed, because) = match explained.verdict {
            Ok(rules) => (true, rules.join(", ")),
            Err(denial) => (false, denial.to_string()),
        };
        let guards = explained.conditions.iter().map(|it| ConditionView {
            guard: it.guard.to_string(),
            arguments: it.arguments.iter().map(ToString::to_string).collect(),
        });
        Some(AccessView { allowed, because, guards: guards.collect() })
    }

    fn who_can(&self, operation: &str) -> Option<Vec<ProfileId>> {
        let route = self.route(operation)?;
        Some(policy::who_can(self.gateway.snapshot().rules(), route.operation()))
    }

    fn usage(&self, client: Option<&ClientId>, max: usize) -> Vec<UsageView> {
        let snapshot = self.gateway.snapshot();
        let usage = self.gateway.live().meter.usage(snapshot.plan(), client, max);
        usage.into_iter().map(used).collect()
    }

    fn records(&self, question: Question) -> Result<Page, String> {
        let question = Question { reached: self.gateway.live().log.reached(), ..question };
        block_in_place(|| self.index.find(&question)).map_err(|error| error.to_string())
    }

    fn happened(&self, happened: &Happened<'_>) {
        self.gateway.live().happened(happened);
    }

    fn log_segments(&self) -> Result<Vec<SegmentView>, String> {
        block_in_place(|| log::segments(&self.gateway.live().log))
    }

    fn check_log(&self) -> Result<LogView, String> {
        block_in_place(|| log::check(&self.gateway.live().log))
    }

    fn purge_log(&self, before: u64, why: &str) -> Result<PurgedView, LogFault> {
        block_in_place(|| log::purge(&self.retention, before, why))
    }

    fn prove_records(&self, records: &[u64]) -> Result<Vec<ProofView>, LogFault> {
        block_in_place(|| log::prove(&self.gateway.live().log, records))
    }

    fn rotate_log_key(&self, why: &str) -> Result<LogKeyView, LogFault> {
        block_in_place(|| log::rotate(&self.log_key, why))
    }

    fn body(&self, id: RequestId, direction: Direction) -> Result<BodyView, BodyFault> {
        block_in_place(|| bodies::body(self.gateway.live(), &self.index, (id, direction)))
    }

    fn forget(&self, subject: (&str, &str), why: (RequestId, &str)) -> Result<bool, BodyFault> {
        block_in_place(|| bodies::forget(self.gateway.live(), subject, why))
    }

    fn body_keys_under_keys(&self) -> Result<BTreeMap<String, u64>, String> {
        block_in_place(|| bodies::under_keys(self.gateway.live()))
    }

    fn rewrap_body_keys(&self) -> Result<u64, String> {
        block_in_place(|| bodies::rewrap(self.gateway.live()))
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
        let hashes = proofs.iter().filter_map(|it| match it {
            Proof::ClientSecret { hash } => Some(hash.clone()),
            Proof::ApiKey { .. }
            | Proof::External { .. }
            | Proof::Mtls { .. }
            | Proof::PrivateKeyJwt { .. } => None,
        });
        let hashes: Vec<_> = hashes.collect();
        Box::pin(async move {
            let Some(server) = &self.authorization else { return Ok(None) };
            server.end_registered_client(&hashes).await.map_err(|error| error.to_string())
        })
    }

    fn secret_changed(&self, secret: &SecretId) {
        self.supplier.changed(secret);
    }

    fn take_uses(&self) -> Vec<(CredentialId, LastUse)> {
        self.gateway.take_uses()
    }

    fn peppers(&self) -> Vec<PepperId> {
        self.pepper.ids()
    }

    fn registrations_under_peppers(&self) -> Counted<'_, PepperId> {
        Box::pin(async {
            let Some(server) = &self.authorization else { return Ok(BTreeMap::new()) };
            server.registrations_under_peppers().await.map_err(|error| error.to_string())
        })
    }

    fn outdated(&self) -> Vec<(CredentialId, Rehash)> {
        self.pepper.noted()
    }

    fn settle(&self, done: &[(CredentialId, Rehash)]) {
        self.pepper.settle(done);
    }

    fn second_factors_under_keys(&self) -> Counted<'_, String> {
        Box::pin(async {
            let Some(server) = &self.authorization else { return Ok(BTreeMap::new()) };
            server.second_factors_under_keys().await.map_err(|error| error.to_string())
        })
    }

    fn signing_keys(&self) -> Option<Arc<dyn SigningKeys>> {
        Some(Arc::new(Signing(Arc::clone(self.authorization.as_ref()?))))
    }

    fn grants(&self) -> Option<Arc<dyn Grants>> {
        Some(Arc::new(Given(Arc::clone(self.authorization.as_ref()?))))
    }

    fn health(&self) -> Vec<Part> {
        let journal = &self.gateway.live().log;
        let audit = log::health(journal, self.sinks.kept_nowhere_else(journal));
        let missing = self.supplier.missing();
        let detail = match missing.as_slice() {
            [] => "all have a value".to_owned(),
            some => format!("without a value: {}", some.join(", ")),
        };
        let mut parts =
            vec![audit, Part { name: "secrets".to_owned(), ok: missing.is_empty(), detail }];
        parts.extend(self.sinks.parts());
        // Told where something is wrong alone: most doors keep none.
        let failing = self.gateway.live().bodies.as_ref().and_then(|it| it.failing());
        parts.extend(failing.map(|why| Part { name: "bodies".to_owned(), ok: false, detail: why }));
        parts
    }
}

impl fmt::Debug for DataPlane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataPlane").field("gateway", &self.gateway).finish_non_exhaustive()
    }
}

fn view(route: &Route) -> OperationView {
    let operation = route.operation();
    OperationView {
        id: operation.id.to_string(),
        collection: operation.collection.to_string(),
        effect: operation.effect.as_str().to_owned(),
        method: route.contract().method.to_string(),
        path: route.template().to_owned(),
        tool: route.tool_name().to_owned(),
        public: operation.is_public,
    }
}

fn used(usage: limits::Usage) -> UsageView {
    let limits::Usage { limit, client, profile, operation, used, size, renews_in } = usage;
    let of = [
        client.map(|it| it.to_string()),
        profile.map(|it| it.to_string()),
        operation.map(|it| it.to_string()),
    ];
    let of: Vec<_> = of.into_iter().flatten().collect();
    UsageView {
        limit: limit.to_string(),
        subject: if of.is_empty() { "all".to_owned() } else { of.join(" ") },
        used: u64::from(used),
        size: u64::from(size),
        renews_in_seconds: renews_in.as_secs(),
    }
}
