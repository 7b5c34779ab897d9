//! Numbers by chance, the same in every run.

/// Where chance begins.
const SEED: u64 = 0x5eed_0fd0_0125;

/// Numbers by chance (splitmix64).
#[derive(Debug)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new() -> Self {
        Self(SEED)
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
}
