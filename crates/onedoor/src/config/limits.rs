//! `[limits]`: what holds where no limit is declared.

use std::{num::NonZeroU32, time::Duration};

use model::Rate;

use super::Reader;

/// What holds where no limit is declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Limits {
    /// The rate of a profile for an operation that no limit speaks of.
    pub(crate) default_rate: Rate,
}

impl Limits {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let mut table = reader.table("limits");
        let ten = NonZeroU32::MIN.saturating_add(9);
        let default = Rate { count: ten, per: Duration::from_secs(1), burst: ten };
        let default_rate = table.take(reader, "default_rate", Rate::parse).unwrap_or(default);
        table.finish(reader);
        Self { default_rate }
    }
}
