//! A client certificate is shown in the handshake; a new one opens connections of its own.

use std::sync::Arc;

use model::{Clock, Injection, Secret};
use rustls::{
    ServerConfig, crypto::aws_lc_rs, pki_types::PrivateKeyDer, pki_types::pem::PemObject,
    server::WebPkiClientVerifier,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;
use upstream::{Error, Fleet};

use crate::{
    injection::{declared, id, secret},
    servers::{get, get_text},
    trust::Authority,
};

/// A server that answers with the certificate that it was shown, in hexadecimal.
async fn serve(tasks: &mut JoinSet<()>, authority: &Authority) -> u16 {
    leaf(authority, "server", "DNS:localhost");
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(
        Arc::new(authority.roots()),
        Arc::clone(&provider),
    );
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(
            vec![authority.certificate("server.pem")],
            PrivateKeyDer::from_pem_file(authority.path("server.key")).unwrap(),
        )
        .unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            connections.spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let shown =
                    stream.get_ref().1.peer_certificates().unwrap().first().unwrap().to_vec();
                let text: String = shown.iter().map(|it| format!("{it:02x}")).collect();
                let mut request = [0; 4096];
                while stream.read(&mut request).await.is_ok_and(|it| it > 0) {
                    let length = text.len();
                    let answer =
                        format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{text}");
                    stream.write_all(answer.as_bytes()).await.unwrap();
                }
            });
        }
    });
    port
}

fn leaf(authority: &Authority, name: &str, names: &str) {
    authority.openssl(&format!(
        "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {name}.key -out {name}.csr \
         -subj /CN={name} -addext subjectAltName={names}"
    ));
    authority.openssl(&format!(
        "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out {name}.pem -days 1 \
         -copy_extensions copy"
    ));
}

/// A client certificate: PEM of certificate and key, and the certificate as the server says it.
fn client(authority: &Authority, name: &str) -> (Secret<Vec<u8>>, String) {
    leaf(authority, name, &format!("DNS:{name}"));
    let pem =
        ["pem", "key"].map(|it| std::fs::read(authority.path(&format!("{name}.{it}"))).unwrap());
    let shown = authority.certificate(&format!("{name}.pem"));
    (Secret::new(pem.concat()), shown.iter().map(|it| format!("{it:02x}")).collect())
}

#[tokio::test]
async fn a_rotated_certificate_is_shown_on_new_connections_and_the_old_ones_are_left() {
    let authority = Authority::new();
    let mut tasks = JoinSet::new();
    let port = serve(&mut tasks, &authority).await;
    let ((old, shown_old), (new, shown_new)) =
        (client(&authority, "old"), client(&authority, "new"));
    let fleet = Fleet::with_roots(Clock::system(), authority.roots());
    let injection = Injection::ClientCertificate { certificate: id() };
    let upstream =
        fleet.upstream(&declared(&format!("https://localhost:{port}"), injection)).unwrap();
    let error = get(&upstream).await.unwrap_err();
    assert!(error.to_string().contains("has no value"), "{error}");
    fleet.secrets().set(&id(), old, None);
    for _ in 0..2 {
        assert_eq!(get_text(&upstream).await.unwrap(), shown_old);
        assert_eq!(upstream.idle_connections(), 1);
    }
    fleet.secrets().set(&id(), new, None);
    assert_eq!(upstream.idle_connections(), 0);
    for _ in 0..2 {
        assert_eq!(get_text(&upstream).await.unwrap(), shown_new);
        assert_eq!(upstream.idle_connections(), 1);
    }
    fleet.secrets().clear(&id());
    assert!(matches!(get(&upstream).await.unwrap_err(), Error::NoCredential { .. }));
    // Without a certificate the same server talks to nobody.
    let mut plain = model::Upstream::new(&format!("https://localhost:{port}"));
    plain.connect_timeout = crate::servers::LONG;
    get(&fleet.upstream(&plain).unwrap()).await.unwrap_err();
}

#[tokio::test]
async fn what_is_no_certificate_with_its_key_is_not_shown() {
    let authority = Authority::new();
    let ((one, _), (two, _)) = (client(&authority, "one"), client(&authority, "two"));
    let pem = |name: &str| std::fs::read(authority.path(name)).unwrap();
    let fleet = Fleet::with_roots(Clock::system(), authority.roots());
    let injection = Injection::ClientCertificate { certificate: id() };
    let upstream = fleet.upstream(&declared("https://localhost:1", injection)).unwrap();
    drop((one, two));
    for (value, want) in [
        (secret("hunter2"), "holds no certificate"),
        (Secret::new(pem("one.key")), "holds no certificate"),
        (Secret::new(pem("one.pem")), "holds no private key"),
        (Secret::new([pem("one.pem"), pem("two.key")].concat()), "do not fit"),
    ] {
        fleet.secrets().set(&id(), value, None);
        let error = get(&upstream).await.unwrap_err().to_string();
        assert!(error.contains(want) && !error.contains("hunter2"), "{error}");
    }
}
