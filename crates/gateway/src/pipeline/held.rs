//! The rest of an answer, which goes out only for as long as its call may go on.

use std::{
    fmt, mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use identity::Kept;
use upstream::ResponseBody;

use super::{Standing, standing::Cut};
use crate::BodyError;

/// An upstream's body behind an answer whose head is out.
#[derive(Debug)]
pub struct Held {
    /// None where it was cut: its connection is closed with it.
    body: Option<ResponseBody>,
    watch: Watch,
}

/// Who sees to it that the call may go on. Begun where the first piece is not the last one.
enum Watch {
    Ready(Box<(Standing, Kept)>),
    Begun(Pin<Box<dyn Future<Output = Cut> + Send>>),
    /// It may not, which is being recorded.
    Cut(Cut),
    Over,
}

impl Held {
    pub(super) fn new(body: ResponseBody, standing: Standing, credential: Kept) -> Self {
        Self { body: Some(body), watch: Watch::Ready(Box::new((standing, credential))) }
    }
}

impl Watch {
    /// Whether the call may go on.
    fn allows(&mut self, context: &mut Context<'_>) -> bool {
        if let Self::Ready(_) = self
            && let Self::Ready(parts) = mem::replace(self, Self::Over)
        {
            let (standing, credential) = *parts;
            *self = Self::Begun(Box::pin(standing.cut(credential)));
        }
        if let Self::Begun(lost) = self
            && let Poll::Ready(cut) = lost.as_mut().poll(context)
        {
            *self = Self::Cut(cut);
        }
        !matches!(self, Self::Cut(_))
    }
}

impl Body for Held {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        if let Some(body) = &mut this.body {
            let frame = Pin::new(&mut *body).poll_frame(context);
            if matches!(&frame, Poll::Ready(None | Some(Err(_)))) || body.is_end_stream() {
                this.watch = Watch::Over;
                return frame.map_err(BodyError::Upstream);
            }
            // Behind every piece, not only where none has come: a fast upstream leaves no pause.
            if this.watch.allows(context) {
                return frame.map_err(BodyError::Upstream);
            }
            // At once: the disk may take its time for the record.
            this.body = None;
        }
        let Watch::Cut(cut) = &mut this.watch else { return Poll::Ready(None) };
        let refusal = ready!(cut.as_mut().poll(context));
        this.watch = Watch::Over;
        Poll::Ready(Some(Err(BodyError::Cut(refusal))))
    }

    fn is_end_stream(&self) -> bool {
        match &self.body {
            Some(body) => body.is_end_stream(),
            None => !matches!(self.watch, Watch::Cut(_)),
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map(Body::size_hint).unwrap_or_default()
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ready(_) => "Ready",
            Self::Begun(_) => "Begun",
            Self::Cut(_) => "Cut",
            Self::Over => "Over",
        })
    }
}
