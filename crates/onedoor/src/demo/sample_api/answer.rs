//! What the sample API answers: JSON, a problem, or one event after the other.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http::{Response, StatusCode, header::CONTENT_TYPE};
use hyper::body::{Body, Frame, SizeHint};
use serde::Serialize;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::shop::Order;

/// An answer of the sample API.
pub(super) type Answer = Response<Content>;

/// The body of an answer.
pub(super) enum Content {
    /// Sent as it becomes ready.
    Events(Events),
    /// Sent at once.
    Full(Option<Bytes>),
}

/// Orders as server-sent events, with a pause before each.
pub(super) struct Events {
    orders: std::vec::IntoIter<Order>,
    pause: Option<Interval>,
}

impl Events {
    pub(super) fn new(orders: Vec<Order>, pause: Duration) -> Self {
        let pause = (!pause.is_zero()).then(|| {
            let mut pause = interval(pause);
            pause.set_missed_tick_behavior(MissedTickBehavior::Delay);
            pause
        });
        Self { orders: orders.into_iter(), pause }
    }

    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if self.orders.len() == 0 {
            return Poll::Ready(None);
        }
        if let Some(pause) = &mut self.pause {
            ready!(pause.poll_tick(context));
        }
        let event = self.orders.next().map(|order| {
            let order = serde_json::to_string(&order).unwrap_or_default();
            Bytes::from(format!("event: order\ndata: {order}\n\n"))
        });
        Poll::Ready(event)
    }
}

impl Body for Content {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = match self.get_mut() {
            Self::Events(events) => ready!(events.poll_next(context)),
            Self::Full(bytes) => bytes.take(),
        };
        Poll::Ready(next.map(|it| Ok(Frame::data(it))))
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Events(events) => events.orders.len() == 0,
            Self::Full(bytes) => bytes.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Events(_) => SizeHint::default(),
            Self::Full(bytes) => {
                let length = bytes.as_ref().map_or(0, Bytes::len);
                SizeHint::with_exact(u64::try_from(length).unwrap_or(u64::MAX))
            }
        }
    }
}

/// `value` as JSON.
pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Answer {
    let text = serde_json::to_vec(value).unwrap_or_default();
    make(status, "application/json", Content::Full(Some(text.into())))
}

/// Why it did not work (RFC 9457).
pub(super) fn problem(status: StatusCode, detail: &str) -> Answer {
    let title = status.canonical_reason().unwrap_or("Problem");
    let problem = serde_json::json!({
        "type": "about:blank", "title": title, "status": status.as_u16(), "detail": detail,
    });
    let text = Bytes::from(problem.to_string());
    make(status, "application/problem+json", Content::Full(Some(text)))
}

/// It is gone, and there is nothing to say about it.
pub(super) fn empty() -> Answer {
    let mut answer = Response::new(Content::Full(None));
    *answer.status_mut() = StatusCode::NO_CONTENT;
    answer
}

/// `bytes` as they are.
pub(super) fn with_type(media_type: &'static str, bytes: Bytes) -> Answer {
    make(StatusCode::OK, media_type, Content::Full(Some(bytes)))
}

/// One event after the other.
pub(super) fn stream(events: Events) -> Answer {
    make(StatusCode::OK, "text/event-stream", Content::Events(events))
}

fn make(status: StatusCode, media_type: &'static str, content: Content) -> Answer {
    let mut answer = Response::new(content);
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static(media_type));
    answer
}
