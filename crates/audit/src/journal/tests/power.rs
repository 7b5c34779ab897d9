//! The power goes, whatever was written before: what a disk had not taken may be gone, and nothing else.

use std::{collections::VecDeque, path::Path};

use proptest::{prelude::*, sample::Index};

use super::*;

/// What happens to a log before that.
#[derive(Debug, Clone, Copy)]
enum Deed {
    /// A call, until the next one of these ends the first that did not.
    Begin,
    End,
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
        2 => Just(Deed::Begin),
        3 => Just(Deed::End),
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
    let (mut told, mut calls) = (Vec::new(), 0_u128..);
    let mut under_way = VecDeque::new();
    let strictly =
        |record: Record<'_>| journal.append(&Record { operation: Some(&operation), ..record });
    let strict = |name: &str| strictly(record(name)).is_ok();
    // A log that could not begin on its disk is none.
    assert!(strict("first"));
    for (index, deed) in deeds.iter().enumerate() {
        let name = format!("t{index}");
        match deed {
            Deed::Begin => {
                let id = calls.next().unwrap();
                strictly(begun(id)).ok();
                under_way.push_back(id);
            }
            Deed::End => drop(under_way.pop_front().map(|it| strictly(ended(it)))),
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

/// The ids of the records of a kind.
fn ids(lines: &[String], kind: &str) -> Vec<RequestId> {
    let records = lines.iter().map(|it| serde_json::from_str::<serde_json::Value>(it).unwrap());
    let ids = records.filter(|it| it["kind"] == kind);
    let ids = ids.filter_map(|it| Uuid::parse_str(it["id"].as_str()?).ok());
    ids.map(RequestId::new).collect()
}

#[test]
fn a_call_whose_outcome_was_lost_with_a_failed_sync_is_told_to_be_unknown() {
    let (clock, operation) = (clock(), destructive());
    let (journal, memory) = Journal::memory(clock.clone());
    let strictly =
        |record: Record<'_>| journal.append(&Record { operation: Some(&operation), ..record });
    strictly(begun(1)).unwrap();
    memory.fail_syncs();
    assert!(strictly(ended(1)).is_err());
    // A try that fails tells nothing of it.
    clock.advance(RETRY);
    assert!(journal.admit().is_err());
    memory.mend();
    clock.advance(RETRY);
    journal.admit().unwrap();
    let told = |memory: &Memory| ends(memory).into_iter().map(|it| it.1).collect::<Vec<_>>();
    assert_eq!(told(&memory), ["answered", "unknown"]);
    memory.lose_power(|_| 0, || false);
    assert_eq!(told(&memory), ["unknown"]);
    let text = memory.text();
    let last = text.lines().rfind(|it| it.contains("audit.segment")).unwrap();
    assert!(last.contains(&format!("\"open\":[[1,\"{}\"]]", Uuid::from_u128(1))), "{last}");
    let folder = tempfile::tempdir().unwrap();
    memory.save(folder.path()).unwrap();
    let key = SigningKey::from_seed(MEMORY, &[1; 32]).unwrap().verifying_key();
    assert!(recover(folder.path(), &key).unwrap().open.is_empty());
}

#[test]
fn a_call_whose_outcome_the_disk_holds_is_not_told_to_be_unknown() {
    let (clock, operation) = (clock(), destructive());
    let (journal, memory) = Journal::memory(clock.clone());
    let strictly =
        |record: Record<'_>| journal.append(&Record { operation: Some(&operation), ..record });
    strictly(begun(1)).unwrap();
    strictly(ended(1)).unwrap();
    memory.fail_syncs();
    assert!(strictly(record("a")).is_err());
    memory.mend();
    clock.advance(RETRY);
    journal.admit().unwrap();
    assert_eq!(ends(&memory), [(1, "answered".to_owned())]);
    check(&memory);
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
        let recovered = recovered.unwrap();
        prop_assert_eq!(Some(recovered.chain.next().saturating_sub(1)), last["seq"].as_u64());
        let ended = ids(&after, "call");
        for id in ids(&after, "intent") {
            let is_told = ended.contains(&id) || recovered.open.contains_key(&id);
            prop_assert!(is_told, "nothing says what came of {id}");
        }
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
