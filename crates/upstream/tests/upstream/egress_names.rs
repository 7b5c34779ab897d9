//! What a name says is checked as a whole, once, and only what was checked is connected to.

use std::{
    future::pending,
    net::{IpAddr, SocketAddr, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use model::{Clock, Refusal};
use tokio::{sync::Semaphore, task::JoinSet};
use upstream::{
    AddressRule, Addresses, Document, Egress, Error, Fleet, Resolve, Surroundings, Trust,
};

use crate::{
    servers::{LONG, SHORT, nobody_waits, soon},
    trust::{self, Authority},
};

/// Names as a test says them: what the n-th question, counted from 0, is answered. Nothing: no answer ever.
#[derive(Debug)]
pub(crate) struct Names {
    answer: fn(&str, usize) -> &'static [&'static str],
    asked: AtomicUsize,
    waiting: Semaphore,
}

impl Names {
    pub(crate) fn new(answer: fn(&str, usize) -> &'static [&'static str]) -> Arc<Self> {
        Arc::new(Self { answer, asked: AtomicUsize::new(0), waiting: Semaphore::new(0) })
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Resolve for Names {
    fn resolve<'a>(&'a self, name: &'a str, port: u16) -> Addresses<'a> {
        Box::pin(async move {
            let answer = (self.answer)(name, self.asked.fetch_add(1, Ordering::SeqCst));
            if answer.is_empty() {
                self.waiting.add_permits(1);
                return pending().await;
            }
            let address = |it: &&str| SocketAddr::new(it.parse::<IpAddr>().unwrap(), port);
            Ok(answer.iter().map(address).collect())
        })
    }
}

fn rule(stranger_networks: &[&str], port: u16) -> AddressRule {
    let networks = stranger_networks.iter().map(|it| it.parse().unwrap()).collect();
    AddressRule { stranger_networks: networks, stranger_ports: vec![port], ..Default::default() }
}

fn egress(trust: Trust, rule: AddressRule, names: &Arc<Names>) -> Egress {
    let names: Arc<dyn Resolve> = Arc::<Names>::clone(names);
    let surroundings = Surroundings { rule, names: Some(names), ..Surroundings::default() };
    Fleet::within(Clock::system(), surroundings).egress(trust)
}

/// A TLS server for `client.example`, and a stranger's client that trusts it and may ask 127.0.0.1.
async fn house(tasks: &mut JoinSet<()>, names: &Arc<Names>) -> (Egress, String) {
    let authority = Authority::new();
    let port = trust::serve(tasks, authority.server("DNS:client.example")).await;
    let surroundings = Surroundings {
        roots: Some(authority.roots()),
        rule: rule(&["127.0.0.1/32"], port),
        names: Some(Arc::<Names>::clone(names)),
    };
    let egress = Fleet::within(Clock::system(), surroundings).egress(Trust::Stranger);
    (egress, format!("https://client.example:{port}/metadata"))
}

#[tokio::test]
async fn a_name_with_one_forbidden_address_is_forbidden_and_no_address_is_tried() {
    let canary = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = canary.local_addr().unwrap().port();
    // The first would do, and the canary would see it.
    let names = Names::new(|_, _| &["127.0.0.1", "10.0.0.1"]);
    for trust in [Trust::Operator, Trust::Stranger] {
        let egress = egress(trust, rule(&["127.0.0.0/8"], port), &names);
        let url = format!("https://idp.example:{port}/keys");
        let error = soon(egress.get(&url, 100, LONG)).await.unwrap_err();
        assert!(matches!(error, Error::Forbidden { .. }), "{error:?}");
        assert!(error.to_string().contains("10.0.0.1, which is of a private network"), "{error}");
    }
    assert!(nobody_waits(&canary));
}

#[tokio::test]
async fn a_name_is_looked_up_once_and_must_be_right_each_time() {
    let mut tasks = JoinSet::new();
    let names = Names::new(|_, number| if number == 0 { &["127.0.0.1"] } else { &["127.0.0.2"] });
    let (egress, url) = house(&mut tasks, &names).await;
    // Were it looked up again between check and connection, that would lead to 127.0.0.2.
    assert_eq!(soon(egress.get(&url, 100, LONG)).await.unwrap(), "ok");
    assert_eq!(names.asked(), 1);
    let error = soon(egress.get(&url, 100, LONG)).await.unwrap_err();
    assert!(error.to_string().contains("127.0.0.2, which is of this machine"), "{error}");
    assert_eq!(names.asked(), 2);
}

#[tokio::test]
async fn the_certificate_must_bear_the_name_of_the_url_and_not_of_its_address() {
    let mut tasks = JoinSet::new();
    let names = Names::new(|_, _| &["127.0.0.1"]);
    let (egress, url) = house(&mut tasks, &names).await;
    let Document { body, etag, fresh_for, .. } =
        soon(egress.document(&url, 100, LONG)).await.unwrap();
    assert_eq!((&*body, etag, fresh_for), (&b"ok"[..], None, None));
    let other = url.replace("client.example", "other.example");
    let error = soon(egress.get(&other, 100, LONG)).await.unwrap_err();
    assert!(matches!(error, Error::Tls { .. }), "{error:?}");
}

#[tokio::test]
async fn http_to_a_name_of_this_machine_that_leads_elsewhere_is_refused() {
    let names = Names::new(|_, _| &["192.0.2.1"]);
    let egress = egress(Trust::Operator, AddressRule::everywhere(), &names);
    let error = soon(egress.get("http://localhost/keys", 100, LONG)).await.unwrap_err();
    assert!(error.to_string().contains("http is for this machine alone"), "{error}");
}

#[tokio::test]
async fn a_closed_port_of_a_forbidden_address_looks_like_an_open_one() {
    let canary = TcpListener::bind("127.0.0.1:0").unwrap();
    let open = canary.local_addr().unwrap().port();
    // Held and given back, so that nobody listens there.
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let names = Names::new(|_, _| &["127.0.0.1"]);
    for host in ["127.0.0.1", "inside.example"] {
        let mut texts = Vec::new();
        for port in [open, closed] {
            let egress = egress(Trust::Stranger, rule(&[], port), &names);
            let url = format!("https://{host}:{port}/");
            let error = soon(egress.get(&url, 100, LONG)).await.unwrap_err();
            assert!(matches!(error, Error::Forbidden { .. }), "{error:?}");
            let text = format!("{error:?} {error}").replace(&port.to_string(), "PORT");
            texts.push((text, Refusal::from(error).detail().to_owned()));
        }
        assert_eq!(texts[0], texts[1]);
    }
    assert!(nobody_waits(&canary));
}

#[tokio::test]
async fn strangers_hold_up_nobody_but_each_other() {
    let names = Names::new(|_, _| &[]);
    let surroundings =
        Surroundings { names: Some(Arc::<Names>::clone(&names)), ..Surroundings::default() };
    let fleet = Fleet::within(Clock::system(), surroundings);
    let mut flights = JoinSet::new();
    for number in 0..32 {
        let egress = fleet.egress(Trust::Stranger);
        let url = format!("https://client-{number}.example/metadata");
        flights.spawn(async move { egress.get(&url, 100, Duration::from_secs(60)).await });
    }
    soon(names.waiting.acquire_many(32)).await.unwrap().forget();
    let again = async |trust| {
        soon(fleet.egress(trust).get("https://one-more.example/", 100, SHORT)).await.unwrap_err()
    };
    let error = again(Trust::Stranger).await;
    assert!(matches!(error, Error::StrangersBusy { fetches_max: 32 }), "{error:?}");
    assert!(matches!(
        again(Trust::Operator).await,
        Error::ConnectTimeout { .. } | Error::AnswerTimeout { .. }
    ));
    flights.shutdown().await;
    // A name that never gets an answer ends in time, and gives its place back.
    for _ in 0..2 {
        let error = again(Trust::Stranger).await;
        assert!(
            matches!(error, Error::ConnectTimeout { .. } | Error::AnswerTimeout { .. }),
            "{error:?}"
        );
    }
}
