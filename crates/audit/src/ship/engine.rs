//! The engine of one sink: one batch at a time, again until it is acknowledged.

use std::{collections::VecDeque, fs, io, mem, path::PathBuf, time::Duration};

use model::{Clock, Timestamp};
use serde::Deserialize;

use super::{
    Accepted, Batch, Failure, Line, Sink, Told, Watch,
    cursor::Cursor,
    dead::DeadLetters,
    reader::{Broken, Reader},
    teller::Teller,
    wait::wait,
};

/// How often it is looked for new records.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// A receiver that refuses so many one after the other refuses us, and not them.
const REFUSED_RUN_MAX: usize = 100;

/// How much is delivered at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batching {
    /// So many records at most.
    pub records_max: usize,
    /// So many bytes of lines at most; one record always goes.
    pub bytes_max: usize,
    /// So long what is less than that waits for more.
    pub linger: Duration,
}

impl Default for Batching {
    /// 500 records, 1 MiB, at once.
    fn default() -> Self {
        Self { records_max: 500, bytes_max: 1 << 20, linger: Duration::ZERO }
    }
}

/// Where the files of a sink are.
#[derive(Debug, Clone)]
pub struct Place {
    /// The folder of the log.
    pub log: PathBuf,
    /// The folder of its cursor and its dead letters. Made where there is none.
    pub state: PathBuf,
    /// What the sink is called, and its files.
    pub name: String,
}

/// What a step came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// How long to wait before the next one.
    pub wait: Duration,
    /// What to record of it.
    pub told: Vec<Told>,
}

/// Brings the log to one sink.
#[derive(Debug)]
pub struct Shipper<S> {
    sink: S,
    place: Place,
    batching: Batching,
    clock: Clock,
    watch: Watch,
    dead: DeadLetters,
    reader: Option<Reader>,
    /// The name of the log that is read.
    log: String,
    /// As the disk has it.
    cursor: Option<Cursor>,
    /// Read, and not acknowledged.
    pending: VecDeque<Line>,
    /// When the first of those was read, and whether the sink was offered them: then no more are added,
    /// so that what comes again comes as the same batch.
    begun: Duration,
    is_offered: bool,
    attempts: u32,
    /// So many of those are offered at most: half as many after each refusal, to find the one that is
    /// refused, and twice as many when something was dealt with.
    at_once: usize,
    /// How many were refused since one was accepted.
    refused_run: usize,
    teller: Teller,
}

impl<S: Sink> Shipper<S> {
    /// A sink that goes on where its cursor says.
    ///
    /// # Errors
    /// Where its folder cannot be made, or its cursor not be read.
    pub fn open(sink: S, place: Place, batching: Batching, clock: Clock) -> io::Result<Self> {
        fs::create_dir_all(&place.state)?;
        let mut teller = Teller::default();
        let cursor = match Cursor::read(&place.cursor()) {
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                teller.tell([Told::Restarted { why: error.to_string() }]);
                None
            }
            other => other?,
        };
        let watch = Watch::default();
        watch.lock().next = cursor.map_or(0, |it| it.next);
        Ok(Self {
            sink,
            dead: DeadLetters(place.state.join(format!("{}.dead.jsonl", place.name))),
            place,
            batching,
            clock,
            watch,
            reader: None,
            log: String::new(),
            cursor,
            pending: VecDeque::new(),
            begun: Duration::ZERO,
            is_offered: false,
            attempts: 0,
            at_once: usize::MAX,
            refused_run: 0,
            teller,
        })
    }

    /// Reads how far it is, from anywhere.
    #[must_use]
    pub fn watch(&self) -> Watch {
        self.watch.clone()
    }

    /// From now on nothing waits for more to go with it.
    pub fn hasten(&mut self) {
        self.batching.linger = Duration::ZERO;
    }

    /// Tries to deliver one batch of the records before `safe`. Reads files, which may take a while:
    /// not for a thread that serves calls. `chance` is any `u16`, another one each time.
    pub async fn step(&mut self, safe: u64, chance: u16) -> Step {
        let outcome = match self.fill(safe) {
            Err(broken) => Err(broken.to_string()),
            Ok(()) if self.pending.is_empty() || self.lingers() => {
                self.note(safe);
                return Step { wait: LOOK_EVERY, told: self.teller.take(self.clock.elapsed()) };
            }
            Ok(()) => self.deliver().await,
        };
        let wait = match outcome {
            Ok(()) => Duration::ZERO,
            Err(why) => self.fail(why, chance),
        };
        self.note(safe);
        Step { wait, told: self.teller.take(self.clock.elapsed()) }
    }

    /// What is still to be told, where no step follows.
    pub fn end(&mut self) -> Vec<Told> {
        self.teller.end(self.clock.elapsed())
    }

    /// Reads on, until there is enough for a batch.
    fn fill(&mut self, safe: u64) -> Result<(), Broken> {
        if self.pending.is_empty() {
            (self.begun, self.is_offered) = (self.clock.elapsed(), false);
        } else if self.is_offered || self.is_full() {
            return Ok(());
        }
        let mut reader = match self.reader.take() {
            Some(reader) => reader,
            None => match Reader::open(&self.place.log, self.cursor.as_ref())? {
                Some((reader, told)) => {
                    told.into_iter().for_each(|it| self.teller.begins(it, self.clock.elapsed()));
                    reader.log().clone_into(&mut self.log);
                    reader
                }
                None => {
                    let next = self.cursor.map_or(0, |it| it.next);
                    return if next < safe { Err(Broken::Missing(next)) } else { Ok(()) };
                }
            },
        };
        // A reader that failed is opened anew, where the cursor is.
        let mut bytes = self.bytes();
        while self.pending.len() < self.batching.records_max && bytes < self.batching.bytes_max {
            let line = reader.next(safe);
            self.teller.tell(reader.take_lost());
            match line {
                Ok(Some(line)) => {
                    bytes = bytes.saturating_add(line.json.len());
                    self.pending.push_back(line);
                }
                Ok(None) => break,
                // What was read before is delivered first.
                Err(_) if !self.pending.is_empty() => break,
                Err(broken) => return Err(broken),
            }
        }
        self.reader = Some(reader);
        Ok(())
    }

    fn bytes(&self) -> usize {
        self.pending.iter().map(|it| it.json.len()).sum()
    }

    fn is_full(&self) -> bool {
        self.pending.len() >= self.batching.records_max || self.bytes() >= self.batching.bytes_max
    }

    /// Whether what was read waits for more to go with it.
    fn lingers(&self) -> bool {
        let until = self.begun.saturating_add(self.batching.linger);
        !self.is_offered && self.clock.elapsed() < until && !self.is_full()
    }

    async fn deliver(&mut self) -> Result<(), String> {
        self.is_offered = true;
        let lines = self.pending.make_contiguous();
        let lines = lines.get(..self.at_once).unwrap_or(lines);
        let (count, first) = (lines.len(), lines.first().map_or(0, |it| it.seq));
        match self.sink.deliver(Batch { log: &self.log, lines }).await {
            Ok(Accepted { count: 0, .. }) => Err("the receiver took none of it".to_owned()),
            Ok(accepted) => self.settle(accepted),
            Err(Failure::Again(why)) => Err(why),
            Err(Failure::Refused(why)) if count == 1 => {
                self.settle(Accepted { count: 1, refused: vec![(first, why)] })
            }
            Err(Failure::Refused(_)) => {
                self.at_once = count.div_euclid(2);
                Ok(())
            }
        }
    }

    /// Takes over what was acknowledged: dead letters first, then the cursor.
    fn settle(&mut self, accepted: Accepted) -> Result<(), String> {
        let Accepted { count, refused } = accepted;
        let count = count.min(self.pending.len());
        let run = match refused.len() < count {
            true => 0,
            false => self.refused_run.saturating_add(count),
        };
        if run > REFUSED_RUN_MAX {
            let why = refused.first().map_or("", |it| it.1.as_str());
            return Err(format!("the receiver refuses every record: {why}"));
        }
        self.refused_run = run;
        self.at_once = self.at_once.saturating_mul(2);
        let now = self.clock.now();
        for (seq, why) in &refused {
            let Some(line) = self.pending.iter().take(count).find(|it| it.seq == *seq) else {
                continue;
            };
            let kept = self.dead.keep(line, why, now);
            kept.map_err(|error| format!("a refused record cannot be put aside: {error}"))?;
        }
        let number = |it: usize| u64::try_from(it).unwrap_or(u64::MAX);
        let mut status = self.watch.lock();
        status.dead = status.dead.saturating_add(number(refused.len()));
        let taken = number(count.saturating_sub(refused.len()));
        status.acknowledged = status.acknowledged.saturating_add(taken);
        drop(status);
        self.teller.refused(refused);
        let done = self.pending.drain(..count).next_back();
        let cursor = done.map(|it| Cursor { next: it.seq.saturating_add(1), last: it.hash });
        self.teller.recovered(mem::take(&mut self.attempts));
        self.cursor = cursor.or(self.cursor);
        // It is acknowledged all the same: a crash now has it delivered again, and no record is lost.
        cursor.map_or(Ok(()), |it| it.write(&self.place.cursor())).map_err(|error| {
            format!("the cursor cannot be kept, so a restart delivers again: {error}")
        })
    }

    /// Notes a failure, and says how long to wait after it.
    fn fail(&mut self, why: String, chance: u16) -> Duration {
        self.attempts = self.attempts.saturating_add(1);
        let mut status = self.watch.lock();
        status.failures = status.failures.saturating_add(1);
        status.last_failure = Some((self.clock.now(), why.clone()));
        drop(status);
        self.teller.failed(why, self.clock.elapsed());
        wait(self.attempts, chance)
    }

    fn note(&self, safe: u64) {
        let reached = self.reader.as_ref().map(|it| it.cursor().next);
        let next = self.pending.front().map(|it| it.seq).or(reached);
        let mut status = self.watch.lock();
        status.next = next.or(self.cursor.map(|it| it.next)).unwrap_or(0);
        status.lag_records = safe.saturating_sub(status.next);
        status.oldest = self.pending.front().and_then(time);
        status.attempts = self.attempts;
    }
}

impl Place {
    fn cursor(&self) -> PathBuf {
        self.state.join(format!("{}.cursor", self.name))
    }
}

/// When a record happened.
fn time(line: &Line) -> Option<Timestamp> {
    #[derive(Deserialize)]
    struct Brief {
        time: String,
    }
    let brief = serde_json::from_slice::<Brief>(&line.json).ok()?;
    Timestamp::parse(&brief.time).ok()
}
