//! What it costs to know a caller by a token: seen for the first time, and known already, next to
//! the bare check of the same signature: tokens of a trusted issuer, and those that the door signs
//! itself. `cargo xtask bench auth` prints it as a table.
//!
//! Prints one line of JSON for each algorithm and for the door, with times in nanoseconds: for each, the median of
//! rounds in which all three take turns.
#![expect(
    clippy::cast_precision_loss,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench that cannot go on must fail at once"
)]
#![expect(dead_code, reason = "of the house of the tests it needs a part")]

#[path = "../tests/identity/house.rs"]
mod house;
#[path = "../tests/identity/issuer.rs"]
mod issuer;
#[path = "../tests/identity/signer.rs"]
mod signer;

use std::{hint::black_box, sync::Arc};

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RsaPublicKeyComponents,
};
use identity::{Directory, OwnIssuer};
use jsonwebtoken::Algorithm;
use model::{CertificateMatch, Clock};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use crate::{
    house::{House, terms},
    signer::{Signer, claims, decode, with},
};

const ALGORITHMS: [Algorithm; 3] = [Algorithm::EdDSA, Algorithm::ES256, Algorithm::RS256];
const ROUNDS: usize = 21;
/// Tokens of a round: fewer than are remembered, so that what is known stays known.
const TOKENS: usize = 500;

/// The door's own issuer.
const DOOR: &str = "https://door.example";

/// Who signs the tokens of a row, what they say, and the house that they are shown to.
struct Giver {
    name: String,
    algorithm: Algorithm,
    signer: Signer,
    claims: Value,
    house: House,
}

/// A token, and what its signature is over.
struct Token {
    text: String,
    message: String,
    signature: Vec<u8>,
}

/// Nanoseconds for one token, of one round.
struct Round {
    bare: f64,
    first: f64,
    known: f64,
}

fn main() {
    // What `cargo bench` hands to every bench means nothing here.
    let runtime = Builder::new_current_thread().build().unwrap();
    for giver in ALGORITHMS.map(Giver::trusted).into_iter().chain([Giver::door()]) {
        let Giver { name, algorithm, signer, claims, house } = giver;
        let key = public_key(&signer.jwk(), algorithm);
        let tokens: Vec<_> = (0..TOKENS).map(|it| token(&signer, &claims, it)).collect();
        let rounds: Vec<_> = (0..ROUNDS).map(|_| round(&runtime, &house, &key, &tokens)).collect();
        let of = |figure: fn(&Round) -> f64| median(rounds.iter().map(figure).collect());
        println!(
            "{}",
            json!({
                "algorithm": name,
                "bare_ns": of(|it| it.bare),
                "first_ns": of(|it| it.first),
                "known_ns": of(|it| it.known),
                "first_to_bare": of(|it| it.first / it.bare),
            })
        );
    }
}

impl Giver {
    /// An issuer of others.
    fn trusted(algorithm: Algorithm) -> Self {
        let signer = Signer::new(algorithm);
        let house = House::trusting(&[signer.jwk()]);
        Self { name: format!("{algorithm:?}"), algorithm, signer, claims: claims(), house }
    }

    /// The door itself, to a client that shows a credential for it.
    fn door() -> Self {
        let algorithm = Algorithm::EdDSA;
        let signer = Signer::new(algorithm);
        let issuer = OwnIssuer::new(DOOR);
        issuer.publish(&json!({ "keys": [signer.jwk()] })).unwrap();
        let mut house = House::new();
        house.own = Some(Arc::new(issuer));
        house.clients[0].profiles[0].tokens = Some(terms(None));
        house.certificate("shop-cert", CertificateMatch::Dns("shop.example".to_owned()));
        let says = json!({
            "iss": DOOR, "sub": "shop/main", "client_id": "shop/main",
            "onedoor": {"profile": "shop/main", "credential": "shop-cert"},
        });
        let name = format!("{algorithm:?} (the door's own)");
        Self { name, algorithm, signer, claims: with(&claims(), &says), house }
    }
}

fn round(runtime: &Runtime, house: &House, key: &ParsedPublicKey, tokens: &[Token]) -> Round {
    let bare = time(tokens, |it| {
        key.verify_sig(it.message.as_bytes(), &it.signature).unwrap();
    });
    // A new directory knows no token.
    let directory = house.directory();
    let first = time(tokens, |it| let_in(runtime, house, &directory, it));
    let known = time(tokens, |it| let_in(runtime, house, &directory, it));
    Round { bare, first, known }
}

fn let_in(runtime: &Runtime, house: &House, directory: &Directory, token: &Token) {
    black_box(runtime.block_on(house.token(directory, &token.text)).unwrap());
}

/// Nanoseconds for each of them.
fn time(tokens: &[Token], mut each: impl FnMut(&Token)) -> f64 {
    let clock = Clock::system();
    tokens.iter().for_each(&mut each);
    clock.elapsed().as_nanos() as f64 / tokens.len() as f64
}

fn token(signer: &Signer, claims: &Value, number: usize) -> Token {
    let claims = with(claims, &json!({"jti": number.to_string()}));
    let text = signer.sign(&signer.header(), &claims);
    let (message, signature) = text.rsplit_once('.').unwrap();
    Token { message: message.to_owned(), signature: decode(signature), text }
}

/// The key as whoever checks no more than the signature would read it.
fn public_key(jwk: &Value, algorithm: Algorithm) -> ParsedPublicKey {
    let member = |name: &str| decode(jwk.get(name).unwrap().as_str().unwrap());
    match algorithm {
        Algorithm::EdDSA => ParsedPublicKey::new(&ED25519, member("x")).unwrap(),
        Algorithm::ES256 => {
            let point = [vec![4], member("x"), member("y")].concat();
            ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).unwrap()
        }
        _ => RsaPublicKeyComponents { n: member("n"), e: member("e") }
            .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
            .unwrap(),
    }
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
