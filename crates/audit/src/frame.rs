//! The line of a record: `{"seq":N,` its members `,"hash":"…","crc":"…"}`. Pure.
//!
//! The hash is of all before it and of the record before, so the line is part of a chain. The
//! checksum is of all before it, the hash among that. Both have a fixed length and stand last, so
//! that they are found without reading the JSON.

use model::{hex_digits, push_hex};

use crate::{Hash, chain::Chain, checksum::crc32c};

const SEQ: &[u8] = b"{\"seq\":";
const HASH: &[u8] = b",\"hash\":\"";
const CRC: &[u8] = b"\",\"crc\":\"";
const END: &[u8] = b"\"}";
const HASH_DIGITS: usize = 64;
const CRC_DIGITS: usize = 8;

/// So many bytes a frame has at most, beside the members of its record.
pub(crate) const FRAME_BYTES_MAX: usize = 128;

/// A line whose shape and checksum are right. What its hash is worth, the chain says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame<'a> {
    pub(crate) seq: u64,
    /// All that is hashed.
    pub(crate) body: &'a [u8],
    pub(crate) hash: Hash,
}

/// Adds the line with these `members` to `out`, and its record to `chain`.
pub(crate) fn write(out: &mut Vec<u8>, chain: &mut Chain, members: &[u8]) {
    let start = out.len();
    // Twice: what is hashed is put together behind it.
    out.reserve(members.len().saturating_mul(2).saturating_add(FRAME_BYTES_MAX));
    out.extend_from_slice(SEQ);
    // Without fmt, which costs more than the number. Writing to memory does not fail.
    serde_json::to_writer(&mut *out, &chain.next()).ok();
    out.push(b',');
    out.extend_from_slice(members);
    let hash = chain.extend_by(out, start);
    out.extend_from_slice(HASH);
    push_hex(out, hash.as_bytes());
    let crc = crc32c(out.get(start..).unwrap_or_default());
    out.extend_from_slice(CRC);
    push_hex(out, &crc.to_be_bytes());
    out.extend_from_slice(END);
    out.push(b'\n');
}

/// Reads a line without its newline; `None` where its shape or its checksum is wrong.
pub(crate) fn read(line: &[u8]) -> Option<Frame<'_>> {
    let (checked, crc) = split_end(line.strip_suffix(END)?, CRC_DIGITS)?;
    let checked = checked.strip_suffix(CRC)?;
    if !crc32c(checked).to_be_bytes().into_iter().flat_map(hex_digits).eq(crc.iter().copied()) {
        return None;
    }
    let (body, hash) = split_end(checked, HASH_DIGITS)?;
    let body = body.strip_suffix(HASH)?;
    let (seq, _) = split_once(body.strip_prefix(SEQ)?, b',')?;
    Some(Frame { seq: number(seq)?, body, hash: Hash::from_hex(hash)? })
}

/// The record of a body, as JSON of its own.
pub(crate) fn json(body: &[u8]) -> Vec<u8> {
    [body, b"}"].concat()
}

fn split_end(bytes: &[u8], count: usize) -> Option<(&[u8], &[u8])> {
    bytes.split_at_checked(bytes.len().checked_sub(count)?)
}

fn split_once(bytes: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let index = bytes.iter().position(|it| *it == at)?;
    Some((bytes.get(..index)?, bytes.get(index.saturating_add(1)..)?))
}

/// A number as we write it: digits, and no zero before others.
pub(crate) fn number(digits: &[u8]) -> Option<u64> {
    let is_ours =
        digits.iter().all(u8::is_ascii_digit) && (digits.len() == 1 || !digits.starts_with(b"0"));
    std::str::from_utf8(digits).ok().filter(|_| is_ours)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(members: &str) -> Vec<u8> {
        let mut out = Vec::new();
        write(&mut out, &mut Chain::begin("test"), members.as_bytes());
        out.pop();
        out
    }

    #[test]
    fn a_line_is_json_that_reads_back() {
        let line = line(r#""kind":"call""#);
        let text = std::str::from_utf8(&line).unwrap();
        insta::assert_snapshot!(text, @r#"{"seq":0,"kind":"call","hash":"1f9dbb7223ad759b38c27f7617f828e9424ccca37864c09a0b88a8f686cbf9a8","crc":"6ae944f4"}"#);
        let value: serde_json::Value = serde_json::from_str(text).unwrap();
        assert_eq!((&value["seq"], &value["kind"]), (&0.into(), &"call".into()));
        let frame = read(&line).unwrap();
        assert_eq!((frame.seq, frame.body), (0, &br#"{"seq":0,"kind":"call""#[..]));
        assert_eq!(frame.hash, Hash::of_record(Hash::of_origin("test"), frame.body));
        assert_eq!(json(frame.body), br#"{"seq":0,"kind":"call"}"#);
    }

    proptest! {
        #[test]
        fn a_line_with_another_byte_is_none(at in any::<prop::sample::Index>(), bit in 0..8_u32) {
            let mut line = line(r#""kind":"call","path":"/orders""#);
            let index = at.index(line.len());
            line[index] ^= 1 << bit;
            prop_assert!(read(&line).is_none(), "{}", String::from_utf8_lossy(&line));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(read(&bytes).is_none());
        }
    }
}
