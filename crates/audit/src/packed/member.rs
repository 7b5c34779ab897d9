//! One member: a head, the packed lines, and what shows that they are whole.

use std::io::{self, ErrorKind, Read, Write as _};

use flate2::{Compression, Crc, read::DeflateDecoder, write::DeflateEncoder};

use super::broken;
use crate::lines::LINE_BYTES_MAX;

/// How a member begins: deflate, with an extra field, without time and name, of an unknown system;
/// twelve bytes of extra field, named OD, of which eight are its own.
const HEAD: [u8; 16] = [0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff, 12, 0, b'O', b'D', 8, 0];
/// Bytes before what is packed: those, and both lengths.
const HEAD_BYTES: u64 = 24;
/// Bytes behind it: the checksum and the length again.
const TAIL_BYTES: u64 = 8;

/// What the head of a member says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Member {
    /// How long what is packed is, and how much it holds.
    packed: u32,
    pub(super) holds: u32,
}

impl Member {
    /// The member that holds `text`.
    pub(super) fn pack(text: &[u8]) -> io::Result<Vec<u8>> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text)?;
        let packed = encoder.finish()?;
        let length = |of: &[u8]| u32::try_from(of.len()).map_err(io::Error::other);
        let lengths = [length(&packed)?.to_le_bytes(), length(text)?.to_le_bytes()];
        Ok([&HEAD[..], &lengths.concat(), &packed, &tail(text)].concat())
    }

    /// Reads a head; none at the end of the file.
    pub(super) fn head(file: &mut impl Read) -> io::Result<Option<Self>> {
        let mut head = Vec::new();
        file.take(HEAD_BYTES).read_to_end(&mut head)?;
        if head.is_empty() {
            return Ok(None);
        }
        let lengths = head.strip_prefix(&HEAD[..]).and_then(|it| it.as_chunks::<4>().0.get(..2));
        let Some([packed, holds]) = lengths else { return Err(broken("it is no member")) };
        let (packed, holds) = (u32::from_le_bytes(*packed), u32::from_le_bytes(*holds));
        // No member is longer than the longest line and what stands before it.
        let is_possible = |it: u32| u64::from(it) <= LINE_BYTES_MAX.saturating_mul(2);
        match is_possible(packed) && is_possible(holds) {
            true => Ok(Some(Self { packed, holds })),
            false => Err(broken("a member is longer than any is")),
        }
    }

    /// How many bytes stand behind the head.
    pub(super) fn rest(self) -> u64 {
        u64::from(self.packed).saturating_add(TAIL_BYTES)
    }

    /// Reads what stands behind the head: all of it is right, or nothing is given.
    pub(super) fn unpack(self, file: &mut impl Read) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        file.take(self.rest()).read_to_end(&mut bytes)?;
        let (packed, end) = usize::try_from(self.packed)
            .ok()
            .and_then(|it| bytes.split_at_checked(it))
            .ok_or_else(|| broken("it ends within a member"))?;
        let (mut text, mut decoder) = (Vec::new(), DeflateDecoder::new(packed));
        let most = u64::from(self.holds).saturating_add(1);
        let unpacked = (&mut decoder).take(most).read_to_end(&mut text);
        let is_whole = unpacked.is_ok()
            && u32::try_from(text.len()) == Ok(self.holds)
            && decoder.total_in() == u64::from(self.packed)
            && end == tail(&text);
        if is_whole { Ok(text) } else { Err(broken("a member is not what was written")) }
    }
}

fn tail(text: &[u8]) -> [u8; 8] {
    let mut crc = Crc::new();
    crc.update(text);
    let mut tail = [0; 8];
    let bytes = crc.sum().to_le_bytes().into_iter().chain(crc.amount().to_le_bytes());
    tail.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
    tail
}

/// Whether an error says that a member is not whole, and not that a disk cannot be read.
pub(crate) fn is_broken(error: &io::Error) -> bool {
    error.kind() == ErrorKind::InvalidData
}
