//! Where a term stands in a part: ordinals of lines, each as the distance from the one before.

/// Marks an entry that is itself the only ordinal.
const INLINE: u32 = 1 << 31;
/// The bits of a byte that hold a piece of a number; the highest says that there are more.
const PIECE_BITS: u32 = 7;
const MORE: u8 = 0x80;

/// Adds ordinals in their order, and gives the entry that leads to them.
pub(super) fn write(postings: &mut Vec<u8>, ordinals: &[u32]) -> u32 {
    if let [only] = ordinals {
        return only | INLINE;
    }
    // A part is far smaller than two gigabytes.
    let entry = u32::try_from(postings.len()).unwrap_or(INLINE);
    put(postings, u32::try_from(ordinals.len()).unwrap_or(u32::MAX));
    let mut before = 0;
    for ordinal in ordinals {
        put(postings, ordinal.saturating_sub(before));
        before = *ordinal;
    }
    entry
}

/// Reads the ordinals that `entry` leads to; `None` where it leads nowhere.
pub(super) fn read(postings: &[u8], entry: u32) -> Option<Vec<u32>> {
    if entry & INLINE != 0 {
        return Some(vec![entry ^ INLINE]);
    }
    let mut rest = postings.get(usize::try_from(entry).ok()?..)?;
    let count = usize::try_from(take(&mut rest)?).ok()?;
    // Each takes a byte at least.
    let mut ordinals = Vec::with_capacity(count.min(rest.len()));
    let mut before = 0_u32;
    for _ in 0..count {
        before = before.checked_add(take(&mut rest)?)?;
        ordinals.push(before);
    }
    Some(ordinals)
}

fn put(out: &mut Vec<u8>, mut number: u32) {
    while number >= u32::from(MORE) {
        let [low, ..] = number.to_le_bytes();
        out.push(low | MORE);
        number >>= PIECE_BITS;
    }
    let [low, ..] = number.to_le_bytes();
    out.push(low);
}

fn take(bytes: &mut &[u8]) -> Option<u32> {
    let mut number = 0_u32;
    let mut shift = 0;
    loop {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u32::from(byte & !MORE).checked_shl(shift)?;
        if byte & MORE == 0 {
            return Some(number);
        }
        shift = shift.saturating_add(PIECE_BITS);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ordinals_read_back(
            lists in prop::collection::vec(prop::collection::btree_set(0..1_u32 << 30, 1..20), 1..8)
        ) {
            let mut postings = Vec::new();
            let lists: Vec<Vec<u32>> = lists.iter().map(|it: &BTreeSet<u32>| it.iter().copied().collect()).collect();
            let entries: Vec<_> = lists.iter().map(|it| write(&mut postings, it)).collect();
            for (entry, list) in entries.into_iter().zip(lists) {
                prop_assert_eq!(read(&postings, entry), Some(list));
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..40), entry in 0..50_u32) {
            read(&bytes, entry);
        }
    }
}
