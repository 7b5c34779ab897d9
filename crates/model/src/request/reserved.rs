//! Headers that no caller may send on: they end at the door, or only the door may say them.

use std::borrow::Cow;

/// How names of headers begin that prove or claim who is calling, or what is asked.
const CLAIM_PREFIXES: [&str; 39] = [
    "cf-access-",
    "cf-client-",
    "cf-connecting-",
    "client-cert",
    "mcp-",
    "ssl-cert",
    "ssl-client",
    "tls-client",
    "x-account",
    "x-amzn-mtls-",
    "x-amzn-oidc-",
    "x-arr-clientcert",
    "x-auth",
    "x-cert",
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
    "x-mtls-",
    "x-onedoor-",
    "x-original-",
    "x-peer-cert",
    "x-remote-",
    "x-role",
    "x-spiffe",
    "x-ssl-",
    "x-tenant",
    "x-tls-",
    "x-token",
    "x-upstream-",
    "x-user",
];

/// Whether a header of this name, in lower case, ends at the door, whichever surface it came by.
///
/// Servers that make variables of headers take `_` and `.` for `-`: an alias goes with its name.
#[must_use]
pub fn is_reserved(name: &str) -> bool {
    let plain: Cow<'_, str> = if name.bytes().any(|it| matches!(it, b'_' | b'.')) {
        Cow::Owned(name.replace(['_', '.'], "-"))
    } else {
        Cow::Borrowed(name)
    };
    is_of_connection(&plain) || is_claim(&plain) || begins_claim(&plain)
}

/// Whether it is of one connection (RFC 9110 section 7.6.1), or one that the door writes itself.
// Asked of each header of each request. A match looks at the length first: most are told by that alone.
fn is_of_connection(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "content-length"
            | "expect"
            | "host"
            | "http2-settings"
            | "keep-alive"
            | "origin"
            | "proxy"
            | "proxy-connection"
            | "referer"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
            | "via"
            | "x-request-id"
    )
}

/// Whether it proves or claims who is calling, or what is asked, by its exact name.
fn is_claim(name: &str) -> bool {
    matches!(
        name,
        "api-key"
            | "authorization"
            | "client-ip"
            | "cookie"
            | "dpop"
            | "fastly-client-ip"
            | "forwarded"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "remote-addr"
            | "remote-user"
            | "true-client-ip"
            | "x-access-token"
            | "x-api-key"
            | "x-cluster-client-ip"
            | "x-host"
            | "x-jwt-assertion"
            | "x-method-override"
            | "x-real-ip"
            | "x-rewrite-url"
            | "x-scheme"
            | "x-subject"
    )
}

/// Whether a prefix begins this name. Where one does, it is the last that does not stand behind the
/// name: what is between them would begin with it, and no prefix begins with another.
fn begins_claim(name: &str) -> bool {
    if !name.starts_with(['c', 'm', 's', 't', 'x']) {
        return false;
    }
    let count = CLAIM_PREFIXES.partition_point(|it| *it <= name);
    let last = CLAIM_PREFIXES.iter().take(count).next_back();
    last.is_some_and(|it| name.starts_with(it))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_proxy_says_of_a_client_certificate_is_reserved() {
        for name in [
            "cf-client-cert-der-base64",
            "client-cert",
            "client-cert-chain",
            "client_cert",
            "ssl_client_s_dn",
            "ssl-client-verify",
            "tls-client-subject",
            "x-amzn-mtls-clientcert-leaf",
            "x-arr-clientcert",
            "x-certificate",
            "x-client-cert",
            "x-client-dn",
            "x-client-verify",
            "x-forwarded-client-cert",
            "x-forwarded-tls-client-cert-info",
            "x-mtls-subject",
            "x-peer-certificate",
            "x-spiffe-id",
            "x-ssl-cert",
            "x-ssl-client-cn",
            "x_ssl_client_s_dn",
            "x-tls-client-fingerprint",
        ] {
            assert!(is_reserved(name), "{name}");
        }
        for name in ["client-version", "ssl", "x-tls", "x-mtls"] {
            assert!(!is_reserved(name), "{name}");
        }
    }

    #[test]
    fn the_prefixes_are_in_order_and_none_begins_another() {
        assert!(CLAIM_PREFIXES.is_sorted());
        assert!(CLAIM_PREFIXES.windows(2).all(|it| !it[1].starts_with(it[0])));
        for prefix in CLAIM_PREFIXES {
            for name in [prefix.to_owned(), format!("{prefix}-"), format!("{prefix}zz")] {
                assert!(is_reserved(&name), "{name}");
            }
        }
    }

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
