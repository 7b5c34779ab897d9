//! What stands in `[[sinks]]`, read value by value.

use audit::Format;
use model::{SecretId, quantity::parse_bytes};
use sinks::{Mechanism, Transport};
use upstream::Scheme;
use url::Url;

/// How large a file may grow.
const FILE_BYTES: (u64, u64) = (1 << 20, 1 << 40);
/// Where syslog goes.
pub(super) const SYSLOG: &str = "tls://siem.example.com:6514, or tcp:// or udp:// with a port";

pub(super) fn parse_name(text: &str) -> Result<String, String> {
    let wrong = || {
        let shown = text.escape_debug();
        format!("\"{shown}\" is not a name: write lower case letters, digits and -")
    };
    model::id::is_slug(text).then(|| text.to_owned()).ok_or_else(wrong)
}

pub(super) fn parse_format(text: &str) -> Result<Format, String> {
    let found = Format::ALL.into_iter().find(|it| it.as_str() == text);
    found.ok_or_else(|| {
        let all = Format::ALL.map(Format::as_str).join(", ");
        format!("\"{}\" is no format: write one of {all}", text.escape_debug())
    })
}

pub(super) fn parse_secret(text: &str) -> Result<SecretId, String> {
    SecretId::parse(text).map_err(|error| error.to_string())
}

pub(super) fn parse_scheme(text: &str) -> Result<Scheme, String> {
    match text {
        "api_key" => Ok(Scheme::ApiKey),
        "basic" => Ok(Scheme::Basic),
        "bearer" => Ok(Scheme::Bearer),
        other => {
            let other = other.escape_debug();
            Err(format!("\"{other}\" is unknown: write api_key, basic or bearer"))
        }
    }
}

pub(super) fn parse_yes(text: &str) -> Result<bool, String> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        other => Err(format!("\"{}\" is neither: write yes or no", other.escape_debug())),
    }
}

/// Part of a path, and a name of its own kind with its receiver.
pub(super) fn parse_index(text: &str) -> Result<String, String> {
    let is_index = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || "-_.".contains(it);
    let begins = text.starts_with(|it: char| it.is_ascii_alphanumeric());
    match begins && text.len() <= 200 && text.chars().all(is_index) {
        true => Ok(text.to_owned()),
        false => {
            let shown = text.escape_debug();
            Err(format!("\"{shown}\" is no index: write lower case letters, digits, -, _ and ."))
        }
    }
}

/// Hosts with ports, with a comma between them.
pub(super) fn parse_brokers(text: &str) -> Result<Vec<String>, String> {
    let brokers: Vec<_> = text.split(',').map(|it| it.trim().to_owned()).collect();
    let is_broker = |it: &String| {
        let port = it.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
        let authority = it.parse::<http::uri::Authority>();
        port.is_some() && authority.is_ok_and(|it| !it.as_str().contains('@'))
    };
    match brokers.iter().find(|it| !is_broker(it)) {
        None => Ok(brokers),
        Some(wrong) => {
            let shown = wrong.escape_debug();
            Err(format!(
                "\"{shown}\" is no broker: write a host and a port, kafka-1.example.com:9093"
            ))
        }
    }
}

pub(super) fn parse_topic(text: &str) -> Result<String, String> {
    let is_topic = |it: char| it.is_ascii_alphanumeric() || "-_.".contains(it);
    match (1..=249).contains(&text.len()) && text.chars().all(is_topic) && !is_dots(text) {
        true => Ok(text.to_owned()),
        false => {
            let shown = text.escape_debug();
            Err(format!("\"{shown}\" is no topic: write letters, digits, -, _ and ."))
        }
    }
}

fn is_dots(text: &str) -> bool {
    matches!(text, "." | "..")
}

pub(super) fn parse_mechanism(text: &str) -> Result<Mechanism, String> {
    match text {
        "plain" => Ok(Mechanism::Plain),
        "scram-sha-256" => Ok(Mechanism::ScramSha256),
        "scram-sha-512" => Ok(Mechanism::ScramSha512),
        other => {
            let other = other.escape_debug();
            Err(format!("\"{other}\" is unknown: write scram-sha-512, scram-sha-256 or plain"))
        }
    }
}

pub(super) fn parse_bucket(text: &str) -> Result<String, String> {
    let is_name = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || "-.".contains(it);
    let is_bucket = (3..=63).contains(&text.len())
        && text.chars().all(is_name)
        && text.starts_with(|it: char| it.is_ascii_alphanumeric())
        && !text.contains("..");
    match is_bucket {
        true => Ok(text.to_owned()),
        false => {
            let shown = text.escape_debug();
            Err(format!(
                "\"{shown}\" is no bucket: write 3 to 63 lower case letters, digits, - and ."
            ))
        }
    }
}

pub(super) fn parse_region(text: &str) -> Result<String, String> {
    match model::id::is_slug(text) {
        true => Ok(text.to_owned()),
        false => Err(format!("\"{}\" is no region: write eu-central-1", text.escape_debug())),
    }
}

/// Folders with a slash between them. What it may hold is written in a URL as it is.
pub(super) fn parse_prefix(text: &str) -> Result<String, String> {
    let is_name = |it: char| it.is_ascii_alphanumeric() || "-_.=".contains(it);
    let is_folder = |it: &str| !it.is_empty() && it.chars().all(is_name) && !is_dots(it);
    match text.len() <= 200 && text.trim_end_matches('/').split('/').all(is_folder) {
        true => Ok(text.trim_end_matches('/').to_owned()),
        false => {
            let shown = text.escape_debug();
            Err(format!(
                "\"{shown}\" is no prefix: write letters, digits, -, _, . and =, with / between"
            ))
        }
    }
}

pub(super) fn parse_subject(text: &str) -> Result<String, String> {
    let is_token = |it: &str| {
        !it.is_empty() && it.chars().all(|it| it.is_ascii_graphic() && it != '*' && it != '>')
    };
    match text.len() <= 200 && text.split('.').all(is_token) {
        true => Ok(text.to_owned()),
        false => Err(format!(
            "\"{}\" is no subject to publish to: write onedoor.audit",
            text.escape_debug()
        )),
    }
}

pub(super) fn parse_size(text: &str) -> Result<u64, String> {
    let (min, max) = FILE_BYTES;
    let bytes = u64::try_from(parse_bytes(text)?).unwrap_or(u64::MAX);
    match (min..=max).contains(&bytes) {
        true => Ok(bytes),
        false => Err(format!("{text} is not from 1MiB to 1TiB")),
    }
}

pub(super) fn parse_count(text: &str) -> Result<u32, String> {
    let count = text.parse().ok().filter(|it| *it <= 1_000);
    count.ok_or_else(|| format!("\"{}\" is not a number up to 1000", text.escape_debug()))
}

pub(super) fn parse_syslog(text: &str) -> Result<(Transport, String), String> {
    let wrong = || format!("\"{}\" is no receiver of syslog: write {SYSLOG}", text.escape_debug());
    let url = Url::parse(text).map_err(|_| wrong())?;
    let transport = match url.scheme() {
        "tcp" => Transport::Tcp,
        "tls" => Transport::Tls,
        "udp" => Transport::Udp,
        _ => return Err(wrong()),
    };
    let is_bare = matches!(url.path(), "" | "/")
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) if is_bare && !host.is_empty() => {
            Ok((transport, format!("{host}:{port}")))
        }
        _ => Err(wrong()),
    }
}
