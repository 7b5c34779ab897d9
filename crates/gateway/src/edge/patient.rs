//! A connection whose peer must take what is sent to it: patience with slow readers has an end.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep, sleep},
};

/// A stream on which a write that makes no progress for so long is an error.
///
/// A peer that does not read would otherwise hold on to the upstream's connection behind its answer.
#[derive(Debug)]
pub(super) struct Patient {
    stream: TcpStream,
    wait: Duration,
    /// Made when a write first has to wait, and used again.
    timer: Option<Pin<Box<Sleep>>>,
    is_waiting: bool,
}

impl Patient {
    pub(super) fn new(stream: TcpStream, wait: Duration) -> Self {
        Self { stream, wait, timer: None, is_waiting: false }
    }

    /// Passes on what came of a write, and watches the time while nothing does.
    fn watch<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.is_waiting = false;
            return written;
        }
        let wait = self.wait;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(wait)));
        if !self.is_waiting {
            self.is_waiting = true;
            let deadline = Instant::now().checked_add(wait);
            timer.as_mut().reset(deadline.unwrap_or_else(Instant::now));
        }
        ready!(timer.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the peer does not read")))
    }
}

impl AsyncRead for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Patient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, buffers);
        self.watch(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::{io::AsyncWriteExt as _, net::TcpListener};

    use testkit::Authority;

    use super::*;
    use crate::{ClientCertificates, Tls, TlsFiles};

    // The runtime's clock is paused: it jumps when all that is left to do is to wait.
    #[tokio::test(start_paused = true)]
    async fn a_peer_that_does_not_read_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let reader = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let mut patient = Patient::new(stream, Duration::from_secs(30));
        patient.write_all(b"what fits goes through at once").await.unwrap();
        let stuck = patient.write_all(&vec![0; 64 << 20]).await.unwrap_err();
        assert_eq!(stuck.kind(), io::ErrorKind::TimedOut);
        drop(reader);
    }

    // Above TLS a write ends in a buffer: what waits there is sent when it is flushed.
    #[tokio::test(start_paused = true)]
    async fn a_peer_that_does_not_read_is_given_up_over_tls_too() {
        let (reader, mut stream) = over_tls().await;
        let start = Instant::now();
        while stream.write_all(&[0; 1024]).await.is_ok() && stream.flush().await.is_ok() {}
        let stuck = stream.flush().await.unwrap_err();
        assert_eq!(stuck.kind(), io::ErrorKind::TimedOut);
        assert_eq!(start.elapsed().as_secs(), 30);
        drop(reader);
    }

    /// Both ends of a connection over TLS.
    async fn over_tls()
    -> (tokio_rustls::client::TlsStream<TcpStream>, tokio_rustls::server::TlsStream<Patient>) {
        let authority = Authority::new();
        authority.issue("door", "/CN=localhost", "DNS:localhost");
        let key = model::Secret::new(authority.read("door.key"));
        let certificate = authority.read("door.pem");
        let files = TlsFiles { certificate, key, clients: ClientCertificates::None };
        let tls = Tls::new(&files).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let reader = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let client = testkit::TlsClient::new(&authority, &[], None);
        let connector = tokio_rustls::TlsConnector::from(client.config);
        let (stream, _) = listener.accept().await.unwrap();
        let accept = tls.side().acceptor().accept(Patient::new(stream, Duration::from_secs(30)));
        let connect = connector.connect("localhost".try_into().unwrap(), reader);
        let (reader, stream) = tokio::join!(connect, accept);
        (reader.unwrap(), stream.unwrap())
    }
}
