//! What is known of a call, written once, stage by stage, and recorded however it ends.

use std::{
    net::SocketAddr,
    sync::{Arc, OnceLock},
    time::Duration,
};

use audit::{Carrier, EventId, Kind, Redacted, Salt, record::Alike, redact::By};
use http::{HeaderMap, HeaderName, Method, StatusCode};
use identity::{Sender, dpop::RequestProof};
use limits::Balance;
use model::{Caller, ClientCertificate, Clock, RequestId, Surface, Timestamp, Trace};
use serde_json::{Map, Value};
use upstream::Reached;
use uuid::Uuid;

use super::{Outgoing, Received};
use crate::{Entrance, Snapshot, snapshot::Route};

/// Where a request says which trace it is part of (W3C Trace Context).
// A constant: the name is not read again for each request.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// What is known before anything is read.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// Names the request.
    pub id: RequestId,
    /// When its head was read, by the time of day.
    pub at: Timestamp,
    /// The same on the clock that never jumps.
    pub started: Duration,
    /// Who sent it.
    pub peer: SocketAddr,
    /// Which way in it took.
    pub entrance: Entrance,
    /// How it came.
    pub surface: Surface,
    /// What is spoken: a version of HTTP, or a revision of MCP.
    pub protocol: &'static str,
    /// What its connection is encrypted by; none where it is plain.
    // Behind a pointer: a plain connection pays for a word of it, and a request for a count.
    pub encryption: Option<Arc<Encryption>>,
    /// What it brings to prove that its sender holds a key; none where it brings nothing.
    pub proof: Option<Arc<RequestProof>>,
    /// The trace that it says it is part of.
    pub trace: Option<Trace>,
    /// Whether a browser sends it because a page of somebody else's asked it to.
    pub is_led: bool,
}

/// What is known of a connection over TLS.
#[derive(Debug)]
pub struct Encryption {
    /// The certificate that the client showed, if it did. It was verified.
    pub certificate: Option<ClientCertificate>,
    /// The SHA-256 of that certificate, in hexadecimal digits.
    pub thumbprint: Option<Box<str>>,
    /// The version of TLS.
    pub version: &'static str,
    /// The cipher suite, as IANA names it.
    pub cipher: Option<&'static str>,
    /// The name that the client asked for (SNI).
    pub server_name: Option<Box<str>>,
}

impl Encryption {
    /// What a record says of it.
    pub(super) fn recorded(&self) -> audit::Encryption<'_> {
        let Self { certificate: _, thumbprint, version, cipher, server_name } = self;
        audit::Encryption {
            version,
            cipher: *cipher,
            server_name: server_name.as_deref(),
            client: thumbprint.as_deref(),
        }
    }
}

impl Arrival {
    /// A request that arrives now.
    pub(crate) fn new(
        clock: &Clock,
        peer: SocketAddr,
        entrance: Entrance,
        surface: Surface,
    ) -> Self {
        let (at, started) = (clock.now(), clock.elapsed());
        let id = RequestId::new(id_at(at));
        Self {
            id,
            at,
            started,
            peer,
            entrance,
            surface,
            protocol: "HTTP/1.1",
            encryption: None,
            proof: None,
            trace: None,
            is_led: false,
        }
    }

    /// What arrives now with the same request, as a call of its own.
    pub(crate) fn next(self, clock: &Clock) -> Self {
        Self {
            encryption: self.encryption,
            proof: self.proof,
            trace: self.trace,
            is_led: self.is_led,
            protocol: self.protocol,
            ..Self::new(clock, self.peer, self.entrance, self.surface)
        }
    }

    /// The same, as part of the trace that its headers name. Of two of them neither counts.
    pub(crate) fn traced(self, headers: &HeaderMap) -> Self {
        let mut named = headers.get_all(&TRACEPARENT).iter();
        let trace = named.next().and_then(|it| Trace::parse(it.as_bytes()));
        Self { trace: trace.filter(|_| named.next().is_none()), ..self }
    }

    /// What others than the pipeline record of how it came.
    pub(crate) fn carrier(&self, revision: u64) -> Carrier {
        let tls = self.encryption.as_deref();
        Carrier {
            entrance: Some(self.entrance.as_str()),
            protocol: Some(self.protocol),
            peer_port: Some(self.peer.port()).filter(|it| *it > 0),
            tls: tls.map(|it| (it.version, it.cipher)),
            tls_name: tls.and_then(|it| it.server_name.clone()),
            tls_client: tls.and_then(|it| it.thumbprint.clone()),
            trace: self.trace,
            revision: Some(revision),
        }
    }

    /// The same, in this protocol.
    pub(crate) fn speaking(self, protocol: &'static str) -> Self {
        Self { protocol, ..self }
    }

    /// The same, over this encryption.
    pub(crate) fn over(self, encryption: Option<Arc<Encryption>>) -> Self {
        Self { encryption, ..self }
    }

    /// The same, with this proof, by a browser that was led here or not.
    pub(crate) fn proving(self, proof: Option<RequestProof>, is_led: bool) -> Self {
        Self { proof: proof.map(Arc::new), is_led, ..self }
    }

    /// Who sends it, apart from the credential.
    pub(crate) fn sender(&self) -> Sender<'_> {
        Sender {
            peer: self.peer.ip(),
            certificate: self.certificate(),
            proof: self.proof.as_deref(),
        }
    }

    /// The client certificate that its connection showed, which was verified.
    pub fn certificate(&self) -> Option<&ClientCertificate> {
        self.encryption.as_ref().and_then(|it| it.certificate.as_ref())
    }

    /// The scheme of the URL that was asked for.
    pub(crate) fn scheme(&self) -> &'static str {
        if self.encryption.is_some() { "https" } else { "http" }
    }
}

/// A UUID of version 7 for this moment. The library's own reads the clock and takes a lock.
fn id_at(at: Timestamp) -> Uuid {
    let milliseconds = u64::try_from(at.as_micros() / 1000).unwrap_or(0);
    let mut chance = [0; 10];
    chance
        .iter_mut()
        .zip(Uuid::new_v4().as_bytes().iter().rev())
        .for_each(|(to, from)| *to = *from);
    uuid::Builder::from_unix_timestamp_millis(milliseconds, &chance).into_uuid()
}

/// What is known of a call. The stages write it; the ledger makes a record of it.
#[derive(Debug)]
pub struct Facts {
    pub(super) kind: Kind,
    /// What happened, where the kind does not say it.
    pub(super) event: Option<EventId>,
    pub(super) arrival: Arrival,
    /// Of the tables that it is decided by.
    pub(super) revision: u64,
    pub(super) caller: Option<Arc<Caller>>,
    pub(super) route: Option<Arc<Route>>,
    pub(super) request: Option<RequestFacts>,
    pub(super) rule: Option<Arc<str>>,
    /// What it left of the limit that will be reached first.
    pub(super) balance: Option<Balance>,
    pub(super) was_sent: bool,
    /// Where it was sent to, and with which secret.
    pub(super) reached: Reached,
    pub(super) upstream_status: Option<StatusCode>,
    /// When the upstream began to answer, or was given up, on the clock that never jumps; none again
    /// where the rest of its answer is waited for.
    pub(super) answered: Option<Duration>,
    pub(super) upstream_time: Option<Duration>,
    /// How long the answer is, where that is known.
    pub(super) bytes_out: Option<u64>,
    /// Whether its caller is shown the beginning of it alone.
    pub(super) is_truncated: bool,
    /// What is said of its bodies, where some are to be kept.
    pub(super) bodies: Option<Box<Value>>,
    /// The protocol's own word for what was asked, where it is no call.
    pub(super) subject: Option<String>,
    /// What the intent and the outcome tell alike. Nothing of that changes once the intent is told.
    pub(super) alike: Alike,
}

/// What was asked for, in its canonical form.
#[derive(Debug)]
pub(super) struct RequestFacts {
    pub(super) method: Method,
    /// Of path, query, headers and, once it was looked at, the body: by name.
    arguments: Map<String, Value>,
    /// Whether they tell what the body says.
    pub(super) tells_body: bool,
    /// What records keep of them: worked out once, for the intent and the outcome.
    redacted: OnceLock<Redacted>,
    pub(super) body_bytes: Option<u64>,
}

impl Facts {
    pub(crate) fn of_call(arrival: Arrival, snapshot: &Snapshot, received: &Received<'_>) -> Self {
        let mut facts = Self::new(Kind::Call, arrival, snapshot.revision);
        facts.route = received.target.as_ref().ok().cloned();
        facts.subject.clone_from(&received.asked);
        if let (Some(route), Ok(outgoing)) = (&facts.route, &received.request) {
            facts.request = Some(RequestFacts::of(route, outgoing));
        }
        facts
    }

    pub(crate) fn new(kind: Kind, arrival: Arrival, revision: u64) -> Self {
        Self {
            kind,
            event: None,
            arrival,
            revision,
            caller: None,
            route: None,
            request: None,
            rule: None,
            balance: None,
            was_sent: false,
            reached: Reached::default(),
            upstream_status: None,
            answered: None,
            upstream_time: None,
            bytes_out: None,
            is_truncated: false,
            bodies: None,
            subject: None,
            alike: Alike::default(),
        }
    }

    /// Says what was asked in the protocol's own words, where it is no call.
    #[must_use]
    pub(crate) fn about(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// Says what happened, where the kind does not.
    #[must_use]
    pub(crate) fn named(self, event: EventId) -> Self {
        Self { event: Some(event), ..self }
    }

    pub(crate) fn set_kind(&mut self, kind: Kind) {
        self.kind = kind;
    }

    pub(crate) fn arrival(&self) -> &Arrival {
        &self.arrival
    }

    pub(crate) fn set_caller(&mut self, caller: &Arc<Caller>) {
        self.caller = Some(Arc::clone(caller));
    }

    pub(super) fn set_route(&mut self, route: &Arc<Route>) {
        self.route = Some(Arc::clone(route));
    }

    pub(super) fn set_rule(&mut self, rule: &Arc<str>) {
        self.rule = Some(Arc::clone(rule));
    }

    pub(super) fn set_balance(&mut self, balance: Option<Balance>) {
        self.balance = balance;
    }

    pub(super) fn set_sent(&mut self) {
        self.was_sent = true;
    }

    /// Where it is told what the call is sent to, and with which secret.
    pub(super) fn reached(&mut self) -> &mut Reached {
        &mut self.reached
    }

    pub(super) fn set_answered(&mut self, sent: Duration, answered: Duration) {
        self.answered = Some(answered);
        self.upstream_time = Some(answered.saturating_sub(sent));
    }

    pub(super) fn set_upstream_status(&mut self, status: StatusCode) {
        self.upstream_status = Some(status);
    }
}

impl RequestFacts {
    /// What records keep of the arguments of a call of `route`; none where there are none.
    pub(super) fn arguments(&self, route: &Route, by: (&Salt, Timestamp)) -> Option<&Redacted> {
        if self.arguments.is_empty() {
            return None;
        }
        let (salt, at) = by;
        let by = By { policy: &route.redaction, salt, at };
        Some(self.redacted.get_or_init(|| Redacted::of(&self.arguments, by)))
    }

    /// Adds what the body says. Only before a record tells them.
    pub(super) fn add_body(&mut self, arguments: impl IntoIterator<Item = (String, Value)>) {
        self.tells_body = true;
        for (name, value) in arguments {
            add(&mut self.arguments, name, value);
        }
    }

    fn of(route: &Route, outgoing: &Outgoing) -> Self {
        let mut arguments = Map::new();
        // From the path that goes on, so that both surfaces record the same.
        let captures = route.contract.template.captures(outgoing.head.path.as_str());
        for (name, value) in captures.into_iter().filter(|it| !is_misplaced(route, &it.1)) {
            add(&mut arguments, name, Value::String(value));
        }
        // Management refuses what it does not know, and a tool has no query to put it in. It may
        // be a secret in the wrong place, too.
        let is_taken = |name: &str| !route.is_local() || route.contract.takes_from_query(name);
        for (name, value) in outgoing.head.query.pairs().iter().filter(|it| is_taken(&it.0)) {
            if value.as_deref().is_some_and(|it| is_misplaced(route, it)) {
                continue;
            }
            add(&mut arguments, name.clone(), value.as_deref().map_or(Value::Null, Value::from));
        }
        for (name, value) in route.contract.in_headers(&outgoing.head.headers) {
            add(&mut arguments, name.to_owned(), value.into());
        }
        Self {
            method: outgoing.head.method.clone(),
            arguments,
            tells_body: false,
            redacted: OnceLock::new(),
            body_bytes: http_body::Body::size_hint(&outgoing.body).exact().filter(|it| *it > 0),
        }
    }
}

/// Whether it is an object or an array, which no parameter of management is: it may be a secret in
/// the wrong place.
fn is_misplaced(route: &Route, text: &str) -> bool {
    let is_begun = text.trim_start().starts_with(['{', '[']);
    route.is_local() && is_begun && serde_json::from_str::<Value>(text).is_ok()
}

/// A name that comes again makes a list.
fn add(arguments: &mut Map<String, Value>, name: String, value: Value) {
    match arguments.get_mut(&name) {
        None => {
            arguments.insert(name, value);
        }
        Some(Value::Array(values)) => values.push(value),
        Some(first) => {
            let values = vec![first.take(), value];
            *first = Value::Array(values);
        }
    }
}
