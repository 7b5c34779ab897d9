//! Numbers of the process for Prometheus, on a listener of their own. They are read when somebody asks:
//! no call counts anything for them.

mod numbers;
mod readers;

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context as _;
use audit::{Entry, EventId, Kind, Outcome, Record};
use bytes::Bytes;
use gateway::{Gateway, Live, check_host};
use http::{
    HeaderValue, Method, Request, Response, StatusCode,
    header::{CONTENT_TYPE, ORIGIN},
};
use http_body_util::Full;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use model::{Refusal, RefusalKind};
use prometheus_client::{encoding::text::encode, registry::Registry};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::{JoinSet, spawn_blocking},
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use self::{numbers::Numbers, readers::Readers};
use super::Watched;
use crate::config;

/// Who asks has so long for one question and its answer.
const PATIENCE: Duration = Duration::from_secs(10);
const CONNECTIONS_MAX: usize = 16;
const PATH: &str = "/metrics";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// How long to wait where the system takes no more connections.
const RETRY: Duration = Duration::from_secs(1);

/// A listener for who reads numbers, and who may ask by which name.
pub(crate) struct Metrics {
    listener: TcpListener,
    allowed_hosts: Vec<String>,
}

/// What answers there.
struct Answers {
    registry: Registry,
    allowed_hosts: Vec<String>,
    /// Where it is recorded who reads and who is refused.
    gateway: Arc<Gateway>,
    readers: Readers,
    /// Of whoever reads them.
    turn: Arc<Semaphore>,
    stop: CancellationToken,
}

impl Metrics {
    /// Takes the address, where one is named.
    ///
    /// # Errors
    /// Where it cannot be had.
    pub(crate) async fn bind(config: Option<&config::Metrics>) -> anyhow::Result<Option<Self>> {
        let Some(config::Metrics { address, allowed_hosts }) = config else { return Ok(None) };
        let bound = TcpListener::bind(address).await;
        let listener = bound.with_context(|| format!("cannot listen on {address} for metrics"))?;
        tell(listener.local_addr()?);
        Ok(Some(Self { listener, allowed_hosts: allowed_hosts.clone() }))
    }

    /// Answers whoever asks for the numbers of `gateway` and its `sinks`, until `stop`.
    ///
    /// # Errors
    /// None: it serves until it is told to stop.
    pub(crate) async fn serve(
        self,
        (gateway, sinks): (Arc<Gateway>, Option<Watched>),
        stop: CancellationToken,
    ) -> io::Result<()> {
        let Self { listener, allowed_hosts } = self;
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Numbers::new(Arc::clone(&gateway), sinks)));
        let turn = Arc::new(Semaphore::new(1));
        let readers = Readers::default();
        let answers =
            Answers { registry, allowed_hosts, gateway, readers, turn, stop: stop.clone() };
        let answers = Arc::new(answers);
        let accepting = stop.run_until_cancelled(accept(&listener, &answers));
        match accepting.await {
            Some(never) => match never {},
            None => {
                record_rest(&answers);
                Ok(())
            }
        }
    }
}

async fn accept(listener: &TcpListener, answers: &Arc<Answers>) -> Infallible {
    let seats = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let seat = Arc::clone(&seats).acquire_owned().await;
        let Ok((stream, peer)) = listener.accept().await else {
            sleep(RETRY).await;
            continue;
        };
        let served = serve((stream, peer), Arc::clone(answers));
        connections.spawn(async move {
            served.await;
            drop(seat);
        });
    }
}

async fn serve((stream, peer): (TcpStream, SocketAddr), answers: Arc<Answers>) {
    // Who has gone already is not answered.
    let Ok(local) = stream.local_addr() else { return };
    let service = service_fn(move |request| {
        let answers = Arc::clone(&answers);
        async move { Ok::<_, Infallible>(respond(&answers, (local, peer), &request).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    // Who breaks off, or asks for ever, gets nothing.
    drop(timeout(PATIENCE, served).await);
}

async fn respond<B>(
    answers: &Arc<Answers>,
    (local, peer): (SocketAddr, SocketAddr),
    request: &Request<B>,
) -> Response<Full<Bytes>> {
    let (status, why) = match answer(answers, local, request).await {
        Ok(response) => {
            record_read(answers, peer, request);
            return response;
        }
        Err(refused) => refused,
    };
    if answers.gateway.tells_of(peer.ip(), &answers.stop) {
        record(answers, peer, request, (status, why));
    }
    let mut response = Response::new(Full::from(why));
    *response.status_mut() = status;
    response
}

fn record<B>(
    answers: &Answers,
    peer: SocketAddr,
    request: &Request<B>,
    (status, why): (StatusCode, &'static str),
) {
    let refusal = Refusal::new(kind(status), why.trim_end());
    let live = answers.gateway.live();
    let (event, status) = (Some(EventId::MetricsRefused), Some(status.as_u16()));
    let asked = asked(live, (peer, request), Outcome::Refused(&refusal));
    enter(live, &Record { event, status, ..asked });
}

/// The same question comes every few seconds: it has a record at first, and then one a minute.
fn record_read<B>(answers: &Answers, peer: SocketAddr, request: &Request<B>) {
    let live = answers.gateway.live();
    let Some(more) = answers.readers.count(peer.ip(), live.clock.elapsed()) else { return };
    let note = format!(
        "numbers are read, {more} times more since the last such record; what else is read within a \
         minute is counted"
    );
    let (event, status) = (Some(EventId::MetricsRead), Some(StatusCode::OK.as_u16()));
    let asked = asked(live, (peer, request), Outcome::Answered);
    if !enter(live, &Record { event, status, note: Some(&note), ..asked }) {
        answers.readers.give_back(peer.ip(), more);
    }
}

/// Records what was read and is counted still, at the end.
fn record_rest(answers: &Answers) {
    let live = answers.gateway.live();
    for (peer, more) in answers.readers.take() {
        let note = format!("numbers were read {more} times more since the last such record");
        enter(
            live,
            &Record {
                event: Some(EventId::MetricsRead),
                peer,
                note: Some(&note),
                ..Record::new(live.clock.now(), Kind::Event, Outcome::Answered)
            },
        );
    }
}

/// What is known of a question.
fn asked<'a, B>(
    live: &Live,
    (peer, request): (SocketAddr, &'a Request<B>),
    outcome: Outcome<'a>,
) -> Record<'a> {
    Record {
        peer: Some(peer.ip().to_canonical()),
        peer_port: Some(peer.port()),
        method: Some(request.method().as_str()),
        path: Some(request.uri().path()),
        ..Record::new(live.clock.now(), Kind::Event, outcome)
    }
}

/// Records it, and says whether it could. Whoever asked is answered all the same: numbers are what tells that
/// the log cannot be written.
fn enter(live: &Live, record: &Record<'_>) -> bool {
    let written = live.log.enter(record).and_then(Entry::written);
    written.inspect_err(tell_unrecorded).is_ok()
}

fn kind(status: StatusCode) -> RefusalKind {
    match status {
        StatusCode::FORBIDDEN => RefusalKind::Forbidden,
        StatusCode::NOT_FOUND => RefusalKind::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => RefusalKind::MethodNotAllowed,
        StatusCode::SERVICE_UNAVAILABLE => RefusalKind::LimitReached,
        StatusCode::INTERNAL_SERVER_ERROR => RefusalKind::Internal,
        _ => RefusalKind::Malformed,
    }
}

async fn answer<B>(
    answers: &Arc<Answers>,
    local: SocketAddr,
    request: &Request<B>,
) -> Result<Response<Full<Bytes>>, (StatusCode, &'static str)> {
    check(&answers.allowed_hosts, local, request)?;
    if request.uri().path() != PATH {
        return Err((StatusCode::NOT_FOUND, "there is nothing here but /metrics\n"));
    }
    if request.method() != Method::GET {
        return Err((StatusCode::METHOD_NOT_ALLOWED, "it is read by GET\n"));
    }
    // One at a time: on a disk that hangs, each would hold a thread for as long.
    let Ok(turn) = Arc::clone(&answers.turn).try_acquire_owned() else {
        return Err((StatusCode::SERVICE_UNAVAILABLE, "they are being read already\n"));
    };
    let answers = Arc::clone(answers);
    // It looks at the disk.
    let encoded = spawn_blocking(move || {
        let _turn = turn;
        let mut text = String::new();
        encode(&mut text, &answers.registry).map(|()| text)
    });
    match encoded.await {
        Ok(Ok(body)) => {
            let mut response = Response::new(Full::from(body));
            let kind = HeaderValue::from_static(OPEN_METRICS);
            response.headers_mut().insert(CONTENT_TYPE, kind);
            Ok(response)
        }
        Ok(Err(_)) | Err(_) => Err((StatusCode::INTERNAL_SERVER_ERROR, "they cannot be read\n")),
    }
}

/// Against browsers that are led astray: the same as everywhere, and no web page at all.
fn check<B>(
    allowed: &[String],
    local: SocketAddr,
    request: &Request<B>,
) -> Result<(), (StatusCode, &'static str)> {
    if request.headers().contains_key(ORIGIN) {
        return Err((StatusCode::FORBIDDEN, "no web page may read this\n"));
    }
    check_host(allowed, local, request).map_err(|status| {
        let why = match status {
            StatusCode::MISDIRECTED_REQUEST => {
                "this host is not served here: add it to allowed_hosts of [metrics]\n"
            }
            _ => "there is no host header, or no host in it\n",
        };
        (status, why)
    })
}

fn tell_unrecorded(error: &audit::Error) {
    tracing::error!("whoever asked for metrics could not be recorded: {error}");
}

fn tell(address: SocketAddr) {
    tracing::info!("metrics at http://{address}{PATH}");
    if !address.ip().is_loopback() {
        warn_open(address);
    }
}

fn warn_open(address: SocketAddr) {
    tracing::warn!(
        "metrics are read by everybody who reaches {address}: keep it to the network of Prometheus"
    );
}

#[cfg(test)]
mod tests {
    use http::header::HOST;

    use super::*;

    fn status(names: &[&str], local: &str, headers: &[(http::HeaderName, &str)]) -> u16 {
        let mut request = Request::new(());
        let headers = headers.iter().map(|(name, it)| (name.clone(), it.parse().unwrap()));
        *request.headers_mut() = headers.collect();
        let names: Vec<_> = names.iter().map(|it| (*it).to_owned()).collect();
        check(&names, local.parse().unwrap(), &request).map_or_else(|it| it.0.as_u16(), |()| 200)
    }

    #[test]
    fn a_foreign_name_and_a_web_page_get_nothing() {
        let named = ["door.example.com"];
        for (names, local, host, want) in [
            (&[][..], "127.0.0.1:9464", "127.0.0.1:9464", 200),
            (&[], "[::1]:9464", "[::1]:9464", 200),
            (&[], "10.1.2.3:9464", "10.1.2.3", 200),
            (&[], "10.1.2.3:9464", "10.1.2.4", 421),
            (&[], "127.0.0.1:9464", "localhost:9464", 200),
            (&named, "127.0.0.1:9464", "localhost:9464", 200),
            (&named, "10.1.2.3:9464", "Door.example.com:9464", 200),
            (&named, "10.1.2.3:9464", "10.1.2.3:9464", 421),
            (&named, "127.0.0.1:9464", "evil.example.com", 421),
            (&[], "127.0.0.1:9464", "127.0.0.1.evil.example.com", 421),
            (&[], "127.0.0.1:9464", "a b", 400),
        ] {
            assert_eq!(status(names, local, &[(HOST, host)]), want, "{host} at {local}");
        }
        let local = "127.0.0.1:9464";
        assert_eq!(status(&[], local, &[]), 400);
        assert_eq!(status(&[], local, &[(HOST, "localhost"), (ORIGIN, "null")]), 403);
    }
}
