//! A real rsyslog.

use audit::{Format, ship::Told};
use sinks::{Receiver, Syslog, TlsFiles, Transport};
use testkit::{Authority, Rsyslog};

use crate::ground::{Ground, trusting};

fn syslog(transport: Transport, authority: &str, tls: TlsFiles) -> Receiver {
    let (authority, hostname) = (authority.to_owned(), "door-1".to_owned());
    Receiver::Syslog(Syslog { transport, authority, hostname, acknowledges: true, tls })
}

#[test]
fn rsyslog_gets_every_line_as_it_is_in_the_log() {
    let authority = Authority::new();
    let rsyslog = Rsyslog::start(&authority);
    let [tls, tcp, udp] = rsyslog.authorities();
    let mut want = Vec::new();
    for receiver in [
        syslog(Transport::Tls, &tls, trusting(&authority)),
        syslog(Transport::Tcp, &tcp, TlsFiles::default()),
    ] {
        let ground = Ground::new(120);
        want.extend(ground.sink(Format::Native, receiver).drain());
        assert_eq!(rsyslog.messages(), want);
    }
    let ground = Ground::new(10);
    let receiver = syslog(Transport::Udp, &udp, TlsFiles::default());
    let count = ground.sink(Format::Cef, receiver).drain().len();
    let deadline = std::iter::repeat_with(|| {
        ground.pause();
        rsyslog.messages()
    });
    let messages = deadline.take(500).find(|it| it.len() >= want.len().saturating_add(count));
    let messages = messages.expect("datagrams of this machine arrive");
    let [.., last] = &messages[..] else { panic!("there are some") };
    assert!(last.starts_with("CEF:0|Onedoor|"), "{last}");
}

#[test]
fn what_rsyslog_had_not_read_when_it_was_killed_comes_again() {
    let authority = Authority::new();
    let mut rsyslog = Rsyslog::start(&authority);
    let [tls, ..] = rsyslog.authorities();
    let ground = Ground::new(60);
    let mut line = ground.sink(Format::Native, syslog(Transport::Tls, &tls, trusting(&authority)));
    line.drain();
    rsyslog.kill();
    ground.record(120);
    assert!(!line.step(), "nobody is there");
    rsyslog.serve(true);
    let delivered = line.drain();
    assert_eq!(rsyslog.messages(), delivered);
    assert!(matches!(&line.told[..], [Told::Failed { .. }, Told::Recovered { .. }]));
}

#[test]
fn a_receiver_by_another_authority_gets_nothing() {
    let rsyslog = Rsyslog::start(&Authority::new());
    let [tls, ..] = rsyslog.authorities();
    let ground = Ground::new(3);
    let mut line =
        ground.sink(Format::Native, syslog(Transport::Tls, &tls, trusting(&Authority::new())));
    assert!(!line.step());
    assert!(line.failure().contains("certificate"), "{}", line.failure());
    assert_eq!(rsyslog.messages(), Vec::<String>::new());
}
