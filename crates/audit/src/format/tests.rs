//! Every member has its place, every event is right, and nothing that is said breaks out of it.

mod attestation;
mod crossed;
mod document;
mod held;
mod naughty;
mod naughty_strings;
mod ocsf_schema;
mod places;
mod samples;

use super::{Format, FormatError, Source};
use crate::{EventId, Kind, Outcome, Record};

const SOURCE: Source<'static> = Source { log: "door-1", version: "0.1.0", prev: None };

fn text(format: Format, line: &[u8]) -> String {
    String::from_utf8(format.event(line, &SOURCE).unwrap().bytes).unwrap()
}

fn json(format: Format, line: &[u8]) -> serde_json::Value {
    serde_json::from_str(&text(format, line)).unwrap()
}

#[test]
fn what_failed_is_told_as_a_failure_in_every_format() {
    for (event, severity) in [
        (EventId::AuditCheckpointFailed, (3, 5)),
        (EventId::AuditFull, (5, 10)),
        (EventId::AuditKeyFailed, (3, 5)),
        (EventId::AuditPurgeFailed, (3, 5)),
        (EventId::BodiesLost, (3, 5)),
        (EventId::SinkFailed, (3, 5)),
        (EventId::SinkLost, (4, 8)),
    ] {
        let record = samples::bare(Kind::Log, Outcome::Failed);
        let line = samples::line(&Record { event: Some(event), ..record });
        let ocsf = json(Format::Ocsf, &line);
        for (name, want) in [("status", "Failure"), ("action", "Denied"), ("disposition", "Error")]
        {
            assert_eq!(ocsf[name], want, "{event:?}");
        }
        assert_eq!(ocsf["severity_id"], severity.0, "{event:?}");
        let ecs = json(Format::Ecs, &line);
        assert_eq!(
            (&ecs["event"]["outcome"], &ecs["event"]["severity"]),
            (&"failure".into(), &severity.1.into())
        );
        let cef = text(Format::Cef, &line);
        assert!(cef.contains(&format!("|{}|{}|", event.as_str(), severity.1)), "{cef}");
        assert!(cef.contains(" act=error ") && cef.contains(" outcome=failed "), "{cef}");
    }
}
