//! What metering leaves behind: an allowance that only it can make, or which limit is reached.

use std::{sync::Arc, time::Duration};

use model::{LimitId, LimitState, Measure, Refusal, RefusalKind};

use crate::counters::Counter;

/// Proof that a call was debited to every limit that applies to it. Only the meter makes one.
///
/// ```compile_fail,E0451
/// let allowance = limits::Allowance { debited: Vec::new(), balance: None };
/// ```
// No Clone: one debit lets one call through.
#[derive(Debug)]
pub struct Allowance {
    debited: Vec<Share>,
    balance: Option<Balance>,
}

/// What a call left of the limit that will be reached first. It costs each of its limits one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Balance {
    /// The limit's id.
    pub limit: LimitId,
    /// How many calls fit at once behind it.
    pub left: u32,
    /// How many fit into its window.
    pub count: u32,
    /// How long its window is.
    pub window: Duration,
}

/// One limit's part in a call.
#[derive(Debug)]
pub(crate) struct Share {
    pub(crate) order: usize,
    pub(crate) measure: Measure,
    pub(crate) counter: Arc<Counter>,
}

impl Allowance {
    pub(crate) fn new(debited: Vec<Share>, balance: Option<Balance>) -> Self {
        Self { debited, balance }
    }

    /// What is left of the limit of which least is left.
    #[must_use]
    pub fn balance(&self) -> Option<&Balance> {
        self.balance.as_ref()
    }

    /// Takes out what is left of that limit, for who tells it and does not look at it here again.
    pub fn take_balance(&mut self) -> Option<Balance> {
        self.balance.take()
    }

    /// The limits that were debited, by id.
    pub fn limits(&self) -> impl Iterator<Item = &LimitId> {
        self.debited.iter().map(|it| it.counter.limit())
    }
}

/// A limit did not let the call through, and so no limit was debited.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("limit \"{}\" is reached; retry in {}s", state.limit, whole_seconds(state.retry_after))]
pub struct Exhausted {
    state: LimitState,
    shortage: Shortage,
}

/// What ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shortage {
    /// What fits into the limit.
    Calls,
    /// The meter's room for counters, of which it holds this many.
    Counters(usize),
}

impl Exhausted {
    pub(crate) fn new(state: LimitState, shortage: Shortage) -> Self {
        Self { state, shortage }
    }

    /// The limit to wait for: of several that are reached, the one that takes longest.
    #[must_use]
    pub fn state(&self) -> &LimitState {
        &self.state
    }
}

impl From<Exhausted> for Refusal {
    fn from(exhausted: Exhausted) -> Self {
        let detail = exhausted.to_string();
        let Exhausted { state, shortage } = exhausted;
        let refusal = Self::new(RefusalKind::LimitReached, detail)
            .by_rule(Arc::clone(&state.limit))
            .by_limit(state);
        match shortage {
            Shortage::Calls => refusal,
            Shortage::Counters(count) => refusal.because(format!(
                "{count} counters are in use, and no more are kept: use limits that more callers share"
            )),
        }
    }
}

/// Rounded up, so that whoever waits that long does not come too early.
fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() > 0))
}
