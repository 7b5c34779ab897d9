//! What only a lenient reader takes for a signature, a key or a text: neither verifier does.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;

use super::*;

/// The order of the group that signatures are made in, little-endian (RFC 8032, section 5.1: L).
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];
const BAD: &str = "bad-signature at record 0";

/// The newest checkpoint of a log, taken apart.
struct Note {
    text: String,
    signature: Vec<u8>,
}

impl Note {
    fn newest(folder: &Path) -> Self {
        let note = newest(folder);
        let (text, line) = note.split_once("\n\n").unwrap();
        let signed = STANDARD.decode(line.trim_end().rsplit(' ').next().unwrap()).unwrap();
        Self { text: format!("{text}\n"), signature: signed[4..].to_vec() }
    }

    /// The same text, with a signature as if it were by this key.
    fn signed(&self, by: &VerifyingKey, signature: &[u8]) -> String {
        let signed = [&id(&by.to_string()), signature].concat();
        format!("{}\n\u{2014} {NAME} {}\n", self.text, STANDARD.encode(signed))
    }
}

/// The id of a key, which stands in its text.
fn id(key: &str) -> [u8; 4] {
    u32::from_str_radix(key.split('+').nth(1).unwrap(), 16).unwrap().to_be_bytes()
}

/// The key that has these bytes.
fn key_of(bytes: [u8; 32]) -> VerifyingKey {
    let key = [&[1], &bytes[..]].concat();
    let named = digest(&SHA256, &[NAME.as_bytes(), b"\n", &key].concat());
    let id = u32::from_be_bytes(*named.as_ref().first_chunk().unwrap());
    VerifyingKey::parse(&format!("{NAME}+{id:08x}+{}", STANDARD.encode(key))).unwrap()
}

/// 32 bytes that begin and end with these.
fn bytes(first: u8, middle: u8, last: u8) -> [u8; 32] {
    let mut bytes = [middle; 32];
    (bytes[0], bytes[31]) = (first, last);
    bytes
}

/// A number that means the same, to who does not look how large it is.
fn plus_order(number: &[u8]) -> Vec<u8> {
    let mut carry = 0_u16;
    let add = |(one, other): (&u8, u8)| {
        let [low, high] =
            carry.saturating_add(u16::from(*one)).saturating_add(u16::from(other)).to_le_bytes();
        carry = u16::from(high);
        low
    };
    number.iter().zip(ORDER).map(add).collect()
}

/// What both verifiers say of the log with this alone as its checkpoints.
fn told_by_both(log: &Path, key: &VerifyingKey, checkpoints: &[u8]) -> String {
    fs::write(log.join(CHECKPOINTS), checkpoints).unwrap();
    let ours = told_by(key, log, None);
    assert_eq!(told_by_python_by(key, &[], &[log], None), [&*ours]);
    ours
}

#[test]
fn signatures_and_keys_are_taken_in_one_encoding() {
    let log = tempfile::tempdir().unwrap();
    write(log.path(), key);
    let note = Note::newest(log.path());
    let key = key().verifying_key();
    let (point, number) = note.signature.split_at(32);
    // A key of order 1, and what "signs" everything by it: whoever gives such a key trusts everybody.
    let (weak, by_weak) = (bytes(1, 0, 0), [bytes(1, 0, 0), [0; 32]].concat());
    for (key, signature, want) in [
        (&key, note.signature.clone(), "ok"),
        (&key, [point, &plus_order(number)].concat(), BAD),
        (&key, note.signature[..63].to_vec(), BAD),
        (&key, [&note.signature[..], &[0]].concat(), BAD),
        (&key_of(weak), by_weak.clone(), "ok"),
        // The same point: with a sign that 0 has not, and with the prime added.
        (&key_of(bytes(1, 0, 0x80)), by_weak.clone(), BAD),
        (&key_of(bytes(0xee, 0xff, 0x7f)), by_weak.clone(), BAD),
        (&key_of(bytes(0xee, 0xff, 0xff)), by_weak, BAD),
    ] {
        let line = format!("{}\n", json!(note.signed(key, &signature)));
        assert_eq!(told_by_both(log.path(), key, line.as_bytes()), want, "{key} {signature:?}");
    }
}

#[test]
fn a_line_beside_the_log_is_a_json_text_in_utf_8() {
    let log = tempfile::tempdir().unwrap();
    write(log.path(), key);
    let line = json!(newest(log.path())).to_string();
    let wide: Vec<_> = line.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let lone = line.replace(r#"\n""#, r#"\n\u2014 x \ud800\n""#);
    let key = key().verifying_key();
    for (line, want) in [
        (line.clone().into_bytes(), "ok"),
        (format!("\u{feff}{line}").into_bytes(), BAD),
        (wide, BAD),
        (lone.into_bytes(), BAD),
        ("[".repeat(100_000).into_bytes(), BAD),
    ] {
        let text = [&line[..], b"\n"].concat();
        let told = told_by_both(log.path(), &key, &text);
        assert_eq!(told, want, "{}", String::from_utf8_lossy(&line));
    }
}
