//! Numbers by chance, other ones in each run, or those of a run before.

use std::hash::{BuildHasher as _, RandomState};

use anyhow::{Context as _, Result};

/// Where chance begins, as a number; anywhere without it.
pub(super) const SEED_VARIABLE: &str = "PROVE_SEED";

/// Where chance begins in this run.
pub(super) fn seed() -> Result<u64> {
    let Some(given) = std::env::var_os(SEED_VARIABLE) else {
        return Ok(RandomState::new().hash_one(0));
    };
    given.to_string_lossy().parse::<u64>().with_context(|| format!("{SEED_VARIABLE} is no number"))
}

/// Numbers by chance (splitmix64).
#[derive(Debug)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Another one, for somebody who draws at the same time.
    pub(super) fn fork(&mut self) -> Self {
        Self(self.next())
    }

    /// Any number.
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`; 0 where that is 0.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next().checked_rem(bound).unwrap_or_default()
    }

    /// The same for lengths and places.
    pub(super) fn place(&mut self, bound: usize) -> usize {
        usize::try_from(self.next()).unwrap_or_default().checked_rem(bound).unwrap_or_default()
    }

    /// Puts these in another order (Fisher and Yates).
    pub(super) fn shuffle<T>(&mut self, things: &mut [T]) {
        for last in (1..things.len()).rev() {
            things.swap(last, self.place(last.saturating_add(1)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shuffled_is_all_there_in_another_order() {
        let mut things: Vec<_> = (0..100).collect();
        Chance::new(1).shuffle(&mut things);
        assert!(!things.is_sorted());
        things.sort_unstable();
        assert!(things.into_iter().eq(0..100));
    }
}
