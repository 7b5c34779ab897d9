//! A signature is over exactly this text, in exactly one encoding.

use jsonwebtoken::Algorithm;
use serde_json::json;

use super::{check, row};
use crate::{
    house::House,
    signer::{Signer, claims, decode, encode, with},
};

#[tokio::test]
async fn a_signature_is_over_exactly_this_text_in_exactly_one_encoding() {
    for algorithm in [Algorithm::ES256, Algorithm::EdDSA, Algorithm::RS256, Algorithm::PS256] {
        let signer = Signer::new(algorithm);
        let house = House::trusting(&[signer.jwk()]);
        let good = signer.token();
        let (message, signature) = good.rsplit_once('.').unwrap();
        let bytes = decode(signature);
        let signed = |bytes: &[u8]| format!("{message}.{}", encode(bytes));
        let wrong = "signature does not verify";
        let other = signer.sign(&signer.header(), &with(&claims(), &json!({"sub": "eve"})));
        let (other_message, other_signature) = other.rsplit_once('.').unwrap();
        let mut rows = vec![
            row("another's signature", format!("{message}.{other_signature}"), wrong),
            row("another's message", format!("{other_message}.{signature}"), wrong),
            row("zeros", signed(&vec![0; bytes.len()]), wrong),
            row("ones", signed(&vec![255; bytes.len()]), wrong),
            row("one byte", signed(&[0]), wrong),
            row("cut", signed(&bytes[..bytes.len() - 1]), wrong),
            row("longer", signed(&[&bytes[..], &[0]].concat()), wrong),
            row("zero before", signed(&[&[0], &bytes[..]].concat()), wrong),
            row("twice", signed(&[&bytes[..], &bytes].concat()), wrong),
        ];
        for at in [0, bytes.len() / 2, bytes.len() - 1] {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            rows.push(row(format!("bit at {at}"), signed(&flipped), wrong));
        }
        match algorithm {
            Algorithm::ES256 => {
                rows.push(row("der", signed(&der(&bytes)), wrong));
                let mut zero_r = bytes.clone();
                zero_r[..32].fill(0);
                rows.push(row("r is zero", signed(&zero_r), wrong));
                // The order of the group in place of both: zero by another name.
                let order = [P256_ORDER, P256_ORDER].concat();
                rows.push(row("r and s are the order", signed(&order), wrong));
            }
            Algorithm::EdDSA => rows.push(row("s + order", signed(&malleated(&bytes)), wrong)),
            _ => {}
        }
        check(&house, &good, rows).await;
    }
}

const P256_ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6,
    0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// The order of Ed25519's group, least significant byte first.
const ED25519_ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// Adds the order to s: the same number modulo the order, another text.
fn malleated(signature: &[u8]) -> Vec<u8> {
    let mut carry = 0_u16;
    let mut changed = signature.to_vec();
    for (byte, order) in changed.iter_mut().skip(32).zip(ED25519_ORDER) {
        carry += u16::from(*byte) + u16::from(order);
        *byte = carry.to_le_bytes()[0];
        carry >>= 8;
    }
    changed
}

/// The same two numbers as a DER sequence.
fn der(raw: &[u8]) -> Vec<u8> {
    let integer = |bytes: &[u8]| [&[2, 33, 0], bytes].concat();
    let (r, s) = raw.split_at(32);
    [&[0x30, 70], &integer(r)[..], &integer(s)].concat()
}
