//! The rest of an answer, which goes out only for as long as its call may go on. Where it does not come
//! to its end, that is recorded.

use std::{
    fmt, mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use identity::Kept;
use model::Refusal;
use upstream::ResponseBody;

use super::{Standing, standing::Cut};
use crate::BodyError;

/// An upstream's body behind an answer whose head is out.
#[derive(Debug)]
pub struct Held {
    /// None where it was cut: its connection is closed with it.
    body: Option<ResponseBody>,
    standing: Standing,
    watch: Watch,
}

/// Who sees to it that the call may go on. Begun where the first piece is not the last one.
enum Watch {
    Ready(Kept),
    Begun(Pin<Box<dyn Future<Output = (Refusal, u64)> + Send>>),
    /// It does not, which is being recorded.
    Cut(Cut),
    /// All of it is out, or it is recorded why not.
    Over,
}

impl Held {
    pub(super) fn new(body: ResponseBody, standing: Standing, credential: Kept) -> Self {
        Self { body: Some(body), standing, watch: Watch::Ready(credential) }
    }
}

impl Watch {
    /// Why the call may not go on, where it may not.
    fn lost(&mut self, standing: &mut Standing, context: &mut Context<'_>) -> Option<Refusal> {
        if let Self::Ready(_) = self
            && let Self::Ready(credential) = mem::replace(self, Self::Over)
        {
            *self = Self::Begun(Box::pin(standing.clone().end(credential)));
        }
        let Self::Begun(end) = self else { return None };
        match end.as_mut().poll(context) {
            Poll::Ready((refusal, revision)) => {
                standing.revision = revision;
                Some(refusal)
            }
            Poll::Pending => None,
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
        if let Some(body) = &mut this.body {
            let frame = Pin::new(&mut *body).poll_frame(context);
            let is_last = body.is_end_stream() || is_last(&frame);
            let refusal = match frame {
                Poll::Ready(Some(Err(error))) => Refusal::from(error),
                frame if is_last => {
                    this.watch = Watch::Over;
                    return frame.map_err(BodyError::Upstream);
                }
                // Behind every piece, not only where none has come: a fast upstream leaves no pause.
                frame => match this.watch.lost(&mut this.standing, context) {
                    Some(refusal) => refusal,
                    None => return frame.map_err(BodyError::Upstream),
                },
            };
            // At once: the disk may take its time for the record.
            this.body = None;
            this.watch = Watch::Cut(this.standing.cut(refusal));
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

impl Drop for Held {
    /// Whoever called went away: what was read for them does not come to its end.
    fn drop(&mut self) {
        match self.watch {
            Watch::Ready(_) | Watch::Begun(_) => self.standing.leave(),
            Watch::Cut(_) | Watch::Over => {}
        }
    }
}

/// Whether nothing comes behind it. Nobody asks again behind trailers.
fn is_last<E>(frame: &Poll<Option<Result<Frame<Bytes>, E>>>) -> bool {
    match frame {
        Poll::Ready(None) => true,
        Poll::Ready(Some(Ok(frame))) => frame.is_trailers(),
        Poll::Ready(Some(Err(_))) | Poll::Pending => false,
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
