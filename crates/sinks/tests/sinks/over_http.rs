//! Receivers over HTTP, which can be slow, lie, and end.

use std::collections::HashSet;

use audit::{Format, ship::Told};
use serde_json::Value;
use sinks::{Elasticsearch, Otlp, Receiver, Splunk, TlsFiles, Webhook};
use testkit::{Breach, Collector};
use upstream::Scheme;

use crate::ground::Ground;

const TLS: TlsFiles = TlsFiles { authorities: None, identity: None };

/// Each of them, at `url`.
fn receivers(ground: &Ground, url: &str) -> [(&'static str, Receiver); 4] {
    let url = url.to_owned();
    let (index, hook) = ("onedoor-audit".to_owned(), format!("{url}/hook"));
    let logs = format!("{url}/v1/logs");
    let [token, key] = [("hec-token", "hec-canary"), ("es-key", "es-canary")]
        .map(|(id, it)| ground.secret(id, it));
    let signing = ground.secret("hook-secret", &format!("whsec_{}", "A".repeat(40)));
    let bearer = ground.secret("otlp-token", "otlp-canary");
    let splunk = Splunk {
        url: url.clone(),
        secret: token,
        index: Some("main".to_owned()),
        acknowledges: true,
        tls: TLS,
    };
    let secret = Some((Scheme::ApiKey, key));
    let elasticsearch = Elasticsearch { url, index, secret, tls: TLS };
    [
        ("elasticsearch", Receiver::Elasticsearch(elasticsearch)),
        ("otlp", Receiver::Otlp(Otlp { url: logs, secret: Some(bearer), tls: TLS })),
        ("splunk", Receiver::Splunk(splunk)),
        ("webhook", Receiver::Webhook(Webhook { url: hook, secret: signing, tls: TLS })),
    ]
}

#[test]
fn each_gets_every_record_over_a_kill() {
    for number in 0..4 {
        let (ground, mut collector) = (Ground::new(120), Collector::start());
        let (kind, receiver) = receivers(&ground, &collector.url())[number].clone();
        let mut line = ground.sink(Format::Native, receiver);
        line.drain();
        collector.kill();
        ground.record(70);
        assert!(!line.step(), "{kind}: nobody is there");
        collector.serve();
        let delivered = line.drain();
        // Some write JSON in their own way.
        assert!(values(&collector.records(kind)) == values(&delivered), "{kind}");
        assert!(matches!(&line.told[..], [Told::Failed { .. }, Told::Recovered { .. }]), "{kind}");
    }
}

#[test]
fn each_gets_every_record_behind_whatever_goes_wrong_with_requests() {
    let all = [429, 503].map(Breach::Status);
    for breach in all.into_iter().chain([Breach::Reset, Breach::Unanswered]) {
        for number in 0..4 {
            let (ground, collector) = (Ground::new(70), Collector::start());
            let (kind, receiver) = receivers(&ground, &collector.url())[number].clone();
            let mut line = ground.sink(Format::Native, receiver);
            // The second on a connection that is there, or on another one.
            collector.breach(Some(breach));
            assert!(!line.step() && !line.step(), "{kind}: {breach:?}");
            collector.breach(None);
            let delivered = line.drain();
            let mut records = collector.records(kind);
            // What was kept and not answered comes again, unless it has an id, or nobody asked for it.
            let is_kept = breach == Breach::Unanswered && ["otlp", "webhook"].contains(&kind);
            assert_eq!(records.len() > delivered.len(), is_kept, "{kind}: {breach:?}");
            let mut seen = HashSet::new();
            records.retain(|it| seen.insert(it.clone()));
            assert!(values(&records) == values(&delivered), "{kind}: {breach:?}");
        }
    }
}

/// An indexer says seconds later that it keeps what it got: it gets more meanwhile.
#[test]
fn splunk_gets_more_while_it_owes_acknowledgements() {
    let (ground, collector) = (Ground::new(900), Collector::start());
    // Asked twice a second, so that is two seconds.
    collector.acknowledge_late(4);
    let [_, _, (kind, receiver), _] = receivers(&ground, &collector.url());
    let batching = receiver.batching();
    let mut line = ground.sink_of((Format::Native, receiver), batching);
    let safe = ground.journal.safe();
    assert!(line.step());
    assert_eq!(collector.most_waiting(), 2);
    // The cursor is behind all that was there.
    assert!(line.next() >= safe);
    assert!(values(&collector.records(kind)) == values(&line.delivered()));
}

#[test]
fn what_splunk_lost_as_it_started_anew_is_sent_again() {
    let (ground, collector) = (Ground::new(900), Collector::start());
    collector.start_anew_behind(1);
    let [_, _, (kind, receiver), _] = receivers(&ground, &collector.url());
    let batching = receiver.batching();
    let mut line = ground.sink_of((Format::Native, receiver), batching);
    // Both parts have the number 0, and the first is gone.
    assert!(!line.step());
    assert!(line.failure().contains("anew"), "{}", line.failure());
    let delivered = line.drain();
    assert!(values(&collector.records(kind)) == values(&delivered));
}

fn values(lines: &[String]) -> Vec<Value> {
    lines.iter().map(|it| serde_json::from_str(it).unwrap()).collect()
}

#[test]
fn each_is_shown_its_secret_in_its_own_way() {
    let want = [
        ("authorization", "ApiKey es-canary"),
        ("authorization", "Bearer otlp-canary"),
        ("authorization", "Splunk hec-canary"),
        ("webhook-signature", "v1,"),
    ];
    for (number, (name, value)) in want.into_iter().enumerate() {
        let (ground, collector) = (Ground::new(1), Collector::start());
        let (kind, receiver) = receivers(&ground, &collector.url())[number].clone();
        ground.sink(Format::Ocsf, receiver).drain();
        let headers = collector.headers();
        let shown = headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or_default();
        assert!(shown.starts_with(value), "{kind}: {shown}");
        let first: Value = serde_json::from_str(&collector.records(kind)[0]).unwrap();
        assert_eq!(first["metadata"]["version"], "1.8.0", "{kind}");
    }
}

#[test]
fn nothing_is_sent_where_the_secret_has_no_value() {
    let (ground, collector) = (Ground::new(1), Collector::start());
    let [_, _, (_, splunk), _] = receivers(&ground, &collector.url());
    let other = Ground::new(1);
    let mut line = other.sink(Format::Native, splunk);
    assert!(!line.step());
    assert!(line.failure().contains("hec-token has no value"), "{}", line.failure());
    assert!(collector.headers().is_empty());
}

#[test]
fn what_is_sent_again_is_one_document() {
    let (ground, collector) = (Ground::new(30), Collector::start());
    let [(kind, receiver), ..] = receivers(&ground, &collector.url());
    let mut delivered = Vec::new();
    for _ in 0..2 {
        delivered = ground.sink(Format::Ecs, receiver.clone()).drain();
        std::fs::remove_dir_all(ground.path().join("sinks")).unwrap();
    }
    assert_eq!(collector.records(kind).len(), delivered.len());
}
