//! One connection to an upstream. It has no task: whoever holds it drives it.

mod bell;
mod timer;
mod traffic;

use std::{
    future::poll_fn,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use http::{Request, Response};
use hyper::{
    body::Incoming,
    client::conn::http1::{Builder, Connection, SendRequest},
};
use hyper_util::rt::TokioIo;
use tokio::task::{AbortHandle, coop::unconstrained};
use tokio_util::task::TaskTracker;

pub(crate) use self::traffic::Traffic;
use self::{bell::Bell, timer::Timer};
use crate::{body::Upload, connect::Wire};

/// Longest head of an answer, and longest trailer section. hyper's own bound of 100 headers stands beside it.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// About half of what hyper holds of one direction at most, and so of what a slow reader makes us keep: a
/// buffer that is to be filled up to here may have room for more.
const BUFFER_BYTES_MAX: usize = 64 * 1024;

/// An open connection with room for one request at a time.
#[derive(Debug)]
pub(crate) struct Link {
    connection: Option<Connection<TokioIo<Wire>, Upload>>,
    bell: Bell,
    // Set where the connection was handed to a task, because it must go on while nobody reads.
    task: Option<OwnedTask>,
    sender: SendRequest<Upload>,
    traffic: Arc<Traffic>,
    timer: Timer,
    /// Where it leads to; none where it was closed before that was asked.
    pub(crate) address: Option<SocketAddr>,
    /// When it was last used, by the fleet's clock.
    pub(crate) idle_since: Duration,
}

/// A task that ends with its owner.
#[derive(Debug)]
pub(crate) struct OwnedTask(pub(crate) AbortHandle);

impl Drop for OwnedTask {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Why an exchange brought no answer.
pub(crate) enum Failure {
    /// Nothing was sent, so the request may go elsewhere.
    HandedBack(Box<Request<Upload>>),
    /// The connection or the answer is broken.
    Broken(hyper::Error),
    /// The client's body stopped coming for this long.
    ClientSilent(Duration),
    /// The upstream did not take the body, or did not begin to answer, for this long.
    UpstreamSilent(Duration),
}

/// The waits of one exchange.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Waits {
    /// From the sent request to the head of the answer.
    pub(crate) answer: Duration,
    /// Longest pause within a body, either way.
    pub(crate) idle: Duration,
}

impl Link {
    /// Begins to speak HTTP/1.1 on an open wire. Nothing is sent yet.
    pub(crate) async fn new(wire: Wire) -> Result<Self, hyper::Error> {
        let (traffic, address) = (wire.traffic(), wire.address());
        let (sender, connection) = Builder::new()
            .max_buf_size(BUFFER_BYTES_MAX)
            .max_header_size(HEAD_BYTES_MAX)
            .handshake(TokioIo::new(wire))
            .await?;
        Ok(Self {
            connection: Some(connection),
            bell: Bell::new(),
            task: None,
            sender,
            traffic,
            timer: Timer::new(),
            address,
            idle_since: Duration::ZERO,
        })
    }

    /// Sends a request and waits for the head of its answer.
    ///
    /// Dropping the future ends the connection with the link. [`Failure::HandedBack`] is only returned where
    /// no byte was written: hyper reads before it writes, and so notices that an idle connection is over.
    pub(crate) async fn exchange(
        &mut self,
        mut request: Request<Upload>,
        waits: Waits,
    ) -> Result<Response<Incoming>, Failure> {
        self.traffic.begin_head();
        request.body_mut().watch(&self.traffic);
        let mut progress = Progress::begin(&self.traffic, &mut self.timer, waits);
        // Without a budget: where that were used up, the look at the answer would wake nobody.
        let mut answer = pin!(unconstrained(self.sender.try_send_request(request)));
        let (traffic, timer) = (&self.traffic, &mut self.timer);
        let (connection, bell) = (&mut self.connection, &self.bell);
        poll_fn(|cx| {
            drive(connection, bell, cx);
            // Only the connection gives the answer, or ends and says so, and it was driven just now: whoever
            // waited for it here as well would be woken by their own look.
            if let Poll::Ready(answer) = answer.as_mut().poll(&mut nobody()) {
                traffic.end_head();
                return Poll::Ready(answer.map_err(|mut error| match error.take_message() {
                    Some(request) => Failure::HandedBack(Box::new(request)),
                    None => Failure::Broken(error.into_error()),
                }));
            }
            progress.poll(traffic, timer, cx).map(Err)
        })
        .await
    }

    /// Whether the request's body is still on its way.
    pub(crate) fn is_uploading(&self) -> bool {
        self.traffic.is_uploading()
    }

    /// Hands the connection to a task of its own, which ends with this link.
    ///
    /// An upstream that answers before it has read the whole request may want more of it before it goes on;
    /// so the upload must not wait for whoever reads the answer. Rare enough to pay for a task.
    pub(crate) fn detach(&mut self, tasks: &TaskTracker) {
        if let Some(connection) = self.connection.take() {
            let task = tasks.spawn(async move {
                // What goes wrong here is told to whoever reads the body.
                drop(connection.await);
            });
            self.task = Some(OwnedTask(task.abort_handle()));
        }
    }

    /// Lets the connection go on as far as it can.
    pub(crate) fn drive(&mut self, cx: &mut Context<'_>) {
        drive(&mut self.connection, &self.bell, cx);
    }

    /// Lets go of the task that drove the connection, which is nobody's for now.
    pub(crate) fn leave(&self) {
        self.bell.leave();
    }

    /// Starts a wait.
    pub(crate) fn wait(&mut self, after: Duration) {
        self.timer.set(after);
    }

    /// Ready when the wait is over.
    pub(crate) fn poll_wait(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.timer.poll(cx)
    }

    /// Whether the last exchange is over and another can follow.
    pub(crate) fn is_reusable(&self) -> bool {
        self.connection.is_some() && self.sender.is_ready()
    }

    /// Looks whether an idle connection still stands. Also lets go of the task that used it last, which its
    /// timer would keep in memory.
    pub(crate) fn is_alive(&mut self) -> bool {
        self.drive(&mut nobody());
        let _ = self.timer.poll(&mut nobody());
        self.is_reusable()
    }
}

fn nobody() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

fn drive(
    connection: &mut Option<Connection<TokioIo<Wire>, Upload>>,
    bell: &Bell,
    cx: &mut Context<'_>,
) {
    if let Some(open) = connection
        && Pin::new(open).poll(&mut Context::from_waker(bell.called_by(cx))).is_ready()
    {
        // Its error, if any, was already given to whoever waits for the answer or reads the body.
        *connection = None;
    }
}

/// Which wait applies: a pause while the body goes out, then the wait for the answer.
struct Progress {
    waits: Waits,
    is_uploading: bool,
    frames: usize,
}

impl Progress {
    fn begin(traffic: &Traffic, timer: &mut Timer, waits: Waits) -> Self {
        let is_uploading = traffic.is_uploading();
        timer.set(if is_uploading { waits.idle } else { waits.answer });
        Self { waits, is_uploading, frames: traffic.uploaded_frames() }
    }

    fn poll(
        &mut self,
        traffic: &Traffic,
        timer: &mut Timer,
        cx: &mut Context<'_>,
    ) -> Poll<Failure> {
        if self.is_uploading {
            let frames = traffic.uploaded_frames();
            if !traffic.is_uploading() {
                self.is_uploading = false;
                timer.set(self.waits.answer);
            } else if frames != self.frames {
                self.frames = frames;
                timer.set(self.waits.idle);
            }
        }
        timer.poll(cx).map(|()| {
            if self.is_uploading && traffic.is_waiting_for_client() {
                Failure::ClientSilent(timer.after())
            } else {
                Failure::UpstreamSilent(timer.after())
            }
        })
    }
}
