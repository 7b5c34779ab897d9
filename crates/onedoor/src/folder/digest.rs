//! A name for the content of a folder: the same on every machine that holds the same files.

use std::fmt;

use aws_lc_rs::digest;
use model::hex;

/// SHA-256 over the names and texts of all files.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Digest([u8; 32]);

/// A digest being made.
pub(super) struct Context(digest::Context);

impl Context {
    pub(super) fn new() -> Self {
        Self(digest::Context::new(&digest::SHA256))
    }

    /// Adds one file. Lengths go in front, so that no two folders give the same bytes.
    pub(super) fn add(&mut self, name: &str, text: &str) {
        for part in [name, text] {
            self.0.update(&part.len().to_be_bytes());
            self.0.update(part.as_bytes());
        }
    }

    pub(super) fn finish(self) -> Digest {
        let mut bytes = [0; 32];
        bytes.iter_mut().zip(self.0.finish().as_ref()).for_each(|(to, from)| *to = *from);
        Digest(bytes)
    }
}

impl Digest {
    /// All sixty-four hexadecimal digits.
    pub(crate) fn full(&self) -> String {
        hex(&self.0)
    }
}

impl fmt::Display for Digest {
    /// The first twelve hexadecimal digits: enough to compare by eye.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(self.0.get(..6).unwrap_or_default()))
    }
}
