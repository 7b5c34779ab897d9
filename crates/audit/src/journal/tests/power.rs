//! The power goes, whatever was written before: what a disk had not taken may be gone, and nothing else.

use std::path::Path;

use proptest::{prelude::*, sample::Index};

use super::*;

/// What happens to a log before that.
#[derive(Debug, Clone, Copy)]
enum Deed {
    /// So many more bytes get through.
    Fill(usize),
    FailSyncs,
    Mend,
    Standard,
    Strict,
    Sync,
}

/// More or less of them is never synced, and room and disk fail now and then.
fn deeds(standard: u32) -> impl Strategy<Value = Vec<Deed>> {
    let deed = prop_oneof![
        1 => (0..3000_usize).prop_map(Deed::Fill),
        1 => Just(Deed::FailSyncs),
        2 => Just(Deed::Mend),
        standard => Just(Deed::Standard),
        4 => Just(Deed::Strict),
        2 => Just(Deed::Sync),
    ];
    prop::collection::vec(deed, 1..120)
}

/// Does all of it. Gives what was written, how many segments were given up, and who was told that the disk
/// has their record.
fn write(deeds: &[Deed], segment_bytes: u64) -> (Memory, u64, Vec<String>) {
    let (clock, operation) = (clock(), destructive());
    let rules = Rules { segment_bytes, ..Rules::default() };
    let (journal, memory) = Journal::memory_with(rules, clock.clone());
    let mut told = Vec::new();
    let strict = |name: &str| {
        journal.append(&Record { operation: Some(&operation), ..record(name) }).is_ok()
    };
    // A log that could not begin on its disk is none.
    assert!(strict("first"));
    for (index, deed) in deeds.iter().enumerate() {
        let name = format!("t{index}");
        match deed {
            Deed::Fill(room) => memory.fill_after(*room),
            Deed::FailSyncs => memory.fail_syncs(),
            Deed::Mend => {
                memory.mend();
                clock.advance(RETRY);
                journal.admit().ok();
            }
            Deed::Standard => drop(journal.append(&record(&name))),
            Deed::Strict => told.extend(strict(&name).then_some(name)),
            Deed::Sync => {
                let state = journal.shared.lock();
                if state.is_dirty() {
                    drop(journal.shared.sync(state));
                }
            }
        }
    }
    (memory, journal.condition().poisoned, told)
}

/// The whole lines of each segment.
fn lines(folder: &Path) -> Vec<Vec<String>> {
    let read = |it: &segment::Segment| {
        let text = std::fs::read_to_string(&it.path).unwrap();
        text.split_inclusive('\n').filter(|it| it.ends_with('\n')).map(str::to_owned).collect()
    };
    segment::list(folder).unwrap().iter().map(read).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn after_a_loss_of_power_the_log_goes_on_and_what_was_synced_is_there(
        deeds in deeds(8),
        shares in prop::collection::vec(any::<Index>(), 1..6),
    ) {
        let (memory, poisoned, told) = write(&deeds, 2500);
        let [whole, rest] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        memory.save(whole.path()).unwrap();
        let mut shares = shares.iter().cycle();
        let keep = |doubtful: usize| shares.next().unwrap().index(doubtful.saturating_add(1));
        memory.lose_power(keep, || false);
        memory.save(rest.path()).unwrap();

        let key = SigningKey::from_seed(MEMORY, &[1; 32]).unwrap().verifying_key();
        let recovered = recover(rest.path(), &key);
        prop_assert!(recovered.is_ok(), "{:?}", recovered.err());
        let (before, after) = (lines(whole.path()), lines(rest.path()));
        prop_assert_eq!(before.len(), after.len());
        for (before, after) in before.iter().zip(&after) {
            prop_assert!(before.starts_with(after), "more is lost than the end of a segment");
        }
        let (before, after) = (before.concat(), after.concat());
        // Where no sync failed, segments are lost from the end on. What a failed one lost is told by the
        // header behind it, or the log would not go on.
        prop_assert!(poisoned > 0 || before.starts_with(&after), "what is lost is no end");
        let last: serde_json::Value = serde_json::from_str(after.last().unwrap()).unwrap();
        prop_assert_eq!(Some(recovered.unwrap().chain.next().saturating_sub(1)), last["seq"].as_u64());
        let text = after.concat();
        for name in told {
            prop_assert!(text.contains(&format!("\"tool\":\"{name}\"")), "{name} is lost");
        }
    }

    /// The same, where the disk took some pages and not others that were written before.
    #[test]
    fn after_a_loss_of_power_that_left_holes_the_log_goes_on_and_what_was_synced_is_there(
        deeds in deeds(90),
        shares in prop::collection::vec(any::<Index>(), 1..6),
        lost in prop::collection::vec(any::<bool>(), 1..9),
    ) {
        let (memory, _, told) = write(&deeds, 15_000);
        let folder = tempfile::tempdir().unwrap();
        let (mut shares, mut lost) = (shares.iter().cycle(), lost.iter().cycle());
        let keep = |doubtful: usize| shares.next().unwrap().index(doubtful.saturating_add(1));
        memory.lose_power(keep, || *lost.next().unwrap());
        memory.save(folder.path()).unwrap();

        let key = SigningKey::from_seed(MEMORY, &[1; 32]).unwrap().verifying_key();
        let recovered = recover(folder.path(), &key);
        prop_assert!(recovered.is_ok(), "{:?}", recovered.err());
        let Recovered { chain, last, empty, .. } = recovered.unwrap();
        // What a start takes away.
        for segment in &empty {
            std::fs::remove_file(&segment.path).unwrap();
        }
        let (last, good, _) = last.unwrap();
        std::fs::File::options().write(true).open(last.path).unwrap().set_len(good).unwrap();
        let rest = lines(folder.path());
        let last = rest.last().unwrap().last().unwrap();
        let last: serde_json::Value = serde_json::from_str(last).unwrap();
        prop_assert_eq!(Some(chain.next().saturating_sub(1)), last["seq"].as_u64());
        let text = rest.concat().concat();
        for name in told {
            prop_assert!(text.contains(&format!("\"tool\":\"{name}\"")), "{name} is lost");
        }
    }
}
