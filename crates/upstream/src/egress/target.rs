//! What a URL asks for, if whoever wrote it may ask for that. Names are not looked up here.

use http::uri::PathAndQuery;
use url::Url;

use crate::{
    Error,
    connect::{AddressRule, Origin, Trust, shown},
};

/// Longest URL.
const URL_BYTES_MAX: usize = 2048;
/// The port that strangers may name whatever the rule says.
const HTTPS_PORT: u16 = 443;

/// Where a request goes, and what stands in its first line.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) origin: Origin,
    pub(super) path: PathAndQuery,
}

impl Target {
    /// Reads a URL that `trust` wrote.
    ///
    /// # Errors
    /// [`Error::InvalidUrl`].
    pub(super) fn read(text: &str, trust: Trust, rule: &AddressRule) -> Result<Self, Error> {
        let wrong =
            |reason: &'static str| Error::InvalidUrl { url: shown(text), reason: reason.into() };
        if text.len() > URL_BYTES_MAX {
            return Err(wrong("it is longer than 2048 bytes"));
        }
        let (origin, url) = Origin::parse(text)?;
        if origin.name().is_some_and(|it| it.ends_with('.')) {
            return Err(wrong("the host ends with a dot: leave it away"));
        }
        let reason = match trust {
            Trust::Operator => unfit_for_operators(&origin),
            Trust::Stranger => unfit_for_strangers(text, &origin, &url, rule),
        };
        if let Some(reason) = reason {
            return Err(wrong(reason));
        }
        let path = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        let path = path.try_into().map_err(http::Error::from)?;
        Ok(Self { origin, path })
    }
}

fn unfit_for_operators(origin: &Origin) -> Option<&'static str> {
    let is_fit = origin.is_https() || origin.is_loopback();
    (!is_fit).then_some("write https://; http is for this machine alone")
}

fn unfit_for_strangers(
    text: &str,
    origin: &Origin,
    url: &Url,
    rule: &AddressRule,
) -> Option<&'static str> {
    if !origin.is_https() {
        return Some("write https://");
    }
    if !is_canonical(text, url) {
        return Some(
            "it can be written in several ways: write it in lower case and ASCII, with no default port, \
             no . and .. and no address that is not in its usual form",
        );
    }
    if origin.port() != HTTPS_PORT && !rule.stranger_ports.contains(&origin.port()) {
        return Some("its port is not allowed: leave it away");
    }
    // Such a name means another host on every network.
    if origin.name().is_some_and(|it| !it.contains('.')) {
        return Some("its host is a name without a domain: write it in full");
    }
    None
}

/// Whether a URL is written as everybody would write it, so that nobody reads another host out of it:
/// no `0x7f.1`, no `ⓔxample.com`, no tab in the middle.
fn is_canonical(text: &str, url: &Url) -> bool {
    let canonical = url.as_str();
    canonical == text || canonical.strip_suffix('/').is_some_and(|it| it == text)
}
