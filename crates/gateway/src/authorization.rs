//! The way to the authorization server: what is asked at its paths is handed over, whole.

use std::{fmt, net::IpAddr, pin::Pin, sync::Arc};

use audit::{Carrier, Kind, Recorded};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use model::{ClientCertificate, Refusal, RefusalKind, RequestId, Timestamp};
use tokio::time::timeout;

use crate::{
    Body, Entrance, Gateway,
    pipeline::{Arrival, Facts, Ledger, counted},
    protected_resource,
    surface::{is_led, rest::problem},
};

/// Where its endpoints are. No collection can be there.
pub(crate) const BASE: &str = "/oauth";

/// Where the documents are that clients look for. No collection can be there.
pub(crate) const WELL_KNOWN: &str = "/.well-known";

/// Largest body of a request to it.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// Answers what is asked of the authorization server.
///
/// The floor is crossed here: it is beside the data plane, and neither knows the other.
pub trait AuthorizationServer: fmt::Debug + Send + Sync {
    /// Answers one request, whatever becomes of it, and records it.
    fn answer(&self, request: AuthorizationRequest) -> AuthorizationFuture<'_>;

    /// What is answered where it has no endpoint at `path` for `method`; none where it has one.
    fn absent(&self, method: &Method, path: &str) -> Option<Response<Bytes>>;
}

/// What becomes of a request to the authorization server.
pub type AuthorizationFuture<'a> =
    Pin<Box<dyn Future<Output = Recorded<Response<Bytes>>> + Send + 'a>>;

/// A request to the authorization server.
pub struct AuthorizationRequest {
    /// Names it.
    pub id: RequestId,
    /// When it arrived.
    pub at: Timestamp,
    /// Who sent it.
    pub peer: IpAddr,
    /// What carried it, for its record.
    pub carrier: Carrier,
    /// The client certificate of its connection, which was verified.
    pub certificate: Option<ClientCertificate>,
    /// Its method.
    pub method: Method,
    /// Its path, as it was sent.
    pub path: String,
    /// Its query, as it was sent.
    pub query: Option<String>,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, whole.
    pub body: Bytes,
}

/// Without what may hold a secret.
impl fmt::Debug for AuthorizationRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationRequest")
            .field("id", &self.id)
            .field("method", &self.method)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// Whether what is asked at `path` is asked of the authorization server, or about it.
pub(crate) fn is_asked(path: &str) -> bool {
    [BASE, WELL_KNOWN]
        .iter()
        .any(|base| path.strip_prefix(base).is_some_and(|it| it.is_empty() || it.starts_with('/')))
}

/// Answers a request at one of these paths; gives it back where there is no such thing.
pub(crate) async fn answer(
    gateway: &Gateway,
    arrival: &Arrival,
    request: Request<Incoming>,
) -> Result<Recorded<Response<Body>>, Request<Incoming>> {
    let snapshot = gateway.snapshot();
    let path = request.uri().path();
    let is_reading = matches!(*request.method(), Method::GET | Method::HEAD);
    let document = protected_resource::document(gateway, &snapshot, (arrival.entrance, path));
    if let Some(document) = document.filter(|_| is_reading) {
        let facts = Facts::new(Kind::List, arrival.clone(), snapshot.revision).about(path);
        let noted = Ledger::open(&gateway.live, facts).note().await;
        return Ok(noted.map(|it| match it {
            Ok(()) => shown(&document),
            Err(refusal) => problem::response(arrival.id, &refusal),
        }));
    }
    // People and programs get tokens where everybody can reach it.
    let server = gateway.authorization.get().filter(|_| arrival.entrance != Entrance::Management);
    let Some(server) = server.map(Arc::clone) else { return Err(request) };
    let (parts, body) = request.into_parts();
    let whole = Limited::new(body, BODY_BYTES_MAX).collect();
    let body = match timeout(gateway.settings.message_timeout, whole).await {
        Ok(Ok(collected)) => collected.to_bytes(),
        Ok(Err(_)) | Err(_) => {
            let detail = "the body is too large, broke off, or did not arrive in time";
            let facts = Facts::new(Kind::Malformed, arrival.clone(), snapshot.revision)
                .about(parts.uri.path());
            let refusal = Ledger::open(&gateway.live, facts)
                .refuse(Refusal::new(RefusalKind::Malformed, detail))
                .await;
            return Ok(refusal.map(|it| problem::response(arrival.id, &it)));
        }
    };
    // It is of nobody, and recorded there as long as there are few.
    if let Some(absent) = server.absent(&parts.method, parts.uri.path()) {
        let refusal = Refusal::new(RefusalKind::NotFound, "there is no such endpoint");
        if let Some(counted) = counted(&gateway.live, refusal, arrival.peer.ip()).await {
            return Ok(counted.map(|it| match it.kind() == RefusalKind::Unrecorded {
                true => problem::response(arrival.id, &it),
                false => absent.map(Body::from),
            }));
        }
    }
    let answer = server.answer(AuthorizationRequest {
        id: arrival.id,
        at: arrival.at,
        peer: arrival.peer.ip().to_canonical(),
        carrier: arrival.carrier(snapshot.revision),
        // A browser shows its certificate by itself, to whatever page makes it ask.
        certificate: arrival.certificate().filter(|_| !is_led(&parts.headers)).cloned(),
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().map(str::to_owned),
        headers: parts.headers,
        body,
    });
    Ok(answer.await.map(|it| it.map(Body::from)))
}

fn shown(document: &serde_json::Value) -> Response<Body> {
    let mut response = Response::new(Body::from(document.to_string().into_bytes()));
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("max-age=300"));
    response
}
