//! `upstream:` of a collection: where its operations are carried out, and how long that may take.

use std::time::Duration;

use model::{Upstream, quantity::parse_duration};
use serde_json::Value;

use crate::{
    address,
    field::Field,
    reader::Reader,
    writer::{Writer, duration},
};

/// Longest timeout. What takes longer is not an answer to a request any more.
const TIMEOUT_MAX: Duration = Duration::from_secs(24 * 3600);
/// Most connections to one upstream.
const CONNECTIONS_MAX: u32 = 65_536;

pub(super) fn read(field: Field<'_>) -> Option<Upstream> {
    field.mapping(|it| {
        let url = it.required("url", "write http://host:port or https://host/prefix");
        let url = url.and_then(|it| it.parse(address::upstream));
        let usual = Upstream::new(url.as_deref().unwrap_or_default());
        let connect_timeout = read_timeout(it, "connect_timeout", usual.connect_timeout);
        let answer_timeout = read_timeout(it, "answer_timeout", usual.answer_timeout);
        let idle_timeout = read_timeout(it, "idle_timeout", usual.idle_timeout);
        let connections = it.optional("connections_max");
        let connections = connections.and_then(|it| it.number(1..=CONNECTIONS_MAX));
        let connections = connections.and_then(|it| usize::try_from(it).ok());
        Some(Upstream {
            id: None,
            url: url?,
            connect_timeout,
            answer_timeout,
            idle_timeout,
            connections_max: connections.unwrap_or(usual.connections_max),
            injection: None,
        })
    })?
}

fn read_timeout(it: &mut Reader<'_>, key: &'static str, usual: Duration) -> Duration {
    let timeout = it.optional(key).and_then(|it| {
        it.parse(|text| {
            let timeout = parse_duration(text)?;
            if (Duration::from_millis(1)..=TIMEOUT_MAX).contains(&timeout) {
                Ok(timeout)
            } else {
                Err(format!("{text} is out of bounds: write a duration from 1ms to 1d"))
            }
        })
    });
    timeout.unwrap_or(usual)
}

pub(super) fn write(upstream: &Upstream) -> Value {
    let Upstream {
        id: _,
        url,
        connect_timeout,
        answer_timeout,
        idle_timeout,
        connections_max,
        injection: _,
    } = upstream;
    let usual = Upstream::new(url);
    let mut written = Writer::new();
    written.put("url", url.as_str());
    for (key, usual, timeout) in [
        ("connect_timeout", usual.connect_timeout, connect_timeout),
        ("answer_timeout", usual.answer_timeout, answer_timeout),
        ("idle_timeout", usual.idle_timeout, idle_timeout),
    ] {
        written.put_if(usual != *timeout, key, duration(*timeout));
    }
    written.put_if(usual.connections_max != *connections_max, "connections_max", *connections_max);
    written.value()
}
