//! Calls of all kinds at the same time, each with a number of its own that is found again everywhere.

use std::{
    net::SocketAddr,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, Scope},
    time::Duration,
};

use model::Clock;
use serde_json::Value;

use super::{
    super::{
        client::{Answer, Client},
        connection::Connection,
        load::Over,
    },
    sort::{ALL_FROM, Sort},
};
use crate::run;

/// So many call at the same time.
pub(super) const CONNECTIONS: usize = 12;
/// The status of what could not be recorded, which has no record.
const UNRECORDED: u16 = 503;

/// Who calls.
#[derive(Debug)]
pub(super) struct Callers {
    /// The key of one who may do everything.
    pub(super) app: String,
    /// The key of one who may only read.
    pub(super) agent: String,
    /// The key of one who may do everything, a few times.
    pub(super) metered: String,
    /// What one sends who asks for a token, as a form.
    pub(super) token: String,
}

/// Them at one door, and one who has no key.
#[derive(Debug)]
pub(super) struct Clients {
    pub(super) app: Client,
    pub(super) agent: Client,
    pub(super) metered: Client,
    pub(super) nobody: Client,
    pub(super) token: String,
}

impl Callers {
    fn at(&self, address: SocketAddr) -> Clients {
        let client = |key: &str| Client::new(address, key);
        Clients {
            app: client(&self.app),
            agent: client(&self.agent),
            metered: client(&self.metered),
            nobody: client(""),
            token: self.token.clone(),
        }
    }
}

/// An answer that somebody has.
#[derive(Debug, Clone)]
pub(super) struct Answered {
    pub(super) number: u64,
    /// Which of those who call at the same time it is.
    pub(super) caller: usize,
    /// That of its request, as the door says it.
    pub(super) id: String,
    /// What its caller is told: that of HTTP, or what stands in the answer of a tool.
    pub(super) status: u16,
    /// Whether the door says that it could not be recorded.
    pub(super) is_unrecorded: bool,
}

impl Answered {
    fn new((number, caller): (u64, usize), (answer, id): (&Answer, String)) -> Self {
        let status = told(answer).unwrap_or(answer.status);
        // An upstream may say 503 as well.
        let is_unrecorded = status == UNRECORDED && answer.text.contains("unrecorded");
        Self { number, caller, id, status, is_unrecorded }
    }
}

/// Calls that flow to one door.
#[derive(Debug)]
pub(super) struct Traffic {
    next: AtomicU64,
    is_over: AtomicBool,
    answers: Mutex<Vec<Answered>>,
    /// How long each caller waits behind an answer.
    pause: Duration,
    /// For how long calls flowed, in microseconds.
    flowed_us: AtomicU64,
    /// How long the slowest answer took, in microseconds.
    slowest_us: AtomicU64,
    /// How many answers said that nothing could be recorded.
    unrecorded: AtomicU64,
}

impl Traffic {
    pub(super) fn new() -> Self {
        Self::slow(Duration::ZERO)
    }

    /// One whose callers wait so long behind each answer.
    pub(super) fn slow(pause: Duration) -> Self {
        Self {
            next: AtomicU64::new(1),
            is_over: AtomicBool::new(false),
            answers: Mutex::default(),
            pause,
            flowed_us: AtomicU64::new(0),
            slowest_us: AtomicU64::new(0),
            unrecorded: AtomicU64::new(0),
        }
    }

    /// One that is of all sorts.
    pub(super) fn of_all_sorts() -> Self {
        Self { next: AtomicU64::new(ALL_FROM.saturating_add(1)), ..Self::new() }
    }

    /// Calls the door at `address` as long as `work` takes.
    pub(super) fn during<T>(
        &self,
        callers: &Callers,
        address: SocketAddr,
        work: impl FnOnce() -> T,
    ) -> T {
        self.is_over.store(false, Ordering::SeqCst);
        thread::scope(|scope| {
            let clock = Clock::system();
            self.start(scope, callers, address);
            // Also where it panics: who calls is waited for.
            let over = Over(&self.is_over);
            let done = work();
            drop(over);
            self.flowed_us.fetch_add(micros(clock.elapsed()), Ordering::SeqCst);
            done
        })
    }

    /// The number of the last call.
    pub(super) fn last(&self) -> u64 {
        self.next.load(Ordering::SeqCst).saturating_sub(1)
    }

    /// For how long calls flowed so far.
    pub(super) fn flowed(&self) -> Duration {
        Duration::from_micros(self.flowed_us.load(Ordering::SeqCst))
    }

    /// How long the slowest answer took of those since this was asked.
    pub(super) fn take_slowest(&self) -> Duration {
        Duration::from_micros(self.slowest_us.swap(0, Ordering::SeqCst))
    }

    /// How many answers so far said that nothing could be recorded.
    pub(super) fn unrecorded(&self) -> u64 {
        self.unrecorded.load(Ordering::SeqCst)
    }

    /// The answers that came since this was asked.
    pub(super) fn take_answers(&self) -> Vec<Answered> {
        std::mem::take(&mut self.answers.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn start<'scope>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        callers: &Callers,
        address: SocketAddr,
    ) {
        for caller in 0..CONNECTIONS {
            let clients = callers.at(address);
            scope.spawn(move || self.flow(Connection::new(address), (caller, &clients)));
        }
    }

    fn flow(&self, mut connection: Connection, (caller, clients): (usize, &Clients)) {
        let clock = Clock::system();
        while !self.is_over.load(Ordering::SeqCst) {
            let number = self.next.fetch_add(1, Ordering::SeqCst);
            let sort = Sort::of(number);
            let request = sort.request(number, clients);
            let begun = clock.elapsed();
            let answered = match sort {
                Sort::Left => connection.leave(&request),
                _ => connection.identified(&request),
            };
            match answered {
                Ok((answer, id)) => {
                    let took = clock.elapsed().saturating_sub(begun);
                    self.slowest_us.fetch_max(micros(took), Ordering::SeqCst);
                    let answered = Answered::new((number, caller), (&answer, id));
                    self.unrecorded.fetch_add(answered.is_unrecorded.into(), Ordering::SeqCst);
                    self.answers.lock().unwrap_or_else(PoisonError::into_inner).push(answered);
                    run::rest(self.pause);
                }
                // It is gone. What was under way is what this is about.
                Err(_) => run::rest(Duration::from_millis(5)),
            }
        }
    }
}

/// The status that stands in an answer of JSON-RPC, which is 200 to HTTP: the code of its error, or the
/// upstream's in the first line of a tool that failed.
fn told(answer: &Answer) -> Option<u16> {
    // Whatever else there is says it by HTTP, and to read JSON takes this load its time.
    if !answer.text.starts_with("{\"jsonrpc\"") {
        return None;
    }
    let message = answer.json();
    if let Some(code) = message.pointer("/error/code").and_then(Value::as_u64) {
        return code.try_into().ok();
    }
    message.pointer("/result/isError").and_then(Value::as_bool).filter(|it| *it)?;
    let text = message.pointer("/result/content/0/text")?.as_str()?;
    text.strip_prefix("HTTP ")?.split_whitespace().next()?.parse().ok()
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, want: Option<u16>) {
        assert_eq!(told(&Answer { status: 200, text: text.to_owned() }), want, "{text}");
    }

    #[test]
    fn an_answer_of_json_rpc_tells_its_status_by_code_or_text() {
        check(r#"{"jsonrpc":"2.0","id":1,"error":{"code":403,"message":"no"}}"#, Some(403));
        let tool = |text: &str, is_error: bool| {
            let content = format!(r#"[{{"type":"text","text":"{text}"}}]"#);
            format!(
                r#"{{"jsonrpc":"2.0","id":1,"result":{{"content":{content},"isError":{is_error}}}}}"#
            )
        };
        check(&tool(r"HTTP 503 Service Unavailable\n{}", true), Some(503));
        check(&tool(r"HTTP 503 Service Unavailable\n{}", false), None);
        check(&tool("an argument is missing", true), None);
        check(r#"{"error":{"code":403}}"#, None);
    }
}
