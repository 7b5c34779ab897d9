//! Over TLS the door shows who it is, believes only client certificates that it verified, and drops nobody.

use std::{
    net::SocketAddr,
    sync::{Arc, LazyLock},
    time::Duration,
};

use gateway::{ClientCertificates, Entrance, Tls, TlsError, TlsFiles};
use http::{StatusCode, Version};
use model::Secret;
use rustls::{ClientConfig, version::TLS12};
use serde_json::{Value, json};
use testkit::{Authority, House, HouseBuilder, TlsClient};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::{JoinSet, yield_now},
    time::Instant,
};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::shop;

const BOTH: &[&str] = &["h2", "http/1.1"];

/// Whose certificates the door shows and believes.
pub(crate) static OURS: LazyLock<Authority> = LazyLock::new(|| {
    let authority = Authority::new();
    authority.issue("door", "/CN=localhost", "DNS:localhost");
    authority.issue("next", "/CN=localhost", "DNS:localhost");
    authority.issue("shop", "/O=Example/CN=shop", "DNS:shop.example");
    authority
});

/// One that nobody knows.
pub(crate) static THEIRS: LazyLock<Authority> = LazyLock::new(|| {
    let authority = Authority::new();
    authority.issue("shop", "/O=Example/CN=shop", "DNS:shop.example");
    authority
});

pub(crate) struct Served {
    pub(crate) house: House,
    pub(crate) address: SocketAddr,
    tls: Arc<Tls>,
    _stop: DropGuard,
    _tasks: JoinSet<()>,
}

fn files(name: &str, clients: ClientCertificates) -> TlsFiles {
    let key = Secret::new(OURS.read(&format!("{name}.key")));
    TlsFiles { certificate: OURS.read(&format!("{name}.pem")), key, clients }
}

async fn serve(clients: ClientCertificates) -> Served {
    serve_shop(shop::builder(), clients).await
}

pub(crate) async fn serve_shop(shop: HouseBuilder, clients: ClientCertificates) -> Served {
    let house = shop.open().await.expect("the shop has no faults");
    let tls = Arc::new(Tls::new(&files("door", clients)).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, mut tasks) = (CancellationToken::new(), JoinSet::new());
    let side = (listener, Arc::clone(&tls));
    let served = Arc::clone(&house.gateway).serve_tls(side, Entrance::Everything, stop.clone());
    tasks.spawn(async move { served.await.unwrap() });
    Served { house, address, tls, _stop: stop.drop_guard(), _tasks: tasks }
}

/// Waits for one more record than there were.
async fn next_record(house: &House, before: usize) -> Value {
    while house.records().len() <= before {
        yield_now().await;
    }
    house.records().pop().unwrap()
}

async fn status(client: &TlsClient, address: SocketAddr) -> Option<StatusCode> {
    let mut connection = client.connect(address).await.ok()?;
    connection.get("/shop/ping", &[]).await.ok().map(|it| it.status)
}

#[tokio::test]
async fn alpn_chooses_the_version_of_http() {
    let served = serve(ClientCertificates::None).await;
    for (protocols, want) in [
        (BOTH, Version::HTTP_2),
        (&["h2"], Version::HTTP_2),
        (&["http/1.1", "h2"], Version::HTTP_2),
        (&["http/1.1"], Version::HTTP_11),
        (&["spdy/1", "http/1.1"], Version::HTTP_11),
        (&[], Version::HTTP_11),
    ] {
        let client = TlsClient::new(&OURS, protocols, None);
        let mut connection = client.connect(served.address).await.unwrap();
        assert_eq!(connection.version(), want, "{protocols:?}");
        for _ in 0..2 {
            assert_eq!(connection.get("/shop/ping", &[]).await.unwrap().status, 200);
        }
    }
    let client = TlsClient::new(&OURS, &["spdy/1"], None);
    assert!(client.connect(served.address).await.is_err(), "nothing in common");
}

#[tokio::test]
async fn the_document_of_a_caller_over_tls_names_https() {
    let served = serve(ClientCertificates::None).await;
    let key = served.house.key("app/full");
    for protocol in BOTH {
        let client = TlsClient::new(&OURS, &[protocol], None);
        let mut connection = client.connect(served.address).await.unwrap();
        let view = connection.get("/shop/openapi.json", &[("x-api-key", key)]).await.unwrap();
        let url = view.json()["servers"][0]["url"].as_str().unwrap().to_owned();
        assert_eq!(url, format!("https://localhost:{}/shop", served.address.port()));
    }
}

#[tokio::test]
async fn what_is_older_than_tls_1_2_is_refused() {
    let served = serve(ClientCertificates::None).await;
    let with_version = |minor: u8| {
        let mut hello = vec![3, minor];
        hello.extend([7; 32]);
        // No session, one suite that TLS 1.0 has too, no compression; a curve, a point format, a signature.
        hello.extend([0, 0, 2, 0xc0, 0x13, 1, 0, 0, 22]);
        hello.extend([0, 10, 0, 4, 0, 2, 0, 23, 0, 11, 0, 2, 1, 0, 0, 13, 0, 4, 0, 2, 4, 3]);
        let length = u8::try_from(hello.len()).unwrap();
        let mut bytes = vec![22, 3, 1, 0, length + 4, 1, 0, 0, length];
        bytes.extend(hello);
        bytes
    };
    for minor in [1, 2] {
        let before = served.house.records().len();
        let mut stream = TcpStream::connect(served.address).await.unwrap();
        stream.write_all(&with_version(minor)).await.unwrap();
        let mut alert = Vec::new();
        stream.read_to_end(&mut alert).await.unwrap();
        // A fatal alert: protocol_version.
        assert_eq!((alert[0], &alert[5..]), (21, &[2, 70][..]), "{alert:?}");
        let record = next_record(&served.house, before).await;
        assert_eq!(record["event"], "connection.tls_failed");
        assert!(record["cause"].as_str().unwrap().contains("Tls12NotOffered"), "{record}");
    }
}

#[tokio::test]
async fn client_certificates_are_wanted_as_much_as_is_said() {
    let ca = || OURS.read("ca.pem");
    type Mode = fn(Vec<u8>) -> ClientCertificates;
    let cases: [(Mode, [bool; 3]); 4] = [
        (ClientCertificates::Any, [true, true, true]),
        (|_| ClientCertificates::None, [true, true, true]),
        (ClientCertificates::Optional, [true, true, false]),
        (ClientCertificates::Required, [false, true, false]),
    ];
    for (mode, wanted) in cases {
        let served = serve(mode(ca())).await;
        let shown = [None, Some((&*OURS, "shop")), Some((&*THEIRS, "shop"))];
        for (shown, is_served) in shown.into_iter().zip(wanted) {
            for versions in [rustls::DEFAULT_VERSIONS, &[&TLS12]] {
                let before = served.house.records().len();
                let client = with_versions(&TlsClient::new(&OURS, BOTH, shown), versions);
                let got = status(&client, served.address).await;
                let want = is_served.then_some(StatusCode::OK);
                assert_eq!(got, want, "{:?} {shown:?}", mode(Vec::new()));
                let record = next_record(&served.house, before).await;
                let kind = if is_served { "call" } else { "malformed" };
                assert_eq!(record["kind"], kind, "{record}");
            }
        }
    }
}

/// The same client, with other versions of TLS.
fn with_versions(
    client: &TlsClient,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> TlsClient {
    let resolver = Arc::clone(&client.config.client_auth_cert_resolver);
    let mut config =
        ClientConfig::builder_with_provider(Arc::clone(client.config.crypto_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(OURS.roots())
            .with_client_cert_resolver(resolver);
    config.alpn_protocols.clone_from(&client.config.alpn_protocols);
    TlsClient { config: Arc::new(config), from: None }
}

#[tokio::test]
async fn a_session_is_resumed_only_where_no_certificate_could_be_carried_over() {
    let ca = OURS.read("ca.pem");
    for (clients, want) in [
        (ClientCertificates::None, true),
        (ClientCertificates::Any(ca.clone()), false),
        (ClientCertificates::Optional(ca.clone()), false),
        (ClientCertificates::Required(ca), false),
    ] {
        let served = serve(clients).await;
        for versions in [rustls::DEFAULT_VERSIONS, &[&TLS12]] {
            let client = TlsClient::new(&OURS, BOTH, Some((&OURS, "shop")));
            let client = with_versions(&client, versions);
            let mut is_resumed = Vec::new();
            for _ in 0..2 {
                let mut connection = client.connect(served.address).await.unwrap();
                is_resumed.push(connection.is_resumed);
                assert_eq!(connection.get("/shop/ping", &[]).await.unwrap().status, 200);
            }
            assert_eq!(is_resumed, [false, want], "{versions:?}");
        }
    }
}

#[tokio::test]
async fn a_certificate_that_expires_while_its_connection_is_open_is_believed_no_more() {
    for protocol in BOTH {
        let served = serve(ClientCertificates::Optional(OURS.read("ca.pem"))).await;
        let shows = TlsClient::new(&OURS, &[protocol], Some((&OURS, "shop")));
        let mut shows = shows.connect(served.address).await.unwrap();
        let silent = TlsClient::new(&OURS, &[protocol], None);
        let mut silent = silent.connect(served.address).await.unwrap();
        assert_eq!(shows.get("/shop/ping", &[]).await.unwrap().status, 200);
        served.house.clock.advance(Duration::from_secs(60 * 86_400));
        let answer = shows.get("/shop/ping", &[]).await.unwrap();
        assert_eq!(answer.status, 401, "{}", answer.text());
        assert!(answer.text().contains("has expired"), "{}", answer.text());
        assert_eq!(silent.get("/shop/ping", &[]).await.unwrap().status, 200);
    }
}

#[tokio::test]
async fn a_replaced_certificate_is_shown_to_new_connections_and_drops_no_old_one() {
    for protocol in BOTH {
        let served = serve(ClientCertificates::None).await;
        let client = TlsClient::new(&OURS, &[protocol], None);
        let mut old = client.connect(served.address).await.unwrap();
        assert_eq!(old.certificate, OURS.certificate("door.pem").to_vec());
        assert_eq!(old.get("/shop/ping", &[]).await.unwrap().status, 200);
        served.tls.replace(&files("next", ClientCertificates::None)).unwrap();
        let mut new = client.connect(served.address).await.unwrap();
        assert_eq!(new.certificate, OURS.certificate("next.pem").to_vec());
        assert_eq!(new.get("/shop/ping", &[]).await.unwrap().status, 200);
        assert_eq!(old.get("/shop/ping", &[]).await.unwrap().status, 200);
    }
}

#[tokio::test]
async fn authorities_that_are_replaced_hold_for_the_next_handshake() {
    let served = serve(ClientCertificates::Required(OURS.read("ca.pem"))).await;
    let ours = TlsClient::new(&OURS, BOTH, Some((&OURS, "shop")));
    let theirs = TlsClient::new(&OURS, BOTH, Some((&THEIRS, "shop")));
    assert_eq!(status(&ours, served.address).await, Some(StatusCode::OK));
    assert_eq!(status(&theirs, served.address).await, None);
    let clients = ClientCertificates::Required(THEIRS.read("ca.pem"));
    served.tls.replace(&files("door", clients)).unwrap();
    assert_eq!(status(&ours, served.address).await, None);
    assert_eq!(status(&theirs, served.address).await, Some(StatusCode::OK));
}

#[tokio::test]
async fn files_that_cannot_be_used_leave_those_before() {
    let served = serve(ClientCertificates::None).await;
    let broken = |change: fn(&mut TlsFiles)| {
        let mut files = files("next", ClientCertificates::None);
        change(&mut files);
        served.tls.replace(&files).unwrap_err()
    };
    let errors = [
        broken(|it| it.certificate = Vec::new()),
        broken(|it| it.certificate = b"-----BEGIN CERTIFICATE-----\nMAA=\n".to_vec()),
        broken(|it| it.certificate = OURS.read("next.key")),
        broken(|it| it.key = Secret::new(OURS.read("next.pem"))),
        broken(|it| it.key = Secret::new(OURS.read("door.key"))),
        broken(|it| it.clients = ClientCertificates::Optional(b"nothing".to_vec())),
        broken(|it| it.clients = ClientCertificates::Required(OURS.read("next.key"))),
    ];
    let [empty, cut, no_certificate, no_key, pair, no_ca, key_as_ca] = &errors;
    for error in [empty, cut, no_certificate] {
        assert!(matches!(error, TlsError::Certificate(_)), "{error:?}");
    }
    assert!(matches!(no_key, TlsError::Key), "{no_key:?}");
    assert!(matches!(pair, TlsError::Pair), "{pair:?}");
    for error in [no_ca, key_as_ca] {
        assert!(matches!(error, TlsError::ClientCa(_)), "{error:?}");
    }
    let client = TlsClient::new(&OURS, BOTH, None);
    let connection = client.connect(served.address).await.unwrap();
    assert_eq!(connection.certificate, OURS.certificate("door.pem").to_vec());
}

#[tokio::test]
async fn a_handshake_that_fails_leaves_a_record_that_says_why() {
    let served = serve(ClientCertificates::Required(OURS.read("ca.pem"))).await;
    let mut stream = TcpStream::connect(served.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let plain = next_record(&served.house, 0).await;
    let mut stream = TcpStream::connect(served.address).await.unwrap();
    stream.write_all(&[22, 3, 1]).await.unwrap();
    drop(stream);
    let broken_off = next_record(&served.house, 1).await;
    assert_eq!(status(&TlsClient::new(&OURS, BOTH, None), served.address).await, None);
    let without = next_record(&served.house, 2).await;
    let distrusts = TlsClient::new(&THEIRS, BOTH, None);
    assert!(distrusts.connect(served.address).await.is_err());
    let distrusted = next_record(&served.house, 3).await;
    for (record, want) in [
        (plain, "corrupt message"),
        (broken_off, "the peer broke it off"),
        (without, "peer sent no certificates"),
        (distrusted, "received fatal alert"),
    ] {
        assert_eq!(record["event"], "connection.tls_failed");
        assert!(record["cause"].as_str().unwrap().contains(want), "{record}");
        assert_eq!((&record["kind"], &record["decision"]), (&json!("malformed"), &json!("deny")));
        // Nothing of HTTP was answered.
        assert_eq!(record["status"], Value::Null, "{record}");
        assert_eq!(record["peer"], "127.0.0.1", "{record}");
    }
}

// The runtime's clock is paused: it jumps when all that is left to do is to wait.
#[tokio::test(start_paused = true)]
async fn a_handshake_that_stalls_is_ended_in_time() {
    let served = serve(ClientCertificates::None).await;
    for (bytes, has_record) in [(&[][..], false), (&[22, 3, 1][..], true)] {
        let (start, before) = (Instant::now(), served.house.records().len());
        let mut stream = TcpStream::connect(served.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut rest = Vec::new();
        // A connection that is let go with something unread in it may end with a reset.
        drop(stream.read_to_end(&mut rest).await);
        assert_eq!(start.elapsed().as_secs(), 5, "{bytes:?}");
        assert_eq!(rest, Vec::<u8>::new());
        let records = served.house.records();
        assert_eq!(records.len() > before, has_record, "{records:?}");
        if has_record {
            assert_eq!(records[before]["cause"], "it did not end in time");
        }
    }
}
