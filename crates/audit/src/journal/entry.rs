//! A record on its way into the log, and the two ways to wait for it.

use std::{
    future::poll_fn,
    task::{Context, Poll},
};

use model::Level;

use super::{Shared, state::Ticket};
use crate::{Error, Receipt};

/// A record that waits to be written. Dropping it writes it too, and nobody learns how that went.
#[derive(Debug)]
#[must_use = "nothing is recorded before this is settled"]
pub struct Entry<'a> {
    shared: &'a Shared,
    ticket: Option<Ticket>,
}

impl<'a> Entry<'a> {
    pub(super) fn new(shared: &'a Shared, ticket: Ticket) -> Self {
        Self { shared, ticket: Some(ticket) }
    }

    /// Blocks this thread until the record is as safe as its level asks, or never will be.
    ///
    /// # Errors
    /// [`Error::Write`]
    pub fn settle(mut self) -> Result<Receipt, Error> {
        let settled = self.ticket.take().map_or(Ok(()), |it| self.shared.settle_safely(it));
        settled.map(|()| Receipt::new())
    }

    /// Writes the record, and does not wait for the disk: nobody is told what it says.
    ///
    /// # Errors
    /// [`Error::Write`]
    pub fn written(mut self) -> Result<Receipt, Error> {
        self.write().map(|()| Receipt::new())
    }

    fn write(&mut self) -> Result<(), Error> {
        self.ticket.take().map_or(Ok(()), |ticket| self.shared.settle(ticket))
    }

    /// Waits until the record is as safe as its level asks, or never will be. It is written at once,
    /// also where nobody waits for what comes after that.
    ///
    /// # Errors
    /// [`Error::Write`]
    pub async fn stored(mut self) -> Result<Receipt, Error> {
        let Some(ticket) = self.ticket.take() else { return Ok(Receipt::new()) };
        let shared = self.shared;
        shared.settle(ticket)?;
        if ticket.level == Level::Standard {
            // Written is as safe as that: nothing more to ask the state for.
            return Ok(Receipt::new());
        }
        drop(shared.want(ticket));
        poll_fn(|context| shared.poll(ticket, context)).await.map(|()| Receipt::new())
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        // A failure closes the log, which everybody who comes next is told.
        self.write().ok();
    }
}

impl Shared {
    fn poll(&self, ticket: Ticket, context: &Context<'_>) -> Poll<Result<(), Error>> {
        let mut state = self.lock();
        match state.outcome(ticket, ticket.level) {
            Some(outcome) => Poll::Ready(outcome.map_err(|source| self.write_error(source))),
            None => {
                state.wakers.push(context.waker().clone());
                Poll::Pending
            }
        }
    }
}
