//! A token that is bound leads nowhere without what it is bound to, and a profile that demands that
//! takes no other.

use std::{
    collections::BTreeSet,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
};

use http::{HeaderMap, HeaderValue};
use identity::{
    Directory, Presented, Sender,
    api_key::Pepper,
    dpop::{self, NonceMaker, ProofTerms, Proofs, RequestProof},
    replay::ReplayStore,
};
use jsonwebtoken::Algorithm;
use model::{
    Caller, ClientCertificate, ProofDemand, Refusal, RefusalKind, Secret, Timestamp, TokenBinding,
};
use serde_json::{Value, json};

use crate::{
    dpop::header,
    house::{House, NOW, PEER, refused, sender, terms},
    signer::{Signer, claims, encode, with},
};

const URL: &str = "https://door.example/orders/7";

/// A house, a key that its caller holds, and tokens that are bound to it or not.
struct Bound {
    house: House,
    directory: Directory,
    issuer: Signer,
    key: Signer,
    jkt: String,
    proofs: Arc<Proofs>,
}

impl Bound {
    fn new() -> Self {
        Self::remembering(Proofs::new(None))
    }

    fn remembering(proofs: Proofs) -> Self {
        let (issuer, key) = (Signer::new(Algorithm::ES256), Signer::new(Algorithm::ES256));
        let house = House::trusting(&[issuer.jwk()]);
        let jkt = jkt(&key);
        Self { directory: house.directory(), house, issuer, key, jkt, proofs: Arc::new(proofs) }
    }

    /// A profile that takes only tokens that are bound like this.
    fn demanding(binding: TokenBinding) -> Self {
        let mut bound = Self::new();
        bound.house.clients[0].profiles[0].tokens = Some(terms(Some(binding)));
        bound.directory = bound.house.directory();
        bound
    }

    fn token(&self, cnf: &Value) -> String {
        let claims = with(&claims(), &json!({ "cnf": cnf }));
        self.issuer.sign(&self.issuer.header(), &claims)
    }

    fn bound_token(&self) -> String {
        self.token(&json!({ "jkt": self.jkt }))
    }

    /// A request with a proof for `token` in which these claims are other.
    fn request(&self, token: &str, change: &Value) -> RequestProof {
        let headers = HeaderMap::from_iter([(dpop::HEADER, self.proof(token, change))]);
        RequestProof::of(&self.proofs, &headers, ("GET", || URL.to_owned())).unwrap()
    }

    fn proof(&self, token: &str, change: &Value) -> HeaderValue {
        let jti = uuid();
        let claims = json!({"jti": jti, "htm": "GET", "htu": URL, "iat": NOW, "ath": hash(token)});
        let text = self.key.sign(&header(&self.key), &with(&claims, change));
        HeaderValue::try_from(text).unwrap()
    }

    async fn prove(&self, token: &str, proof: &RequestProof) -> Result<Arc<Caller>, Refusal> {
        let sender = Sender { proof: Some(proof), ..sender(PEER) };
        let presented = Presented::TokenWithProof(token);
        self.house.shown(&self.directory, presented, &sender).await
    }
}

/// Another implementation's thumbprint.
fn jkt(key: &Signer) -> String {
    let jwk: jsonwebtoken::jwk::Jwk = serde_json::from_value(key.jwk()).unwrap();
    jwk.thumbprint(jsonwebtoken::jwk::ThumbprintHash::SHA256).unwrap()
}

fn hash(token: &str) -> String {
    encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.as_bytes()))
}

/// Not twice the same.
fn uuid() -> String {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).unwrap();
    encode(bytes)
}

fn demand(got: &Result<Arc<Caller>, Refusal>) -> ProofDemand {
    got.as_ref().unwrap_err().demand().cloned().unwrap()
}

#[tokio::test]
async fn a_bound_token_needs_a_new_proof_for_each_request_however_well_it_is_known() {
    let bound = Bound::new();
    let token = bound.bound_token();
    let first = bound.request(&token, &json!({}));
    let caller = bound.prove(&token, &first).await.unwrap();
    assert_eq!(caller.user.as_deref(), Some("idp:ann"));
    // The calls of one request stand on its one proof.
    assert!(bound.prove(&token, &first).await.is_ok());
    // The token is remembered from here on. That somebody held its key is not.
    for (change, want) in [
        (json!({"htm": "POST"}), "htm is not"),
        (json!({"htu": "https://door.example/orders/8"}), "htu is not"),
        (json!({"iat": NOW - 301}), "iat is more"),
        (json!({"ath": hash("another")}), "ath is not"),
        (json!({"ath": null}), "ath is not"),
        (json!({"jti": null}), "claim jti"),
    ] {
        let got = bound.prove(&token, &bound.request(&token, &change)).await;
        assert_eq!(demand(&got), ProofDemand { error: "invalid_dpop_proof", nonce: None });
        refused(got, want, &token);
    }
    let again = bound.proof(&token, &json!({}));
    let headers = HeaderMap::from_iter([(dpop::HEADER, again)]);
    let request = || RequestProof::of(&bound.proofs, &headers, ("GET", || URL.to_owned())).unwrap();
    assert!(bound.prove(&token, &request()).await.is_ok());
    let got = bound.prove(&token, &request()).await;
    assert_eq!(demand(&got).error, "invalid_dpop_proof");
    refused(got, "the jti was used before", &token);
}

#[tokio::test]
async fn a_bound_token_is_no_bearer_token_and_an_unbound_one_comes_without_a_proof() {
    let bound = Bound::new();
    let (token, unbound) = (bound.bound_token(), bound.issuer.token());
    let proof = bound.request(&token, &json!({}));
    for sender in [sender(PEER), Sender { proof: Some(&proof), ..sender(PEER) }] {
        let shown = Presented::Token(&token);
        let got = bound.house.shown(&bound.directory, shown, &sender).await;
        assert_eq!(demand(&got).error, "invalid_token");
        refused(got, "shown as a bearer token", &token);
    }
    let shown = Presented::TokenWithProof(&token);
    let got = bound.house.shown(&bound.directory, shown, &sender(PEER)).await;
    assert_eq!(demand(&got).error, "invalid_dpop_proof");
    refused(got, "there is no dpop header", &token);
    let got = bound.prove(&unbound, &bound.request(&unbound, &json!({}))).await;
    assert_eq!(demand(&got).error, "invalid_token");
    refused(got, "is bound to no key", &unbound);
}

#[tokio::test]
async fn a_proof_by_another_key_or_for_another_token_is_none() {
    let (bound, thief) = (Bound::new(), Bound::new());
    let (token, other) = (bound.bound_token(), bound.token(&json!({"jkt": thief.jkt})));
    refused(bound.prove(&token, &thief.request(&token, &json!({}))).await, "another key", &token);
    // A proof that was good for one token of the request is not for another.
    let proof = bound.request(&token, &json!({}));
    assert!(bound.prove(&token, &proof).await.is_ok());
    refused(bound.prove(&other, &proof).await, "ath is not", &other);
    let mut headers = HeaderMap::new();
    for _ in 0..2 {
        headers.append(dpop::HEADER, bound.proof(&token, &json!({})));
    }
    let two = RequestProof::of(&bound.proofs, &headers, ("GET", || URL.to_owned())).unwrap();
    refused(bound.prove(&token, &two).await, "several dpop headers", &token);
}

#[tokio::test]
async fn a_nonce_that_is_demanded_is_given_to_who_lacks_it() {
    let pepper = Pepper::new(&Secret::new(vec![7; 32])).unwrap();
    let maker = NonceMaker::under(&pepper);
    let bound = Bound::remembering(Proofs::new(None).demanding(maker));
    let token = bound.bound_token();
    let got = bound.prove(&token, &bound.request(&token, &json!({}))).await;
    let ProofDemand { error, nonce } = demand(&got);
    assert_eq!(error, "use_dpop_nonce");
    let nonce = nonce.unwrap();
    let with_nonce = |it: &str| bound.request(&token, &json!({ "nonce": it }));
    assert!(bound.prove(&token, &with_nonce(&nonce)).await.is_ok());
    let got = bound.prove(&token, &with_nonce("mine")).await;
    assert_eq!(demand(&got).nonce, Some(nonce.clone()));
    // Another replica under the same pepper takes it, one under another does not.
    let now = Timestamp::from_seconds(NOW);
    assert!(NonceMaker::under(&pepper).check(&nonce, now));
    let other = Pepper::new(&Secret::new(vec![8; 32])).unwrap();
    assert!(!NonceMaker::under(&other).check(&nonce, now));
}

/// What replicas share; `None` where it is out of reach.
struct Shared(Mutex<Option<BTreeSet<[u8; 32]>>>);

impl ReplayStore for Shared {
    fn first(
        &self,
        digest: [u8; 32],
        _: Timestamp,
    ) -> Pin<Box<dyn Future<Output = Result<bool, String>> + Send + '_>> {
        let seen = self.0.lock().unwrap().as_mut().map(|it| it.insert(digest));
        Box::pin(async move { seen.ok_or_else(|| "down".to_owned()) })
    }
}

#[tokio::test]
async fn a_proof_that_another_replica_has_seen_is_used_up_here_too() {
    let shared = Arc::new(Shared(Mutex::new(Some(BTreeSet::new()))));
    let mut bound = Bound::remembering(Proofs::new(Some(Arc::clone(&shared) as _)));
    let replica = Arc::new(Proofs::new(Some(Arc::clone(&shared) as _)));
    let token = bound.bound_token();
    let text = bound.proof(&token, &json!({}));
    let terms = ProofTerms {
        method: "GET",
        url: URL,
        access_token: Some(&token),
        nonce: None,
        jkt: Some(&bound.jkt),
    };
    let now = Timestamp::from_seconds(NOW);
    assert!(bound.proofs.accept(text.to_str().unwrap(), terms, now).await.is_ok());
    let headers = HeaderMap::from_iter([(dpop::HEADER, text)]);
    let proof = RequestProof::of(&replica, &headers, ("GET", || URL.to_owned())).unwrap();
    refused(bound.prove(&token, &proof).await, "the jti was used before", &token);
    // What cannot be told is a refusal, and no fault of the sender's.
    *shared.0.lock().unwrap() = None;
    bound.proofs = replica;
    let got = bound.prove(&token, &bound.request(&token, &json!({}))).await.unwrap_err();
    assert_eq!((got.kind(), got.demand()), (RefusalKind::Internal, None));
}

fn certificate(byte: u8) -> ClientCertificate {
    ClientCertificate {
        thumbprint: [byte; 32],
        is_trusted: true,
        subject: "CN=shop".to_owned(),
        names: Vec::new(),
        expires: Timestamp::from_seconds(NOW + 60),
    }
}

#[tokio::test]
async fn a_token_that_is_bound_to_a_certificate_needs_its_connection() {
    let bound = Bound::new();
    let token = bound.token(&json!({"x5t#S256": encode([1; 32])}));
    let (own, other) = (certificate(1), certificate(2));
    let show = async |certificate| {
        let sender = Sender { certificate, ..sender(PEER) };
        bound.house.shown(&bound.directory, Presented::Token(&token), &sender).await
    };
    assert!(show(Some(&own)).await.is_ok());
    refused(show(None).await, "the connection showed none", &token);
    refused(show(Some(&other)).await, "another client certificate", &token);
    // One that is bound to both needs both.
    let both = bound.token(&json!({"jkt": bound.jkt, "x5t#S256": encode([1; 32])}));
    let proof = bound.request(&both, &json!({}));
    for (certificate, want) in [(None, false), (Some(&own), true)] {
        let sender = Sender { certificate, proof: Some(&proof), ..sender(PEER) };
        let shown = Presented::TokenWithProof(&both);
        let got = bound.house.shown(&bound.directory, shown, &sender).await;
        assert_eq!(got.is_ok(), want);
    }
}

#[tokio::test]
async fn a_profile_that_demands_a_binding_takes_no_other_token_of_any_issuer() {
    let (own, proofless) = (certificate(1), sender(PEER));
    let with_certificate = Sender { certificate: Some(&own), ..sender(PEER) };
    let bound = Bound::demanding(TokenBinding::Dpop);
    let (unbound, token) = (bound.issuer.token(), bound.bound_token());
    let to_certificate = bound.token(&json!({"x5t#S256": encode([1; 32])}));
    for (shown, sender) in [(&unbound, &proofless), (&to_certificate, &with_certificate)] {
        let shown = Presented::Token(shown);
        let got = bound.house.shown(&bound.directory, shown, sender).await;
        assert_eq!(demand(&got).error, "invalid_token");
        refused(got, "takes only tokens that are bound by dpop", &unbound);
    }
    assert!(bound.prove(&token, &bound.request(&token, &json!({}))).await.is_ok());
    let bound = Bound::demanding(TokenBinding::Mtls);
    let token = bound.bound_token();
    let got = bound.prove(&token, &bound.request(&token, &json!({}))).await;
    refused(got, "takes only tokens that are bound by mtls", &token);
    let to_certificate = bound.token(&json!({"x5t#S256": encode([1; 32])}));
    let shown = Presented::Token(&to_certificate);
    assert!(bound.house.shown(&bound.directory, shown, &with_certificate).await.is_ok());
}
