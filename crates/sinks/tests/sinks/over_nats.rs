//! A real NATS server, and one that loses a connection.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
    thread,
};

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
    let delivered = ground.sink(Format::Native, receiver.clone()).drain();
    assert_eq!(server.messages(), delivered);
    // All of it comes again, and is known by its id.
    std::fs::remove_dir_all(ground.path().join("sinks")).unwrap();
    let mut line = ground.sink(Format::Native, receiver);
    let delivered = line.drain();
    assert_eq!(server.messages(), delivered);
    server.kill();
    ground.record(60);
    assert!(!line.step(), "nobody is there");
    server.serve();
    let delivered = line.drain();
    assert_eq!(server.messages(), delivered);
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

/// Over a second one, what comes behind a lost message would be stored before it comes again.
#[test]
fn what_is_behind_a_message_that_was_lost_is_sent_over_no_other_connection() {
    let ground = Ground::new(50);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("nats://{}", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let greet = || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(b"INFO {\"max_payload\":1048576,\"headers\":true}\r\n").unwrap();
            stream
        };
        let (mut first, mut line) = (BufReader::new(greet()), String::new());
        for wanted in ["PING", "HPUB"] {
            while !line.starts_with(wanted) {
                line.clear();
                assert!(first.read_line(&mut line).unwrap() > 0, "it ended before {wanted}");
            }
            first.get_mut().write_all(b"PONG\r\n").unwrap();
        }
        drop(first);
        // Whoever tries to get in once more shows nothing.
        greet().read(&mut [0; 1]).unwrap_or(0)
    });
    let subject = testkit::Nats::SUBJECT.to_owned();
    let receiver = Receiver::Nats(Nats { url, subject, secret: None, tls: TlsFiles::default() });
    let mut line = ground.sink(Format::Native, receiver);
    assert!(!line.step());
    assert_eq!((server.join().unwrap(), line.next()), (0, 0));
}
