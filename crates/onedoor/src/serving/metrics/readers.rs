//! Who reads the numbers: recorded at first, and then once a minute with how often that was.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use identity::sources::network;

/// For so long what one reads is counted behind one record.
const COUNT_FOR: Duration = Duration::from_secs(60);
/// So many readers are told apart.
const READERS_MAX: usize = 64;

/// Who has read lately; none stands for all that are not told apart.
#[derive(Debug, Default)]
pub(super) struct Readers(Mutex<HashMap<Option<IpAddr>, Reads>>);

/// How often one read behind its last record, and until when that speaks for it.
#[derive(Debug)]
struct Reads {
    more: u64,
    until: Duration,
}

impl Readers {
    /// Counts that `peer` reads. Where that needs a record: how often it read behind the last one.
    pub(super) fn count(&self, peer: IpAddr, now: Duration) -> Option<u64> {
        let mut readers = self.readers();
        let peer = Some(network(peer));
        let peer =
            peer.filter(|it| readers.len() < READERS_MAX || readers.contains_key(&Some(*it)));
        let until = now.saturating_add(COUNT_FOR);
        match readers.get_mut(&peer) {
            Some(reads) if now < reads.until => {
                reads.more = reads.more.saturating_add(1);
                None
            }
            // It may be gone for long: who does not read again is told of at the end.
            known => {
                let more = known.map_or(0, |it| it.more);
                readers.insert(peer, Reads { more: 0, until });
                Some(more)
            }
        }
    }

    /// Counts what the record was to tell that could not be written, with the one that it was needed for: the
    /// next one tells it.
    pub(super) fn give_back(&self, peer: IpAddr, more: u64) {
        let mut readers = self.readers();
        let peer = Some(network(peer)).filter(|it| readers.contains_key(&Some(*it)));
        if let Some(reads) = readers.get_mut(&peer) {
            reads.more = reads.more.saturating_add(more).saturating_add(1);
        }
    }

    /// How often each has read behind its last record. Nobody reads any more.
    pub(super) fn take(&self) -> Vec<(Option<IpAddr>, u64)> {
        let readers = std::mem::take(&mut *self.readers());
        let readers = readers.into_iter().map(|(peer, reads)| (peer, reads.more));
        readers.filter(|(_, more)| *more > 0).collect()
    }

    fn readers(&self) -> MutexGuard<'_, HashMap<Option<IpAddr>, Reads>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(of: u8) -> IpAddr {
        [192, 0, 2, of].into()
    }

    #[test]
    fn who_reads_is_recorded_at_first_and_once_a_minute() {
        let (readers, at) = (Readers::default(), Duration::from_secs);
        assert_eq!(readers.count(address(1), at(0)), Some(0));
        assert_eq!(readers.count(address(2), at(0)), Some(0));
        for seconds in [15, 30, 59] {
            assert_eq!(readers.count(address(1), at(seconds)), None);
        }
        assert_eq!(readers.count(address(1), at(60)), Some(3));
        assert_eq!(readers.count(address(1), at(61)), None);
        assert_eq!(readers.take(), [(Some(address(1)), 1)]);
        assert!(readers.take().is_empty(), "taken once");
    }

    #[test]
    fn what_a_record_was_to_tell_that_could_not_be_written_the_next_one_tells() {
        let (readers, at) = (Readers::default(), Duration::from_secs);
        assert_eq!(readers.count(address(1), at(0)), Some(0));
        assert_eq!(readers.count(address(1), at(30)), None);
        assert_eq!(readers.count(address(1), at(60)), Some(1));
        readers.give_back(address(1), 1);
        assert_eq!(readers.count(address(1), at(61)), None);
        assert_eq!(readers.count(address(1), at(120)), Some(3), "and those that came since");
        assert!(readers.take().is_empty());
    }

    #[test]
    fn however_many_there_are_few_are_told_apart_and_none_is_lost() {
        let readers = Readers::default();
        let recorded = (0..u8::MAX).filter_map(|of| readers.count(address(of), Duration::ZERO));
        assert_eq!(recorded.count(), READERS_MAX + 1);
        assert_eq!(readers.take(), [(None, 255 - 65)]);
    }
}
