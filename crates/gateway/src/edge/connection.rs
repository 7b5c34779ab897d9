//! One connection: HTTP/1.1 or HTTP/2, within bounds, each request handed to its surface.

use std::{
    convert::Infallible, future::Future, net::SocketAddr, pin::pin, sync::Arc, time::Duration,
};

use audit::{EventId, Kind, Recorded};
use http::{Request, Response, StatusCode, Version};
use hyper::{
    body::Incoming,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use model::{Refusal, RefusalKind, Surface};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::debug;

use super::{
    cors::{self, Readers},
    forwarded,
    frames::{Own, Watched, code_name},
    guard::{self, Fault},
    head_timer::HeadTimer,
    patient::Patient,
    refused::{self, Refused},
    until_stopped::until_stopped,
};
use crate::{
    Body, Entrance, Gateway, authorization,
    pipeline::{Arrival, Encryption, Facts, Ledger},
    surface::{self, rest::problem},
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

/// How HTTP/2 begins (RFC 9113 section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What hyper calls a target that it answers with 414. Nothing else tells it from a head with 431.
const URI_TOO_LONG: &str = "URI too long";

/// How often a connection of HTTP/2 is asked whether anybody is there.
const PING_EVERY: Duration = Duration::from_secs(20);

/// What all requests of one connection have in common.
#[derive(Debug, Clone)]
pub(super) struct Ends {
    /// What the caller connected to.
    pub(super) local: SocketAddr,
    /// Who connected.
    pub(super) peer: SocketAddr,
    pub(super) entrance: Entrance,
    pub(super) encryption: Option<Arc<Encryption>>,
}

impl Ends {
    pub(super) fn arrival(&self, gateway: &Gateway, surface: Surface) -> Arrival {
        let arrival = Arrival::new(&gateway.live.clock, self.peer, self.entrance, surface);
        arrival.over(self.encryption.clone())
    }
}

/// Serves one connection to its end, or lets it finish what it has begun once `stop` is given.
pub(super) async fn serve(
    gateway: Arc<Gateway>,
    stream: TcpStream,
    ends: Ends,
    stop: CancellationToken,
) {
    let is_http2 = tokio::select! {
        is_http2 = begins_as_http2(&stream, gateway.settings.header_timeout) => is_http2,
        () = stop.cancelled() => return,
    };
    let Some(is_http2) = is_http2 else {
        debug!(peer = %ends.peer, "{} connected and sent nothing in time", ends.peer);
        return;
    };
    let stream = Patient::new(stream, gateway.settings.message_timeout);
    speak(gateway, (stream, is_http2), ends, stop).await;
}

/// Speaks HTTP/2 or HTTP/1.1 to the end of the connection.
pub(super) async fn speak<S: AsyncRead + AsyncWrite + Unpin + 'static>(
    gateway: Arc<Gateway>,
    (stream, is_http2): (S, bool),
    ends: Ends,
    stop: CancellationToken,
) {
    let ended = if is_http2 {
        serve_http2(&gateway, stream, &ends, &stop).await
    } else {
        serve_http1(&gateway, TokioIo::new(stream), &ends, &stop).await
    };
    let Err(error) = ended else { return };
    match by_http1(&error) {
        Some(refused) => refused::record(&gateway, &ends, refused, &stop),
        // With nothing said but what was seen as it went out.
        None => debug!(peer = %ends.peer, "a connection of {} ended early: {error}", ends.peer),
    }
}

async fn serve_http1<S: AsyncRead + AsyncWrite + Unpin + 'static>(
    gateway: &Arc<Gateway>,
    io: TokioIo<S>,
    ends: &Ends,
    stop: &CancellationToken,
) -> hyper::Result<()> {
    let service = service_fn(|request| answer(Arc::clone(gateway), request, ends.clone()));
    let mut connection = pin!(http1(gateway).serve_connection(io, service));
    until_stopped(connection.as_mut(), stop, |it| it.graceful_shutdown()).await
}

async fn serve_http2<S: AsyncRead + AsyncWrite + Unpin + 'static>(
    gateway: &Arc<Gateway>,
    stream: S,
    ends: &Ends,
    stop: &CancellationToken,
) -> hyper::Result<()> {
    let tell = |own| refused::record(gateway, ends, by_http2(own), stop);
    let io = TokioIo::new(Watched::new(stream, tell));
    let (shared, ends) = (Arc::clone(gateway), ends.clone());
    // Each stream is a task of its own, so it needs a gateway of its own.
    let service = service_fn(move |request| answer(Arc::clone(&shared), request, ends.clone()));
    let mut connection = pin!(http2(gateway).serve_connection(io, service));
    until_stopped(connection.as_mut(), stop, |it| it.graceful_shutdown()).await
}

/// Looks at the first bytes without taking them; none where they do not come in time.
async fn begins_as_http2(stream: &TcpStream, wait: Duration) -> Option<bool> {
    let first_bytes = async {
        let mut seen = [0; PREFACE.len()];
        loop {
            let count = stream.peek(&mut seen).await.ok().filter(|it| *it > 0)?;
            let beginning = seen.get(..count)?;
            if !PREFACE.starts_with(beginning) {
                return Some(false);
            }
            if count == PREFACE.len() {
                return Some(true);
            }
            // The bytes that are there stay there, so only time tells whether there are more.
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(wait, first_bytes).await.ok().flatten()
}

fn http1(gateway: &Gateway) -> http1::Builder {
    let settings = &gateway.settings;
    let mut builder = http1::Builder::new();
    builder
        .timer(HeadTimer::default())
        .header_read_timeout(settings.header_timeout)
        .max_headers(settings.headers_max)
        .max_buf_size(settings.header_bytes_max.max(8 * 1024));
    builder
}

fn http2(gateway: &Gateway) -> http2::Builder<Tasks> {
    let settings = &gateway.settings;
    let mut builder = http2::Builder::new(Tasks(gateway.tasks.clone()));
    builder
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(settings.header_timeout)
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
    ends: Ends,
) -> Result<Response<Body>, Infallible> {
    let surface = surface::of_path(request.uri().path());
    let (settings, headers) = (&gateway.settings, request.headers());
    let sender = forwarded::sender(settings, &ends, headers).map_err(guard::unnamed);
    let ends = Ends { peer: sender.as_ref().map_or(ends.peer, |it| *it), ..ends };
    let arrival = ends.arrival(&gateway, surface).speaking(protocol(request.version()));
    let arrival = arrival.traced(headers);
    let (readers, may_ask) = match Readers::of(settings, ends.local, &request) {
        Ok(readers) => (readers, Ok(())),
        Err(fault) => (Readers::Nobody, Err(fault)),
    };
    let checked = sender
        .and_then(|_| guard::check(&gateway, &ends, &request))
        .and(may_ask)
        .and_then(|()| guard::check_certificate(&arrival));
    let answered = match checked {
        Ok(()) if cors::is_preflight(&request) => allow(&gateway, arrival, &request).await,
        Ok(()) => answer_checked(Arc::clone(&gateway), arrival, request).await,
        Err(fault) => refuse(&gateway, arrival, &request, fault).await,
    };
    // The one place where answers go out: none gets here without its record, or a count of it in one.
    let mut response = answered.into_inner();
    readers.tell(response.headers_mut());
    Ok(response)
}

/// Refuses a request that no surface gets to see.
async fn refuse<B>(
    gateway: &Gateway,
    arrival: Arrival,
    request: &Request<B>,
    fault: Fault,
) -> Recorded<Response<Body>> {
    let revision = gateway.snapshot().revision;
    let asked = format!("{} {}", request.method(), request.uri().path());
    let (id, facts) = (arrival.id, Facts::new(Kind::Malformed, arrival, revision));
    let ledger = Ledger::open(&gateway.live, facts.about(asked));
    let refusal = ledger.refuse_as(fault.status, fault.refusal).await;
    refusal.map(|it| surface::refused(id, fault.status, &it))
}

/// Tells a browser that a page may send what it wants to send.
async fn allow<B>(
    gateway: &Gateway,
    arrival: Arrival,
    request: &Request<B>,
) -> Recorded<Response<Body>> {
    let asked = format!("OPTIONS {}", request.uri().path());
    let (id, revision) = (arrival.id, gateway.snapshot().revision);
    let facts = Facts::new(Kind::List, arrival, revision).about(asked);
    Ledger::open(&gateway.live, facts).note().await.map(|noted| {
        let mut response = match noted {
            Ok(()) => cors::allowed(request),
            Err(refusal) => problem::response(id, &refusal),
        };
        surface::name(&mut response, id);
        response
    })
}

fn protocol(version: Version) -> &'static str {
    match version {
        Version::HTTP_2 => "HTTP/2",
        Version::HTTP_10 => "HTTP/1.0",
        _ => "HTTP/1.1",
    }
}

/// Not of the surfaces' own: what is asked about tokens, and of who gives them.
async fn answer_checked(
    gateway: Arc<Gateway>,
    arrival: Arrival,
    request: Request<Incoming>,
) -> Recorded<Response<Body>> {
    if !authorization::is_asked(request.uri().path()) {
        return surface::answer(gateway, arrival, request).await;
    }
    // Boxed: calls would be moved at its size.
    let id = arrival.id;
    match Box::pin(authorization::answer(&gateway, &arrival, request)).await {
        Ok(recorded) => recorded.map(|mut response| {
            surface::name(&mut response, id);
            response
        }),
        Err(request) => surface::answer(gateway, arrival, request).await,
    }
}

/// What HTTP/1 refused by itself: bytes that are no request, where a caller may have been meant. hyper
/// has answered already, with 400, 414 or 431 and no word of ours.
fn by_http1(error: &hyper::Error) -> Option<Refused> {
    let (status, refusal) = if error.is_parse_too_large() && error.to_string() == URI_TOO_LONG {
        let detail = "the target of the request is too long";
        (StatusCode::URI_TOO_LONG, Refusal::new(RefusalKind::TooLarge, detail))
    } else if error.is_parse_too_large() {
        (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, head_too_large())
    } else if error.is_parse() {
        (StatusCode::BAD_REQUEST, Refusal::new(RefusalKind::Malformed, "this is not HTTP"))
    } else {
        return None;
    };
    let refusal = refusal.because(error);
    Some(Refused { event: EventId::ConnectionHttp1Refused, status: Some(status), refusal })
}

/// What HTTP/2 is about to refuse by itself.
fn by_http2(own: Own) -> Refused {
    let (what, code) = match own {
        Own::TooLarge => {
            let status = Some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
            let refusal = head_too_large();
            return Refused { event: EventId::ConnectionHttp2Refused, status, refusal };
        }
        Own::Stream(code) => ("a stream", code),
        Own::Connection(code) => ("the connection", code),
    };
    let name = code_name(code);
    let kind = match name {
        "REFUSED_STREAM" | "ENHANCE_YOUR_CALM" => RefusalKind::LimitReached,
        _ => RefusalKind::Malformed,
    };
    let refusal = Refusal::new(kind, format!("HTTP/2 ended {what}: {name}"));
    Refused { event: EventId::ConnectionHttp2Refused, status: None, refusal }
}

fn head_too_large() -> Refusal {
    Refusal::new(RefusalKind::TooLarge, "the head of the request is too large")
}
