//! One connection: HTTP/1.1 or HTTP/2, within bounds, each request handed to its surface.

use std::{convert::Infallible, future::Future, net::SocketAddr, pin::pin, sync::Arc};

use audit::Kind;
use http::{Request, Response};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::conn::auto::Builder,
};
use model::{Refusal, RefusalKind, Surface};
use tokio::net::TcpStream;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::debug;

use super::guard;
use crate::{
    Body, Gateway,
    pipeline::{Arrival, Facts, Ledger},
    surface,
};

/// Streams of one HTTP/2 connection that may be open at once.
const STREAMS_MAX: u32 = 128;

/// Resets that a peer may provoke or send before the connection is closed.
const RESETS_MAX: usize = 64;

/// Runs the tasks of HTTP/2 where somebody waits for them at the end.
#[derive(Clone)]
struct Tasks(TaskTracker);

impl<F> hyper::rt::Executor<F> for Tasks
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    fn execute(&self, task: F) {
        self.0.spawn(task);
    }
}

/// Serves one connection to its end, or lets it finish what it has begun once `stop` is given.
pub(super) async fn serve(
    gateway: Arc<Gateway>,
    stream: TcpStream,
    peer: SocketAddr,
    local: SocketAddr,
    stop: CancellationToken,
) {
    let builder = builder(&gateway);
    let shared = Arc::clone(&gateway);
    let service = service_fn(move |request: Request<Incoming>| {
        let gateway = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(answer(gateway, request, peer, local).await) }
    });
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        record_broken(&gateway, peer, error.as_ref());
    }
}

fn builder(gateway: &Gateway) -> Builder<Tasks> {
    let settings = &gateway.settings;
    let mut builder = Builder::new(Tasks(gateway.tasks.clone()));
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(settings.header_timeout)
        .max_headers(settings.headers_max)
        .max_buf_size(settings.header_bytes_max.max(8 * 1024))
        .pipeline_flush(true);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_pending_accept_reset_streams(RESETS_MAX)
        .max_local_error_reset_streams(RESETS_MAX)
        .max_header_list_size(u32::try_from(settings.header_bytes_max).unwrap_or(u32::MAX))
        .initial_stream_window_size(256 * 1024)
        .initial_connection_window_size(1024 * 1024);
    builder
}

async fn answer(
    gateway: Arc<Gateway>,
    request: Request<Incoming>,
    peer: SocketAddr,
    local: SocketAddr,
) -> Response<Body> {
    let surface = surface::of_path(request.uri().path());
    let arrival = Arrival::new(&gateway.live.clock, peer, surface);
    match guard::check(&gateway.settings, local, &request) {
        Ok(()) => surface::answer(gateway, arrival, request).await,
        Err(fault) => {
            let snapshot = gateway.snapshot();
            let facts = Facts::new(Kind::Malformed, arrival, &snapshot);
            let refusal = Ledger::open(&gateway.live, facts).refuse(fault.refusal);
            surface::refused(arrival, fault.status, &refusal)
        }
    }
}

/// What hyper refused by itself: bytes that are no HTTP. A caller may have been meant.
fn record_broken(gateway: &Gateway, peer: SocketAddr, error: &(dyn std::error::Error + 'static)) {
    let is_parse = error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_parse);
    if !is_parse {
        debug!(%peer, "a connection of {peer} ended early: {error}");
        return;
    }
    let snapshot = gateway.snapshot();
    let arrival = Arrival::new(&gateway.live.clock, peer, Surface::Rest);
    let facts = Facts::new(Kind::Malformed, arrival, &snapshot);
    let refusal = Refusal::new(RefusalKind::Malformed, "this is not HTTP").because(error);
    // hyper has answered already, with 400 or 431 and no word of ours.
    drop(Ledger::open(&gateway.live, facts).refuse(refusal));
}
