//! What an issuer says about itself: OIDC Discovery 1.0, and RFC 8414.

use serde_json::{Map, Value};

use crate::token::{object, texts};

const BYTES_MAX: usize = 256 * 1024;

/// What an issuer says about itself, believed as far as the issuer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderMetadata {
    /// The issuer, as it is declared here and as it calls itself: byte by byte the same.
    pub issuer: String,
    /// Where its keys are.
    pub jwks_uri: String,
    /// Where people sign in.
    pub authorization_endpoint: Option<String>,
    /// Where codes are turned into tokens.
    pub token_endpoint: Option<String>,
    /// Where it says more about a person.
    pub userinfo_endpoint: Option<String>,
    /// Where it says whether a token is good (RFC 7662).
    pub introspection_endpoint: Option<String>,
    /// Whether it names itself in the answers of its authorization endpoint (RFC 9207): then it must.
    pub is_issuer_in_responses: bool,
    /// How a client may show who it is at the token endpoint; empty where it says nothing.
    pub token_endpoint_auth_methods: Vec<String>,
}

impl ProviderMetadata {
    /// Reads the metadata of `issuer`.
    pub(super) fn read(text: &[u8], issuer: &str) -> Result<Self, String> {
        if text.len() > BYTES_MAX {
            return Err(format!("the metadata has {} bytes, more than {BYTES_MAX}", text.len()));
        }
        let document = object(text).ok_or("the metadata is not an object in strict json")?;
        // Before anything else in it is believed (RFC 8414 section 3.3): else one issuer could speak for another.
        is_of(&document, issuer)?;
        let endpoint = |name: &str| endpoint(&document, name, issuer);
        let methods = document.get("token_endpoint_auth_methods_supported");
        let methods = methods.map(|it| texts(it).map(str::to_owned).collect());
        Ok(Self {
            issuer: issuer.to_owned(),
            jwks_uri: endpoint("jwks_uri")?.ok_or("the metadata has no jwks_uri")?,
            authorization_endpoint: endpoint("authorization_endpoint")?,
            token_endpoint: endpoint("token_endpoint")?,
            userinfo_endpoint: endpoint("userinfo_endpoint")?,
            introspection_endpoint: endpoint("introspection_endpoint")?,
            is_issuer_in_responses: document.get("authorization_response_iss_parameter_supported")
                == Some(&Value::Bool(true)),
            token_endpoint_auth_methods: methods.unwrap_or_default(),
        })
    }
}

fn is_of(document: &Map<String, Value>, issuer: &str) -> Result<(), String> {
    match document.get("issuer").and_then(Value::as_str) {
        Some(theirs) if theirs == issuer => Ok(()),
        Some(theirs) if theirs.contains('{') => Err(format!(
            "the metadata is of all tenants (\"{}\"), and each has an issuer of its own: declare the issuer of one \
             tenant, with its id where the braces stand",
            theirs.escape_debug()
        )),
        Some(theirs) => Err(format!(
            "the metadata is of the issuer \"{}\": declare the issuer exactly so, if it is the one that is meant",
            theirs.escape_debug()
        )),
        None => Err("the metadata names no issuer".to_owned()),
    }
}

/// The URL under `name`. Over http only where the issuer itself is: then both are of this machine.
fn endpoint(
    document: &Map<String, Value>,
    name: &str,
    issuer: &str,
) -> Result<Option<String>, String> {
    let Some(value) = document.get(name).filter(|it| !it.is_null()) else { return Ok(None) };
    let url = value.as_str().filter(|it| it.bytes().all(|it| it.is_ascii_graphic()));
    let url = url.ok_or_else(|| format!("the metadata's {name} is no url"))?;
    let is_fit = |scheme: &str| url.strip_prefix(scheme).is_some_and(|it| !it.is_empty());
    if is_fit("https://") || (issuer.starts_with("http://") && is_fit("http://")) {
        return Ok(Some(url.to_owned()));
    }
    Err(format!("the metadata's {name} is not at an https address"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ISSUER: &str = "https://login.example/realms/a";

    fn read(change: &Value, issuer: &str) -> Result<ProviderMetadata, String> {
        let mut document = json!({"issuer": ISSUER, "jwks_uri": "https://keys.example/a"});
        for (name, value) in change.as_object().unwrap() {
            document[name] = value.clone();
        }
        ProviderMetadata::read(document.to_string().as_bytes(), issuer)
    }

    #[test]
    fn an_issuer_says_where_things_are() {
        let metadata = read(
            &json!({
                "token_endpoint": "https://login.example/token",
                "userinfo_endpoint": null,
                "authorization_response_iss_parameter_supported": true,
                "something_new": {"a": [1]},
            }),
            ISSUER,
        )
        .unwrap();
        assert_eq!(metadata.jwks_uri, "https://keys.example/a");
        assert_eq!(metadata.token_endpoint.as_deref(), Some("https://login.example/token"));
        assert_eq!(metadata.userinfo_endpoint, None);
        assert!(metadata.is_issuer_in_responses);
        assert!(!read(&json!({}), ISSUER).unwrap().is_issuer_in_responses);
    }

    #[test]
    fn only_the_issuer_itself_speaks_for_it() {
        for other in [
            "https://login.example/realms/b",
            "https://login.example/realms/a/",
            "https://LOGIN.example/realms/a",
            "https://login.example:443/realms/a",
            "http://login.example/realms/a",
        ] {
            let error = read(&json!({"issuer": other}), ISSUER).unwrap_err();
            assert!(error.contains("declare the issuer exactly so"), "{error}");
        }
        for none in [json!(null), json!([ISSUER]), json!(7)] {
            assert!(read(&json!({"issuer": none}), ISSUER).unwrap_err().contains("no issuer"));
        }
        let template = "https://login.microsoftonline.com/{tenantid}/v2.0";
        let common = "https://login.microsoftonline.com/common/v2.0";
        let error = read(&json!({"issuer": template}), common).unwrap_err();
        assert!(error.contains("declare the issuer of one tenant"), "{error}");
    }

    #[test]
    fn an_endpoint_is_at_an_https_address() {
        for url in [
            json!("http://keys.example/a"),
            json!("http://127.0.0.1/a"),
            json!("https://"),
            json!("HTTPS://keys.example"),
            json!("file:///etc/passwd"),
            json!("https://keys.example/a b"),
            json!(["https://keys.example"]),
            json!(""),
        ] {
            for name in ["jwks_uri", "token_endpoint"] {
                let error = read(&json!({name: url}), ISSUER).unwrap_err();
                assert!(error.contains(name), "{url}: {error}");
            }
        }
        assert!(read(&json!({"jwks_uri": null}), ISSUER).unwrap_err().contains("no jwks_uri"));
        let here = "http://127.0.0.1:9000";
        let found = read(&json!({"issuer": here, "jwks_uri": "http://127.0.0.1:9000/keys"}), here);
        assert_eq!(found.unwrap().jwks_uri, "http://127.0.0.1:9000/keys");
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_not_read() {
        for text in [
            "",
            "[]",
            "<html>",
            r#"{"issuer":"https://a","issuer":"https://a","jwks_uri":"https://a"}"#,
            r#"{"issuer":"https://a","jwks_uri":"https://a"} {}"#,
        ] {
            let error = ProviderMetadata::read(text.as_bytes(), "https://a").unwrap_err();
            assert!(error.contains("strict json"), "{text}: {error}");
        }
        let large = vec![b' '; BYTES_MAX + 1];
        assert!(ProviderMetadata::read(&large, "https://a").unwrap_err().contains("more than"));
    }
}
