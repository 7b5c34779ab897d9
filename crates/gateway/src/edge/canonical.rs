//! One form of a request, made once: what is decided on is what is forwarded.

use http::{HeaderMap, HeaderName, HeaderValue, header, request::Parts};
use model::{Path, Query, Refusal, RefusalKind, RequestHead, request::reserved::is_reserved};

/// The path and query of a request, in canonical form.
///
/// # Errors
/// `Malformed` where they can be read in two ways.
pub(crate) fn target(parts: &Parts) -> Result<(Path, Query), Refusal> {
    let path = Path::parse(parts.uri.path()).map_err(|it| ambiguous("path", it))?;
    let query =
        Query::parse(parts.uri.query().unwrap_or_default()).map_err(|it| ambiguous("query", it))?;
    without_credential(&query)?;
    Ok((path, query))
}

/// A credential in a query ends up in logs, histories and referrers, so it is taken from headers alone.
///
/// # Errors
/// `Malformed`
pub(crate) fn without_credential(query: &Query) -> Result<(), Refusal> {
    let is_credential = |(name, value): &(String, Option<String>)| {
        name.eq_ignore_ascii_case("access_token")
            || value.as_deref().is_some_and(|it| it.starts_with(identity::api_key::PREFIX))
    };
    if query.pairs().iter().any(is_credential) {
        let detail = "a credential must not be in the query: send it in the header Authorization";
        return Err(Refusal::new(RefusalKind::Malformed, detail));
    }
    Ok(())
}

fn ambiguous(what: &str, ambiguity: model::Ambiguity) -> Refusal {
    Refusal::new(RefusalKind::Malformed, format!("the {what} holds {ambiguity}"))
}

/// The head that goes on, with `path` below the collection's base.
pub(crate) fn head(parts: &Parts, path: Path, query: Query) -> RequestHead {
    let (method, headers) = (parts.method.clone(), end_to_end(&parts.headers));
    RequestHead { method, path, query, headers }
}

/// All but what ends at the door and what only the door may say.
fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    let named = named_by_connection(headers);
    headers
        .iter()
        .filter(|(name, value)| !ends_here(name.as_str(), value) && !named.contains(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn named_by_connection(headers: &HeaderMap) -> Vec<HeaderName> {
    let values = headers.get_all(header::CONNECTION).iter().filter_map(|it| it.to_str().ok());
    values.flat_map(|it| it.split(',')).filter_map(|it| it.trim().parse().ok()).collect()
}

fn ends_here(name: &str, value: &HeaderValue) -> bool {
    // Bytes outside ASCII mean one thing to one server and another to the next.
    is_reserved(name) || value.to_str().is_err()
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn forwarded(pairs: &[(&str, &str)]) -> Vec<String> {
        let mut request = Request::builder().uri("/x");
        for (name, value) in pairs {
            request = request.header(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let (path, query) = target(&parts).unwrap();
        head(&parts, path, query).headers.iter().map(|(name, _)| name.to_string()).collect()
    }

    #[test]
    fn what_says_who_is_calling_goes_no_further() {
        for name in [
            "Authorization",
            "Cookie",
            "X-API-Key",
            "X_API_Key",
            "X.Api.Key",
            "X-User",
            "X_User",
            "x-user-id",
            "X-Forwarded-For",
            "X_Forwarded_For",
            "Forwarded",
            "X-Onedoor-Client",
            "X-Original-URL",
            "X-Rewrite-URL",
            "X-HTTP-Method-Override",
            "X_HTTP_METHOD_OVERRIDE",
            "SSL-Client-Cert",
            "ssl_client_verify",
            "X-Client-Cert",
            "Client-Cert",
            "Client_Cert_Chain",
            "X-SSL-Client-S-DN",
            "X-Forwarded-Client-Cert",
            "X-ARR-ClientCert",
            "X-Amzn-Mtls-Clientcert",
            "Cf-Client-Cert-Sha256",
            "X-Tls-Client-Cert",
            "Remote-User",
            "REMOTE_USER",
            "Mcp-Session-Id",
            "X-Role",
            "Proxy",
            "Api-Key",
            "CF-Connecting-IP",
            "Transfer_Encoding",
            "DPoP",
            "X-Request-Id",
            "X-Consumer-Username",
            "X-MS-CLIENT-PRINCIPAL",
        ] {
            assert_eq!(forwarded(&[(name, "x")]), Vec::<String>::new(), "{name}");
        }
    }

    #[test]
    fn what_belongs_to_the_connection_ends_with_it() {
        let pairs = [
            ("Connection", "keep-alive, X-Hop"),
            ("X-Hop", "1"),
            ("Keep-Alive", "5"),
            ("TE", "gzip"),
            ("Upgrade", "websocket"),
            ("Expect", "100-continue"),
            ("Trailer", "x"),
            ("Accept", "a/b"),
            ("X-Trace", "7"),
            ("Content-Type", "text/plain"),
        ];
        assert_eq!(forwarded(&pairs), ["accept", "x-trace", "content-type"]);
    }

    #[test]
    fn a_value_that_is_not_ascii_goes_no_further() {
        assert_eq!(forwarded(&[("X-Name", "é"), ("X-Other", "e")]), ["x-other"]);
    }
}
