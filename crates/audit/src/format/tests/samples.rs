//! Lines of every kind of record, made by what writes the log.

use std::{sync::Arc, time::Duration};

use model::{
    Audience, Caller, ClientId, CollectionId, CredentialId, Effect, KnownBy, Operation,
    OperationId, ProfileId, Refusal, RefusalKind, RequestId, Surface, Timestamp, TokenBounds,
    TokenScopes, Trace,
};

use crate::{
    Balance, Encryption, EventId, Kind, Outcome, Record, Redacted, Salt, Start,
    chain::Chain,
    frame,
    record::members,
    redact::{By, Policy},
};

/// A line with these members, as the log has it.
pub(super) fn framed(members: &[u8]) -> Vec<u8> {
    let mut line = Vec::new();
    frame::write(&mut line, &mut Chain::begin("test"), members);
    line
}

pub(super) fn line(record: &Record<'_>) -> Vec<u8> {
    framed(&members(record).unwrap())
}

/// A record of everything that can be known.
pub(super) fn full(check: impl FnOnce(Record<'_>)) {
    full_of("orders", Effect::Destructive, check);
}

fn caller() -> Caller {
    Caller {
        client: ClientId::parse("shop-agent").unwrap(),
        profile: ProfileId::parse("shop-agent/read").unwrap(),
        credential: Some(CredentialId::parse("k1").unwrap()),
        user: Some("ann@example.com".to_owned()),
        actors: vec!["planner".to_owned()],
        bounds: Some(Arc::new(TokenBounds {
            audience: Audience::Door,
            scopes: Some(TokenScopes::parse("role:reader").unwrap()),
        })),
        known_by: KnownBy {
            credential: Some("client_secret"),
            token: Some("dpop"),
            token_id: Some("t1".into()),
            methods: Some("pwd otp".into()),
            key: Some("2026-11".into()),
            bound_to: Some("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I".into()),
            grant: Some("g1".into()),
        },
        ..Caller::anonymous()
    }
}

fn full_of(collection: &str, effect: Effect, check: impl FnOnce(Record<'_>)) {
    let collection = CollectionId::parse(collection).unwrap();
    let operation = Operation {
        id: OperationId::new(&collection, "delete_order").unwrap(),
        collection,
        effect,
        is_public: false,
        level: None,
        position: 7,
    };
    let caller = caller();
    let (policy, salt) = (Policy::default(), Salt::new(&[7; 32]));
    let by = By { policy: &policy, salt: &salt, at: Timestamp::from_seconds(1_795_392_000) };
    let arguments = Redacted::of(
        serde_json::json!({"id": 42, "to": "ann@example.com"}).as_object().unwrap(),
        by,
    );
    let bodies = serde_json::json!({"due": ["response"]});
    check(Record {
        id: Some(RequestId::new(uuid::Uuid::nil())),
        trace: Trace::parse(b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        event: Some(EventId::SignIn),
        note: Some("by hand"),
        surface: Some(Surface::Mcp),
        entrance: Some("public"),
        protocol: Some("2026-07-28"),
        peer: Some([127, 0, 0, 1].into()),
        start: Some(Start { node: "door-1", boot: "b1" }),
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
        method: Some("DELETE"),
        path: Some("/orders/{id}"),
        rpc: Some("tools/call"),
        tool: Some("orders_delete_order"),
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
        bytes_out: Some(11),
        is_truncated: true,
        bodies: Some(&bodies),
        upstream: Some("http://127.0.0.1:9000"),
        upstream_address: Some(([127, 0, 0, 1], 9000).into()),
        upstream_secret: Some("crm-key"),
        upstream_secret_version: Some(3),
        upstream_status: Some(200),
        upstream_time: Some(Duration::from_micros(310)),
        total_time: Some(Duration::from_micros(400)),
        ..bare(Kind::Call, Outcome::Answered)
    });
}

pub(super) fn bare(kind: Kind, outcome: Outcome<'_>) -> Record<'_> {
    Record::new(Timestamp::from_micros(1_795_392_000_123_456), kind, outcome)
}

/// Lines with all members between them, and of every kind, outcome, reason, effect and event.
pub(super) fn lines() -> Vec<Vec<u8>> {
    let refused = |it: &RefusalKind| {
        let scopes = TokenScopes::parse("role:reader").unwrap();
        Refusal::new(*it, "no").because("a cause").lacking(scopes)
    };
    let refusals: Vec<_> = RefusalKind::ALL.iter().map(refused).collect();
    let outcomes: Vec<_> =
        [Outcome::Answered, Outcome::Begun, Outcome::Cancelled, Outcome::Failed, Outcome::Unknown]
            .into_iter()
            .chain(refusals.iter().map(Outcome::Refused))
            .collect();
    let mut lines = Vec::new();
    for kind in Kind::ALL {
        for outcome in &outcomes {
            lines.push(line(&bare(kind, *outcome)));
            lines.extend(of_operations(kind, *outcome));
        }
        // Every event that there is, whatever it is of, and one that a newer door wrote.
        for event in EventId::ALL.iter().copied().map(Some).chain([None]) {
            lines.push(line(&Record { event, ..bare(kind, Outcome::Answered) }));
        }
        let newer = format!(
            r#""time":"2026-11-23T00:00:00.000000Z","kind":"{}","event":"a.word.not.known""#,
            kind.as_str()
        );
        lines.push(framed(newer.as_bytes()));
    }
    lines.push(header());
    lines
}

/// Lines about operations of both sorts of collection.
fn of_operations(kind: Kind, outcome: Outcome<'_>) -> Vec<Vec<u8>> {
    let mut lines = Vec::new();
    for (collection, effect) in [
        ("orders", Effect::Read),
        ("orders", Effect::Destructive),
        ("self", Effect::Write),
        ("self", Effect::Destructive),
    ] {
        let put = |record: Record<'_>| lines.push(line(&Record { kind, outcome, ..record }));
        full_of(collection, effect, put);
    }
    lines
}

/// The first line of a segment.
pub(super) fn header() -> Vec<u8> {
    let zeros = "0".repeat(64);
    framed(
        format!(
            r#""time":"2026-11-23T00:00:00.000000Z","kind":"log","event":"audit.segment","format":1,"origin":"test","prev":"{zeros}","tree":["{zeros}"],"open":[[2,"x"]],"unsynced_from":1"#
        )
        .as_bytes(),
    )
}
