//! A real HTTP server that writes down what reaches it.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use futures_util::{StreamExt as _, future, stream};
use http::{HeaderMap, Method, Request, Response, header};
use http_body::Frame;
use http_body_util::{BodyExt as _, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, sync::watch, task::JoinSet};

/// What it answers with.
type Answered = UnsyncBoxBody<Bytes, Infallible>;

/// One request as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The method.
    pub method: Method,
    /// Path and query, to the letter.
    pub target: String,
    /// All headers.
    pub headers: HeaderMap,
    /// The body, whole.
    pub body: Bytes,
}

/// An upstream that writes down what it was asked and answers `{"ok":true}`, but for what was published, and
/// for paths that end in `drip`, `hang`, `fail`, `denied`, `big`, `text`, `list` or `nothing`.
#[derive(Debug)]
pub struct Recorder {
    address: SocketAddr,
    book: Arc<Book>,
    _tasks: JoinSet<()>,
}

/// What it saw and what it says.
#[derive(Debug, Default)]
struct Book {
    seen: Mutex<Vec<Seen>>,
    /// JSON by its path.
    published: Mutex<BTreeMap<String, Bytes>>,
    /// How many requests have begun.
    begun: watch::Sender<usize>,
    /// Whether answers that drip may end.
    is_released: watch::Sender<bool>,
}

impl Recorder {
    /// Starts one on a loopback port of its own. It ends when it is dropped.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (book, mut tasks) = (Arc::default(), JoinSet::new());
        tasks.spawn(accept(listener, Arc::clone(&book)));
        Self { address, book, _tasks: tasks }
    }

    /// Where it listens, as a URL without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What arrived since the last time this was asked.
    #[must_use]
    pub fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.book.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until so many requests have begun, since it was started.
    pub async fn has_begun(&self, count: usize) {
        let mut begun = self.book.begun.subscribe();
        begun.wait_for(|it| *it >= count).await.expect("the book is open");
    }

    /// Lets answers to `drip` go on to their end.
    pub fn release(&self) {
        self.book.is_released.send_replace(true);
    }

    /// Answers `path` with this JSON from now on.
    pub fn publish(&self, path: &str, json: impl Into<Bytes>) {
        let mut published = self.book.published.lock().unwrap_or_else(PoisonError::into_inner);
        published.insert(path.to_owned(), json.into());
    }
}

impl Book {
    /// The answer, in two pieces: the second one when it is released.
    fn drip(&self) -> Answered {
        let mut is_released = self.is_released.subscribe();
        let rest = stream::once(async move {
            is_released.wait_for(|it| *it).await.expect("the book is open");
            "true}"
        });
        let pieces = stream::once(future::ready(r#"{"ok":"#)).chain(rest);
        StreamBody::new(pieces.map(|it| Ok(Frame::data(Bytes::from(it))))).boxed_unsync()
    }

    fn published(&self, path: &str) -> Option<Bytes> {
        self.published.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned()
    }
}

async fn accept(listener: TcpListener, book: Arc<Book>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let book = Arc::clone(&book);
        let service = service_fn(move |request| note(request, Arc::clone(&book)));
        let connection = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service);
        connections.spawn(connection);
    }
}

async fn note(
    request: Request<Incoming>,
    book: Arc<Book>,
) -> Result<Response<Answered>, Infallible> {
    book.begun.send_modify(|it| *it = it.saturating_add(1));
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let target = parts.uri.path_and_query().map_or("", |it| it.as_str()).to_owned();
    let entry = Seen { method: parts.method.clone(), target, headers: parts.headers.clone(), body };
    book.seen.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
    Ok(match book.published(parts.uri.path()) {
        Some(json) => respond(200, "application/json", Full::new(json).boxed_unsync()),
        None if target_end(&parts.uri) == "drip" => respond(200, "application/json", book.drip()),
        None => answer(target_end(&parts.uri)).await,
    })
}

fn target_end(uri: &http::Uri) -> &str {
    uri.path().rsplit('/').next().unwrap_or_default()
}

/// What the end of the path asks for.
async fn answer(end: &str) -> Response<Answered> {
    let (status, kind, body) = match end {
        "hang" => std::future::pending().await,
        "fail" => (500, "application/problem+json", r#"{"title":"broken"}"#.to_owned()),
        "denied" => return denied(),
        "big" => (200, "application/json", format!(r#"{{"text":"{}"}}"#, "x".repeat(100_000))),
        "text" => (200, "text/plain", "plain words".to_owned()),
        "list" => (200, "application/json", "[1,2]".to_owned()),
        "nothing" => (204, "text/plain", String::new()),
        _ => (200, "application/json", r#"{"ok":true}"#.to_owned()),
    };
    respond(status, kind, Full::new(Bytes::from(body)).boxed_unsync())
}

/// A refusal of the upstream's own, with two challenges.
fn denied() -> Response<Answered> {
    let body = Full::new(Bytes::from_static(b"{\"title\":\"denied\"}")).boxed_unsync();
    let mut response = respond(401, "application/problem+json", body);
    for challenge in ["Basic realm=\"stock\"", "Negotiate"] {
        response.headers_mut().append(header::WWW_AUTHENTICATE, challenge.parse().unwrap());
    }
    response
}

fn respond(status: u16, kind: &str, body: Answered) -> Response<Answered> {
    let response = Response::builder().status(status).header(header::CONTENT_TYPE, kind);
    response.header("x-made-by", "upstream").body(body).unwrap()
}
