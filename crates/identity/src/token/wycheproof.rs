//! The vectors of project Wycheproof: see the README beside them for what is left out, and why.

use serde::Deserialize;
use serde_json::{Value, json};

use super::Compact;
use crate::key_set::Keys;

const SIGNATURES: &str = include_str!("../../tests/data/wycheproof/json_web_signature.json");
const KEYS: &str = include_str!("../../tests/data/wycheproof/json_web_key.json");
const ENCRYPTIONS: &str = include_str!("../../tests/data/wycheproof/json_web_encryption.json");

/// Vectors that go by other rules than ours: the comment of their group, their number, and why.
const OTHERS: [(&str, u64, &str); 5] = [
    ("rfc7520", 346, "made by PS384 with a key whose alg is PS256 (RFC 7517 section 4.4)"),
    ("rfc7520", 347, "the key's alg is ES521, which is no algorithm (RFC 7518 section 3.1)"),
    ("rfc7520WithKeyOps", 350, "as 346"),
    ("rfc7520WithKeyOps", 351, "as 347"),
    ("jws_rsa_roca_key", 7, "how an issuer makes its keys is its own: nobody looks for ROCA here"),
];

#[derive(Deserialize)]
struct Group {
    comment: String,
    #[serde(default)]
    keys: Vec<Value>,
    tests: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    #[serde(rename = "tcId")]
    id: u64,
    comment: String,
    #[serde(alias = "jwe")]
    jws: String,
    result: String,
}

/// How many were accepted and refused, as each should be, and how many go by other rules; fails where one
/// was neither.
fn check(text: &str) -> [usize; 3] {
    let (mut seen, mut others, mut wrong) = (Vec::new(), 0_usize, Vec::new());
    let groups: Vec<Group> = serde_json::from_str(text).unwrap();
    for Group { comment: group, keys, tests } in groups {
        let keys = Keys::read(&json!({ "keys": keys })).unwrap();
        for Vector { id, comment, jws, result } in tests {
            let is_other = OTHERS.iter().any(|it| (it.0, it.1) == (&*group, id));
            let is_accepted = Compact::verifies(&jws, &keys);
            if is_accepted == (result == "valid") {
                seen.push(is_accepted);
                assert!(!is_other, "{group} {id} needs no exception");
            } else if is_other {
                others = others.saturating_add(1);
            } else {
                wrong.push(format!("{group} {id} {comment}: {result}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let accepted = seen.iter().filter(|it| **it).count();
    [accepted, seen.len().saturating_sub(accepted), others]
}

/// `cargo xtask prove identity` prints it.
fn tell(what: &str, [accepted, refused, others]: [usize; 3]) {
    println!("wycheproof: {what}: {accepted} accepted, {refused} refused, {others} by other rules");
}

#[test]
fn signatures_are_accepted_when_valid_and_refused_when_not() {
    let seen = check(SIGNATURES);
    tell("signatures", seen);
    assert_eq!(seen, [32, 325, 4]);
}

#[test]
fn keys_that_are_weak_or_for_something_else_verify_nothing() {
    let seen = check(KEYS);
    tell("keys", seen);
    assert_eq!(seen, [1, 10, 1]);
}

#[test]
fn what_is_encrypted_is_no_token_whether_it_could_be_opened_or_not() {
    let groups: Vec<Group> = serde_json::from_str(ENCRYPTIONS).unwrap();
    let vectors: Vec<_> = groups.iter().flat_map(|it| &it.tests).collect();
    let refused = vectors.iter().filter(|it| Compact::parse(&it.jws).is_err()).count();
    let seen = [vectors.len().saturating_sub(refused), refused, 0];
    tell("encryptions", seen);
    assert_eq!(seen, [0, 139, 0]);
}
