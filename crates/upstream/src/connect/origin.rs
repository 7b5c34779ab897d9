//! The scheme, host and port of an upstream, read once from its URL.

use std::{borrow::Cow, io, net::IpAddr, sync::Arc};

use rustls::pki_types::ServerName;
use url::Url;

use crate::Error;

/// How much of a URL an error shows.
const SHOWN_MAX: usize = 200;

/// Where connections go.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    is_https: bool,
    host: Host,
    port: u16,
    authority: Arc<str>,
}

#[derive(Debug, Clone)]
pub(super) enum Host {
    Address(IpAddr),
    Name(Arc<str>),
}

impl Origin {
    /// Reads the address of an upstream: `http` or `https`, a host, perhaps a port and a path.
    ///
    /// # Errors
    /// [`Error::InvalidUrl`].
    pub(crate) fn parse(text: &str) -> Result<(Self, Url), Error> {
        let wrong = |reason: Cow<'static, str>| Error::InvalidUrl { url: shown(text), reason };
        let url = Url::parse(text).map_err(|it| wrong(it.to_string().into()))?;
        let is_https = match url.scheme() {
            "http" => false,
            "https" => true,
            _ => return Err(wrong("write http:// or https://".into())),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("no user and no password may stand in it".into()));
        }
        if url.fragment().is_some() {
            return Err(wrong("no fragment may stand in it".into()));
        }
        let host = match url.host() {
            Some(url::Host::Domain(name)) => Host::Name(name.into()),
            Some(url::Host::Ipv4(address)) => Host::Address(address.into()),
            Some(url::Host::Ipv6(address)) => Host::Address(address.into()),
            None => return Err(wrong("it names no host".into())),
        };
        let port = url.port_or_known_default().unwrap_or(if is_https { 443 } else { 80 });
        let host_text = url.host_str().unwrap_or_default();
        let authority = match url.port() {
            Some(port) => format!("{host_text}:{port}").into(),
            None => host_text.into(),
        };
        Ok((Self { is_https, host, port, authority }, url))
    }

    /// Whether the host says itself that it is this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        match &self.host {
            Host::Address(address) => address.to_canonical().is_loopback(),
            Host::Name(name) => &**name == "localhost",
        }
    }

    pub(crate) fn is_https(&self) -> bool {
        self.is_https
    }

    pub(super) fn host(&self) -> &Host {
        &self.host
    }

    /// The host, where it is a name and no address.
    pub(crate) fn name(&self) -> Option<&str> {
        match &self.host {
            Host::Address(_) => None,
            Host::Name(name) => Some(name),
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// `host`, or `host:port` where the port is not the scheme's own: the `Host` header.
    pub(crate) fn authority(&self) -> &Arc<str> {
        &self.authority
    }

    /// The name that the certificate must bear.
    pub(crate) fn server_name(&self) -> io::Result<ServerName<'static>> {
        match &self.host {
            Host::Address(address) => Ok(ServerName::from(*address)),
            Host::Name(name) => ServerName::try_from(name.to_string())
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error)),
        }
    }
}

/// A URL as an error may show it, whoever wrote it: what stands before an `@` may be a password.
pub(crate) fn shown(text: &str) -> String {
    let (hidden, rest) = match text.rsplit_once('@') {
        Some((_, rest)) => ("(hidden)@", rest),
        None => ("", text),
    };
    let mut shown: String = rest.chars().take(SHOWN_MAX).flat_map(char::escape_debug).collect();
    shown.insert_str(0, hidden);
    if rest.chars().nth(SHOWN_MAX).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_or_refused_with_a_reason() {
        for (text, authority, port, is_https) in [
            ("http://shop.example", "shop.example", 80, false),
            ("https://shop.example/api/v2", "shop.example", 443, true),
            ("http://127.0.0.1:8080", "127.0.0.1:8080", 8080, false),
            ("http://[::1]:8080/", "[::1]:8080", 8080, false),
            ("https://BÜCHER.example:8443", "xn--bcher-kva.example:8443", 8443, true),
        ] {
            let (origin, _) = Origin::parse(text).unwrap();
            assert_eq!(&**origin.authority(), authority);
            assert_eq!((origin.port(), origin.is_https()), (port, is_https));
        }
        for (text, want) in [
            ("ftp://x", "write http:// or https://"),
            ("http://", "empty host"),
            ("shop", "relative URL"),
            ("http://user:hunter2@x", "no password"),
            ("http://x/#a", "no fragment"),
            ("http://x:99999", "port"),
        ] {
            let error = Origin::parse(text).unwrap_err().to_string();
            assert!(error.contains(want), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn loopback_is_known_in_all_its_forms() {
        for (text, want) in [
            ("http://localhost", true),
            ("http://127.9.9.9", true),
            ("http://2130706433", true),
            ("http://[::1]", true),
            ("http://[::ffff:127.0.0.1]", true),
            ("http://localhost.example", false),
            ("http://10.0.0.1", false),
            ("http://0.0.0.0", false),
        ] {
            assert_eq!(Origin::parse(text).unwrap().0.is_loopback(), want, "{text}");
        }
    }
}
