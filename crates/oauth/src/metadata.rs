//! What clients find out by themselves (RFC 8414, `OpenID` Connect Discovery).

use identity::dpop;
use model::{GrantType, Registration};
use serde_json::{Value, json};

use crate::{client, tables::Tables, token::ID_JAG};

/// The document at each of the well-known places, which are both at the root: the issuer has no path.
///
/// There is none at the places that belong to `/mcp` and to other paths. A client that asks there
/// holds that path to be part of the issuer, and has to refuse a document with another `issuer` (RFC
/// 8414 section 3.3): some end there, and go on to the root where there is none.
///
/// What no admission lets anybody do is not promised: clients choose by it how they make themselves
/// known, and would learn only at the end that it was in vain.
pub(crate) fn document(issuer: &str, tables: &Tables, asks_for_certificates: bool) -> Value {
    let at = |path: &str| json!(format!("{issuer}/oauth/{path}"));
    let grants = [
        GrantType::AuthorizationCode,
        GrantType::ClientCredentials,
        GrantType::DeviceCode,
        GrantType::JwtBearer,
        GrantType::RefreshToken,
        GrantType::TokenExchange,
    ];
    let mut proving = vec!["client_secret_basic", "client_secret_post", "private_key_jwt"];
    if asks_for_certificates {
        // At the same addresses: who shows no certificate is served all the same, or nowhere.
        proving.extend(["tls_client_auth", "self_signed_tls_client_auth"]);
    }
    // Who asks about tokens has to prove who it is.
    let methods = [&["none"], &*proving].concat();
    let mut document = json!({
        "issuer": issuer,
        "authorization_endpoint": at("authorize"),
        "token_endpoint": at("token"),
        "device_authorization_endpoint": at("device_authorization"),
        "pushed_authorization_request_endpoint": at("par"),
        "revocation_endpoint": at("revoke"),
        "introspection_endpoint": at("introspect"),
        "jwks_uri": at("jwks"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": grants.map(GrantType::parameter),
        "authorization_grant_profiles_supported": [ID_JAG],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": client::ALGORITHMS,
        "revocation_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_signing_alg_values_supported": client::ALGORITHMS,
        "introspection_endpoint_auth_methods_supported": proving,
        "introspection_endpoint_auth_signing_alg_values_supported": client::ALGORITHMS,
        "dpop_signing_alg_values_supported": dpop::ALGORITHMS,
        "tls_client_certificate_bound_access_tokens": asks_for_certificates,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "authorization_response_iss_parameter_supported": true,
        "client_id_metadata_document_supported": tables.admits(Registration::MetadataDocument),
        "protected_resources": [issuer],
        // Required by OpenID Connect Discovery, whose documents some clients read instead.
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["EdDSA"],
    });
    if let (true, Some(members)) = (tables.admits(Registration::Dynamic), document.as_object_mut())
    {
        members.insert("registration_endpoint".to_owned(), at("register"));
    }
    document
}
