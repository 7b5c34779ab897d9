//! The store agrees with a model that keeps every revision whole.

use std::collections::BTreeSet;

use model::Secret;
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use store::{Change, Commit, Error, Files, Location, Store};
use testkit::Postgres;
use tokio::runtime::Runtime;

use crate::place::{change, commit};

#[derive(Debug, Clone)]
enum Step {
    /// Of files by number; `is_late` with a base that is not the newest.
    Commit { files: Vec<(u8, Option<u8>)>, has_line: bool, is_late: bool },
    /// To the revision that is so many before the newest.
    RollBack { by: usize },
}

fn any_steps() -> impl Strategy<Value = Vec<Step>> {
    let files = prop::collection::vec((0..6_u8, prop::option::weighted(0.7, 0..3_u8)), 0..5);
    let commit = (files, prop::bool::weighted(0.2), prop::bool::weighted(0.1))
        .prop_map(|(files, has_line, is_late)| Step::Commit { files, has_line, is_late });
    let roll_back = (0..6_usize).prop_map(|by| Step::RollBack { by });
    prop::collection::vec(prop_oneof![4 => commit, 1 => roll_back], 1..14)
}

/// What the store must hold.
#[derive(Default)]
struct Naive {
    /// Revision 0 is the first.
    revisions: Vec<Files>,
    changes: Vec<Vec<Change>>,
}

impl Naive {
    fn newest(&self) -> &Files {
        self.revisions.last().unwrap()
    }

    fn head(&self) -> u64 {
        u64::try_from(self.revisions.len() - 1).unwrap()
    }

    /// Takes what a commit says; whether that is a revision.
    fn apply(&mut self, commit: &Commit) -> bool {
        let mut after = self.newest().clone();
        for (path, text) in &commit.files {
            match text {
                Some(text) => after.insert(path.as_str().into(), text.as_str().into()),
                None => after.remove(path.as_str()),
            };
        }
        let mut changes = difference(self.newest(), &after);
        changes.extend(commit.lines.clone());
        changes.sort_by(|left, right| left.path.cmp(&right.path));
        let is_revision = !changes.is_empty();
        if is_revision {
            self.revisions.push(after);
            self.changes.push(changes);
        }
        is_revision
    }
}

fn difference(before: &Files, after: &Files) -> Vec<Change> {
    let paths: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let text = |files: &Files, path: &str| files.get(path).map(ToString::to_string);
    let changes = paths.into_iter().map(|it| Change {
        path: it.to_string(),
        before: text(before, it),
        after: text(after, it),
    });
    changes.filter(|it| it.before != it.after).collect()
}

async fn take(store: &Store, naive: &mut Naive, step: Step) {
    let (mut next, is_late) = match step {
        Step::Commit { files, has_line, is_late } => {
            let mut next = commit(&[]);
            let named = |(path, text): (u8, Option<u8>)| {
                (format!("f/{path}"), text.map(|it| format!("text {it}")))
            };
            next.files = files.into_iter().map(named).collect();
            next.lines.extend(has_line.then(|| change("secrets/erp#1", None, Some("active"))));
            (next, is_late)
        }
        Step::RollBack { by } => {
            let to = naive.revisions.len().saturating_sub(by + 1);
            let old = store.read_at(u64::try_from(to).unwrap()).await.unwrap();
            let new = store.read().await.unwrap();
            let changes = difference(&new.files, &old.files);
            let mut next = commit(&[]);
            next.files = changes.into_iter().map(|it| (it.path, it.after)).collect();
            (next, false)
        }
    };
    next.base = Some(naive.head() + u64::from(is_late));
    let made = store.commit(&next).await;
    if is_late {
        assert!(matches!(made, Err(Error::Conflict { .. })), "{made:?}");
    } else if naive.apply(&next) {
        let made = made.unwrap();
        let changed = naive.changes.last().unwrap().len();
        assert_eq!((made.number, made.changed as usize), (naive.head(), changed));
    } else {
        assert!(matches!(made, Err(Error::NoChange { .. })), "{made:?}");
    }
    let read = store.read().await.unwrap();
    assert_eq!((read.revision, &read.files), (naive.head(), naive.newest()));
}

async fn agrees(store: &Store, steps: Vec<Step>) {
    let mut naive = Naive { revisions: vec![Files::new()], changes: Vec::new() };
    for step in steps {
        take(store, &mut naive, step).await;
    }
    for (number, files) in (0..).zip(&naive.revisions) {
        assert_eq!(&store.read_at(number).await.unwrap().files, files, "revision {number}");
        let mut copy = files.clone();
        for (path, text) in store.since(number).await.unwrap().files {
            match text {
                Some(text) => copy.insert(path.into(), text.into()),
                None => copy.remove(path.as_str()),
            };
        }
        assert_eq!(&copy, naive.newest(), "since revision {number}");
    }
    for (number, changes) in (1..).zip(&naive.changes) {
        assert_eq!(&store.changes(number).await.unwrap(), changes, "revision {number}");
    }
}

/// Fresh stores, one for each case.
fn check(cases: u32, location: impl Fn() -> Location) {
    let runtime = Runtime::new().unwrap();
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let checked = TestRunner::new(config).run(&any_steps(), |steps| {
        runtime.block_on(async {
            let store = Store::open(&location()).await.unwrap();
            agrees(&store, steps).await;
            store.close().await;
        });
        Ok(())
    });
    checked.unwrap();
}

#[test]
fn a_store_in_memory_agrees_with_the_model() {
    check(48, || Location::Memory);
}

#[test]
fn a_store_in_a_file_agrees_with_the_model() {
    check(12, || {
        let path = tempfile::TempDir::new().unwrap().keep();
        Location::Sqlite(path.join("onedoor.db"))
    });
}

#[test]
fn a_store_in_postgres_agrees_with_the_model() {
    let server = Postgres::start();
    let number = std::sync::atomic::AtomicU32::new(0);
    check(12, || {
        let number = number.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Location::Postgres(Secret::new(server.database(&format!("case_{number}"))))
    });
}
