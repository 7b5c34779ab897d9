//! A real HTTP server that writes down what reaches it.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, header};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, task::JoinSet};

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
/// for paths that end in `hang`, `fail`, `big`, `text`, `list` or `nothing`.
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

    /// Answers `path` with this JSON from now on.
    pub fn publish(&self, path: &str, json: impl Into<Bytes>) {
        let mut published = self.book.published.lock().unwrap_or_else(PoisonError::into_inner);
        published.insert(path.to_owned(), json.into());
    }
}

impl Book {
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
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let target = parts.uri.path_and_query().map_or("", |it| it.as_str()).to_owned();
    let entry = Seen { method: parts.method.clone(), target, headers: parts.headers.clone(), body };
    book.seen.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
    Ok(match book.published(parts.uri.path()) {
        Some(json) => respond(200, "application/json", json),
        None => answer(target_end(&parts.uri)).await,
    })
}

fn target_end(uri: &http::Uri) -> &str {
    uri.path().rsplit('/').next().unwrap_or_default()
}

/// What the end of the path asks for.
async fn answer(end: &str) -> Response<Full<Bytes>> {
    let (status, kind, body) = match end {
        "hang" => std::future::pending().await,
        "fail" => (500, "application/problem+json", r#"{"title":"broken"}"#.to_owned()),
        "big" => (200, "application/json", format!(r#"{{"text":"{}"}}"#, "x".repeat(100_000))),
        "text" => (200, "text/plain", "plain words".to_owned()),
        "list" => (200, "application/json", "[1,2]".to_owned()),
        "nothing" => (204, "text/plain", String::new()),
        _ => (200, "application/json", r#"{"ok":true}"#.to_owned()),
    };
    respond(status, kind, body)
}

fn respond(status: u16, kind: &str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let response = Response::builder().status(status).header(header::CONTENT_TYPE, kind);
    response.header("x-made-by", "upstream").body(Full::new(body.into())).unwrap()
}
