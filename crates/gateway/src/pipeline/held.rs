//! The rest of an answer, which goes out only for as long as its call may go on.

use std::{
    fmt, mem,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use identity::Kept;
use model::Refusal;
use upstream::ResponseBody;

use super::Standing;
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
    Begun(Pin<Box<dyn Future<Output = Refusal> + Send>>),
    Over,
}

impl Held {
    pub(super) fn new(body: ResponseBody, standing: Standing, credential: Kept) -> Self {
        Self { body: Some(body), watch: Watch::Ready(Box::new((standing, credential))) }
    }
}

impl Watch {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Refusal> {
        if let Self::Ready(_) = self
            && let Self::Ready(parts) = mem::replace(self, Self::Over)
        {
            let (standing, credential) = *parts;
            *self = Self::Begun(Box::pin(standing.cut(credential)));
        }
        match self {
            Self::Begun(cut) => cut.as_mut().poll(context),
            Self::Ready(_) | Self::Over => Poll::Pending,
        }
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
        let Some(body) = &mut this.body else { return Poll::Ready(None) };
        let frame = Pin::new(&mut *body).poll_frame(context);
        if matches!(&frame, Poll::Ready(None | Some(Err(_)))) || body.is_end_stream() {
            this.watch = Watch::Over;
            return frame.map_err(BodyError::Upstream);
        }
        // Behind every piece, not only where none has come: a fast upstream leaves no pause.
        match this.watch.poll(context) {
            Poll::Pending => frame.map_err(BodyError::Upstream),
            Poll::Ready(refusal) => {
                (this.body, this.watch) = (None, Watch::Over);
                Poll::Ready(Some(Err(BodyError::Cut(refusal))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
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
            Self::Over => "Over",
        })
    }
}
