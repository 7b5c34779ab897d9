//! A real NATS server.

use audit::Format;
use sinks::{Nats, Receiver, TlsFiles};

use crate::ground::Ground;

fn nats(ground: &Ground, server: &testkit::Nats, (token, subject): (&str, &str)) -> Receiver {
    let secret = Some(ground.secret("nats-token", token));
    let (url, subject) = (server.url(), subject.to_owned());
    Receiver::Nats(Nats { url, subject, secret, tls: TlsFiles::default() })
}

#[test]
fn a_stream_holds_every_record_once_over_restarts_of_both() {
    let (ground, mut server) = (Ground::new(120), testkit::Nats::start());
    let shown = (testkit::Nats::TOKEN, testkit::Nats::SUBJECT);
    let receiver = nats(&ground, &server, shown);
    ground.sink(Format::Native, receiver.clone()).drain();
    assert_eq!(server.messages(), ground.lines());
    // All of it comes again, and is known by its id.
    std::fs::remove_dir_all(ground.path().join("sinks")).unwrap();
    let mut line = ground.sink(Format::Native, receiver);
    line.drain();
    assert_eq!(server.messages(), ground.lines());
    server.kill();
    ground.record(60);
    assert!(!line.step(), "nobody is there");
    server.serve();
    line.drain();
    assert_eq!(server.messages(), ground.lines());
}

#[test]
fn a_wrong_token_and_a_subject_without_a_stream_are_told() {
    let (ground, server) = (Ground::new(3), testkit::Nats::start());
    for (shown, want) in [
        (("wrong", testkit::Nats::SUBJECT), "no connection"),
        ((testkit::Nats::TOKEN, "nobody.listens"), "no stream listens to nobody.listens"),
    ] {
        let mut line = ground.sink(Format::Native, nats(&ground, &server, shown));
        assert!(!line.step());
        assert!(line.failure().contains(want), "{}", line.failure());
        assert!(!line.failure().contains("wrong"), "{}", line.failure());
    }
    assert_eq!(server.messages(), Vec::<String>::new());
}
