//! Old segments of the audit log are packed, and go, where the configuration says so.

use std::{sync::Arc, time::Duration};

use audit::{Journal, Keep, Purge, PurgeError, Purged, ship::Watch};
use tokio::time::{MissedTickBehavior, interval};

/// How often it is looked whether something is to go.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// What is kept of a log, and who still waits for its records.
#[derive(Debug, Clone)]
pub(crate) struct Retention {
    pub(super) log: Arc<Journal>,
    pub(super) keep: Keep,
    /// How long after they were closed segments are packed.
    pub(super) compress_after: Option<Duration>,
    /// The sinks. What one of them has not acknowledged stays.
    pub(super) sinks: Vec<Watch>,
}

impl Retention {
    /// Has old segments go and packs those that stay, for ever.
    pub(super) async fn run(self) {
        if self.keep.is_all() && self.compress_after.is_none() {
            return;
        }
        let mut ticks = interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let this = self.clone();
            // It reads all that goes.
            let looked = tokio::task::spawn_blocking(move || {
                this.look()?;
                this.pack()
            });
            let looked = looked.await;
            match looked {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tell_kept(&error),
                // One that panicked has said so, and is tried again.
                Err(_) => {}
            }
        }
    }

    /// Has the closed segments go whose records are all before `before`, as far as all sinks have
    /// acknowledged them.
    pub(crate) fn purge(&self, before: u64, why: &str) -> Result<Purged, PurgeError> {
        let delivered = self.sinks.iter().map(|it| it.status().next).min();
        let before = delivered.map_or(before, |it| it.min(before));
        self.log.purge(Purge { before, why })
    }

    fn look(&self) -> Result<(), PurgeError> {
        let Some(outgrown) = self.log.outgrown(&self.keep)? else { return Ok(()) };
        let why = why(&self.keep);
        match self.purge(outgrown, &why) {
            Ok(purged) => {
                tracing::info!(
                    "{} old segments of the audit log were removed, up to record {}: {why}",
                    purged.segments,
                    purged.records.end
                );
                Ok(())
            }
            // They go when a checkpoint or a sink has come that far.
            Err(PurgeError::Unsigned { .. } | PurgeError::Nothing { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Packs all segments that are due.
    fn pack(&self) -> Result<(), PurgeError> {
        let Some(after) = self.compress_after else { return Ok(()) };
        while let Some(first) = self.log.pack(after)? {
            tracing::debug!("the segment of the audit log from record {first} on was packed");
        }
        Ok(())
    }
}

fn tell_kept(error: &PurgeError) {
    tracing::error!("old segments of the audit log stay as they are: {error}");
}

/// Which rule it is by, as it is recorded.
fn why(keep: &Keep) -> String {
    let Keep { age, bytes } = keep;
    let age = age.map(|it| format!("keep_for of {} seconds", it.as_secs()));
    let bytes = bytes.map(|it| format!("keep_size of {it} bytes"));
    let rules: Vec<_> = [age, bytes].into_iter().flatten().collect();
    format!("by the configuration, {}", rules.join(" and "))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use audit::{Kind, Location, Outcome, Record, Rules, SigningKey};
    use model::{Clock, Timestamp};

    use super::*;

    const START: Timestamp = Timestamp::from_seconds(1_795_392_000);

    fn log(folder: &Path) -> Arc<Journal> {
        let open = || {
            let key = SigningKey::from_seed("onedoor-test", &[1; 32]).unwrap();
            let rules = Rules { segment_bytes: 2_000, ..Rules::default() };
            let location = Location { folder: folder.to_owned(), ..Location::default() };
            Journal::open(&location, (key, rules), Clock::fake(START)).unwrap()
        };
        let journal = open();
        for _ in 0..40 {
            journal.append(&Record::new(START, Kind::Call, Outcome::Answered)).unwrap();
        }
        // Its end is signed for.
        drop(journal);
        Arc::new(open())
    }

    #[test]
    fn what_a_sink_has_not_acknowledged_stays() {
        let folder = tempfile::tempdir().unwrap();
        let log = log(folder.path());
        let segments = || log.closed().unwrap();
        let before = segments();
        assert!(before.len() > 3);
        let keep = Keep { age: None, bytes: Some(1) };
        let waiting = Retention {
            log: Arc::clone(&log),
            keep,
            compress_after: None,
            sinks: vec![Watch::default()],
        };
        waiting.look().unwrap();
        assert_eq!(segments(), before);
        let free = Retention { sinks: Vec::new(), ..waiting };
        free.look().unwrap();
        let until = before.last().unwrap().records.end;
        assert!(segments().iter().all(|it| it.records.start >= until));
        let told = audit::verify(folder.path(), &key(), None).unwrap();
        assert_eq!((told.damage, told.sealed), (None, before.len()));
        let text: String = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|it| std::fs::read_to_string(it.unwrap().path()).unwrap())
            .collect();
        assert!(text.contains("by the configuration, keep_size of 1 bytes"), "{text}");
    }

    fn key() -> audit::VerifyingKey {
        SigningKey::from_seed("onedoor-test", &[1; 32]).unwrap().verifying_key()
    }
}
