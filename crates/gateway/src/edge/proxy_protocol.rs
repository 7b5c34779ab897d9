//! The PROXY protocol, version 2: a proxy that passes bytes on says first whose they are.

use std::net::{IpAddr, SocketAddr};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    time::timeout,
};

/// What it begins with. No request and no handshake does.
const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";

/// Longest part behind its head: addresses, and what proxies add to them.
const BYTES_MAX: u16 = 4096;

/// The version and whether the connection is the proxy's own, or is made for somebody.
const OWN: u8 = 0x20;
const FOR_SOMEBODY: u8 = 0x21;

/// TCP over IPv4 and over IPv6.
const IPV4: u8 = 0x11;
const IPV6: u8 = 0x21;

/// Reads for whom the connection is; nobody where it is the proxy's own.
///
/// # Errors
/// What is wrong with it.
pub(super) async fn read<S: AsyncRead + Unpin>(
    stream: &mut S,
    wait: std::time::Duration,
) -> Result<Option<SocketAddr>, String> {
    let read = timeout(wait, introduction(stream)).await;
    read.unwrap_or_else(|_| Err("it did not come in time".to_owned()))
}

async fn introduction<S: AsyncRead + Unpin>(stream: &mut S) -> Result<Option<SocketAddr>, String> {
    let mut head = [0; 16];
    stream.read_exact(&mut head).await.map_err(|it| it.to_string())?;
    let [signature @ .., command, family, high, low] = head;
    if signature != SIGNATURE {
        return Err("there is none of version 2".to_owned());
    }
    let length = u16::from_be_bytes([high, low]);
    if length > BYTES_MAX {
        return Err(format!("it has {length} bytes, over {BYTES_MAX}"));
    }
    let mut rest = vec![0; usize::from(length)];
    stream.read_exact(&mut rest).await.map_err(|it| it.to_string())?;
    let source = match (command, family) {
        (OWN, _) => return Ok(None),
        (FOR_SOMEBODY, IPV4) => source::<4>(&rest),
        (FOR_SOMEBODY, IPV6) => source::<16>(&rest),
        _ => return Err("it is for no connection over TCP".to_owned()),
    };
    source.map(Some).ok_or_else(|| "it lacks an address".to_owned())
}

/// The first of two addresses of so many bytes, and of two ports.
fn source<const BYTES: usize>(addresses: &[u8]) -> Option<SocketAddr>
where
    IpAddr: From<[u8; BYTES]>,
{
    let (source, rest) = addresses.split_first_chunk::<BYTES>()?;
    let (_, rest) = rest.split_first_chunk::<BYTES>()?;
    let port = u16::from_be_bytes(*rest.first_chunk::<2>()?);
    rest.first_chunk::<4>()?;
    Some(SocketAddr::new(IpAddr::from(*source).to_canonical(), port))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    async fn read_all(bytes: &[u8]) -> Result<Option<String>, String> {
        let mut stream = bytes;
        let read = read(&mut stream, Duration::from_secs(5)).await;
        read.map(|it| it.map(|it| format!("{it} {}", String::from_utf8_lossy(stream))))
    }

    fn with(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [&SIGNATURE[..], &[command, family], &length, rest, b"GET"].concat()
    }

    #[tokio::test]
    async fn it_names_whom_the_connection_is_for_and_leaves_what_follows() {
        let ipv4 = [192, 0, 2, 7, 10, 0, 0, 1, 0x12, 0x67, 0, 80];
        let want = Ok(Some("192.0.2.7:4711 GET".to_owned()));
        assert_eq!(read_all(&with(0x21, 0x11, &ipv4)).await, want);
        let more = [&ipv4[..], &[4, 0, 1, 0]].concat();
        assert_eq!(read_all(&with(0x21, 0x11, &more)).await, want, "with what proxies add");
        let mut ipv6 = [0; 36];
        (ipv6[0], ipv6[1], ipv6[15], ipv6[33]) = (0x20, 1, 1, 9);
        assert_eq!(
            read_all(&with(0x21, 0x21, &ipv6)).await,
            Ok(Some("[2001::1]:9 GET".to_owned()))
        );
        assert_eq!(read_all(&with(0x20, 0, &[])).await, Ok(None));
    }

    #[tokio::test]
    async fn what_is_broken_names_nobody() {
        let ipv4 = [192, 0, 2, 7, 10, 0, 0, 1, 0x12, 0x67, 0, 80];
        let mut other_version = with(0x21, 0x11, &ipv4);
        other_version[12] = 0x31;
        for bytes in [
            b"GET / HTTP/1.1\r\n\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.7 10.0.0.1 1 2\r\n".to_vec(),
            other_version,
            with(0x21, 0x12, &ipv4),
            with(0x21, 0x11, &ipv4[..11]),
            with(0x21, 0x21, &ipv4),
            with(0x21, 0x11, &[0; 5000]),
            with(0x21, 0x11, &ipv4)[..20].to_vec(),
        ] {
            assert!(read_all(&bytes).await.is_err(), "{bytes:?}");
        }
    }
}
