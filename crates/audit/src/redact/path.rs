//! What a record keeps of a path that its caller chose: all segments but those that are private.

use std::borrow::Cow;

use super::{REDACTED, sentence::holds_address, value::is_secret_text};

/// `path` with each segment replaced that holds a secret or an e-mail address, as it is or in the
/// writing of a URL.
///
/// Clients make paths of what they were given: of a key, where somebody put it into an address.
pub(crate) fn without_private(path: &str) -> Cow<'_, str> {
    // Asked of all of it at once: whatever is in a segment is in the whole.
    if !is_private(path) {
        return Cow::Borrowed(path);
    }
    let segments = path.split('/').map(|it| if is_private(it) { REDACTED } else { it });
    let kept = segments.collect::<Vec<_>>().join("/");
    // What reaches over slashes, such as a URL with a password, is in none of them alone.
    if is_private(&kept) { Cow::Borrowed(REDACTED) } else { Cow::Owned(kept) }
}

fn is_private(text: &str) -> bool {
    is_secret_text(text) || holds_address(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_private_segment_is_replaced_and_the_rest_stays() {
        for (path, want) in [
            ("/mcp/odk_7gh3kd9fj2", "/mcp/[redacted]"),
            ("/mcp/odk_7gh3kd9fj2/", "/mcp/[redacted]/"),
            ("/mcp/%6Fdk_7gh3kd9fj2/tools", "/mcp/[redacted]/tools"),
            ("/a/password%3Dhunter2/b", "/a/[redacted]/b"),
            ("/cb;access_token=abc/b", "/[redacted]/b"),
            ("/cards/4111111111111111", "/cards/[redacted]"),
            ("/cards/4111%201111%201111%201111", "/cards/[redacted]"),
            ("/ghp_0123456789abcdefghij/odk_7gh3kd9fj2", "/[redacted]/[redacted]"),
            ("/customers/ann@example.com/orders", "/customers/[redacted]/orders"),
            ("/customers/%61nn%40example%2Ecom", "/customers/[redacted]"),
            ("/customers/ann%2540example.com", "/customers/[redacted]"),
            ("/customers/ann%25252540example.com/x", "/customers/[redacted]/x"),
            ("/mcp/%256Fdk_7gh3kd9fj2/tools", "/mcp/[redacted]/tools"),
            ("/a/password%253Dhunter2/b", "/a/[redacted]/b"),
            ("/proxy/https://app:pw@db/orders", "[redacted]"),
            // It may be a method as well: nobody can tell that from a word that is secret.
            ("/v1/tokens:revoke", "/v1/[redacted]"),
            ("/login/password:letmein", "/login/[redacted]"),
            ("/sessions/session:a8f3/x", "/sessions/[redacted]/x"),
            ("token:x/a", "[redacted]/a"),
        ] {
            assert_eq!(without_private(path), want, "{path}");
        }
    }

    #[test]
    fn an_ordinary_path_is_not_even_copied() {
        for path in [
            "",
            "/",
            "/metrics",
            "/oauth/device_authorization",
            "/oauth/account/second-factor/remove",
            "/.well-known/oauth-protected-resource/mcp/orders",
            "/orders/018f4a3e-7c1d-7b3a-9e59-1f2d3c4b5a69/items/42",
            "/a%20b/%zz",
            "/npm/lodash@4.17.21/x.js",
            "/npm/pkg@1.2.3",
        ] {
            assert!(matches!(without_private(path), Cow::Borrowed(it) if it == path), "{path}");
        }
    }

    proptest! {
        #[test]
        fn no_path_keeps_what_is_private(
            path in "(/[a-z=:%@. ]{0,6}|/odk_[a-z0-9]{8,20}|/a@b.c|/\\PC{0,8}){0,6}",
        ) {
            let kept = without_private(&path);
            prop_assert!(!is_private(&kept), "{}: {}", path, kept);
        }
    }
}
