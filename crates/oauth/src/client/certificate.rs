//! A client that proves itself by the certificate of its connection (RFC 8705 section 2).

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::STANDARD};
use model::{CertificateMatch, ClientCertificate, CredentialId, Proof};
use serde_json::{Map, Value};

use super::{Client, Origin, unknown};
use crate::{Request, Server, error::Denied};

/// The methods: by what an authority says in the certificate, and by the certificate itself.
pub(super) const METHODS: [&str; 2] = ["tls_client_auth", "self_signed_tls_client_auth"];

/// What a client's metadata can name of the certificate that an authority gives it.
pub(super) const NAMES: [&str; 5] = [
    "tls_client_auth_subject_dn",
    "tls_client_auth_san_dns",
    "tls_client_auth_san_uri",
    "tls_client_auth_san_ip",
    "tls_client_auth_san_email",
];

const CERTIFICATES_MAX: usize = 8;
const NAME_BYTES_MAX: usize = 1_024;

/// Whether the connection proves the client, and by which credential; none where the client proves
/// itself in another way, or not at all.
///
/// # Errors
/// `invalid_client` where it has to prove itself so, and does not.
pub(super) fn prove(
    server: &Server,
    request: &Request,
    client: &Client,
) -> Result<Option<Option<CredentialId>>, Denied> {
    let certificate = request.certificate.as_ref();
    let wanted = match &client.origin {
        Origin::Declared(profile) => {
            let tables = server.tables();
            let mut credentials = tables.credentials(profile, request.at);
            let found = certificate.and_then(|certificate| {
                credentials.find(|it| match &it.proof {
                    Proof::Mtls { certificate: mark } => is_one(certificate, mark),
                    Proof::ApiKey { .. }
                    | Proof::ClientSecret { .. }
                    | Proof::External { .. }
                    | Proof::PrivateKeyJwt { .. } => false,
                })
            });
            return Ok(found.map(|it| Some(it.id.clone())));
        }
        Origin::Document { metadata, host: _ } => {
            let members = metadata.as_object().ok_or_else(unknown)?;
            match method(members) {
                Some(method) => marks(members, method).map_err(|it| unknown().because(it))?,
                None => return Ok(None),
            }
        }
        Origin::CommandLine => return Ok(None),
        Origin::Dynamic { certificates, .. } if certificates.is_empty() => return Ok(None),
        Origin::Dynamic { certificates, .. } => certificates.clone(),
    };
    let certificate = certificate
        .ok_or_else(|| unknown().because("its connection showed no client certificate"))?;
    match wanted.iter().any(|it| is_one(certificate, it)) {
        true => Ok(Some(None)),
        false => Err(unknown().because("its certificate is another than its metadata names")),
    }
}

fn is_one(certificate: &ClientCertificate, mark: &CertificateMatch) -> bool {
    certificate.marks().any(|it| it == *mark)
}

/// The method of these two that a client's metadata names, if it names one.
pub(super) fn method(metadata: &Map<String, Value>) -> Option<&str> {
    let method = metadata.get("token_endpoint_auth_method").and_then(Value::as_str);
    method.filter(|it| METHODS.contains(it))
}

/// What the metadata of a client with this method says of its certificates. One of them is enough.
///
/// # Errors
/// Where that is nothing, or not clear.
pub(super) fn marks(
    metadata: &Map<String, Value>,
    method: &str,
) -> Result<Vec<CertificateMatch>, &'static str> {
    if method == "self_signed_tls_client_auth" {
        return certificates(metadata.get("jwks"));
    }
    let mut named = NAMES.into_iter().filter_map(|it| Some((it, metadata.get(it)?)));
    let fault = "tls_client_auth needs exactly one tls_client_auth_ name";
    let (Some((name, value)), None) = (named.next(), named.next()) else { return Err(fault) };
    let text = value.as_str().filter(|it| (1..=NAME_BYTES_MAX).contains(&it.len()));
    let text = text.ok_or("the tls_client_auth_ name is no text, or is too long")?;
    mark(name, text).map(|it| vec![it])
}

fn mark(name: &str, text: &str) -> Result<CertificateMatch, &'static str> {
    Ok(match name {
        "tls_client_auth_subject_dn" => CertificateMatch::Subject(text.to_owned()),
        "tls_client_auth_san_dns" => CertificateMatch::Dns(text.to_ascii_lowercase()),
        "tls_client_auth_san_uri" => CertificateMatch::Uri(text.to_owned()),
        "tls_client_auth_san_email" => CertificateMatch::Email(text.to_owned()),
        _ => {
            let address = text.parse().map_err(|_| "tls_client_auth_san_ip is no address")?;
            CertificateMatch::Ip(address)
        }
    })
}

/// The certificates of a key set: the first of each `x5c` is the key's own.
fn certificates(keys: Option<&Value>) -> Result<Vec<CertificateMatch>, &'static str> {
    let keys = keys.and_then(|it| it.get("keys")).and_then(Value::as_array);
    let keys = keys.filter(|it| (1..=CERTIFICATES_MAX).contains(&it.len()));
    let keys = keys.ok_or("self_signed_tls_client_auth needs jwks with 1 to 8 keys")?;
    let certificate = |key: &Value| {
        let encoded = key.get("x5c")?.as_array()?.first()?.as_str()?;
        let der = STANDARD.decode(encoded).ok().filter(|it| !it.is_empty())?;
        Some(CertificateMatch::Thumbprint(digest(&SHA256, &der).as_ref().try_into().ok()?))
    };
    let read = keys.iter().map(certificate).collect::<Option<Vec<_>>>();
    read.ok_or("a key of jwks has no certificate in x5c")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(metadata: &Value) -> Result<Vec<CertificateMatch>, &'static str> {
        let members = metadata.as_object().unwrap();
        marks(members, method(members).unwrap())
    }

    #[test]
    fn metadata_names_one_name_or_whole_certificates() {
        let by = |name: &str, value: Value| {
            read(&json!({"token_endpoint_auth_method": "tls_client_auth", name: value}))
        };
        let text = str::to_owned;
        for (name, value, want) in [
            ("subject_dn", "CN=app", CertificateMatch::Subject(text("CN=app"))),
            ("san_dns", "App.example", CertificateMatch::Dns(text("app.example"))),
            ("san_uri", "spiffe://a/b", CertificateMatch::Uri(text("spiffe://a/b"))),
            ("san_email", "a@b.example", CertificateMatch::Email(text("a@b.example"))),
            ("san_ip", "::1", CertificateMatch::Ip("::1".parse().unwrap())),
        ] {
            assert_eq!(by(&format!("tls_client_auth_{name}"), json!(value)), Ok(vec![want]));
        }
        for (name, value) in [
            ("tls_client_auth_san_ip", json!("app.example")),
            ("tls_client_auth_san_dns", json!("")),
            ("tls_client_auth_san_dns", json!(["a"])),
            ("tls_client_auth_san_dns", json!("a".repeat(1_025))),
            ("subject", json!("CN=app")),
        ] {
            assert!(by(name, value.clone()).is_err(), "{name} {value}");
        }
        let two = json!({
            "token_endpoint_auth_method": "tls_client_auth",
            "tls_client_auth_san_dns": "a", "tls_client_auth_subject_dn": "CN=a",
        });
        assert!(read(&two).is_err());
    }

    #[test]
    fn a_self_signed_certificate_is_known_by_its_bytes() {
        let with = |keys: Value| {
            let method = "self_signed_tls_client_auth";
            read(&json!({"token_endpoint_auth_method": method, "jwks": {"keys": keys}}))
        };
        // echo -n abc | sha256sum
        let read = with(json!([{"x5c": ["YWJj", "ZGVm"]}])).unwrap();
        let [CertificateMatch::Thumbprint(bytes)] = read.as_slice() else { panic!("{read:?}") };
        assert_eq!(bytes[..4], [0xba, 0x78, 0x16, 0xbf]);
        for bad in [
            json!([]),
            json!([{}]),
            json!([{"x5c": []}]),
            json!([{"x5c": "YWJj"}]),
            json!([{"x5c": ["!"]}]),
            json!([{"x5c": [""]}]),
            json!([{"x5c": ["YWJj"]}, {}]),
            json!(vec![json!({"x5c": ["YWJj"]}); 9]),
        ] {
            assert!(with(bad.clone()).is_err(), "{bad}");
        }
    }
}
