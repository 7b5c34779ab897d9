//! An `OpenID` provider that signs people in, and can be told to misbehave.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
};

use aws_lc_rs::{
    encoding::AsBigEndian as _,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use model::{Clock, Issuer, IssuerId, KeySource, Place, Secret, SecretId, SignIn};
use oauth::{Outside, Sending};
use serde_json::{Map, Value, json};

use crate::house::challenge;

pub(crate) const IDP: &str = "https://login.example";
/// A client that says of itself that it brings assertions. It signs by the provider's key, for want of
/// one of its own.
pub(crate) const BRINGER: &str = "https://agent.example/bringer.json";
const CLIENT: &str = "door at login";
const CLIENT_SECRET: &str = "a+secret of%a test";

/// The provider.
pub(crate) struct Idp {
    key: EcdsaKeyPair,
    clock: Clock,
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    /// What was asked for, by the code that was given for it.
    codes: BTreeMap<String, BTreeMap<String, String>>,
    /// Members of the next ID tokens that are other than they should be.
    changes: Map<String, Value>,
    userinfo: Value,
}

impl std::fmt::Debug for Idp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Idp")
    }
}

impl Idp {
    pub(crate) fn new(clock: Clock) -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        Self { key, clock, told: Mutex::default() }
    }

    /// The issuer, as it is declared at the door.
    pub(crate) fn issuer() -> Issuer {
        Issuer {
            id: IssuerId::parse("corp").unwrap(),
            issuer: IDP.to_owned(),
            keys: KeySource::Discovery,
            audiences: vec!["door".to_owned()],
            algorithms: vec!["ES256".to_owned()],
            types: vec!["at+jwt".to_owned()],
            sign_in: Some(SignIn {
                label: "Corp".to_owned(),
                client_id: CLIENT.to_owned(),
                client_secret: Some(SecretId::parse("corp-login").unwrap()),
                scopes: vec!["profile".to_owned()],
                name_claim: None,
                groups_claim: Some("realm.groups".to_owned()),
                groups: None,
            }),
            introspection: None,
            is_enabled: true,
            place: Place::default(),
        }
    }

    /// What it publishes, by URL.
    pub(crate) fn documents(&self) -> Vec<(String, String)> {
        let public: aws_lc_rs::encoding::EcPublicKeyUncompressedBin<'_> =
            self.key.public_key().as_be_bytes().unwrap();
        let point = public.as_ref();
        let part = |from: usize| URL_SAFE_NO_PAD.encode(&point[from..from + 32]);
        let key = json!({ "kty": "EC", "crv": "P-256", "x": part(1), "y": part(33), "kid": "k" });
        let metadata = json!({
            "issuer": IDP,
            "jwks_uri": format!("{IDP}/keys"),
            "authorization_endpoint": format!("{IDP}/authorize?tenant=1"),
            "token_endpoint": format!("{IDP}/token"),
            "userinfo_endpoint": format!("{IDP}/me"),
            "authorization_response_iss_parameter_supported": true,
        });
        let bringer = json!({
            "client_id": BRINGER,
            "redirect_uris": ["http://127.0.0.1/cb"],
            "grant_types": ["authorization_code", "urn:ietf:params:oauth:grant-type:jwt-bearer"],
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": { "keys": [key] },
        });
        vec![
            (format!("{IDP}/.well-known/openid-configuration"), metadata.to_string()),
            (format!("{IDP}/keys"), json!({ "keys": [key] }).to_string()),
            (BRINGER.to_owned(), bringer.to_string()),
        ]
    }

    /// Members of its ID tokens are to be these from now on; null ones are left out.
    pub(crate) fn says(&self, changes: Value) {
        self.told().changes = changes.as_object().unwrap().clone();
    }

    /// What its userinfo endpoint says.
    pub(crate) fn says_besides(&self, claims: Value) {
        self.told().userinfo = claims;
    }

    /// Signs a person in who was sent to `location`: where they are sent back to.
    pub(crate) fn sign_in(&self, location: &str) -> String {
        let url = url::Url::parse(location).unwrap();
        assert!(location.starts_with(&format!("{IDP}/authorize?tenant=1&")), "{location}");
        let asked: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
        assert_eq!(
            (&*asked["client_id"], &*asked["scope"], &*asked["code_challenge_method"]),
            (CLIENT, "openid profile", "S256")
        );
        // There are providers that refuse it (Entra: AADSTS9010010), whatever the client asked for here.
        assert!(!asked.contains_key("resource"), "{location}");
        let back = asked["redirect_uri"].strip_prefix(crate::house::DOOR).unwrap().to_owned();
        let state = asked["state"].clone();
        let mut told = self.told();
        let code = format!("code-{}", told.codes.len());
        told.codes.insert(code.clone(), asked);
        format!("{back}?code={code}&state={state}&iss=https%3A%2F%2Flogin.example")
    }

    fn token(&self, request: &Request<Bytes>) -> Value {
        let form: BTreeMap<String, String> =
            url::form_urlencoded::parse(request.body()).into_owned().collect();
        // Each is encoded as in a form (RFC 6749 section 2.3.1).
        let basic = STANDARD.encode("door+at+login:a%2Bsecret+of%25a+test");
        assert_eq!(request.headers()[header::AUTHORIZATION], format!("Basic {basic}"));
        let asked = self.told().codes.remove(&form["code"]).unwrap();
        assert_eq!(form["grant_type"], "authorization_code");
        assert_eq!(form["redirect_uri"], asked["redirect_uri"]);
        assert_eq!(challenge(&form["code_verifier"]), asked["code_challenge"]);
        let now = self.clock.now().as_seconds();
        let mut claims = json!({
            "iss": IDP, "sub": "Eve 1", "aud": CLIENT, "nonce": asked["nonce"],
            "iat": now, "exp": now + 300, "name": "Eve", "realm": { "groups": ["staff"] },
        });
        for (name, value) in &self.told().changes {
            claims[name] = value.clone();
        }
        claims.as_object_mut().unwrap().retain(|_, it| !it.is_null());
        json!({ "access_token": "at-1", "token_type": "Bearer", "id_token": self.id_token(&claims) })
    }

    fn id_token(&self, claims: &Value) -> String {
        self.sign(&json!({ "alg": "ES256", "kid": "k" }), claims)
    }

    /// A JWT with this header and these claims, whatever they are.
    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        let part = |it: &Value| URL_SAFE_NO_PAD.encode(it.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        let signature = self.key.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap()
    }
}

impl Outside for Idp {
    fn send(&self, request: Request<Bytes>) -> Sending<'_> {
        let answer = match request.uri().path() {
            "/token" => self.token(&request),
            "/me" => {
                assert_eq!(request.headers()[header::AUTHORIZATION], "Bearer at-1");
                self.told().userinfo.clone()
            }
            path => panic!("{path}"),
        };
        Box::pin(async move { Ok(Response::new(Bytes::from(answer.to_string()))) })
    }

    fn basic(&self, client_id: &str, secret: &SecretId) -> Result<HeaderValue, String> {
        let secret = self.secret(secret).ok_or("it has no value")?;
        let encoded = |it: &[u8]| url::form_urlencoded::byte_serialize(it).collect::<String>();
        let pair = format!("{}:{}", encoded(client_id.as_bytes()), encoded(secret.expose()));
        Ok(HeaderValue::try_from(format!("Basic {}", STANDARD.encode(pair))).unwrap())
    }

    fn secret(&self, id: &SecretId) -> Option<Secret<Vec<u8>>> {
        (id.as_str() == "corp-login").then(|| Secret::new(CLIENT_SECRET.as_bytes().to_vec()))
    }
}
