//! Headers that no caller may send on: they end at the door, or only the door may say them.

use std::borrow::Cow;

/// Headers of one connection (RFC 9110 section 7.6.1), and those that the door writes itself.
const CONNECTION: [&str; 16] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "origin",
    "proxy",
    "proxy-connection",
    "referer",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-request-id",
];

/// Headers that prove or claim who is calling, or what is asked, by their exact name.
const CLAIMS: [&str; 24] = [
    "api-key",
    "authorization",
    "client-cert",
    "client-cert-chain",
    "client-ip",
    "cookie",
    "dpop",
    "fastly-client-ip",
    "forwarded",
    "proxy-authenticate",
    "proxy-authorization",
    "remote-addr",
    "remote-user",
    "true-client-ip",
    "x-access-token",
    "x-api-key",
    "x-cluster-client-ip",
    "x-host",
    "x-jwt-assertion",
    "x-method-override",
    "x-real-ip",
    "x-rewrite-url",
    "x-scheme",
    "x-subject",
];

/// The same by the beginning of their name.
const CLAIM_PREFIXES: [&str; 28] = [
    "cf-access-",
    "cf-connecting-",
    "mcp-",
    "ssl-client",
    "x-account",
    "x-amzn-oidc-",
    "x-auth",
    "x-client-",
    "x-consumer-",
    "x-credential-",
    "x-email",
    "x-envoy-",
    "x-forwarded-",
    "x-goog-authenticated-",
    "x-goog-iap-",
    "x-http-method",
    "x-identity-",
    "x-middleware-",
    "x-ms-client-",
    "x-onedoor-",
    "x-original-",
    "x-remote-",
    "x-role",
    "x-ssl-",
    "x-tenant",
    "x-token",
    "x-upstream-",
    "x-user",
];

/// Whether a header of this name, in lower case, ends at the door, whichever surface it came by.
///
/// Servers that make variables of headers take `_` and `.` for `-`: an alias goes with its name.
#[must_use]
pub fn is_reserved(name: &str) -> bool {
    let plain: Cow<'_, str> = if name.contains(['_', '.']) {
        Cow::Owned(name.replace(['_', '.'], "-"))
    } else {
        Cow::Borrowed(name)
    };
    CONNECTION.contains(&&*plain)
        || CLAIMS.contains(&&*plain)
        || CLAIM_PREFIXES.iter().any(|it| plain.starts_with(it))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_claim_is_reserved() {
        for name in
            ["x-user-id", "x_user_id", "x.user.id", "remote_user", "transfer_encoding", "mcp-name"]
        {
            assert!(is_reserved(name), "{name}");
        }
        for name in
            ["accept", "content-type", "x-trace", "if-match", "user-agent", "x-idempotency-key"]
        {
            assert!(!is_reserved(name), "{name}");
        }
    }
}
