//! A 32-byte digest as the key of a table: compared in constant time.

use std::hash::{Hash, Hasher};

use aws_lc_rs::{constant_time, digest};
use model::hex;

/// An HMAC or a SHA-256. Whoever declares credentials chooses the bytes, so tables hash them with a
/// key of their own as any other text.
#[derive(Clone, Copy)]
pub(crate) struct Fingerprint([u8; 32]);

impl Fingerprint {
    pub(crate) fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The SHA-256 of the whole of `text`: part of it would let one token stand for another.
    pub(crate) fn of(text: &[u8]) -> Self {
        let digest = digest::digest(&digest::SHA256, text);
        let mut bytes = [0; 32];
        bytes.iter_mut().zip(digest.as_ref()).for_each(|(to, from)| *to = *from);
        Self(bytes)
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first half, as records write it: enough to tell one token from all others.
    pub(crate) fn shown(&self) -> String {
        let (half, _) = self.0.split_at(16);
        format!("sha256:{}", hex(half))
    }
}

impl PartialEq for Fingerprint {
    fn eq(&self, other: &Self) -> bool {
        constant_time::verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

impl Eq for Fingerprint {}

impl Hash for Fingerprint {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_tells_two_fingerprints_apart() {
        let one = Fingerprint::of(b"one");
        assert!(one == Fingerprint::of(b"one"));
        for at in 0..32 {
            let mut other = one;
            other.0[at] ^= 1;
            assert!(one != other, "byte {at}");
        }
    }
}
