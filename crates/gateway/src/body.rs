//! The body of an answer: our own bytes, or the upstream's as they come.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use model::Refusal;

use crate::pipeline::Held;

/// The body of an answer. An enum, so that nothing on the way is boxed.
#[derive(Debug)]
pub enum Body {
    /// The upstream's, streamed.
    Upstream(upstream::ResponseBody),
    /// The same, for as long as the caller may have it.
    Held(Box<Held>),
    /// Ours, whole; none where it is empty or already given.
    Whole(Option<Bytes>),
}

/// Why there is no more of an answer.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// It was cut, and that is recorded.
    #[error("the answer was cut: {0}")]
    Cut(Refusal),
    /// The upstream did not give it.
    #[error(transparent)]
    Upstream(upstream::Error),
}

impl From<BodyError> for Refusal {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::Cut(refusal) => refusal,
            BodyError::Upstream(error) => error.into(),
        }
    }
}

impl Body {
    /// Whether an upstream gave it, and so the head of its answer.
    pub(crate) fn is_upstreams(&self) -> bool {
        match self {
            Self::Upstream(_) | Self::Held(_) => true,
            Self::Whole(_) => false,
        }
    }

    /// No body.
    #[must_use]
    pub fn empty() -> Self {
        Self::Whole(None)
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self::Whole(Some(bytes).filter(|it| !it.is_empty()))
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self::from(Bytes::from(bytes))
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.get_mut() {
            Self::Upstream(body) => Pin::new(body).poll_frame(context).map_err(BodyError::Upstream),
            Self::Held(body) => Pin::new(&mut **body).poll_frame(context),
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|it| Ok(Frame::data(it)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Upstream(body) => body.is_end_stream(),
            Self::Held(body) => body.is_end_stream(),
            Self::Whole(bytes) => bytes.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Upstream(body) => body.size_hint(),
            Self::Held(body) => body.size_hint(),
            Self::Whole(bytes) => {
                let length = bytes.as_ref().map_or(0, Bytes::len);
                SizeHint::with_exact(u64::try_from(length).unwrap_or(u64::MAX))
            }
        }
    }
}
