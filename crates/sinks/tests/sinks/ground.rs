//! A log on the disk, and a sink that it is brought to.

use std::{path::Path, sync::Arc, time::Duration};

use audit::{
    Format, Journal, Kind, Location, Outcome, Record, Rules, SigningKey,
    ship::{Batching, Place, Shipper, Told},
};
use model::{Clock, Secret, SecretId};
use sinks::{Declared, Receiver, Sink, Surroundings, TlsFiles};
use tempfile::TempDir;
use testkit::Authority;
use tokio::runtime::{Builder, Runtime};
use upstream::{Fleet, Trust};

/// In every log: what receivers and their formats trip over.
const NAUGHTY: [&str; 6] =
    ["plain", "line\nbreak", "\u{1b}[31mred", "\u{202e}bidi", "quo\"te \\ = |", "ümlaut \u{2028}"];

/// A log on the disk.
pub(crate) struct Ground {
    folder: TempDir,
    fleet: Fleet,
    clock: Clock,
    runtime: Runtime,
    pub(crate) journal: Journal,
}

/// A sink of it.
pub(crate) struct Line<'a> {
    ground: &'a Ground,
    shipper: Shipper<Sink>,
    pub(crate) told: Vec<Told>,
}

impl Ground {
    /// With so many records.
    pub(crate) fn new(records: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let location = Location { folder: folder.path().join("audit"), ..Location::default() };
        let key = SigningKey::from_seed("onedoor-test", &[1; 32]).unwrap();
        let clock = Clock::system();
        let journal = Journal::open(&location, (key, Rules::default()), clock.clone()).unwrap();
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let ground = Self { folder, fleet: Fleet::new(clock.clone()), clock, runtime, journal };
        ground.record(records);
        ground
    }

    /// Records so many more, until the disk has them.
    pub(crate) fn record(&self, records: usize) {
        for note in NAUGHTY.iter().cycle().take(records) {
            let new = Record::new(self.clock.now(), Kind::Event, Outcome::Answered);
            self.journal.append(&Record { note: Some(note), ..new }).unwrap();
        }
        let reached = self.journal.reached();
        for _ in 0..2_000 {
            if self.journal.safe() >= reached {
                return;
            }
            self.pause();
        }
        panic!("{} of {reached} are on the disk", self.journal.safe());
    }

    /// Where tests put their files.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Gives a secret its value.
    pub(crate) fn secret(&self, id: &str, value: &str) -> SecretId {
        let id = SecretId::parse(id).unwrap();
        self.fleet.secrets().set(&id, Secret::new(value.as_bytes().to_vec()), None);
        id
    }

    /// A sink of this log, which goes on where one of its name was.
    pub(crate) fn sink(&self, format: Format, receiver: Receiver) -> Line<'_> {
        self.sink_of((format, receiver), Batching { records_max: 50, ..Batching::default() })
    }

    /// The same, which gets so much at once.
    pub(crate) fn sink_of(
        &self,
        (format, receiver): (Format, Receiver),
        batching: Batching,
    ) -> Line<'_> {
        let declared = Declared { name: "siem".to_owned(), format, receiver };
        let around = Surroundings {
            egress: self.fleet.egress(Trust::Operator),
            secrets: Arc::clone(self.fleet.secrets()),
            clock: self.clock.clone(),
        };
        let sink = Sink::open(&declared, &around).unwrap();
        let (log, state) = (self.path().join("audit"), self.path().join("sinks"));
        let place = Place { log, state, name: declared.name };
        let shipper = Shipper::open(sink, place, batching, self.clock.clone()).unwrap();
        Line { ground: self, shipper, told: Vec::new() }
    }

    /// Lets a receiver do something.
    pub(crate) fn pause(&self) {
        self.runtime.block_on(async { tokio::time::sleep(Duration::from_millis(10)).await });
    }

    /// All lines of the log.
    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let span = 0..u64::MAX;
        audit::walk::<audit::WalkError>(&self.path().join("audit"), &span, |it| {
            lines.push(String::from_utf8(it.line.to_vec()).unwrap());
            Ok(())
        })
        .unwrap();
        lines
    }
}

impl Line<'_> {
    /// Tries once. Whether it went well.
    pub(crate) fn step(&mut self) -> bool {
        let safe = self.ground.journal.safe();
        let step = self.ground.runtime.block_on(self.shipper.step(safe, 0));
        self.told.extend(step.told);
        self.shipper.watch().status().attempts == 0
    }

    /// Tries until all is delivered, and gives the lines that were.
    pub(crate) fn drain(&mut self) -> Vec<String> {
        for _ in 0..2_000 {
            self.step();
            let status = self.shipper.watch().status();
            if status.next == self.ground.journal.safe() {
                return self.delivered();
            }
            if status.attempts > 0 {
                self.ground.pause();
            }
        }
        panic!("{:?}", self.shipper.watch().status());
    }

    /// The lines that are acknowledged: the log may write of a checkpoint behind them at any moment.
    pub(crate) fn delivered(&self) -> Vec<String> {
        let mut lines = self.ground.lines();
        // Panics where the log has fewer, which `truncate` would not.
        drop(lines.split_off(usize::try_from(self.next()).unwrap()));
        lines
    }

    /// The first record that is not acknowledged.
    pub(crate) fn next(&self) -> u64 {
        self.shipper.watch().status().next
    }

    /// Why it fails.
    pub(crate) fn failure(&self) -> String {
        self.shipper.watch().status().last_failure.unwrap().1
    }
}

/// Trust in an authority.
pub(crate) fn trusting(authority: &Authority) -> TlsFiles {
    TlsFiles { authorities: Some(authority.path("ca.pem")), identity: None }
}
