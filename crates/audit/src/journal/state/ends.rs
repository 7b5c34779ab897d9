//! Outcomes that the disk may lack yet: where it loses them, nobody knows any more what came of those calls.

use std::collections::VecDeque;

use model::RequestId;

use super::{Fresh, State};
use crate::chain::Chain;

/// No more are kept, the last ones. The header of a segment names what is open, and its line has a bound: so many
/// take a third of that.
const ENDS_MAX: usize = 100_000;
/// One is kept for so many bytes of a segment. So they take a third of one.
const END_BYTES: u64 = 200;

/// How many are kept where segments have so many bytes.
pub(super) fn ends_max(segment_bytes: u64) -> usize {
    let most = segment_bytes.checked_div(END_BYTES).and_then(|it| usize::try_from(it).ok());
    most.unwrap_or(ENDS_MAX).min(ENDS_MAX)
}

/// Outcomes that the disk may lack, in the order of the log.
#[derive(Debug, Default)]
pub(in crate::journal) struct Ends(VecDeque<End>);

/// A call that has an outcome.
#[derive(Debug)]
struct End {
    /// The number of its outcome.
    seq: u64,
    id: RequestId,
    /// The number of its intent.
    intent: u64,
}

impl Ends {
    /// The record `seq` is the outcome of a call with this id and intent. No more than `most` are kept.
    pub(super) fn add(&mut self, seq: u64, (id, intent): (RequestId, u64), most: usize) {
        if self.0.len() >= most {
            self.0.pop_front();
        }
        self.0.push_back(End { seq, id, intent });
    }

    /// The disk holds the first `count` records.
    pub(super) fn hold(&mut self, count: u64) {
        while self.0.pop_front_if(|it| it.seq < count).is_some() {}
    }

    /// There are `count` records: what stood behind them is given up.
    pub(super) fn give_up(&mut self, count: u64) {
        while self.0.pop_back_if(|it| it.seq >= count).is_some() {}
    }

    /// Takes the calls, with their intents.
    pub(super) fn take(&mut self) -> impl Iterator<Item = (RequestId, u64)> {
        self.0.drain(..).map(|it| (it.id, it.intent))
    }
}

impl State {
    /// The disk holds all of `chain`.
    pub(in crate::journal) fn hold(&mut self, chain: Chain) {
        self.ends.hold(chain.next());
        self.synced = chain;
    }

    /// The segment is not written to any more: what it lost, nobody knows. Calls whose outcome may be among that are
    /// open again.
    pub(in crate::journal) fn poison(&mut self) {
        // It may be given up already.
        let is_news = !matches!(self.fresh, Some(Fresh::Unsynced(_)));
        self.poisoned = self.poisoned.saturating_add(u64::from(is_news));
        self.fresh = Some(Fresh::Unsynced(self.synced.next()));
        if let Some(closed) = &mut self.closed {
            closed.leave();
        }
        for (id, intent) in self.ends.take() {
            self.open.insert(id, intent);
            self.orphans.push(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn ends(outcomes: std::ops::Range<u64>, most: usize) -> Ends {
        let mut ends = Ends::default();
        for seq in outcomes {
            ends.add(seq, (RequestId::new(Uuid::nil()), seq), most);
        }
        ends
    }

    fn intents(mut ends: Ends) -> Vec<u64> {
        ends.take().map(|it| it.1).collect()
    }

    #[test]
    fn what_the_disk_holds_and_what_is_given_up_is_in_doubt_no_more() {
        let mut some = ends(0..9, 9);
        some.hold(3);
        some.give_up(6);
        assert_eq!(intents(some), [3, 4, 5]);
    }

    #[test]
    fn there_are_no_more_than_a_header_can_name() {
        for (segment_bytes, most) in [(1 << 20, 5242), (64 << 20, 100_000), (u64::MAX, 100_000)] {
            assert_eq!(ends_max(segment_bytes), most);
        }
        assert_eq!(intents(ends(0..9, 5)), [4, 5, 6, 7, 8]);
    }
}
