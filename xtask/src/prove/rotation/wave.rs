//! One rotation of each of many credentials at the same time, step by step.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use model::Clock;
use serde_json::Value;

use super::{
    super::{client::Answer, door::Addresses},
    Tally,
    held::Held,
    line::Line,
    pair::{Pair, in_force},
};
use crate::run;

/// What a client needs to have no call on the way with what it showed before, nor with a token that it got
/// by that.
pub(super) const ON_THE_WAY: Duration = Duration::from_millis(200);
/// For how long both are good where the old one is not retired and ends by itself.
const OVERLAP: Duration = Duration::from_secs(10);

/// For how long an old one must not have been used, to be retired without force: the profiles of all lines
/// say so.
pub(super) const QUIET: Duration = Duration::from_secs(10);

/// The steps of a rotation, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Rotate,
    Switch,
    Retire,
    Refuse,
}

impl Step {
    pub(super) const ALL: [Self; 4] = [Self::Rotate, Self::Switch, Self::Retire, Self::Refuse];
}

/// How the old ones end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// They are retired by force, as soon as nobody shows them.
    Force,
    /// With their overlap, and nobody retires them.
    Lapse,
    /// They are retired without force: not while they are used, and when they were not for [`QUIET`].
    Quiet,
}

/// How a wave goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wave {
    /// The step in which a replica is killed.
    pub(super) killed: Step,
    /// Which replica.
    pub(super) which: usize,
    /// How the old ones end.
    pub(super) end: End,
}

/// A line in the middle of a rotation.
struct Turn<'a> {
    line: &'a Line,
    old: Arc<Held>,
    new: OnceLock<Arc<Held>>,
    is_retired: AtomicBool,
}

impl Turn<'_> {
    fn successor(&self) -> Result<&Arc<Held>> {
        self.new.get().context("it has a successor by now")
    }

    /// Asks a door to retire the old one.
    fn retire(&self, door: Addresses, operator: &str, query: &str) -> Result<Answer> {
        let path = format!("/credentials/{}/retire{query}", self.old.id);
        door.client(operator).manage("POST", &path, &Value::Null)
    }
}

impl Pair<'_> {
    /// Gives each line its next credential, and has the one before refused, with a replica that is killed
    /// in one step of it.
    pub(super) fn wave(&mut self, lines: &[Line], wave: Wave) -> Result<Tally> {
        let turns: Vec<_> = lines
            .iter()
            .map(|line| Turn {
                line,
                old: line.held(),
                new: OnceLock::new(),
                is_retired: AtomicBool::new(false),
            })
            .collect();
        let at = |step| (wave.killed == step, wave.which);
        self.rotate(&turns, wave)?;
        let overlap = Clock::system();
        let refused = if wave.end == End::Quiet { self.keep(&turns, wave.which)? } else { 0 };
        self.step(at(Step::Switch), |door| {
            // Whoever hands a new one over looks first whether it is good.
            all(&turns, |it| it.successor()?.is_good(door), "the new one is not good yet")
        })?;
        for turn in &turns {
            in_force(self.doors, |door| turn.successor()?.is_good(door))?;
            turn.line.take(Arc::clone(turn.successor()?));
        }
        run::rest(ON_THE_WAY);
        self.end(&turns, wave, &overlap)?;
        self.step(at(Step::Refuse), |door| {
            all(&turns, |it| Ok(!it.old.is_good(door)?), "the old one still gets in")
        })?;
        for turn in &turns {
            in_force(self.doors, |door| Ok(!turn.old.is_good(door)?))?;
        }
        let lapsed = if wave.end == End::Lapse { turns.len() } else { 0 };
        // Once where the step was, and then at both.
        let tries = turns.len().saturating_mul(3);
        Ok(Tally { lapsed, refused, tries, ..Tally::default() })
    }

    fn rotate(&mut self, turns: &[Turn<'_>], wave: Wave) -> Result<()> {
        let overlap = match wave.end {
            End::Lapse => format!("{}s", OVERLAP.as_secs()),
            End::Force | End::Quiet => "1h".to_owned(),
        };
        let (operator, authority) = (self.operator, self.authority);
        self.step((wave.killed == Step::Rotate, wave.which), |door| {
            let manager = door.client(operator);
            for turn in turns.iter().filter(|it| it.new.get().is_none()) {
                let made = turn.line.rotate(&manager, &overlap, authority)?;
                turn.new.get_or_init(|| Arc::new(made));
            }
            Ok(())
        })
    }

    /// Tries to retire each while it is used, which is refused. How often.
    fn keep(&self, turns: &[Turn<'_>], which: usize) -> Result<usize> {
        let door = self.doors.get(which).context("there are two")?.addresses();
        for turn in turns {
            // This use the door knows of, however short a time ago it was started.
            ensure!(turn.old.is_good(door)?, "the old one is not good any more");
            let Answer { status, text } = turn.retire(door, self.operator, "")?;
            // Also for its use, and not only because its successor is so new.
            let is_for_use = status == 409 && text.contains("was used after");
            ensure!(is_for_use, "not refused for its use: {status} {text}");
        }
        Ok(turns.len())
    }

    /// Ends the old ones; `overlap` began as they got successors.
    fn end(&mut self, turns: &[Turn<'_>], wave: Wave, overlap: &Clock) -> Result<()> {
        let (operator, at) = (self.operator, (wave.killed == Step::Retire, wave.which));
        match wave.end {
            End::Force => self.step(at, |door| retire(turns, door, (operator, "?force=true"))),
            End::Lapse => {
                run::rest(OVERLAP.saturating_sub(overlap.elapsed()));
                Ok(())
            }
            End::Quiet => {
                run::rest(QUIET);
                // A replica hears late of uses at the other, and they are noted to the second.
                self.step_within(QUIET, at, |door| retire(turns, door, (operator, "")))
            }
        }
    }
}

/// Retires what is not yet: a step may be begun again.
fn retire(turns: &[Turn<'_>], door: Addresses, (operator, query): (&str, &str)) -> Result<()> {
    for turn in turns.iter().filter(|it| !it.is_retired.load(Ordering::SeqCst)) {
        turn.retire(door, operator, query)?.done("retire_credential")?;
        turn.is_retired.store(true, Ordering::SeqCst);
    }
    Ok(())
}

fn all(
    turns: &[Turn<'_>],
    is_so: impl Fn(&Turn<'_>) -> Result<bool>,
    otherwise: &str,
) -> Result<()> {
    for turn in turns {
        ensure!(is_so(turn)?, "{otherwise}: {}", turn.line.kind.as_str());
    }
    Ok(())
}
