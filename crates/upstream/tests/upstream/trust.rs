//! Over TLS an upstream shows that it is who it is, or gets nothing. Certificates are made by the openssl tool.

use std::{path::Path, process::Command, sync::Arc};

use model::{Clock, RefusalKind};
use rustls::{
    RootCertStore, ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;
use upstream::{Error, Fleet, Trust};

use crate::servers::{LONG, OK, SHORT, accept, get, get_text, script, sees_the_end, soon};

/// An authority of our own, in a directory of its own.
pub(crate) struct Authority(tempfile::TempDir);

impl Authority {
    pub(crate) fn new() -> Self {
        let authority = Self(tempfile::tempdir().unwrap());
        authority.openssl(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem \
             -days 2 -subj /CN=Test-CA -addext basicConstraints=critical,CA:TRUE \
             -addext keyUsage=critical,keyCertSign",
        );
        authority
    }

    pub(crate) fn openssl(&self, arguments: &str) {
        let made = Command::new("openssl")
            .args(arguments.split_whitespace())
            .current_dir(self.0.path())
            .output()
            .expect("install openssl: these tests make their certificates with it");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }

    /// A server's configuration with a certificate for `names`, such as `DNS:localhost,IP:127.0.0.1`.
    pub(crate) fn server(&self, names: &str) -> Arc<ServerConfig> {
        self.openssl(&format!(
            "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout leaf.key -out leaf.csr \
             -subj /CN=leaf -addext subjectAltName={names}"
        ));
        self.openssl(
            "x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out leaf.pem -days 1 \
             -copy_extensions copy",
        );
        let chain = vec![self.certificate("leaf.pem")];
        let key = PrivateKeyDer::from_pem_file(self.path("leaf.key")).unwrap();
        let mut config =
            ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(chain, key)
                .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Arc::new(config)
    }

    pub(crate) fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate("ca.pem")).unwrap();
        roots
    }

    pub(crate) fn certificate(&self, name: &str) -> CertificateDer<'static> {
        CertificateDer::from_pem_file(self.path(name)).unwrap()
    }

    pub(crate) fn path(&self, name: &str) -> std::path::PathBuf {
        Path::join(self.0.path(), name)
    }
}

/// A TLS server that answers every request with `ok`. Gives its port.
pub(crate) async fn serve(tasks: &mut JoinSet<()>, config: Arc<ServerConfig>) -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let acceptor = TlsAcceptor::from(config);
    tasks.spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"http/1.1".as_slice()));
            let mut request = [0; 4096];
            while stream.read(&mut request).await.is_ok_and(|it| it > 0) {
                stream.write_all(OK.as_bytes()).await.unwrap();
            }
        }
    });
    port
}

fn declared(host: &str, port: u16) -> model::Upstream {
    let mut declared = model::Upstream::new(&format!("https://{host}:{port}"));
    declared.connect_timeout = LONG;
    declared
}

#[tokio::test]
async fn a_trusted_upstream_is_served_over_one_connection() {
    let authority = Authority::new();
    let mut tasks = JoinSet::new();
    let port = serve(&mut tasks, authority.server("DNS:localhost,IP:127.0.0.1")).await;
    let fleet = Fleet::with_roots(Clock::system(), authority.roots());
    for host in ["localhost", "127.0.0.1"] {
        let upstream = fleet.upstream(&declared(host, port)).unwrap();
        for _ in 0..3 {
            assert_eq!(get_text(&upstream).await.unwrap(), "ok");
            assert_eq!(upstream.idle_connections(), 1);
        }
    }
    let url = format!("https://localhost:{port}/keys");
    assert_eq!(soon(fleet.egress(Trust::Operator).get(&url, 10, LONG)).await.unwrap(), "ok");
}

#[tokio::test]
async fn an_upstream_with_the_name_of_another_is_refused() {
    let authority = Authority::new();
    let mut tasks = JoinSet::new();
    let port = serve(&mut tasks, authority.server("DNS:other.example,IP:127.0.0.2")).await;
    let fleet = Fleet::with_roots(Clock::system(), authority.roots());
    for host in ["localhost", "127.0.0.1"] {
        let upstream = fleet.upstream(&declared(host, port)).unwrap();
        refused(get(&upstream).await.unwrap_err(), "not valid for name");
        let url = format!("https://{host}:{port}/keys");
        let error = soon(fleet.egress(Trust::Operator).get(&url, 10, LONG)).await.unwrap_err();
        refused(error, "not valid for name");
    }
}

#[tokio::test]
async fn an_upstream_of_an_unknown_authority_is_refused() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let mut tasks = JoinSet::new();
    let port = serve(&mut tasks, theirs.server("DNS:localhost")).await;
    for fleet in [
        Fleet::with_roots(Clock::system(), ours.roots()),
        Fleet::with_roots(Clock::system(), RootCertStore::empty()),
        Fleet::new(Clock::system()),
    ] {
        let upstream = fleet.upstream(&declared("localhost", port)).unwrap();
        refused(get(&upstream).await.unwrap_err(), "invalid peer certificate");
    }
}

fn refused(error: Error, want: &str) {
    assert!(matches!(error, Error::Tls { .. }), "{error:?}");
    assert_eq!(error.kind(), RefusalKind::UpstreamFailed);
    let refusal = model::Refusal::from(error);
    assert!(refusal.cause().unwrap().contains(want), "{:?}", refusal.cause());
}

#[tokio::test]
async fn an_upstream_that_speaks_no_tls_is_refused() {
    let (url, _) = script(|listener| {
        let mut stream = accept(&listener);
        crate::servers::say(&mut stream, OK);
    });
    let port = url.rsplit_once(':').unwrap().1.parse().unwrap();
    let fleet = Fleet::new(Clock::system());
    let upstream = fleet.upstream(&declared("127.0.0.1", port)).unwrap();
    let error = get(&upstream).await.unwrap_err();
    assert!(matches!(error, Error::Tls { .. }), "{error:?}");
}

#[tokio::test]
async fn a_handshake_that_does_not_go_on_ends_in_time() {
    let (url, end) = script(|listener| sees_the_end(&mut accept(&listener)));
    let port = url.rsplit_once(':').unwrap().1.parse().unwrap();
    let declared = model::Upstream { connect_timeout: SHORT, ..declared("127.0.0.1", port) };
    let upstream = Fleet::new(Clock::system()).upstream(&declared).unwrap();
    let error = get(&upstream).await.unwrap_err();
    assert!(matches!(error, Error::ConnectTimeout { .. }), "{error:?}");
    assert!(soon(end).await.unwrap());
}
