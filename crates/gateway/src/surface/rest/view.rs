//! `GET {base}/openapi.json`: a collection's OpenAPI document as the caller may use it.

use audit::{Kind, Recorded};
use http::{HeaderValue, Method, Response, header, request::Parts};
use model::{Path, Query, Refusal};

use super::problem;
use crate::{
    Body, Entrance, Gateway, Snapshot,
    pipeline::{self, Arrival, Facts, Ledger},
    snapshot::{Shelf, VIEW},
    surface,
};

/// The collection whose view is asked for, if this is such a request.
pub(super) fn shelf<'a>(
    snapshot: &'a Snapshot,
    entrance: Entrance,
    method: &Method,
    target: &Result<(Path, Query), Refusal>,
) -> Option<&'a Shelf> {
    let (path, _) = target.as_ref().ok()?;
    let is_reading = matches!(*method, Method::GET | Method::HEAD);
    let base = path.as_str().strip_suffix(VIEW).filter(|_| is_reading)?;
    snapshot.shelves().find(|it| it.base == base && entrance.has(it.is_management()))
}

/// Shows exactly the operations that a call of this caller would be allowed.
pub(super) async fn answer(
    gateway: &Gateway,
    snapshot: &std::sync::Arc<Snapshot>,
    shelf: &Shelf,
    arrival: Arrival,
    parts: &Parts,
) -> Recorded<Response<Body>> {
    let facts = Facts::new(Kind::List, arrival.clone(), snapshot.revision).about("openapi.json");
    let mut ledger = Ledger::open(&gateway.live, facts);
    let identified = match identity::present(&parts.headers) {
        Ok(presented) => pipeline::identify(snapshot, presented, &arrival).await,
        Err(refusal) => Err(refusal),
    };
    let caller = match identified.and_then(|it| pipeline::may_list(snapshot, arrival.entrance, it))
    {
        Ok(caller) => caller,
        Err(refusal) => {
            return ledger.refuse(refusal).await.map(|it| problem::response(arrival.id, &it));
        }
    };
    ledger.facts().set_caller(&caller);
    let shown: Vec<_> = pipeline::visible(snapshot, &arrival, &caller)
        .filter(|it| it.operation.collection == *shelf.id())
        .map(|it| it.shown())
        .collect();
    let document = shelf.document.view(&base_url(gateway, shelf, &arrival, parts), &shown);
    ledger.note().await.map(|noted| match noted {
        Ok(()) => {
            let mut response = Response::new(Body::from(document.to_string().into_bytes()));
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
            response
        }
        Err(refusal) => problem::response(arrival.id, &refusal),
    })
}

/// Where the caller reaches the collection.
fn base_url(gateway: &Gateway, shelf: &Shelf, arrival: &Arrival, parts: &Parts) -> String {
    let origin = surface::origin(&gateway.settings, arrival, (&parts.uri, &parts.headers));
    format!("{origin}{}", shelf.base)
}
