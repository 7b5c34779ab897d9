//! What is known of one call or event, and the order in which its line tells it.

mod alike;
mod balance;
mod caller;
mod carrier;
mod encryption;
mod event;
mod line;
mod outcome;

use std::{
    borrow::Cow,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use model::{Caller, Operation, Refusal, RequestId, Surface, Timestamp, Trace};
use serde_json::Value;

pub use alike::Alike;
pub use balance::Balance;
pub use carrier::Carrier;
pub use encryption::Encryption;
pub use event::EventId;
#[cfg(test)]
pub(crate) use line::line;
pub(crate) use line::{Line, members};
pub use line::{is_unsafe, one_line};
pub use outcome::{Decision, Kind, Outcome};

use crate::{Redacted, redact::path};

/// Longest text in a line. Callers choose some of them, and none may fill the disk.
pub(crate) const TEXT_BYTES_MAX: usize = 2048;

/// The names of all members that a record writes, in the order of its line. [`Line`] takes no other
/// in a test, and each has its place in every format of [`crate::format`].
pub(crate) const NAMES: [&str; 68] = [
    "time",
    "id",
    "trace",
    "parent",
    "kind",
    "event",
    "note",
    "node",
    "boot",
    "surface",
    "entrance",
    "protocol",
    "peer",
    "peer_port",
    "tls",
    "tls_cipher",
    "tls_name",
    "tls_client",
    "revision",
    "client",
    "client_kind",
    "profile",
    "user",
    "actors",
    "credential",
    "credential_kind",
    "token_kind",
    "token",
    "token_key",
    "token_bound_to",
    "grant",
    "auth_methods",
    "scopes",
    "collection",
    "operation",
    "effect",
    "method",
    "path",
    "rpc",
    "tool",
    "tool_digest",
    "arguments",
    "arguments_digest",
    "arguments_found",
    "bytes_in",
    "outcome",
    "decision",
    "reason",
    "rule",
    "limit",
    "limit_left",
    "limit_count",
    "limit_window_s",
    "scopes_needed",
    "detail",
    "cause",
    "status",
    "bytes_out",
    "answer_truncated",
    "bodies",
    "upstream",
    "upstream_ip",
    "upstream_port",
    "upstream_secret",
    "upstream_secret_version",
    "upstream_status",
    "upstream_us",
    "total_us",
];

/// What names a process and its log. The start of each has it: records behind are of that process.
#[derive(Debug, Clone, Copy)]
pub struct Start<'a> {
    /// The name of the log, which is that of its data folder.
    pub node: &'a str,
    /// What names this run of the process, and no other.
    pub boot: &'a str,
}

/// What is known of one call or event. It borrows all, for it lives only until it is written.
///
/// What is not known is `None` and is left out of the line.
#[derive(Debug, Clone)]
pub struct Record<'a> {
    /// When the request arrived, or the event happened.
    pub time: Timestamp,
    /// The request's id, as the caller and the upstream know it.
    pub id: Option<RequestId>,
    /// The trace that its caller says it is part of.
    pub trace: Option<Trace>,
    /// What this is the record of.
    pub kind: Kind,
    /// What happened, where the kind does not say it all.
    pub event: Option<EventId>,
    /// More about it, for people.
    pub note: Option<&'a str>,
    /// Where a process begins: what it and the log are called, as [`Start`] says.
    pub start: Option<Start<'a>>,
    /// How the call arrived.
    pub surface: Option<Surface>,
    /// Which listener it came by.
    pub entrance: Option<&'a str>,
    /// What was spoken: `HTTP/1.1`, or a revision of MCP.
    pub protocol: Option<&'a str>,
    /// The address at the other end of the connection.
    pub peer: Option<IpAddr>,
    /// The port there.
    pub peer_port: Option<u16>,
    /// What the connection is encrypted by.
    pub tls: Option<Encryption<'a>>,
    /// The revision of the snapshot that was decided by.
    pub revision: Option<u64>,
    /// Who called.
    pub caller: Option<&'a Caller>,
    /// What was called.
    pub operation: Option<&'a Operation>,
    /// The HTTP method of the operation.
    pub method: Option<&'a str>,
    /// The operation's path template; the path that was asked for where no operation was found.
    pub path: Option<&'a str>,
    /// The method of a JSON-RPC message.
    pub rpc: Option<&'a str>,
    /// The tool that was called.
    pub tool: Option<&'a str>,
    /// The digest of its definition, as lists show it.
    pub tool_digest: Option<&'a str>,
    /// The arguments, without their secrets.
    pub arguments: Option<&'a Redacted>,
    /// How many bytes of body came with the request.
    pub bytes_in: Option<u64>,
    /// The rule that permitted it.
    pub rule: Option<&'a str>,
    /// What it left of the limit that will be reached first.
    pub balance: Option<Balance<'a>>,
    /// How it ended.
    pub outcome: Outcome<'a>,
    /// The HTTP status of our answer.
    pub status: Option<u16>,
    /// How many bytes of body the answer has, where that is known before they are sent.
    pub bytes_out: Option<u64>,
    /// Whether its caller is shown the beginning of the answer alone.
    pub is_truncated: bool,
    /// What is to be kept of its bodies, or what is.
    pub bodies: Option<&'a Value>,
    /// Where it was carried out.
    pub upstream: Option<&'a str>,
    /// The address that this was sent to.
    pub upstream_address: Option<SocketAddr>,
    /// Which secret the upstream was shown.
    pub upstream_secret: Option<&'a str>,
    /// Which version of it.
    pub upstream_secret_version: Option<u32>,
    /// The HTTP status of the upstream's answer.
    pub upstream_status: Option<u16>,
    /// From the request sent upstream to the head of its answer.
    pub upstream_time: Option<Duration>,
    /// From the request's arrival to this record.
    pub total_time: Option<Duration>,
    /// What the records of its call tell alike, so that it is written once.
    pub alike: Option<&'a Alike>,
}

impl<'a> Record<'a> {
    /// A record of which nothing more is known yet.
    #[must_use]
    pub fn new(time: Timestamp, kind: Kind, outcome: Outcome<'a>) -> Self {
        Self {
            time,
            id: None,
            trace: None,
            kind,
            event: None,
            note: None,
            start: None,
            surface: None,
            entrance: None,
            protocol: None,
            peer: None,
            peer_port: None,
            tls: None,
            revision: None,
            caller: None,
            operation: None,
            method: None,
            path: None,
            rpc: None,
            tool: None,
            tool_digest: None,
            arguments: None,
            bytes_in: None,
            rule: None,
            balance: None,
            outcome,
            status: None,
            bytes_out: None,
            is_truncated: false,
            bodies: None,
            upstream: None,
            upstream_address: None,
            upstream_secret: None,
            upstream_secret_version: None,
            upstream_status: None,
            upstream_time: None,
            total_time: None,
            alike: None,
        }
    }

    /// What was decided.
    #[must_use]
    pub fn decision(&self) -> Decision {
        match self.outcome {
            Outcome::Answered | Outcome::Begun => Decision::Allow,
            // The caller left before anything was decided: that is no permission. What is cut had one.
            Outcome::Cancelled if self.rule.is_none() && self.kind != Kind::Cut => Decision::Error,
            Outcome::Cancelled => Decision::Allow,
            Outcome::Refused(refusal) => Decision::of(refusal.kind()),
            Outcome::Failed | Outcome::Unknown => Decision::Error,
        }
    }
}

impl Record<'_> {
    /// Writes all members, in the order of the line.
    pub(crate) fn write(&self, line: &mut Line) -> Result<(), serde_json::Error> {
        let Self { time, id, trace, kind, event, note, start, alike, .. } = self;
        line.shown("time", time);
        if let Some(id) = id {
            line.shown("id", id);
        }
        if let Some(trace) = trace {
            line.shown("trace", trace);
            line.shown("parent", &trace.parent());
        }
        line.word("kind", kind.as_str());
        if let Some(event) = event {
            line.word("event", event.as_str());
        }
        match is_about_somebody(*kind, *event) {
            true => line.named("note", *note)?,
            false => line.said("note", *note)?,
        }
        if let Some(Start { node, boot }) = start {
            line.cut("node", Some(node))?;
            line.cut("boot", Some(boot))?;
        }
        match alike {
            Some(alike) => alike.write(self, line)?,
            None => self.write_alike(line)?,
        }
        self.write_outcome(line)?;
        self.write_upstream(line)
    }

    /// What an intent and its outcome tell alike.
    fn write_alike(&self, line: &mut Line) -> Result<(), serde_json::Error> {
        self.write_connection(line)?;
        line.some("revision", self.revision.as_ref())?;
        self.caller.map_or(Ok(()), |it| caller::write(it, line))?;
        self.write_operation(line);
        self.write_request(line)
    }

    fn write_connection(&self, line: &mut Line) -> Result<(), serde_json::Error> {
        let Self { surface, entrance, protocol, peer, peer_port, tls, .. } = self;
        if let Some(surface) = surface {
            line.word("surface", surface.as_str());
        }
        line.cut("entrance", *entrance)?;
        line.cut("protocol", *protocol)?;
        line.some("peer", peer.as_ref())?;
        line.some("peer_port", peer_port.as_ref())?;
        tls.as_ref().map_or(Ok(()), |it| it.write(line))
    }

    fn write_operation(&self, line: &mut Line) {
        let Some(operation) = self.operation else { return };
        let Operation { id, collection, effect, is_public: _, level: _, position: _ } = operation;
        line.word("collection", collection.as_str());
        line.word("operation", id.as_str());
        line.word("effect", effect.as_str());
    }

    fn write_request(&self, line: &mut Line) -> Result<(), serde_json::Error> {
        let Record { method, rpc, tool, tool_digest, arguments, bytes_in, .. } = self;
        line.cut("method", *method)?;
        line.cut("path", self.shown_path().as_deref())?;
        line.cut("rpc", *rpc)?;
        line.cut("tool", *tool)?;
        line.cut("tool_digest", *tool_digest)?;
        if let Some(arguments) = arguments {
            line.put("arguments", arguments.value())?;
            line.word("arguments_digest", arguments.digest());
            line.cut("arguments_found", arguments.found())?;
        }
        line.some("bytes_in", bytes_in.as_ref())
    }

    /// The template is of the operation's document. Where there is none, the caller chose the path.
    fn shown_path(&self) -> Option<Cow<'_, str>> {
        match self.operation {
            Some(_) => self.path.map(Cow::Borrowed),
            None => self.path.map(path::without_private),
        }
    }

    fn write_outcome(&self, line: &mut Line) -> Result<(), serde_json::Error> {
        let Record { outcome, rule, balance, status, bytes_out, is_truncated, bodies, .. } = self;
        line.word("outcome", outcome.as_str());
        line.word("decision", self.decision().as_str());
        let refusal = outcome.refusal();
        if let Some(refusal) = refusal {
            line.word("reason", refusal.kind().as_str());
        }
        line.cut("rule", refusal.and_then(Refusal::rule).or(*rule))?;
        let reached = refusal.and_then(Refusal::limit).map(Balance::from);
        if let Some(balance) = reached.or(*balance) {
            balance.write(line)?;
        }
        if let Some(refusal) = refusal {
            let needed = refusal.scope().map(ToString::to_string);
            line.cut("scopes_needed", needed.as_deref())?;
            line.said("detail", Some(refusal.detail()))?;
            line.said("cause", refusal.cause())?;
        }
        line.some("status", status.as_ref())?;
        line.some("bytes_out", bytes_out.as_ref())?;
        line.some("answer_truncated", is_truncated.then_some(&true))?;
        line.some("bodies", *bodies)
    }

    fn write_upstream(&self, line: &mut Line) -> Result<(), serde_json::Error> {
        let Record { upstream, upstream_address, upstream_status, upstream_time, .. } = self;
        let Record { upstream_secret, upstream_secret_version, .. } = self;
        line.cut("upstream", *upstream)?;
        if let Some(address) = upstream_address {
            line.some("upstream_ip", Some(&address.ip().to_canonical()))?;
            line.some("upstream_port", Some(&address.port()))?;
        }
        line.cut("upstream_secret", *upstream_secret)?;
        line.some("upstream_secret_version", upstream_secret_version.as_ref())?;
        line.some("upstream_status", upstream_status.as_ref())?;
        line.some("upstream_us", upstream_time.map(|it| it.as_micros()).as_ref())?;
        line.some("total_us", self.total_time.map(|it| it.as_micros()).as_ref())
    }
}

/// Whether its note may say which person it is about, or who wanted it: a name may be an e-mail address.
///
/// What such a person wrote besides is joined to the name by [`crate::without_addresses`].
fn is_about_somebody(kind: Kind, event: Option<EventId>) -> bool {
    matches!(kind, Kind::Authorization | Kind::Log) || event == Some(EventId::BodiesForget)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use model::{
        ClientId, ClientKind, CollectionId, CredentialId, Effect, KnownBy, LimitState, OperationId,
        ProfileId, RefusalKind, TokenScopes,
    };

    use super::*;
    use crate::redact::{By, Policy, Salt};

    fn check(record: &Record<'_>, want: &str) {
        assert_eq!(String::from_utf8(line(record).unwrap()).unwrap(), format!("{want}\n"));
    }

    fn operation() -> Operation {
        let collection = CollectionId::parse("orders").unwrap();
        Operation {
            id: OperationId::new(&collection, "get_order").unwrap(),
            collection,
            effect: Effect::Read,
            is_public: false,
            level: None,
            position: 7,
        }
    }

    fn caller() -> Caller {
        Caller {
            client: ClientId::parse("shop-agent").unwrap(),
            kind: ClientKind::Agent,
            profile: ProfileId::parse("shop-agent/read").unwrap(),
            credential: Some(CredentialId::parse("k1").unwrap()),
            user: Some(String::from("ann@example.com")),
            actors: vec![String::from("planner")],
            bounds: None,
            known_by: KnownBy {
                credential: Some("client_secret"),
                token: Some("dpop"),
                token_id: Some("t1".into()),
                methods: Some("pwd otp".into()),
                key: Some("2026-11".into()),
                bound_to: Some("0ZcOCORZNYy".into()),
                grant: Some("g1".into()),
            },
        }
    }

    #[test]
    fn a_line_tells_who_did_what_how_it_was_decided_and_how_it_ended() {
        let at = Timestamp::from_micros(1_795_392_000_123_456);
        let (operation, caller) = (operation(), caller());
        let arguments = serde_json::json!({"id": 42, "to": "ann@example.com"});
        let by = By { policy: &Policy::default(), salt: &Salt::new(&[7; 32]), at };
        let arguments = Redacted::of(arguments.as_object().unwrap(), by);
        let record = Record {
            id: Some(RequestId::new(uuid::Uuid::nil())),
            trace: Trace::parse(b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
            surface: Some(Surface::Mcp),
            protocol: Some("2026-07-28"),
            peer: Some([127, 0, 0, 1].into()),
            peer_port: Some(50_000),
            tls: Some(Encryption {
                version: "TLSv1.3",
                cipher: Some("TLS13_AES_128_GCM_SHA256"),
                server_name: Some("api.example.com"),
                client: Some("9f86"),
            }),
            revision: Some(3),
            caller: Some(&caller),
            operation: Some(&operation),
            method: Some("GET"),
            path: Some("/orders/{id}"),
            rpc: Some("tools/call"),
            tool: Some("orders_get_order"),
            tool_digest: Some("sha256:9f86d081884c7d659a2feaa0c55ad015"),
            arguments: Some(&arguments),
            bytes_in: Some(120),
            rule: Some("role reader: orders:*"),
            balance: Some(Balance {
                limit: "daily",
                left: 41,
                count: 50,
                window: Duration::from_secs(86_400),
            }),
            status: Some(200),
            is_truncated: true,
            upstream: Some("http://127.0.0.1:9000"),
            upstream_address: Some(([127, 0, 0, 1], 9000).into()),
            upstream_secret: Some("crm-key"),
            upstream_secret_version: Some(3),
            upstream_status: Some(200),
            upstream_time: Some(Duration::from_micros(310)),
            total_time: Some(Duration::from_micros(400)),
            ..Record::new(at, Kind::Call, Outcome::Answered)
        };
        check(
            &record,
            concat!(
                r#"{"time":"2026-11-23T00:00:00.123456Z","id":"00000000-0000-0000-0000-000000000000","#,
                r#""trace":"4bf92f3577b34da6a3ce929d0e0e4736","parent":"00f067aa0ba902b7","#,
                r#""kind":"call","surface":"mcp","protocol":"2026-07-28","peer":"127.0.0.1","#,
                r#""peer_port":50000,"tls":"TLSv1.3","tls_cipher":"TLS13_AES_128_GCM_SHA256","#,
                r#""tls_name":"api.example.com","tls_client":"9f86","revision":3,"client":"shop-agent","client_kind":"agent","profile":"shop-agent/read","#,
                r#""user":"ann@example.com","actors":["planner"],"credential":"k1","#,
                r#""credential_kind":"client_secret","token_kind":"dpop","#,
                r#""token":"t1","token_key":"2026-11","token_bound_to":"0ZcOCORZNYy","grant":"g1","#,
                r#""auth_methods":"pwd otp","#,
                r#""collection":"orders","operation":"orders.get_order","effect":"read","#,
                r#""method":"GET","path":"/orders/{id}","rpc":"tools/call","tool":"orders_get_order","#,
                r#""tool_digest":"sha256:9f86d081884c7d659a2feaa0c55ad015","arguments":{"id":42,"to":"hmac:96ce-20261123:af60b39cb9d91e890b3b00d5aaf2e368"},"#,
                r#""arguments_digest":"hmac:96ce-20261123:34e3538350eca20e3eb61898140ca6c9","#,
                r#""arguments_found":"email","bytes_in":120,"#,
                r#""outcome":"answered","decision":"allow","rule":"role reader: orders:*","#,
                r#""limit":"daily","limit_left":41,"limit_count":50,"limit_window_s":86400,"#,
                r#""status":200,"answer_truncated":true,"upstream":"http://127.0.0.1:9000","upstream_ip":"127.0.0.1","#,
                r#""upstream_port":9000,"upstream_secret":"crm-key","upstream_secret_version":3,"#,
                r#""upstream_status":200,"upstream_us":310,"total_us":400}"#,
            ),
        );
    }

    #[test]
    fn a_refusal_says_which_limit_refused_and_what_only_the_log_may_know() {
        let refusal = Refusal::new(RefusalKind::LimitReached, "too many calls")
            .because("bucket shop-agent")
            .by_rule("daily")
            .by_limit(LimitState {
                limit: Arc::from("daily"),
                count: 5,
                window: Duration::from_secs(86_400),
                retry_after: Duration::from_secs(1),
            });
        check(
            &Record::new(Timestamp::from_seconds(0), Kind::Call, Outcome::Refused(&refusal)),
            concat!(
                r#"{"time":"1970-01-01T00:00:00.000000Z","kind":"call","outcome":"refused","#,
                r#""decision":"limit","reason":"limit_reached","rule":"daily","limit":"daily","#,
                r#""limit_left":0,"limit_count":5,"limit_window_s":86400,"#,
                r#""detail":"too many calls","cause":"bucket shop-agent"}"#,
            ),
        );
    }

    #[test]
    fn a_call_that_failed_behind_its_limits_tells_what_it_left_of_them() {
        let refusal = Refusal::new(RefusalKind::UpstreamFailed, "no answer");
        let record = Record {
            balance: Some(Balance {
                limit: "slow",
                left: 1,
                count: 2,
                window: Duration::from_millis(10),
            }),
            ..Record::new(Timestamp::from_seconds(0), Kind::Call, Outcome::Refused(&refusal))
        };
        check(
            &record,
            concat!(
                r#"{"time":"1970-01-01T00:00:00.000000Z","kind":"call","outcome":"refused","#,
                r#""decision":"error","reason":"upstream_failed","limit":"slow","limit_left":1,"#,
                r#""limit_count":2,"limit_window_s":1,"detail":"no answer"}"#,
            ),
        );
    }

    #[test]
    fn a_refusal_for_want_of_scopes_says_which_would_have_done() {
        let scopes = TokenScopes::parse("role:reader role:writer").unwrap();
        let refusal = Refusal::new(RefusalKind::Forbidden, "not in its scope").lacking(scopes);
        check(
            &Record::new(Timestamp::from_seconds(0), Kind::Call, Outcome::Refused(&refusal)),
            concat!(
                r#"{"time":"1970-01-01T00:00:00.000000Z","kind":"call","outcome":"refused","#,
                r#""decision":"deny","reason":"forbidden","#,
                r#""scopes_needed":"role:reader role:writer","detail":"not in its scope"}"#,
            ),
        );
    }

    #[test]
    fn a_call_given_up_before_a_rule_permitted_it_was_not_allowed() {
        let mut record = Record::new(Timestamp::from_seconds(0), Kind::Call, Outcome::Cancelled);
        assert_eq!(record.decision(), Decision::Error);
        record.rule = Some("role reader: orders:*");
        assert_eq!(record.decision(), Decision::Allow);
        let cut = Record::new(Timestamp::from_seconds(0), Kind::Cut, Outcome::Cancelled);
        assert_eq!(cut.decision(), Decision::Allow);
        for kind in RefusalKind::ALL {
            assert_ne!(Decision::of(kind), Decision::Allow, "{kind:?}");
        }
    }

    #[test]
    fn a_secret_in_the_wrong_place_is_not_told() {
        let secret = format!("odk_{}", "x1".repeat(25));
        let path = format!("/mcp/{secret}/tools");
        let refusal = Refusal::new(RefusalKind::Malformed, format!("unknown method \"{secret}\""))
            .because(format!("GET /{secret}"));
        let record = Record {
            note: Some(&secret),
            path: Some(&path),
            ..Record::new(Timestamp::from_seconds(0), Kind::Call, Outcome::Refused(&refusal))
        };
        let line = String::from_utf8(line(&record).unwrap()).unwrap();
        assert!(!line.contains("x1x1") && line.matches("[redacted]").count() == 4, "{line}");
        assert!(line.contains(r#""path":"/mcp/[redacted]/tools""#), "{line}");
    }

    #[test]
    fn an_address_is_told_only_of_whom_the_record_is_about() {
        let refusal = Refusal::new(RefusalKind::NotFound, "nothing for ann@example.com")
            .because("asked by ann@example.com");
        let told_of = |kind, event, note| {
            let record = Record {
                event,
                note: Some(note),
                path: Some("/customers/ann@example.com"),
                ..Record::new(Timestamp::from_seconds(0), kind, Outcome::Refused(&refusal))
            };
            String::from_utf8(line(&record).unwrap()).unwrap()
        };
        let told = |kind, note| told_of(kind, None, note);
        let called = told(Kind::Call, "tools/call ann@example.com");
        assert!(!called.contains('@'), "{called}");
        for want in ["tools/call [redacted]", "/customers/[redacted]", "asked by [redacted]"] {
            assert!(called.contains(want), "{want}: {called}");
        }
        let signed_in = told(Kind::Authorization, "as \"corp:ann@example.com\"");
        assert_eq!(signed_in.matches('@').count(), 1, "{signed_in}");
        assert!(signed_in.contains("corp:ann@example.com"), "{signed_in}");
        for (kind, event) in [
            (Kind::Log, EventId::AuditPurge),
            (Kind::Log, EventId::AuditKeyChange),
            (Kind::Event, EventId::BodiesForget),
        ] {
            let wanted = told_of(kind, Some(event), "asked for by corp:ann@example.com: old");
            assert!(wanted.contains("asked for by corp:ann@example.com: old"), "{wanted}");
        }
        let leaked = told(Kind::Authorization, "as \"odk_7gh3kd9fj2\"");
        assert!(leaked.contains(r#""note":"[redacted]""#), "{leaked}");
    }

    #[test]
    fn no_text_of_a_caller_makes_a_line_long() {
        let long = "x".repeat(100_000);
        let caller = Caller {
            user: Some(long.clone()),
            actors: vec![long.clone(); 100],
            bounds: None,
            ..Caller::anonymous()
        };
        let refusal = Refusal::new(RefusalKind::Malformed, long.clone()).because(&long);
        let record = Record {
            path: Some(&long),
            tool: Some(&long),
            rpc: Some(&long),
            caller: Some(&caller),
            ..Record::new(Timestamp::from_seconds(0), Kind::Call, Outcome::Refused(&refusal))
        };
        assert!(line(&record).unwrap().len() < 32 * 1024);
    }
}
