//! Logs of few records in short segments, for tests.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use model::{
    Caller, ClientId, Clock, CollectionId, Effect, Operation, OperationId, ProfileId, Refusal,
    RefusalKind, RequestId, Surface, Timestamp,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use super::{Question, naive};
use crate::{
    Journal, Kind, Memory, Outcome, Record, Redacted, Rules, Salt,
    redact::{By, Policy},
};

pub(super) const START: Timestamp = Timestamp::from_seconds(1_795_392_000);

/// What differs between records.
#[derive(Debug, Clone, Default)]
pub(super) struct Call {
    pub(super) client: u8,
    pub(super) kind: u8,
    pub(super) second: i64,
    pub(super) status: u16,
    pub(super) argument: u8,
    pub(super) is_refused: bool,
    pub(super) tool: String,
}

pub(super) fn calls(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Call>> {
    let tool = "([a-c42\\\\\"\n\r\u{1b}\u{202e}éÉ]|client|tool){0,6}";
    let call = (0..3_u8, 0..3_u8, 0..30_i64, 0..4_u16, 0..4_u8, any::<bool>(), tool).prop_map(
        |(client, kind, second, status, argument, is_refused, tool)| Call {
            client,
            kind,
            second,
            status,
            argument,
            is_refused,
            tool,
        },
    );
    prop::collection::vec(call, count)
}

/// A log in a folder, and what writes it.
pub(super) struct Log {
    folder: TempDir,
    memory: Memory,
    journal: Journal,
}

impl Log {
    pub(super) fn new(calls: &[Call]) -> Self {
        let rules = Rules { segment_bytes: 12 << 10, ..Rules::default() };
        let (journal, memory) = Journal::memory_with(rules, Clock::fake(START));
        let mut log = Self { folder: tempfile::tempdir().unwrap(), memory, journal };
        log.grow(calls);
        log
    }

    pub(super) fn grow(&mut self, calls: &[Call]) {
        for call in calls {
            append(&self.journal, call);
        }
        self.memory.save(self.folder()).unwrap();
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn segments(&self) -> Vec<PathBuf> {
        files(self.folder(), "jsonl")
    }

    pub(super) fn index_files(&self) -> Vec<PathBuf> {
        files(&self.folder().join("index"), "idx")
    }

    /// The numbers of the records that fit, by a look at every line.
    pub(super) fn naive(&self, question: &Question) -> Vec<u64> {
        let texts = self.segments().into_iter().map(|it| fs::read_to_string(it).unwrap());
        let text: String = texts.collect();
        let records: Vec<Value> =
            text.lines().map(|it| serde_json::from_str(it).unwrap()).collect();
        naive::find(&records, question)
    }

    /// Puts another byte where `text` is in a segment.
    pub(super) fn damage(&self, text: &str) {
        for path in self.segments() {
            let content = fs::read_to_string(&path).unwrap();
            fs::write(&path, content.replacen(text, &text.to_uppercase(), 1)).unwrap();
        }
    }
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().map(|it| it.unwrap().path());
    let mut files: Vec<_> =
        entries.filter(|it| it.extension().is_some_and(|it| it == extension)).collect();
    files.sort();
    files
}

/// The digest that a record with this argument is found by.
pub(super) fn digest(argument: u8) -> String {
    arguments(argument).digest().to_owned()
}

fn arguments(argument: u8) -> Redacted {
    let (policy, salt) = (Policy::new(&[]), Salt::new(&[7; Salt::BYTES]));
    let by = By { policy: &policy, salt: &salt, at: START };
    Redacted::of(json!({"a": argument}).as_object().unwrap(), by)
}

fn append(journal: &Journal, call: &Call) {
    let Call { client, kind, second, status, argument, is_refused, tool } = call;
    let letter = ["a", "b", "c"][usize::from(*client)];
    let collection = CollectionId::parse("orders").unwrap();
    let operation = Operation {
        id: OperationId::new(&collection, ["x", "y", "z"][usize::from(*client)]).unwrap(),
        collection,
        effect: Effect::Read,
        is_public: false,
        level: None,
        position: 0,
    };
    let caller = Caller {
        client: ClientId::parse(letter).unwrap(),
        profile: ProfileId::parse(&format!("{letter}/x")).unwrap(),
        user: is_refused.then(|| "ann\n".to_owned()),
        ..Caller::anonymous()
    };
    let refusal = Refusal::new(RefusalKind::Forbidden, "no");
    let outcome = if *is_refused { Outcome::Refused(&refusal) } else { Outcome::Answered };
    let arguments = arguments(*argument);
    let kind = [Kind::Call, Kind::Intent, Kind::Event][usize::from(*kind)];
    let record = Record {
        id: Some(RequestId::new(Uuid::from_u128(u128::from(*argument)))),
        surface: Some(if *is_refused { Surface::Mcp } else { Surface::Rest }),
        caller: Some(&caller),
        operation: Some(&operation),
        tool: Some(tool),
        arguments: Some(&arguments),
        status: (*status > 0).then(|| status.saturating_add(200)),
        ..Record::new(
            START.plus(Duration::from_secs(u64::try_from(*second).unwrap())),
            kind,
            outcome,
        )
    };
    journal.append(&record).unwrap();
}
