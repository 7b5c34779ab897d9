//! Single documents from elsewhere, such as key sets: few, small, and never on a request's way.

mod document;
mod gate;
mod post;
mod target;

use std::{borrow::Cow, net::SocketAddr, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{
    HeaderValue, Request, Response, StatusCode,
    header::{ACCEPT, CONNECTION, HOST},
};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::timeout;

pub(crate) use self::gate::Gate;
use self::target::Target;
pub use self::{document::Document, post::Form};
use crate::{
    Error, RequestBody, answer,
    body::Upload,
    connect::{Connector, Guard, Origin, Pem, Tls, Trust, Wire, shown},
    link::{Failure, Link, Waits},
};

/// Fetches documents, for URLs that one kind of people wrote. Follows no redirect.
///
/// A name is looked up once, each of its addresses is checked, and what was checked is what is connected to:
/// an answer that changes in between changes nothing. The certificate must bear the name of the URL.
#[derive(Debug, Clone)]
pub struct Egress {
    connector: Connector,
    gate: Arc<Gate>,
    trust: Trust,
}

impl Egress {
    pub(crate) fn new(connector: Connector, gate: Arc<Gate>, trust: Trust) -> Self {
        Self { connector, gate, trust }
    }

    /// The same, that trusts and shows what is in `pem`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn with_tls(&self, pem: Pem<'_>) -> Result<Self, &'static str> {
        let connector = self.connector.with(Tls::of(pem)?);
        Ok(Self { connector, gate: Arc::clone(&self.gate), trust: self.trust })
    }

    /// Opens a connection to `authority`, a host and a port, for another protocol than HTTP: over TLS,
    /// or plain, wherever whoever wrote it may connect to.
    ///
    /// # Errors
    /// [`Error::InvalidUrl`] and [`Error::Forbidden`], and what opening a connection can bring.
    pub async fn dial(&self, authority: &str, is_tls: bool, wait: Duration) -> Result<Wire, Error> {
        let origin = origin(authority, is_tls)?;
        let guard = Guard::Rule(&self.gate.rule, self.trust);
        self.connector.dial(guard, &origin, wait).await
    }

    /// The first address of `authority`, a host and a port, for datagrams.
    ///
    /// # Errors
    /// As [`Egress::dial`].
    pub async fn address(&self, authority: &str, wait: Duration) -> Result<SocketAddr, Error> {
        let origin = origin(authority, false)?;
        let guard = Guard::Rule(&self.gate.rule, self.trust);
        let found = timeout(wait, self.connector.addresses(guard, &origin)).await;
        let addresses = found.map_err(|_| silent(&origin, wait))??;
        addresses.first().copied().ok_or_else(|| invalid(&origin, "its name has no address".into()))
    }

    /// Whether `url` can be asked for at all. Where its name leads to is not looked at.
    ///
    /// # Errors
    /// [`Error::InvalidUrl`].
    pub fn check(&self, url: &str) -> Result<(), Error> {
        Target::read(url, self.trust, &self.gate.rule).map(drop)
    }

    /// Fetches the bytes of a document: as [`Egress::document`].
    ///
    /// # Errors
    /// As [`Egress::document`].
    pub async fn get(&self, url: &str, bytes_max: usize, wait: Duration) -> Result<Bytes, Error> {
        self.document(url, bytes_max, wait).await.map(|it| it.body)
    }

    /// Fetches a document of at most `bytes_max` bytes, all within `wait`.
    ///
    /// # Errors
    /// [`Error::InvalidUrl`] and [`Error::Forbidden`] for what whoever wrote the URL may not ask for;
    /// [`Error::InvalidAnswer`] for any status but 200 and for too many bytes; [`Error::AnswerTimeout`] where it
    /// takes too long; [`Error::StrangersBusy`]; and what opening a connection can bring.
    pub async fn document(
        &self,
        url: &str,
        bytes_max: usize,
        wait: Duration,
    ) -> Result<Document, Error> {
        let mut request = Request::new(Bytes::new());
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        let (origin, answer) = self.carry(url, request, bytes_max, wait).await?;
        if answer.status() != StatusCode::OK {
            let status = answer.status().as_u16();
            return Err(invalid(&origin, format!("status {status} instead of 200").into()));
        }
        Ok(Document::of(answer))
    }

    /// Sends a small request to its absolute URL, and reads an answer of any status and of at most `bytes_max` bytes.
    ///
    /// # Errors
    /// As [`Egress::document`], but for the status.
    pub async fn send(
        &self,
        request: Request<Bytes>,
        bytes_max: usize,
        wait: Duration,
    ) -> Result<Response<Bytes>, Error> {
        let url = request.uri().to_string();
        self.carry(&url, request, bytes_max, wait).await.map(|(_, answer)| answer)
    }

    async fn carry(
        &self,
        url: &str,
        request: Request<Bytes>,
        bytes_max: usize,
        wait: Duration,
    ) -> Result<(Origin, Response<Bytes>), Error> {
        let Target { origin, path } = Target::read(url, self.trust, &self.gate.rule)?;
        let mut request = request.map(|body| Upload::new(RequestBody::Full(body)));
        *request.uri_mut() = path.into();
        let host = HeaderValue::from_str(origin.authority()).map_err(|_| Error::InvalidUrl {
            url: shown(url),
            reason: "its host cannot stand in a header".into(),
        })?;
        request.headers_mut().insert(HOST, host);
        request.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        let _place = self.gate.enter(self.trust)?;
        let fetch = self.fetch(&origin, request, bytes_max, wait);
        match timeout(wait, fetch).await {
            Ok(answer) => answer.map(|it| (origin, it)),
            Err(_) => Err(silent(&origin, wait)),
        }
    }

    async fn fetch(
        &self,
        origin: &Origin,
        request: Request<Upload>,
        bytes_max: usize,
        wait: Duration,
    ) -> Result<Response<Bytes>, Error> {
        let guard = self.gate.guard(self.trust, origin);
        let mut link = self.connector.open(guard, origin, wait).await?;
        let waits = Waits { answer: wait, idle: wait };
        let mut response = match link.exchange(request, waits).await {
            Ok(response) => response,
            Err(failure) => return Err(error(origin, failure)),
        };
        answer::accept(&mut response).map_err(|reason| invalid(origin, reason.into()))?;
        let (parts, body) = response.into_parts();
        let document = collect(origin, link, body, bytes_max).await?;
        Ok(Response::from_parts(parts, document))
    }
}

/// The place that a host and a port name.
fn origin(authority: &str, is_tls: bool) -> Result<Origin, Error> {
    let scheme = if is_tls { "https" } else { "http" };
    Ok(Origin::parse(&format!("{scheme}://{authority}"))?.0)
}

async fn collect(
    origin: &Origin,
    mut link: Link,
    mut body: Incoming,
    bytes_max: usize,
) -> Result<Bytes, Error> {
    let mut document = BytesMut::new();
    loop {
        let frame = {
            let mut next = std::pin::pin!(body.frame());
            std::future::poll_fn(|cx| {
                link.drive(cx);
                next.as_mut().poll(cx)
            })
            .await
        };
        let Some(frame) = frame else { return Ok(document.freeze()) };
        let frame = frame.map_err(|it| answer::broken(Arc::clone(origin.authority()), &it))?;
        let Ok(data) = frame.into_data() else { continue };
        if document.len().saturating_add(data.len()) > bytes_max {
            return Err(invalid(origin, format!("more than {bytes_max} bytes").into()));
        }
        document.extend_from_slice(&data);
    }
}

fn error(origin: &Origin, failure: Failure) -> Error {
    let upstream = Arc::clone(origin.authority());
    match failure {
        Failure::HandedBack(_) => {
            Error::Closed { upstream, reason: "before the request was sent".to_owned() }
        }
        Failure::Broken(error) => answer::broken(upstream, &error),
        Failure::ClientSilent(wait) | Failure::UpstreamSilent(wait) => silent(origin, wait),
    }
}

fn silent(origin: &Origin, timeout: Duration) -> Error {
    Error::AnswerTimeout { upstream: Arc::clone(origin.authority()), timeout }
}

fn invalid(origin: &Origin, reason: Cow<'static, str>) -> Error {
    Error::InvalidAnswer { upstream: Arc::clone(origin.authority()), reason }
}
