//! SHA-256 as the log uses it. Each use begins with a byte of its own, so that none passes for another.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use model::hex;

/// Before a record, as before a leaf of RFC 6962.
const RECORD: u8 = 0;
/// Before two nodes of the tree.
const NODES: u8 = 1;
/// Before the name of a log.
const ORIGIN: u8 = 2;

/// A SHA-256 hash.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash([u8; 32]);

impl Hash {
    /// What stands before the first record of the log called `origin`.
    #[must_use]
    pub fn of_origin(origin: &str) -> Self {
        Self::of([&[ORIGIN], b"onedoor audit log 1\n", origin.as_bytes()])
    }

    /// The record with this `body` behind the one whose hash is `before`. It is a leaf of the tree too.
    #[must_use]
    pub fn of_record(before: Self, body: &[u8]) -> Self {
        Self::of([&[RECORD], &length(body), &before.0, body])
    }

    /// The same of the body that begins in `bytes` at `start` and is the last of them.
    ///
    /// What is hashed is put together behind it, and taken away again: so it needs no memory of its own.
    pub(crate) fn of_last_record(before: Self, bytes: &mut Vec<u8>, start: usize) -> Self {
        let end = bytes.len();
        let length = length(bytes.get(start..).unwrap_or_default());
        bytes.push(RECORD);
        bytes.extend_from_slice(&length);
        bytes.extend_from_slice(&before.0);
        bytes.extend_from_within(start.min(end)..end);
        let hash = Self::sha256(bytes.get(end..).unwrap_or_default());
        bytes.truncate(end);
        hash
    }

    /// Two nodes of the tree.
    #[must_use]
    pub fn of_nodes(left: Self, right: Self) -> Self {
        // On the stack: each record makes some, and those who verify a log make millions.
        let mut bytes = [NODES; 65];
        let [_, nodes @ ..] = &mut bytes;
        let (first, second) = nodes.split_at_mut(32);
        first.copy_from_slice(&left.0);
        second.copy_from_slice(&right.0);
        Self::sha256(&bytes)
    }

    /// The root of a tree without leaves.
    #[must_use]
    pub fn of_nothing() -> Self {
        Self::of([&[]])
    }

    fn of<const N: usize>(parts: [&[u8]; N]) -> Self {
        Self::sha256(&parts.concat())
    }

    fn sha256(bytes: &[u8]) -> Self {
        let digest = digest(&SHA256, bytes);
        let mut hash = [0; 32];
        hash.iter_mut().zip(digest.as_ref()).for_each(|(to, from)| *to = *from);
        Self(hash)
    }

    /// Reads 64 hexadecimal digits, in small letters.
    #[must_use]
    pub fn from_hex(text: &[u8]) -> Option<Self> {
        let (pairs, []) = text.as_chunks::<2>() else { return None };
        let mut hash = [0; 32];
        if pairs.len() != hash.len() {
            return None;
        }
        for (byte, [high, low]) in hash.iter_mut().zip(pairs) {
            *byte = (digit(*high)? << 4) | digit(*low)?;
        }
        Some(Self(hash))
    }

    /// Reads base64.
    #[must_use]
    pub fn from_base64(text: &str) -> Option<Self> {
        STANDARD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// As base64, which checkpoints and proofs have.
    #[must_use]
    pub fn to_base64(self) -> String {
        STANDARD.encode(self.0)
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// From bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

/// How long a body is, as it is hashed.
fn length(body: &[u8]) -> [u8; 8] {
    u64::try_from(body.len()).unwrap_or(u64::MAX).to_be_bytes()
}

fn digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => character.checked_sub(b'0'),
        b'a'..=b'f' => character.checked_sub(b'a').and_then(|it| it.checked_add(10)),
        _ => None,
    }
}

impl fmt::Display for Hash {
    /// 64 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_back_and_nothing_else_is_read() {
        let hash = Hash::of_nothing();
        let text = hash.to_string();
        assert_eq!(text, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(Hash::from_hex(text.as_bytes()), Some(hash));
        assert_eq!(Hash::from_base64(&hash.to_base64()), Some(hash));
        for bad in
            [text.split_at(1).1, &text.to_uppercase(), &format!("{text}0"), &text.replace('e', "g")]
        {
            assert_eq!(Hash::from_hex(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn a_record_depends_on_its_bytes_and_on_all_before_it() {
        let origin = Hash::of_origin("a");
        let record = Hash::of_record(origin, b"x");
        assert_ne!(record, Hash::of_record(Hash::of_origin("b"), b"x"));
        assert_ne!(record, Hash::of_record(origin, b"y"));
        // RFC 6962, section 2.1: a leaf is SHA-256(0x00 || its data).
        let data = [&1_u64.to_be_bytes()[..], origin.as_bytes(), b"x"].concat();
        assert_eq!(record, Hash::of([&[0], &data]));
    }
}
