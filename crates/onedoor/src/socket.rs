//! The local socket of a door: by it `onedoor init` makes the first operator, and nothing else goes.
//!
//! One line of JSON asks and one line answers. Whoever asks is known by the operating system: only
//! the user whose door it is, and root, get an answer.

mod client;
mod server;

use std::{io, time::Duration};

use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader},
    net::UnixStream,
    time::timeout,
};

pub(crate) use self::{client::ask, server::Socket};

/// The socket's name in the data folder.
const NAME: &str = "onedoor.sock";
/// Longest line.
const LINE_BYTES_MAX: u64 = 4096;
/// Longest wait for a line to be sent or read.
const LINE_TIMEOUT: Duration = Duration::from_secs(5);
/// The user who may do everything.
const ROOT: u32 = 0;

/// What is asked for: the first operator.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ask {
    client: String,
    owner: String,
    /// An RFC 3339 time.
    expires: String,
}

/// What is answered.
// No Debug: the key must not come into a log.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Told {
    /// The first operator's key.
    Key(String),
    /// Why there is none.
    Refused(String),
}

/// The user who runs this process. Within a runtime.
pub(crate) fn own_user() -> io::Result<u32> {
    Ok(UnixStream::pair()?.0.peer_cred()?.uid())
}

/// One line, without what ends it; an error where it is too long, or does not end in time.
async fn read_line(stream: &mut UnixStream, wait: Duration) -> io::Result<String> {
    let mut line = String::new();
    let mut reader = BufReader::new(stream.take(LINE_BYTES_MAX));
    timeout(wait, reader.read_line(&mut line)).await??;
    let whole = line.strip_suffix('\n').map(ToOwned::to_owned);
    whole.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no whole line came"))
}
