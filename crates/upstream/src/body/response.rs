//! The body of an answer: read as it comes, with a bound on each pause.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::tap::{self, Tap};
use crate::{Error, answer, pool::Lease};

/// The body of an answer. Its connection goes back to the pool at its end; dropped early, it is closed.
#[derive(Debug)]
pub struct ResponseBody {
    incoming: Incoming,
    // None where the connection is no longer needed, as it is from the beginning for a short answer.
    lease: Option<Lease>,
    upstream: Arc<str>,
    idle_timeout: Duration,
    is_waiting: bool,
    tap: Option<Box<dyn Tap>>,
}

impl ResponseBody {
    pub(crate) fn new(
        incoming: Incoming,
        lease: Lease,
        upstream: Arc<str>,
        idle_timeout: Duration,
    ) -> Self {
        // A short answer is whole in the first read: its connection can go back at once.
        let lease = (!lease.is_reusable()).then_some(lease);
        Self { incoming, lease, upstream, idle_timeout, is_waiting: false, tap: None }
    }

    /// The same, seen by `tap` as it passes.
    #[must_use]
    pub fn tapped(self, tap: Box<dyn Tap>) -> Self {
        Self { tap: Some(tap), ..self }
    }

    /// Whether all of it has come and lies here: nothing of it is waited for.
    #[must_use]
    pub fn has_come(&self) -> bool {
        self.lease.is_none()
    }

    /// Takes what has come, and lets the connection go on where nothing has.
    fn poll_incoming(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = Pin::new(&mut self.incoming).poll_frame(cx);
        match (frame, self.lease.as_mut().and_then(Lease::link)) {
            (Poll::Pending, Some(link)) => {
                link.drive(cx);
                Pin::new(&mut self.incoming).poll_frame(cx)
            }
            (frame, _) => frame,
        }
    }

    fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // Without a connection nothing is waited for: what was read ends by itself.
        let Some(link) = self.lease.as_mut().and_then(Lease::link) else { return Poll::Pending };
        if !self.is_waiting {
            self.is_waiting = true;
            link.wait(self.idle_timeout);
        }
        link.poll_wait(cx)
    }

    fn end(&mut self) {
        self.lease = None;
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = self.get_mut();
        let frame = match this.poll_incoming(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                this.is_waiting = false;
                if this.lease.as_ref().is_some_and(Lease::is_reusable) {
                    this.end();
                }
                if let Some(tap) = &mut this.tap {
                    tap::see(tap.as_mut(), &frame, this.incoming.is_end_stream());
                }
                Some(Ok(answer::accept_frame(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                this.end();
                Some(Err(answer::broken(Arc::clone(&this.upstream), &error)))
            }
            Poll::Ready(None) => {
                if let Some(tap) = &mut this.tap {
                    tap.end();
                }
                this.end();
                None
            }
            Poll::Pending => match this.poll_idle(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(()) => {
                    this.end();
                    Some(Err(Error::IdleTimeout {
                        upstream: Arc::clone(&this.upstream),
                        timeout: this.idle_timeout,
                    }))
                }
            },
        };
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
