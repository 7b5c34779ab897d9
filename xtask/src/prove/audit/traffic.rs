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

use serde_json::{Value, json};

use super::super::{
    client::{Answer, Client},
    connection::Connection,
};
use crate::run;

/// So many call at the same time.
pub(super) const CONNECTIONS: usize = 12;

/// Who calls.
#[derive(Debug)]
pub(super) struct Callers {
    /// The key of one who may do everything.
    pub(super) app: String,
    /// The key of one who may only read.
    pub(super) agent: String,
}

/// What a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Read,
    ReadByTool,
    Write,
    WriteByTool,
    Denied,
    DeniedByTool,
}

/// Whether the call with this number has to be refused.
pub(super) fn is_denied(number: u64) -> bool {
    matches!(Sort::of(number), Sort::Denied | Sort::DeniedByTool)
}

/// Whether the status of its answer is that of HTTP.
pub(super) fn is_rest(number: u64) -> bool {
    matches!(Sort::of(number), Sort::Read | Sort::Write | Sort::Denied)
}

/// An answer that somebody has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answered {
    pub(super) number: u64,
    /// That of HTTP; for a tool that was refused, the code of JSON-RPC.
    pub(super) status: u16,
}

fn status(answer: &Answer) -> u16 {
    let code = answer.json().pointer("/error/code").and_then(Value::as_u64);
    code.and_then(|it| u16::try_from(it).ok()).unwrap_or(answer.status)
}

/// Calls that flow to one door.
#[derive(Debug)]
pub(super) struct Traffic {
    next: AtomicU64,
    is_over: AtomicBool,
    answers: Mutex<Vec<Answered>>,
}

impl Sort {
    fn of(number: u64) -> Self {
        match number % 6 {
            0 => Self::Read,
            1 => Self::ReadByTool,
            2 => Self::Write,
            3 => Self::WriteByTool,
            4 => Self::Denied,
            _ => Self::DeniedByTool,
        }
    }

    fn request(self, number: u64, [app, agent]: &[Client; 2]) -> String {
        let (target, arguments) = (format!("/shop/orders/{number}"), json!({"id": number}));
        match self {
            Self::Read => agent.bare_request("GET", &target),
            Self::ReadByTool => agent.tool_request("shop_get_order", &arguments),
            Self::Write => app.bare_request("PUT", &target),
            Self::WriteByTool => app.tool_request("shop_delete_order", &arguments),
            Self::Denied => agent.bare_request("DELETE", &target),
            Self::DeniedByTool => agent.tool_request("shop_put_order", &arguments),
        }
    }
}

impl Traffic {
    pub(super) fn new() -> Self {
        Self { next: AtomicU64::new(1), is_over: AtomicBool::new(false), answers: Mutex::default() }
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
            self.start(scope, callers, address);
            let done = work();
            self.is_over.store(true, Ordering::SeqCst);
            done
        })
    }

    /// The number of the last call.
    pub(super) fn last(&self) -> u64 {
        self.next.load(Ordering::SeqCst).saturating_sub(1)
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
        for _ in 0..CONNECTIONS {
            let clients = [&callers.app, &callers.agent].map(|key| Client::new(address, key));
            scope.spawn(move || self.flow(Connection::new(address), &clients));
        }
    }

    fn flow(&self, mut connection: Connection, clients: &[Client; 2]) {
        while !self.is_over.load(Ordering::SeqCst) {
            let number = self.next.fetch_add(1, Ordering::SeqCst);
            match connection.answer(&Sort::of(number).request(number, clients)) {
                Ok(answer) => {
                    let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
                    answers.push(Answered { number, status: status(&answer) });
                }
                // It is gone. What was under way is what this is about.
                Err(_) => run::rest(Duration::from_millis(5)),
            }
        }
    }
}
