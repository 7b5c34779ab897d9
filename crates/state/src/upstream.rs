//! `upstreams/ID.yaml`, and `upstream:` of a collection: where operations are carried out.

mod auth;

use std::{ops::RangeInclusive, time::Duration};

use model::{Injection, Upstream, UpstreamId};
use serde_json::Value;

use crate::{
    address,
    field::Field,
    reader::Reader,
    references::Target,
    writer::{Writer, duration},
};

/// How long a timeout is. What takes longer is not an answer to a request any more.
const TIMEOUTS: RangeInclusive<Duration> =
    Duration::from_millis(1)..=Duration::from_secs(24 * 3600);
/// Most connections to one upstream.
const CONNECTIONS_MAX: u32 = 65_536;

/// Reads the upstream of a collection: the name of one, or all that is to be said of it.
///
/// Of one that is named, nothing but the name is known yet.
pub(crate) fn read_named(field: Field<'_>) -> Option<Upstream> {
    if !field.is_text() {
        return read(None, field);
    }
    if field.text()?.contains("://") {
        // Not shown: a password may stand in it.
        field.fault("an address is not the name of an upstream", "write {url: http://…}");
        return None;
    }
    let id = field.parse(UpstreamId::parse)?;
    field.refer(Target::Upstream(id.clone()));
    Some(Upstream { id: Some(id), ..Upstream::new("") })
}

/// Reads the upstream `id`.
pub(crate) fn read(id: Option<UpstreamId>, field: Field<'_>) -> Option<Upstream> {
    field.mapping(|it| {
        let url = it.required("url", "write http://host:port or https://host/prefix");
        let url = url.and_then(|it| it.parse(address::upstream));
        let usual = Upstream::new(url.as_deref().unwrap_or_default());
        let connect_timeout = read_timeout(it, "connect_timeout", usual.connect_timeout);
        let answer_timeout = read_timeout(it, "answer_timeout", usual.answer_timeout);
        let idle_timeout = read_timeout(it, "idle_timeout", usual.idle_timeout);
        let tool_body_timeout = read_timeout(it, "tool_body_timeout", usual.tool_body_timeout);
        let connections = it.optional("connections_max");
        let connections = connections.and_then(|it| it.number(1..=CONNECTIONS_MAX));
        let connections = connections.and_then(|it| usize::try_from(it).ok());
        let auth = it.optional("auth");
        let injection = auth.as_ref().map(|it| auth::read(it.clone()));
        if let (Some(auth), Some(Some(Injection::ClientCertificate { .. })), Some(url)) =
            (&auth, &injection, &url)
            && !url.starts_with("https:")
        {
            auth.fault("a certificate is shown over https only", "write url: https://…");
        }
        let injection = match injection {
            Some(injection) => Some(injection?),
            None => None,
        };
        Some(Upstream {
            id,
            url: url?,
            connect_timeout,
            answer_timeout,
            idle_timeout,
            tool_body_timeout,
            connections_max: connections.unwrap_or(usual.connections_max),
            injection,
        })
    })?
}

fn read_timeout(it: &mut Reader<'_>, key: &'static str, usual: Duration) -> Duration {
    let timeout = it.optional(key).and_then(|it| it.duration(TIMEOUTS));
    timeout.unwrap_or(usual)
}

/// The document of an upstream.
#[must_use]
pub fn write_upstream(upstream: &Upstream) -> String {
    written(upstream).text()
}

/// The upstream of a collection: its name, if it has one.
pub(crate) fn write_named(upstream: &Upstream) -> Value {
    match &upstream.id {
        Some(id) => Value::from(id.as_str()),
        None => written(upstream).value(),
    }
}

fn written(upstream: &Upstream) -> Writer {
    let Upstream {
        id: _,
        url,
        connect_timeout,
        answer_timeout,
        idle_timeout,
        tool_body_timeout,
        connections_max,
        injection,
    } = upstream;
    let usual = Upstream::new(url);
    let mut written = Writer::new();
    written.put("url", url.as_str());
    for (key, usual, timeout) in [
        ("connect_timeout", usual.connect_timeout, connect_timeout),
        ("answer_timeout", usual.answer_timeout, answer_timeout),
        ("idle_timeout", usual.idle_timeout, idle_timeout),
        ("tool_body_timeout", usual.tool_body_timeout, tool_body_timeout),
    ] {
        written.put_if(usual != *timeout, key, duration(*timeout));
    }
    written.put_if(usual.connections_max != *connections_max, "connections_max", *connections_max);
    written.put_some("auth", injection.as_ref().map(auth::write));
    written
}
