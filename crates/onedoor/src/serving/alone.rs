//! What a command does in place of a door that does not run: recorded in that door's log, before it is
//! done and behind it.

use std::fs::File;

use anyhow::{Context as _, anyhow};
use audit::{Happened, Journal, Outcome};
use model::{Clock, Refusal};

use super::start::{log_folder, open_log};
use crate::{config::Config, data::DataFolder, logging, remote, socket};

const UNRECORDED: &str = "it cannot be recorded, so it is not done: mend the audit log, or name the configuration of the door with --config";

/// The log of a door that does not run.
pub(crate) struct Alone {
    log: Journal,
    clock: Clock,
    by: String,
    /// Held until the log has ended: another command would take this one for a door.
    _turn: File,
}

impl Alone {
    /// Takes the log of the door that has this data folder, for `command`, and begins it where there is
    /// none yet. None where a door has it: that one records what it sees.
    ///
    /// # Errors
    /// Where nothing can be recorded: then nothing may be done.
    pub(crate) fn open(
        config: &Config,
        data: &DataFolder,
        command: &str,
    ) -> anyhow::Result<Option<Self>> {
        let turn = remote::lock(&data.command_lock()).context(UNRECORDED)?;
        // Before the key of the log is looked at: a door that runs may be replacing it.
        if Journal::is_held(&log_folder(&config.audit, data)).context(UNRECORDED)? {
            return Ok(None);
        }
        let clock = Clock::system();
        let log = open_log(config, data, clock.clone()).context(UNRECORDED)?;
        let user = socket::own_user();
        let user = user.map_or_else(|_| "an unknown user".to_owned(), |it| format!("user {it}"));
        let by = format!("for {user}, by {command} while no door runs");
        Ok(Some(Self { log, clock, by, _turn: turn }))
    }

    /// For whom it is done and by what, as notes end with it.
    pub(crate) fn by(&self) -> &str {
        &self.by
    }

    /// Records that this is about to be done.
    ///
    /// # Errors
    /// Where it cannot be: then it must not be done.
    pub(crate) fn begin(&self, deed: &Happened<'_>) -> anyhow::Result<()> {
        self.record(deed, Outcome::Begun).context(UNRECORDED)
    }

    /// Records what came of it, and ends the log. Where that cannot be recorded it is told: what was done
    /// is done, and a key that is withheld now would be nobody's.
    ///
    /// # Errors
    /// Why it was not done.
    pub(crate) fn end<T>(self, deed: &Happened<'_>, done: Result<T, Refusal>) -> anyhow::Result<T> {
        let outcome = done.as_ref().map_or_else(Outcome::Refused, |_| Outcome::Answered);
        let recorded = self.record(deed, outcome);
        self.log.end();
        if let Err(error) = recorded {
            logging::tell(format_args!(
                "it was begun, and what came of it cannot be recorded: {error}"
            ));
        }
        done.map_err(|refusal| anyhow!(refusal.detail().to_owned()))
    }

    fn record(&self, deed: &Happened<'_>, outcome: Outcome<'_>) -> Result<(), audit::Error> {
        self.log.append(&deed.record(self.clock.now(), outcome))
    }
}
