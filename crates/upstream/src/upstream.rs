//! One upstream: a request goes out, an answer comes back.

use std::sync::Arc;

use http::{
    HeaderValue, Method, Request, Response, Uri,
    header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING},
    uri::PathAndQuery,
};
use hyper::body::Incoming;
use model::RequestHead;

use crate::{
    Error, Reached, RequestBody, ResponseBody, ShownSecret, answer,
    body::{Length, Upload},
    connect::Origin,
    fleet::Shared,
    injection::{Injector, Shown},
    link::{Failure, Waits},
    pool::{Lease, Pool},
};

/// Where operations are carried out: an address, its connections, its timeouts.
#[derive(Debug)]
pub struct Upstream {
    declared: model::Upstream,
    origin: Origin,
    host: HeaderValue,
    /// What stands before each path; no slash at the end.
    prefix: Box<str>,
    waits: Waits,
    pool: Arc<Pool>,
    injector: Option<Arc<Injector>>,
    shared: Arc<Shared>,
}

impl Upstream {
    pub(crate) fn new(declared: &model::Upstream, shared: &Arc<Shared>) -> Result<Self, Error> {
        // No `..`: what is declared must have an effect here.
        let model::Upstream {
            id: _,
            url,
            connect_timeout: _,
            answer_timeout,
            idle_timeout,
            // Kept by who reads a body whole: to a stream it would be an end.
            tool_body_timeout: _,
            connections_max,
            injection: _,
        } = declared;
        let (origin, parsed) = Origin::parse(url)?;
        let wrong =
            |reason: &'static str| Error::InvalidUrl { url: url.clone(), reason: reason.into() };
        if parsed.query().is_some() {
            return Err(wrong("no query may stand in it"));
        }
        let host = HeaderValue::from_str(origin.authority())
            .map_err(|_| wrong("its host cannot stand in a header"))?;
        shared.connector.prepare(&origin)?;
        let injector = Injector::new(declared, origin.authority(), origin.is_https(), shared)?;
        Ok(Self {
            declared: declared.clone(),
            host,
            prefix: parsed.path().trim_end_matches('/').into(),
            waits: Waits { answer: *answer_timeout, idle: *idle_timeout },
            pool: Pool::new(shared.clock.clone(), *connections_max),
            injector,
            shared: Arc::clone(shared),
            origin,
        })
    }

    /// Host and port: what records name.
    #[must_use]
    pub fn authority(&self) -> &Arc<str> {
        self.origin.authority()
    }

    /// What it was made from.
    #[must_use]
    pub fn declared(&self) -> &model::Upstream {
        &self.declared
    }

    /// How many open connections are idle.
    #[must_use]
    pub fn idle_connections(&self) -> usize {
        self.current_pool().idle_count()
    }

    /// How many connections are in use.
    #[must_use]
    pub fn busy_connections(&self) -> usize {
        self.current_pool().busy_count()
    }

    /// Sends a request and waits for the head of its answer; the body is read as it comes.
    ///
    /// The connection is driven by the returned future and then by the body: to drop either is to close the
    /// connection, by which the upstream learns that nobody waits any more. A request that meets an idle
    /// connection that is over is sent once more on a fresh one, but only if not one byte of it was written.
    ///
    /// `Host`, `Content-Length` and `Transfer-Encoding` are set here, from the upstream and the body.
    ///
    /// Where it went, and with which secret, is in `reached` from then on, whatever comes of it.
    ///
    /// # Errors
    /// All of [`Error`].
    #[expect(clippy::manual_async_fn, reason = "an async fn would hold head and body twice")]
    #[expect(clippy::excessive_nesting, reason = "the async block is one level of its own")]
    pub fn send(
        &self,
        mut head: RequestHead,
        body: RequestBody,
        reached: &mut Reached,
    ) -> impl Future<Output = Result<Response<ResponseBody>, Error>> + Send {
        async move {
            if let Some(bytes_max) = body.announced_too_large() {
                return Err(Error::BodyTooLarge { bytes_max });
            }
            let shown = match &self.injector {
                Some(injector) => injector.show(&mut head).await?,
                None => Shown::default(),
            };
            let secret = self.injector.as_ref().map(|it| it.secret().clone());
            reached.secret = secret.map(|id| ShownSecret { id, version: shown.version });
            let mut request = self.request(head, body)?;
            // Connections that show a certificate are that certificate's own.
            let pool = shown.identity.as_ref().map_or(&self.pool, |it| &it.pool);
            let Some(mut lease) = pool.lease(self.declared.connect_timeout).await else {
                return Err(self.busy());
            };
            if let Some(link) = lease.take_idle() {
                reached.address = link.address;
                match link.exchange(request, self.waits).await {
                    Ok(response) => return self.answer(response, lease, &shown),
                    Err(Failure::HandedBack(back)) => {
                        // It is likely not the only one that is over.
                        pool.sweep();
                        request = *back;
                    }
                    Err(failure) => return Err(self.error(failure)),
                }
            }
            self.shared.ensure_sweeper();
            let connector = shown.identity.as_ref().map(|it| &it.connector);
            let wait = self.declared.connect_timeout;
            let opened = self.shared.connector.open_as(connector, &self.origin, wait).await?;
            reached.address = opened.address;
            match lease.put(opened).exchange(request, self.waits).await {
                Ok(response) => self.answer(response, lease, &shown),
                Err(failure) => Err(self.error(failure)),
            }
        }
    }

    pub(crate) fn sweep(&self) {
        self.pool.sweep();
        if let Some(injector) = &self.injector {
            injector.sweep();
        }
    }

    fn current_pool(&self) -> Arc<Pool> {
        let shown = self.injector.as_ref().and_then(|it| it.pool());
        shown.unwrap_or_else(|| Arc::clone(&self.pool))
    }

    fn request(&self, head: RequestHead, body: RequestBody) -> Result<Request<Upload>, Error> {
        let RequestHead { method, path, query, mut headers } = head;
        // The framing is made from the body alone: what a header claims about it would be a second truth.
        headers.remove(TRANSFER_ENCODING);
        headers.remove(CONTENT_LENGTH);
        match body.length() {
            // A server may want the length of a body that the method makes it expect (RFC 9110, section 8.6).
            Length::Empty if [Method::POST, Method::PUT, Method::PATCH].contains(&method) => {
                headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
            }
            // hyper sets the length itself.
            Length::Empty | Length::Known => {}
            // Said here, because hyper would drop such a body of a GET.
            Length::Unknown => {
                headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
            }
        }
        headers.insert(HOST, self.host.clone());
        let mut request = Request::new(Upload::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = self.target(path.as_str(), query.as_str())?;
        *request.headers_mut() = headers;
        Ok(request)
    }

    fn target(&self, path: &str, query: &str) -> Result<Uri, Error> {
        // To the byte: with room to spare it could not become shared bytes as it is.
        let mark = usize::from(!query.is_empty());
        let lengths = [self.prefix.len(), path.len(), mark, query.len()];
        let mut target = String::with_capacity(lengths.iter().sum());
        target.push_str(&self.prefix);
        target.push_str(path);
        if !query.is_empty() {
            target.push('?');
            target.push_str(query);
        }
        let target = PathAndQuery::from_maybe_shared(bytes::Bytes::from(target));
        Ok(target.map_err(http::Error::from)?.into())
    }

    fn answer(
        &self,
        mut response: Response<Incoming>,
        mut lease: Lease,
        shown: &Shown,
    ) -> Result<Response<ResponseBody>, Error> {
        shown.answered(response.status());
        if let Err(reason) = answer::accept(&mut response) {
            let upstream = Arc::clone(self.authority());
            return Err(Error::InvalidAnswer { upstream, reason: reason.into() });
        }
        if let Some(link) = lease.link()
            && link.is_uploading()
        {
            link.detach(&self.shared.tasks);
        }
        let upstream = Arc::clone(self.authority());
        Ok(response.map(|it| ResponseBody::new(it, lease, upstream, self.waits.idle)))
    }

    fn busy(&self) -> Error {
        Error::Busy {
            upstream: Arc::clone(self.authority()),
            connections_max: self.declared.connections_max,
        }
    }

    fn error(&self, failure: Failure) -> Error {
        let upstream = Arc::clone(self.authority());
        match failure {
            Failure::HandedBack(_) => {
                Error::Closed { upstream, reason: "before the request was sent".to_owned() }
            }
            Failure::Broken(error) => answer::broken(upstream, &error),
            Failure::ClientSilent(wait) => {
                Error::RequestBody { reason: format!("stopped coming for {wait:?}") }
            }
            Failure::UpstreamSilent(timeout) => Error::AnswerTimeout { upstream, timeout },
        }
    }
}

#[cfg(test)]
mod tests {
    use model::{Clock, Path, Query};

    use super::*;
    use crate::Fleet;

    #[test]
    fn a_request_in_flight_is_small() {
        let upstream =
            Fleet::new(Clock::system()).upstream(&model::Upstream::new("http://x")).unwrap();
        let head = RequestHead {
            method: Method::GET,
            path: Path::parse("/").unwrap(),
            query: Query::default(),
            headers: http::HeaderMap::new(),
        };
        let size = size_of_val(&upstream.send(head, RequestBody::Empty, &mut Reached::default()));
        assert!(size <= 2048, "{size} bytes");
    }
}
