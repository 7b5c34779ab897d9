//! What the profile `record_integrity` says is right by the schema, and true.

use serde_json::Value;

use super::{
    Format, SOURCE, Source,
    ocsf_schema::{judged, lines},
    samples::bare,
};
use crate::{Hash, Kind, Outcome, chain::Chain, frame, record::members};

/// The first two records of a log, each with the hash before it.
fn two() -> [(Vec<u8>, Hash); 2] {
    let mut chain = Chain::begin("test");
    [(); 2].map(|()| {
        let (mut line, before) = (Vec::new(), chain.last());
        let members = members(&bare(Kind::Call, Outcome::Answered)).unwrap();
        frame::write(&mut line, &mut chain, &members);
        (line, before)
    })
}

fn attested((line, before): &(Vec<u8>, Hash)) -> String {
    let source = Source { prev: Some(*before), ..SOURCE };
    String::from_utf8(Format::OcsfIntegrity.event(line, &source).unwrap().bytes).unwrap()
}

#[test]
fn attested_events_of_every_kind_are_right_by_the_schema_to_come() {
    let before = Hash::of_origin("test");
    let all = lines().into_iter().map(|it| (it, before)).chain(two());
    let events: Vec<_> = all.map(|it| attested(&it)).collect();
    for (event, told) in events.iter().zip(judged(&events)) {
        assert_eq!(told, "ok", "{event}");
    }
    let good = events.last().unwrap();
    let broken = [
        good.replace("\"prev_event\":{", "\"prev_event\":{\"seq\":0,"),
        good.replace("\"algorithm_id\":3", "\"algorithm_id\":21"),
        good.replace("\"fingerprint\"", "\"print\""),
        good.replace("[\"record_integrity\",", "["),
        good.replace("1.9.0-dev", "1.8.0"),
    ];
    for (event, told) in broken.iter().zip(judged(&broken)) {
        assert!(event != good && told != "ok", "{event}");
    }
}

/// Whoever has two events that follow each other needs neither the log nor the door.
#[test]
fn an_attestation_is_checked_by_what_the_events_hold() {
    let [first, second] = two().map(|it| serde_json::from_str::<Value>(&attested(&it)).unwrap());
    let [of_first, of_second] = [&first, &second].map(|it| &it["attestation_list"][0]);
    assert!(of_first["prev_event"].is_null());
    assert_eq!(of_second["prev_event"]["uid"], first["metadata"]["uid"]);
    assert_eq!(of_second["prev_event"]["fingerprint"], of_first["fingerprint"]);
    assert_eq!(of_second["chain_uid"], "door-1");

    let before = of_first["fingerprint"]["value"].as_str().unwrap();
    let before = Hash::from_hex(before.as_bytes()).unwrap();
    let (body, _) = second["raw_data"].as_str().unwrap().rsplit_once(",\"hash\":\"").unwrap();
    let hash = Hash::of_record(before, body.as_bytes());
    assert_eq!(of_second["fingerprint"]["value"], hash.to_string());
}
