//! A client over TLS: one connection after the other, HTTP/2 or HTTP/1.1 as ALPN has it.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use bytes::Bytes;
use http::{Request, Version};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{ClientConfig, HandshakeKind, crypto::aws_lc_rs, pki_types::ServerName};
use tokio::{net::TcpSocket, task::JoinSet};
use tokio_rustls::TlsConnector;

use crate::{Answer, Authority};

/// Connects over TLS to servers that call themselves `localhost`.
#[derive(Debug, Clone)]
pub struct TlsClient {
    /// Its side of TLS.
    pub config: Arc<ClientConfig>,
    /// The address of this machine that it connects from; any where it is none.
    pub from: Option<Ipv4Addr>,
}

/// A connection on which requests can be sent.
#[derive(Debug)]
pub struct TlsConnection {
    sender: Sender,
    host: String,
    /// The certificate that the server showed.
    pub certificate: Vec<u8>,
    /// Whether a session from before was gone on with.
    pub is_resumed: bool,
    _tasks: JoinSet<()>,
}

#[derive(Debug)]
enum Sender {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

impl TlsClient {
    /// A client that trusts `authority`, speaks `protocols`, and shows the certificate `NAME.pem` of
    /// the authority `shown`, if any.
    #[must_use]
    pub fn new(
        authority: &Authority,
        protocols: &[&str],
        shown: Option<(&Authority, &str)>,
    ) -> Self {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(authority.roots());
        let mut config = match shown {
            None => builder.with_no_client_auth(),
            Some((authority, name)) => {
                let chain = vec![authority.certificate(&format!("{name}.pem"))];
                let key = authority.private_key(&format!("{name}.key"));
                builder.with_client_auth_cert(chain, key).unwrap()
            }
        };
        config.alpn_protocols = protocols.iter().map(|it| it.as_bytes().to_vec()).collect();
        Self { config: Arc::new(config), from: None }
    }

    /// Connects to `address`.
    ///
    /// # Errors
    /// Where the handshake fails.
    pub async fn connect(&self, address: SocketAddr) -> io::Result<TlsConnection> {
        let socket = TcpSocket::new_v4()?;
        if let Some(from) = self.from {
            socket.bind((from, 0).into())?;
        }
        let stream = socket.connect(address).await?;
        let name = ServerName::try_from("localhost").unwrap();
        let stream = TlsConnector::from(Arc::clone(&self.config)).connect(name, stream).await?;
        let (_, session) = stream.get_ref();
        let is_http2 = session.alpn_protocol() == Some(b"h2");
        let is_resumed = session.handshake_kind() == Some(HandshakeKind::Resumed);
        let shown = session.peer_certificates().and_then(|it| it.first());
        let certificate = shown.map(|it| it.to_vec()).unwrap_or_default();
        let (io, mut tasks) = (TokioIo::new(stream), JoinSet::new());
        let sender = if is_http2 {
            let (sender, connection) =
                http2::handshake(TokioExecutor::new(), io).await.map_err(io::Error::other)?;
            tasks.spawn(async move { drop(connection.await) });
            Sender::Http2(sender)
        } else {
            let (sender, connection) = http1::handshake(io).await.map_err(io::Error::other)?;
            tasks.spawn(async move { drop(connection.await) });
            Sender::Http1(sender)
        };
        let host = format!("localhost:{}", address.port());
        Ok(TlsConnection { sender, host, certificate, is_resumed, _tasks: tasks })
    }
}

impl TlsConnection {
    /// Which HTTP it speaks.
    #[must_use]
    pub fn version(&self) -> Version {
        match self.sender {
            Sender::Http1(_) => Version::HTTP_11,
            Sender::Http2(_) => Version::HTTP_2,
        }
    }

    /// Asks for `target` with these headers.
    ///
    /// # Errors
    /// Where the connection is over. In TLS 1.3 a client learns only here that it was refused.
    pub async fn get(&mut self, target: &str, headers: &[(&str, &str)]) -> hyper::Result<Answer> {
        self.send("GET", target, headers, "").await
    }

    /// Sends `method target` with these headers and this body.
    ///
    /// # Errors
    /// As [`TlsConnection::get`].
    pub async fn send(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes> + Send,
    ) -> hyper::Result<Answer> {
        let request = Request::builder().method(method);
        let mut request = match self.sender {
            Sender::Http1(_) => request.uri(target).header("host", &self.host),
            Sender::Http2(_) => request.uri(format!("https://{}{target}", self.host)),
        };
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body.into())).unwrap();
        let response = match &mut self.sender {
            Sender::Http1(sender) => {
                // The connection may not be done with the answer before.
                sender.ready().await?;
                sender.send_request(request).await?
            }
            Sender::Http2(sender) => sender.send_request(request).await?,
        };
        let (parts, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Answer { status: parts.status, headers: parts.headers, body })
    }
}
