//! A connection over TLS: the handshake within its time, then HTTP as ALPN chose it.

use std::{io, sync::Arc, time::Duration};

use audit::EventId;
use model::{ClientCertificate, Refusal, RefusalKind, hex};
use rustls::{ProtocolVersion, ServerConnection};
use tokio::{
    net::TcpStream,
    time::{Instant, timeout_at},
};
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::{
    Tls,
    connection::{self, Ends},
    patient::Patient,
    refused::{self, Refused},
    tls::{self, Side},
};
use crate::{Gateway, pipeline::Encryption};

/// Why there is no connection over TLS.
#[derive(Debug)]
enum Failure {
    /// Nothing came: a port that is looked at, most often.
    Silent,
    /// It broke off, or one of us refused it.
    Broken(String),
    /// It did not end in time.
    Slow,
}

/// Serves one connection over TLS to its end, or lets it finish what it has begun once `stop` is given.
pub(super) async fn serve(
    gateway: Arc<Gateway>,
    (stream, tls): (TcpStream, Arc<Tls>),
    ends: Ends,
    stop: CancellationToken,
) {
    let side = tls.side();
    let shaken = tokio::select! {
        shaken = shake_hands(&gateway, &side, stream) => shaken,
        () = stop.cancelled() => return,
    };
    let stream = match shaken {
        Ok(stream) => stream,
        Err(failure) => return record_failed(&gateway, &ends, &failure, &stop),
    };
    let certificate = match client_certificate(&side, &stream) {
        Ok(certificate) => certificate,
        Err(error) => return record_failed(&gateway, &ends, &Failure::Broken(error), &stop),
    };
    // Not held on to: with many connections open, a replaced one would live as long as the last of them.
    drop((side, tls));
    let session = stream.get_ref().1;
    let is_http2 = session.alpn_protocol() == Some(tls::HTTP2);
    let ends = Ends { encryption: Some(Arc::new(encryption(session, certificate))), ..ends };
    connection::speak(gateway, (stream, is_http2), ends, stop).await;
}

/// What was agreed on, worked out once for all records of the connection.
fn encryption(session: &ServerConnection, certificate: Option<ClientCertificate>) -> Encryption {
    let version = match session.protocol_version() {
        Some(ProtocolVersion::TLSv1_2) => "TLSv1.2",
        // The door speaks no others.
        _ => "TLSv1.3",
    };
    let cipher = session.negotiated_cipher_suite().and_then(|it| it.suite().as_str());
    let thumbprint = certificate.as_ref().map(|it| hex(&it.thumbprint).into());
    let server_name = session.server_name().map(Into::into);
    Encryption { certificate, thumbprint, version, cipher, server_name }
}

/// Patience is measured below TLS: there it is seen whether the peer takes bytes, while above it a
/// write ends in a buffer.
async fn shake_hands(
    gateway: &Gateway,
    side: &Side,
    stream: TcpStream,
) -> Result<TlsStream<Patient>, Failure> {
    let deadline = until(gateway.settings.header_timeout);
    match timeout_at(deadline, stream.peek(&mut [0])).await {
        Ok(Ok(count)) if count > 0 => {}
        Ok(_) | Err(_) => return Err(Failure::Silent),
    }
    let stream = Patient::new(stream, gateway.settings.message_timeout);
    // Boxed: what a handshake takes is not taken for the life of the connection.
    let accept = Box::pin(side.acceptor().accept(stream));
    match timeout_at(deadline, accept).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(Failure::Broken(reason(&error))),
        Err(_) => Err(Failure::Slow),
    }
}

fn until(wait: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(wait).unwrap_or(now)
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "the peer broke it off".to_owned(),
        _ => error.to_string(),
    }
}

/// What the client showed. rustls has verified that the client holds its key, and where that is asked of
/// all, that an authority vouches for it.
fn client_certificate(
    side: &Side,
    stream: &TlsStream<Patient>,
) -> Result<Option<ClientCertificate>, String> {
    let (_, session) = stream.get_ref();
    let chain = session.peer_certificates().unwrap_or_default();
    let Some(shown) = chain.first() else { return Ok(None) };
    let read = tls::read(shown)?;
    Ok(Some(ClientCertificate { is_trusted: side.trusts(chain), ..read }))
}

fn record_failed(gateway: &Arc<Gateway>, ends: &Ends, failure: &Failure, stop: &CancellationToken) {
    let why = match failure {
        Failure::Silent => {
            return debug!(peer = %ends.peer, "{} connected and sent nothing in time", ends.peer);
        }
        Failure::Broken(why) => why,
        Failure::Slow => "it did not end in time",
    };
    let refusal = Refusal::new(RefusalKind::Malformed, "the TLS handshake failed").because(why);
    let refused = Refused { event: EventId::ConnectionTlsFailed, status: None, refusal };
    refused::record(gateway, ends, refused, stop);
}
