//! Syslog (RFC 5424): over UDP (RFC 5426), TCP (RFC 6587) and TLS (RFC 5425).
//!
//! Syslog has no acknowledgement, and bytes that were sent may never have been read. So over TCP and TLS
//! each batch has a connection of its own: it ends behind the batch, the receiver has read all of it when
//! it closes its end in turn, and it was no crash that closed it when the next connection opens at once.

mod message;

use std::{
    io::{self, ErrorKind},
    net::SocketAddr,
    pin::pin,
    task::{Context, Waker},
    time::Duration,
};

use audit::{
    Shaped,
    ship::{Accepted, Failure, Line},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UdpSocket,
    time::timeout,
};
use upstream::{Egress, Wire};

use self::message::Message;
use crate::{OpenError, Surroundings, Transport, declared, http::shown};

/// Longest wait for a connection.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);
/// Longest wait until a batch is taken, and again until it was read.
const PATIENCE: Duration = Duration::from_secs(60);
/// Longest message over UDP: what a datagram over IPv4 can hold.
const DATAGRAM_BYTES_MAX: usize = 65_507;
const NOT_CLOSED: &str = "it did not close the connection behind a batch, so nobody knows what it read: \
                          where it never does, write acknowledge = \"no\"";

/// A receiver of syslog.
#[derive(Debug)]
pub(crate) struct Syslog {
    declared: declared::Syslog,
    egress: Egress,
    pid: u32,
    open: Option<Open>,
}

#[derive(Debug)]
enum Open {
    Datagrams(UdpSocket),
    // Boxed, as TLS has large buffers.
    Stream(Box<Wire>),
}

impl Syslog {
    pub(crate) fn open(
        declared: declared::Syslog,
        around: &Surroundings,
    ) -> Result<Self, OpenError> {
        let egress = around.egress(&declared.tls)?;
        Ok(Self { declared, egress, pid: std::process::id(), open: None })
    }

    pub(crate) async fn send(&mut self, events: &[(&Line, Shaped)]) -> Result<Accepted, Failure> {
        let (hostname, pid) = (&self.declared.hostname, self.pid);
        let message = |(line, shaped): &(&Line, Shaped)| {
            Message { hostname, pid, seq: line.seq, shaped }.bytes()
        };
        let messages: Vec<_> = events.iter().map(message).collect();
        let open = match self.open.take().and_then(still_open) {
            Some(open) => open,
            None => self.connect().await?,
        };
        let refused = match open {
            Open::Datagrams(socket) => {
                let refused = send_datagrams(&socket, &messages).await.map_err(untaken)?;
                self.open = Some(Open::Datagrams(socket));
                refused
            }
            Open::Stream(mut wire) => {
                within(PATIENCE, wire.write_all(&octets(&messages))).await.map_err(untaken)?;
                within(PATIENCE, wire.flush()).await.map_err(untaken)?;
                self.open = match self.declared.acknowledges {
                    true => {
                        read_to_the_end(&mut wire).await?;
                        // One that crashed has closed its end too, and does not answer so soon.
                        Some(self.connect().await?)
                    }
                    false => Some(Open::Stream(wire)),
                };
                Vec::new()
            }
        };
        let why = "it is too long for a datagram: use tcp or tls";
        let refused =
            refused.into_iter().filter_map(|at| Some((events.get(at)?.0.seq, why.into())));
        Ok(Accepted { count: events.len(), refused: refused.collect() })
    }

    async fn connect(&self) -> Result<Open, Failure> {
        let authority = &self.declared.authority;
        let again = |error: upstream::Error| Failure::Again(shown(&error));
        let is_tls = match self.declared.transport {
            Transport::Tcp => false,
            Transport::Tls => true,
            Transport::Udp => {
                let to = self.egress.address(authority, CONNECT_PATIENCE).await.map_err(again)?;
                return bind(to).await.map(Open::Datagrams).map_err(untaken);
            }
        };
        let wire = self.egress.dial(authority, is_tls, CONNECT_PATIENCE).await.map_err(again)?;
        Ok(Open::Stream(Box::new(wire)))
    }
}

/// Octet counting (RFC 5425 section 4.3, RFC 6587 section 3.4.1).
fn octets(messages: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for message in messages {
        bytes.extend_from_slice(format!("{} ", message.len()).as_bytes());
        bytes.extend_from_slice(message);
    }
    bytes
}

/// Ends a connection, and waits until the other end has read all of it.
async fn read_to_the_end(wire: &mut Wire) -> Result<(), Failure> {
    within(PATIENCE, wire.shutdown()).await.map_err(untaken)?;
    // In all: one that goes on talking is no receiver of syslog.
    let closed = async {
        let mut answer = [0_u8; 256];
        while wire.read(&mut answer).await? > 0 {}
        Ok(())
    };
    match within(PATIENCE, closed).await {
        Ok(()) => Ok(()),
        // Receivers are known that close a connection without the goodbye of TLS.
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(()),
        Err(error) if error.kind() == ErrorKind::TimedOut => {
            Err(Failure::Again(NOT_CLOSED.to_owned()))
        }
        Err(error) => Err(untaken(error)),
    }
}

/// The connection, unless the other end has closed it. Syslog has no answers: whatever comes says that
/// this is no receiver any more.
fn still_open(mut open: Open) -> Option<Open> {
    if let Open::Stream(wire) = &mut open {
        let mut byte = [0_u8; 1];
        let read = pin!(wire.read(&mut byte));
        if read.poll(&mut Context::from_waker(Waker::noop())).is_ready() {
            return None;
        }
    }
    Some(open)
}

/// Sends all of them. Gives back which are too long to be sent at all.
async fn send_datagrams(socket: &UdpSocket, messages: &[Vec<u8>]) -> io::Result<Vec<usize>> {
    let mut refused = Vec::new();
    for (number, message) in messages.iter().enumerate() {
        match message.len() <= DATAGRAM_BYTES_MAX {
            true => drop(within(PATIENCE, socket.send(message)).await?),
            false => refused.push(number),
        }
    }
    Ok(refused)
}

async fn bind(to: SocketAddr) -> io::Result<UdpSocket> {
    let any = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(to).await?;
    Ok(socket)
}

async fn within<T>(wait: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(wait, work).await.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()))
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err as it is")]
fn untaken(error: io::Error) -> Failure {
    Failure::Again(format!("it took no messages: {error}"))
}
