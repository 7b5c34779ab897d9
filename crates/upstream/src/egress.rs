//! Single documents from elsewhere, such as key sets: few, small, and never on a request's way.

use std::{borrow::Cow, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{
    HeaderValue, Request, Response, StatusCode,
    header::{ACCEPT, CONNECTION, HOST},
};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::timeout;

use crate::{
    Error, RequestBody, answer,
    body::Upload,
    connect::{Connector, Origin},
    link::{Failure, Link, Waits},
};

/// Fetches documents over https, and over http from this machine. Follows no redirect.
#[derive(Debug, Clone)]
pub struct Egress {
    connector: Connector,
}

impl Egress {
    pub(crate) fn new(connector: Connector) -> Self {
        Self { connector }
    }

    /// Fetches a document of at most `bytes_max` bytes, all within `wait`.
    ///
    /// # Errors
    /// [`Error::InvalidUrl`] for another scheme, or http to another machine; [`Error::InvalidAnswer`] for any
    /// status but 200 and for too many bytes; [`Error::AnswerTimeout`] where it takes too long; and what opening a connection can bring.
    pub async fn get(&self, url: &str, bytes_max: usize, wait: Duration) -> Result<Bytes, Error> {
        let mut request = Request::new(Bytes::new());
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        let answer = self.carry(url, request, bytes_max, wait).await?;
        if answer.status() != StatusCode::OK {
            let status = answer.status().as_u16();
            let (origin, _) = Origin::parse(url)?;
            return Err(invalid(&origin, format!("status {status} instead of 200").into()));
        }
        Ok(answer.into_body())
    }

    /// Sends a small request to its absolute URL, and reads an answer of any status and of at most `bytes_max` bytes.
    ///
    /// # Errors
    /// As [`Egress::get`], but for the status.
    pub async fn send(
        &self,
        request: Request<Bytes>,
        bytes_max: usize,
        wait: Duration,
    ) -> Result<Response<Bytes>, Error> {
        let url = request.uri().to_string();
        self.carry(&url, request, bytes_max, wait).await
    }

    async fn carry(
        &self,
        url: &str,
        request: Request<Bytes>,
        bytes_max: usize,
        wait: Duration,
    ) -> Result<Response<Bytes>, Error> {
        let (origin, parsed) = Origin::parse(url)?;
        let wrong =
            |reason: &'static str| Error::InvalidUrl { url: url.to_owned(), reason: reason.into() };
        let origin = match (origin.is_https(), origin.is_loopback()) {
            (true, _) => origin,
            (false, true) => origin.loopback_only(),
            (false, false) => return Err(wrong("write https://; http is for this machine alone")),
        };
        let target = match parsed.query() {
            Some(query) => format!("{}?{query}", parsed.path()),
            None => parsed.path().to_owned(),
        };
        let mut request = request.map(|body| Upload::new(RequestBody::Full(body)));
        *request.uri_mut() = target.try_into().map_err(http::Error::from)?;
        let host = HeaderValue::from_str(origin.authority())
            .map_err(|_| wrong("its host cannot stand in a header"))?;
        request.headers_mut().insert(HOST, host);
        request.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        let fetch = self.fetch(&origin, request, bytes_max, wait);
        match timeout(wait, fetch).await {
            Ok(document) => document,
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
        let mut link = self.connector.open(origin, wait).await?;
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
