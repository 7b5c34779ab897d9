//! Servers for tests: raw ones that follow a script to the byte, and a door in front of an upstream.

use std::{
    convert::Infallible,
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt, Either, Full};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use model::{Clock, Path, Query, RequestHead};
use tokio::{sync::oneshot, task::JoinSet, time::timeout};
use upstream::{Error, Fleet, Reached, RequestBody, ResponseBody, Upstream};

/// Longest a test waits for what must come: then it fails instead of hanging.
pub(crate) const LONG: Duration = Duration::from_secs(20);
/// A wait that a test expects to run out.
pub(crate) const SHORT: Duration = Duration::from_millis(100);

/// Runs `script` on a thread of its own, with a listener; gives its URL and what the script returns.
pub(crate) fn script<T: Send + 'static>(
    script: impl FnOnce(TcpListener) -> T + Send + 'static,
) -> (String, oneshot::Receiver<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (done, result) = oneshot::channel();
    std::thread::spawn(move || drop(done.send(script(listener))));
    (url, result)
}

/// What a script returned, or a failed test where it does not end.
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    timeout(LONG, future).await.expect("it must end soon")
}

/// Lets the runtime see what has happened to its sockets: it looks at them when it has nothing else to do.
pub(crate) async fn settle() {
    timeout(Duration::from_millis(1), std::future::pending::<()>()).await.unwrap_err();
}

/// The next connection. Reads from it do not last for ever.
pub(crate) fn accept(listener: &TcpListener) -> TcpStream {
    let (stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// Whether nobody connected (again).
pub(crate) fn nobody_waits(listener: &TcpListener) -> bool {
    listener.set_nonblocking(true).unwrap();
    listener.accept().is_err_and(|it| it.kind() == ErrorKind::WouldBlock)
}

/// Reads up to the end of a head, and not one byte more; what came where the connection ends before.
pub(crate) fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.extend(byte),
            _ => break,
        }
    }
    String::from_utf8(head).unwrap()
}

/// Whether the other side closed the connection, by its end or by a reset.
pub(crate) fn sees_the_end(stream: &mut TcpStream) -> bool {
    let mut rest = [0; 16 * 1024];
    loop {
        match stream.read(&mut rest) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => {
                return matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe);
            }
        }
    }
}

/// Writes what can be written; a connection that is gone already is no fault of the script.
pub(crate) fn say(stream: &mut TcpStream, text: impl AsRef<[u8]>) {
    drop(stream.write_all(text.as_ref()));
}

pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// An upstream with short waits. The fleet may go: an upstream stands by itself.
pub(crate) fn upstream(url: &str) -> Arc<Upstream> {
    upstream_with(url, |_| {})
}

pub(crate) fn upstream_with(url: &str, change: impl FnOnce(&mut model::Upstream)) -> Arc<Upstream> {
    let mut declared = model::Upstream::new(url);
    declared.connect_timeout = LONG;
    change(&mut declared);
    Fleet::new(Clock::system()).upstream(&declared).unwrap()
}

pub(crate) fn head(method: Method, path: &str) -> RequestHead {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    RequestHead {
        method,
        path: Path::parse(path).unwrap(),
        query: Query::parse(query).unwrap(),
        headers: HeaderMap::new(),
    }
}

pub(crate) async fn get(upstream: &Upstream) -> Result<Response<ResponseBody>, Error> {
    soon(upstream.send(head(Method::GET, "/"), RequestBody::Empty, &mut Reached::default())).await
}

/// Sends a GET and reads its answer to the end.
pub(crate) async fn get_text(upstream: &Upstream) -> Result<String, Error> {
    text(get(upstream).await?).await
}

pub(crate) async fn text(response: Response<ResponseBody>) -> Result<String, Error> {
    let body = soon(response.into_body().collect()).await?.to_bytes();
    Ok(String::from_utf8(body.to_vec()).unwrap())
}

/// A door: an HTTP server that passes each request on, body and all, and answers errors with 502 and their text.
///
/// It stands until the set is dropped.
pub(crate) async fn door(
    tasks: &mut JoinSet<()>,
    upstream: Arc<Upstream>,
    bytes_max: u64,
) -> SocketAddr {
    let pass = move |request: Request<Incoming>| {
        let upstream = Arc::clone(&upstream);
        async move {
            let (parts, body) = request.into_parts();
            let head = head(parts.method, parts.uri.path());
            let answer = upstream
                .send(head, RequestBody::stream(body, bytes_max), &mut Reached::default())
                .await;
            Ok::<_, Infallible>(match answer {
                Ok(response) => response.map(Either::Left),
                Err(error) => {
                    let text = Full::new(Bytes::from(format!("{error:?}")));
                    Response::builder().status(502).body(Either::Right(text)).unwrap()
                }
            })
        }
    };
    serve(tasks, pass).await
}

/// An HTTP/1.1 server on hyper.
pub(crate) async fn serve<S, F, B>(tasks: &mut JoinSet<()>, service: S) -> SocketAddr
where
    S: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Result<Response<B>, Infallible>> + Send + 'static,
    B: http_body::Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>
        + Send
        + 'static,
{
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let service = service_fn(service.clone());
            connections.spawn(async move {
                let http = hyper::server::conn::http1::Builder::new();
                drop(http.serve_connection(TokioIo::new(stream), service).await);
            });
        }
    });
    address
}
