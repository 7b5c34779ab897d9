//! Every form in which a URL can lead inside, by an operator and by a stranger, with canaries that nobody may reach.

use std::net::TcpListener;

use model::Clock;
use upstream::{AddressRule, Error, Fleet, Surroundings, Trust};

use crate::{
    egress_names::Names,
    servers::{SHORT, nobody_waits, soon},
};

/// What becomes of a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It is refused as it is written.
    Url,
    /// The address that it leads to is refused.
    Address,
    /// It leads to this machine, and may.
    Here,
    /// It leads nowhere, as no document is fetched in such a way.
    Nowhere,
}
use Fate::{Address, Here, Nowhere, Url};

/// A URL, with PORT for the canary's; what becomes of it from an operator, and from a stranger.
const FORMS: &[(&str, Fate, Fate)] = &[
    // This machine.
    ("https://127.0.0.1:PORT/", Here, Address),
    ("http://127.0.0.1:PORT/", Here, Url),
    ("https://127.9.9.9:PORT/", Here, Address),
    ("https://localhost:PORT/", Here, Url),
    ("http://localhost:PORT/", Here, Url),
    ("https://LOCALHOST:PORT/", Here, Url),
    ("https://localhost.:PORT/", Url, Url),
    ("http://localhost.:PORT/", Url, Url),
    ("https://app.localhost:PORT/", Here, Address),
    ("http://app.localhost:PORT/", Url, Url),
    ("https://[::1]:PORT/", Here, Address),
    ("https://[0:0:0:0:0:0:0:1]:PORT/", Here, Url),
    // Other ways to write it.
    ("https://2130706433:PORT/", Here, Url),
    ("https://0x7f000001:PORT/", Here, Url),
    ("https://0x7f.1:PORT/", Here, Url),
    ("https://017700000001:PORT/", Here, Url),
    ("https://0177.0.0.1:PORT/", Here, Url),
    ("https://127.1:PORT/", Here, Url),
    ("https://127.0.1:PORT/", Here, Url),
    ("https://127.0.0.1.:PORT/", Here, Url),
    ("https://１２７.０.０.１:PORT/", Here, Url),
    ("https://①②⑦.⓪.⓪.①:PORT/", Here, Url),
    ("https://127。0。0。1:PORT/", Here, Url),
    ("https://ⓛocalhost:PORT/", Here, Url),
    ("https://%6cocalhost:PORT/", Here, Url),
    ("https://%31%32%37.0.0.1:PORT/", Here, Url),
    ("https://local\thost:PORT/", Here, Url),
    ("https://127.0.0.1:PORT\n/", Here, Url),
    (" https://127.0.0.1:PORT/", Here, Url),
    ("https:127.0.0.1:PORT/", Here, Url),
    ("https:\\\\127.0.0.1:PORT\\", Here, Url),
    ("https:///127.0.0.1:PORT/", Here, Url),
    ("HTTPS://127.0.0.1:PORT/", Here, Url),
    ("https://127.0.0.1:0PORT/", Here, Url),
    ("https://127.0.0.1:PORT/a/../b", Here, Url),
    ("https://127.0.0.1:PORT/%2e%2e/b", Here, Url),
    // No machine, which connects to this one.
    ("https://0.0.0.0:PORT/", Address, Address),
    ("https://0:PORT/", Address, Url),
    ("https://0.1.2.3:PORT/", Address, Address),
    ("https://[::]:PORT/", Address, Address),
    ("http://0.0.0.0:PORT/", Url, Url),
    // IPv4 within IPv6.
    ("https://[::ffff:127.0.0.1]:PORT/", Here, Url),
    ("https://[::ffff:7f00:1]:PORT/", Here, Address),
    ("https://[::7f00:1]:PORT/", Address, Address),
    ("https://[::ffff:a00:1]:PORT/", Address, Address),
    ("https://[::ffff:a9fe:a9fe]:PORT/", Address, Address),
    ("https://[64:ff9b::7f00:1]:PORT/", Address, Address),
    ("https://[64:ff9b::a9fe:a9fe]:PORT/", Address, Address),
    ("https://[64:ff9b:1::7f00:1]:PORT/", Address, Address),
    ("https://[2002:7f00:1::]:PORT/", Address, Address),
    ("https://[2002:a00:1::1]:PORT/", Address, Address),
    ("https://[2001:0:102:304::80ff:fffe]:PORT/", Address, Address),
    // Networks apart.
    ("https://10.0.0.1:PORT/", Address, Address),
    ("https://167772161:PORT/", Address, Url),
    ("https://172.16.0.1:PORT/", Address, Address),
    ("https://192.168.0.1:PORT/", Address, Address),
    ("https://100.64.0.1:PORT/", Address, Address),
    ("https://100.100.100.200:PORT/", Address, Address),
    ("https://169.254.169.254:PORT/latest/meta-data/", Address, Address),
    ("http://169.254.169.254/latest/meta-data/", Url, Url),
    ("https://168.63.129.16:PORT/", Address, Address),
    ("https://192.0.0.192:PORT/", Address, Address),
    ("https://192.0.2.1:PORT/", Address, Address),
    ("https://198.18.0.1:PORT/", Address, Address),
    ("https://224.0.0.1:PORT/", Address, Address),
    ("https://255.255.255.255:PORT/", Address, Address),
    ("https://[fd00:ec2::254]:PORT/", Address, Address),
    ("https://[fc00::1]:PORT/", Address, Address),
    ("https://[fe80::1]:PORT/", Address, Address),
    ("https://[fec0::1]:PORT/", Address, Address),
    ("https://[ff02::1]:PORT/", Address, Address),
    ("https://[2001:db8::1]:PORT/", Address, Address),
    ("https://[3fff::1]:PORT/", Address, Address),
    ("https://[4000::1]:PORT/", Address, Address),
    // Zone ids.
    ("https://[fe80::1%25lo]:PORT/", Url, Url),
    ("https://[::1%lo]:PORT/", Url, Url),
    // Names that lead inside, directly or beside a good address.
    ("https://loopback.example:PORT/", Here, Address),
    ("https://loopback6.example:PORT/", Here, Address),
    ("https://private.example:PORT/", Address, Address),
    ("https://metadata.example:PORT/", Address, Address),
    ("https://mapped.example:PORT/", Address, Address),
    ("https://two.example:PORT/", Address, Address),
    ("https://private:PORT/", Address, Url),
    ("https://private.example.:PORT/", Url, Url),
    ("http://loopback.example:PORT/", Url, Url),
    // Users, fragments, ports and schemes.
    ("https://user@127.0.0.1:PORT/", Url, Url),
    ("https://user:pass@127.0.0.1:PORT/", Url, Url),
    ("https://client.example@127.0.0.1:PORT/", Url, Url),
    ("https://127.0.0.1:PORT@client.example/", Url, Url),
    ("https://127.0.0.1:PORT#@client.example/", Url, Url),
    ("https://127.0.0.1:PORT/#", Url, Url),
    ("https://127.0.0.1:PORT\\@client.example/", Here, Url),
    ("https://@127.0.0.1:PORT/", Here, Url),
    ("https://private.example:22/", Address, Url),
    ("https://private.example:80/", Address, Url),
    ("https://private.example:443/", Address, Url),
    ("https://private.example/", Address, Address),
    ("https://private.example", Address, Address),
    ("https://private.example:0/", Address, Url),
    ("https://private.example:65536/", Url, Url),
    ("file:///etc/passwd", Url, Url),
    ("file://127.0.0.1/etc/passwd", Url, Url),
    ("gopher://127.0.0.1:PORT/", Url, Url),
    ("unix:/run/x.sock", Url, Url),
    ("http+unix://127.0.0.1:PORT/", Url, Url),
    ("ws://127.0.0.1:PORT/", Url, Url),
    ("data:application/json,{}", Url, Url),
    ("javascript:alert(1)", Url, Url),
    ("//127.0.0.1:PORT/", Url, Url),
    ("127.0.0.1:PORT", Url, Url),
    ("https://", Url, Url),
    ("https://exa mple.example/", Url, Url),
    ("https://127.0.0.1%00.client.example/", Url, Url),
    ("https://127.0.0.1%2f.client.example/", Url, Url),
    ("", Url, Url),
];

fn answers(name: &str, _: usize) -> &'static [&'static str] {
    match name {
        "localhost" | "app.localhost" | "loopback.example" => &["127.0.0.1"],
        "loopback6.example" => &["::1"],
        "private.example" | "private" => &["10.0.0.1"],
        "metadata.example" => &["169.254.169.254"],
        "mapped.example" => &["::ffff:10.0.0.1"],
        "two.example" => &["127.0.0.1", "fd00::1"],
        _ => &[],
    }
}

/// What listens on all addresses of this machine, at one port.
struct Canaries(Vec<TcpListener>);

impl Canaries {
    fn new() -> (Self, u16) {
        let first = TcpListener::bind("0.0.0.0:0").unwrap();
        let port = first.local_addr().unwrap().port();
        // A machine without IPv6 has nothing to watch there.
        let second = TcpListener::bind(format!("[::1]:{port}"));
        (Self([Ok(first), second].into_iter().flatten().collect()), port)
    }

    fn is_alone(&self) -> bool {
        self.0.iter().all(nobody_waits)
    }
}

async fn check(trust: Trust, want: impl Fn(&(&str, Fate, Fate)) -> Fate) {
    let (canaries, port) = Canaries::new();
    let surroundings = Surroundings {
        rule: AddressRule { stranger_ports: vec![port], ..AddressRule::default() },
        names: Some(Names::new(answers)),
        ..Surroundings::default()
    };
    let egress = Fleet::within(Clock::system(), surroundings).egress(trust);
    for form in FORMS {
        let (url, want) = (form.0.replace("PORT", &port.to_string()), want(form));
        let error = soon(egress.get(&url, 100, SHORT)).await.unwrap_err();
        let fate = match error {
            Error::InvalidUrl { .. } => Url,
            Error::Forbidden { .. } => Address,
            Error::AnswerTimeout { .. } | Error::Connect { .. } | Error::ConnectTimeout { .. } => {
                Here
            }
            _ => Nowhere,
        };
        assert_eq!(fate, want, "{trust:?} {url}: {error:?}");
        assert!(!error.to_string().contains("pass@"), "{error}");
        // Where it may come here, it must have, or the canaries watch nothing. (There may be no IPv6.)
        let is_alone = canaries.is_alone();
        assert!(is_alone || want == Here, "{trust:?} {url} reached a canary");
        assert!(!is_alone || want != Here || url.contains('['), "{url} reached no canary");
    }
}

#[tokio::test]
async fn an_operator_reaches_nothing_but_public_addresses_and_this_machine() {
    assert!(FORMS.len() >= 60);
    check(Trust::Operator, |it| it.1).await;
}

#[tokio::test]
async fn a_stranger_reaches_nothing_inside_in_any_form() {
    assert!(FORMS.iter().all(|it| matches!(it.2, Address | Url)));
    check(Trust::Stranger, |it| it.2).await;
}

#[tokio::test]
async fn a_stranger_writes_urls_of_bounded_length() {
    let url = format!("https://private.example/{}", "a".repeat(2048));
    let egress = Fleet::new(Clock::system()).egress(Trust::Stranger);
    let error = soon(egress.get(&url, 100, SHORT)).await.unwrap_err().to_string();
    assert!(error.contains("longer than 2048") && error.len() < 400, "{error}");
}
