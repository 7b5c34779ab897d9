//! The body of a request: nothing, bytes at hand, or the client's own body up to a bound.

use std::{
    future::poll_fn,
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::tap::{self, Tap};
use crate::link::Traffic;

/// What is sent to the upstream behind the head of a request.
#[derive(Debug)]
pub enum RequestBody {
    /// Nothing.
    Empty,
    /// Bytes at hand, sent with their length.
    Full(Bytes),
    /// The client's body, passed on as it comes.
    Stream(BoundedBody),
}

/// A client's body that breaks off where it gets larger than is allowed.
#[derive(Debug)]
pub struct BoundedBody {
    /// What was looked at, and is sent before the rest.
    // Boxed: who is not looked at is not moved at its size.
    seen: Option<Box<Seen>>,
    incoming: Incoming,
    bytes_left: u64,
    bytes_max: u64,
    tap: Option<Box<dyn Tap>>,
}

/// What was looked at of a body.
#[derive(Debug, Default)]
struct Seen {
    data: BytesMut,
    /// Behind the data.
    trailers: Option<Frame<Bytes>>,
}

/// Why the body of a request cannot be sent to its end.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The client broke off.
    #[error("broke off")]
    Broken(#[source] hyper::Error),
    /// It is larger than is allowed.
    #[error("is larger than {bytes_max} bytes")]
    TooLarge {
        /// The bound.
        bytes_max: u64,
    },
}

/// How much of a body is known before it is sent.
pub(crate) enum Length {
    Empty,
    Known,
    Unknown,
}

impl RequestBody {
    /// The client's body, up to `bytes_max` bytes.
    #[must_use]
    pub fn stream(incoming: Incoming, bytes_max: u64) -> Self {
        if incoming.is_end_stream() {
            return Self::Empty;
        }
        Self::Stream(BoundedBody {
            seen: None,
            incoming,
            bytes_left: bytes_max,
            bytes_max,
            tap: None,
        })
    }

    /// All of the body where it has at most `bytes_max`, to look at; none where it has more. What is
    /// sent is the same, whatever was looked at.
    ///
    /// # Errors
    /// [`BodyError`], of what had to be read.
    pub async fn look(&mut self, bytes_max: usize) -> Result<Option<Bytes>, BodyError> {
        match self {
            Self::Empty => Ok(Some(Bytes::new())),
            Self::Full(bytes) => Ok((bytes.len() <= bytes_max).then(|| bytes.clone())),
            Self::Stream(body) => body.look(bytes_max).await,
        }
    }

    /// The same, seen by `tap` as it passes.
    #[must_use]
    pub fn tapped(mut self, mut tap: Box<dyn Tap>) -> Self {
        match &mut self {
            Self::Empty => {}
            Self::Full(bytes) => {
                tap.pass(bytes);
                tap.end();
            }
            Self::Stream(body) => body.tap = Some(tap),
        }
        self
    }

    /// The bound, where the client has already announced more than that.
    pub(crate) fn announced_too_large(&self) -> Option<u64> {
        match self {
            Self::Empty | Self::Full(_) => None,
            Self::Stream(body) => {
                (body.incoming.size_hint().lower() > body.bytes_max).then_some(body.bytes_max)
            }
        }
    }

    pub(crate) fn length(&self) -> Length {
        if self.is_end_stream() {
            Length::Empty
        } else if self.size_hint().exact().is_some() {
            Length::Known
        } else {
            Length::Unknown
        }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match self.get_mut() {
            Self::Empty => Poll::Ready(None),
            Self::Full(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Full(bytes) => Poll::Ready(Some(Ok(Frame::data(mem::take(bytes))))),
            Self::Stream(body) => body.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Full(bytes) => bytes.is_empty(),
            Self::Stream(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Full(bytes) => {
                SizeHint::with_exact(u64::try_from(bytes.len()).unwrap_or(u64::MAX))
            }
            Self::Stream(body) => body.size_hint(),
        }
    }
}

impl Seen {
    fn is_empty(&self) -> bool {
        self.data.is_empty() && self.trailers.is_none()
    }

    fn take(&mut self) -> Option<Frame<Bytes>> {
        if self.data.is_empty() {
            return self.trailers.take();
        }
        Some(Frame::data(mem::take(&mut self.data).freeze()))
    }
}

impl BoundedBody {
    async fn look(&mut self, bytes_max: usize) -> Result<Option<Bytes>, BodyError> {
        // What says itself that it is too long is not begun.
        let bytes_max = u64::try_from(bytes_max).unwrap_or(u64::MAX);
        while self.size_hint().lower() <= bytes_max {
            let next = poll_fn(|context| self.poll_next(context)).await;
            let seen = self.seen.get_or_insert_default();
            let Some(frame) = next else { return Ok(Some(seen.data.clone().freeze())) };
            match frame?.into_data() {
                Ok(data) => seen.data.extend_from_slice(&data),
                Err(trailers) => seen.trailers = Some(trailers),
            }
        }
        Ok(None)
    }

    fn size_hint(&self) -> SizeHint {
        let seen = self.seen.as_ref().map_or(0, |it| it.data.len());
        let seen = u64::try_from(seen).unwrap_or(u64::MAX);
        let rest = self.incoming.size_hint();
        let mut hint = SizeHint::new();
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper.saturating_add(seen));
        }
        hint.set_lower(rest.lower().saturating_add(seen));
        hint
    }

    fn is_end_stream(&self) -> bool {
        self.seen.as_ref().is_none_or(|it| it.is_empty()) && self.incoming.is_end_stream()
    }

    fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = match self.seen.as_mut().and_then(|it| it.take()) {
            Some(frame) => Some(Ok(frame)),
            None => ready!(self.poll_next(cx)),
        };
        let is_last = self.is_end_stream();
        if let Some(tap) = &mut self.tap {
            match &frame {
                Some(Ok(frame)) => tap::see(tap.as_mut(), frame, is_last),
                Some(Err(_)) => {}
                None => tap.end(),
            }
        }
        Poll::Ready(frame)
    }

    /// The next of what was not looked at.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = match ready!(Pin::new(&mut self.incoming).poll_frame(cx)) {
            Some(frame) => frame.map_err(BodyError::Broken)?,
            None => return Poll::Ready(None),
        };
        if let Some(data) = frame.data_ref() {
            let length = u64::try_from(data.remaining()).unwrap_or(u64::MAX);
            match self.bytes_left.checked_sub(length) {
                Some(left) => self.bytes_left = left,
                None => {
                    return Poll::Ready(Some(Err(BodyError::TooLarge {
                        bytes_max: self.bytes_max,
                    })));
                }
            }
        }
        Poll::Ready(Some(Ok(frame)))
    }
}

/// A request body on its way through one link, which learns how far it is.
#[derive(Debug)]
pub(crate) struct Upload {
    body: RequestBody,
    // Only a streamed body can be under way when its answer comes; the others need no watching.
    watch: Option<Watch>,
}

#[derive(Debug)]
struct Watch(Arc<Traffic>);

impl Upload {
    /// A body that is not sent yet.
    pub(crate) fn new(body: RequestBody) -> Self {
        Self { body, watch: None }
    }

    /// Binds the body to the link that is about to send it.
    pub(crate) fn watch(&mut self, traffic: &Arc<Traffic>) {
        match self.body {
            RequestBody::Empty | RequestBody::Full(_) => {}
            RequestBody::Stream(_) => {
                traffic.begin_upload();
                self.watch = Some(Watch(Arc::clone(traffic)));
            }
        }
    }
}

impl Drop for Watch {
    // The connection drops a body where it ends, however it ends.
    fn drop(&mut self) {
        self.0.end_upload();
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        if let Some(Watch(traffic)) = &self.watch {
            traffic.uploaded(frame.is_pending());
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
