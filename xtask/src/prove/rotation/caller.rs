//! Somebody who calls one door again and again, and gets tokens as clients do.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context as _, Result};
use model::Clock;
use serde_json::Value;
use tokio::runtime::Runtime;

use super::{
    super::{
        client::{Answer, Client},
        connection::Connection,
    },
    held::{Held, Shown, TOKEN, request, runtime, token},
    line::Line,
};

/// So long before the end of its token a client gets another.
const MARGIN: Duration = Duration::from_secs(5);

/// Somebody who calls one door again and again.
#[derive(Debug)]
pub(super) struct Caller {
    address: SocketAddr,
    connection: Connection,
    runtime: Runtime,
    clock: Clock,
    /// The tokens of clients that keep theirs, by profile.
    kept: BTreeMap<String, Kept>,
    /// Whether it called a tool the last time: it does every other time.
    was_tool: bool,
}

/// A token that is shown until its time is nearly over.
#[derive(Debug, Clone)]
struct Kept {
    token: Arc<str>,
    /// The credential that it was got by.
    by: String,
    /// How often the client had been started anew by then.
    starts: usize,
    until: Duration,
}

impl Caller {
    pub(super) fn new(address: SocketAddr) -> Result<Self> {
        let (connection, runtime) = (Connection::new(address), runtime()?);
        let (clock, kept) = (Clock::system(), BTreeMap::new());
        Ok(Self { address, connection, runtime, clock, kept, was_tool: false })
    }

    /// Calls with what this line shows, or with a token that it has, or gets, by that. Where it gets none,
    /// why.
    pub(super) fn call(&mut self, line: &Line) -> Result<Answer> {
        self.was_tool = !self.was_tool;
        let held = line.held();
        match &held.shown {
            Shown::Bearer(bearer) => self.show(bearer),
            Shown::Secret(_) | Shown::Signature(_) if line.keeps => self.call_by_kept(line),
            Shown::Secret(_) | Shown::Signature(_) => {
                let given = self.ask(&held)?;
                if given.is_good() { self.show(token(&given.json())?) } else { Ok(given) }
            }
            Shown::Certificate(client) => {
                self.runtime.block_on(held.call_over_tls(client, (self.address, self.was_tool)))
            }
        }
    }

    /// Calls with the token that the client has. Where it has none whose time lasts, it gets one. One that
    /// ended before its time, with what it was got by, is replaced, and the call made once more; but only
    /// where the client has a successor of that: without one, its token is good for as long as was said.
    fn call_by_kept(&mut self, line: &Line) -> Result<Answer> {
        if let Some(kept) = self.kept(line) {
            let outcome = self.show(&kept.token);
            // A call that is under way then may break off.
            let is_refused = outcome.as_ref().map_or(true, is_unauthenticated);
            if !is_refused || kept.by == line.held().id {
                return outcome;
            }
        }
        let (starts, held, asked) = (line.starts(), line.held(), self.clock.elapsed());
        let given = self.ask(&held)?;
        if !given.is_good() {
            return Ok(given);
        }
        let given = given.json();
        let lasts = given.get("expires_in").and_then(Value::as_u64).context("no expires_in")?;
        let until = asked.saturating_add(Duration::from_secs(lasts)).saturating_sub(MARGIN);
        let token: Arc<str> = token(&given)?.into();
        let kept = Kept { token: Arc::clone(&token), by: held.id.clone(), starts, until };
        self.kept.insert(line.profile.clone(), kept);
        self.show(&token)
    }

    /// The token that the client has.
    fn kept(&self, line: &Line) -> Option<Kept> {
        let kept = self.kept.get(&line.profile)?;
        let is_had = kept.starts == line.starts() && self.clock.elapsed() < kept.until;
        is_had.then(|| kept.clone())
    }

    /// Asks for a token.
    fn ask(&mut self, held: &Held) -> Result<Answer> {
        let nobody = Client::new(self.address, "");
        self.connection.answer(&nobody.form_request(TOKEN, &held.form()))
    }

    fn show(&mut self, bearer: &str) -> Result<Answer> {
        self.connection.answer(&request(self.address, bearer, self.was_tool))
    }
}

/// Whether a client gets another token for that: what was shown is not good any more.
fn is_unauthenticated(answer: &Answer) -> bool {
    let code = answer.json().pointer("/error/code").and_then(Value::as_i64);
    answer.status == 401 || code == Some(401)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_token_is_got_where_this_one_is_not_good_any_more_and_for_nothing_else() {
        for (status, text, is) in [
            (401, "", true),
            (200, r#"{"error":{"code":401}}"#, true),
            (200, r#"{"error":{"code":403}}"#, false),
            (403, "", false),
            (200, "{}", false),
        ] {
            assert_eq!(is_unauthenticated(&Answer { status, text: text.to_owned() }), is, "{text}");
        }
    }
}
