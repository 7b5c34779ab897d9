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
    held::{Held, Kind},
    line::Line,
    pair::{Pair, in_force},
    strike::{At, Progress, Strike},
};
use crate::run;

/// What a client needs to have no call on the way with what it showed before, nor with a token that it got
/// by that.
pub(super) const ON_THE_WAY: Duration = Duration::from_millis(200);
/// For how long both are good where the old one is not retired and ends by itself: until then all lines have
/// successors, and show them.
const OVERLAP: Duration = Duration::from_secs(15);

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

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Rotate => "rotate",
            Self::Switch => "switch",
            Self::Retire => "retire",
            Self::Refuse => "refuse",
        }
    }
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
    /// The step in which a replica is killed,
    pub(super) killed: Step,
    /// and the kind of what is worked on then.
    pub(super) kind: Kind,
    /// Which replica.
    pub(super) which: usize,
    /// How the old ones end.
    pub(super) end: End,
}

/// What is done where in a wave, and when that is killed.
#[derive(Clone, Copy)]
struct Plan<'a> {
    wave: Wave,
    progress: &'a Progress,
    /// After so many of the kind a replica is killed.
    after: usize,
}

/// A line in the middle of a rotation.
struct Turn<'a> {
    line: &'a Line,
    old: Arc<Held>,
    new: OnceLock<Arc<Held>>,
    is_retired: AtomicBool,
}

impl<'a> Plan<'a> {
    /// Whether a replica is killed in a step that begins now, and at which one it is done.
    fn at(self, step: Step) -> (Option<Strike<'a>>, usize) {
        self.progress.begin();
        let Wave { killed, kind, which, end: _ } = self.wave;
        let at = At::Work(self.progress, kind, self.after);
        let strike = Strike { of: (kind.as_str(), step.as_str()), at };
        ((killed == step).then_some(strike), which)
    }
}

impl<'a> Turn<'a> {
    fn begin(line: &'a Line) -> Self {
        let (new, is_retired) = (OnceLock::new(), AtomicBool::new(false));
        Self { line, old: line.held(), new, is_retired }
    }

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
        let mut turns: Vec<_> = lines.iter().map(Turn::begin).collect();
        // Of all kinds some come early in a step, and some late.
        self.chance.shuffle(&mut turns);
        // Never the last of its kind: where it is quicker than the kill, that comes at the next one.
        let of_kind = turns.iter().filter(|it| it.line.kind == wave.kind).count();
        let after = self.chance.place(of_kind.saturating_sub(1));
        let progress = Progress::new();
        let plan = Plan { wave, progress: &progress, after };
        self.rotate(&turns, plan)?;
        let overlap = Clock::system();
        let refused = if wave.end == End::Quiet { self.keep(&turns, wave.which)? } else { 0 };
        self.step(plan.at(Step::Switch), |door| {
            // Whoever hands a new one over looks first whether it is good.
            let otherwise = "the new one is not good yet";
            all(&turns, plan.progress, |it| it.successor()?.is_good(door), otherwise)
        })?;
        self.hand_over(&turns, wave)?;
        self.end(&turns, plan, &overlap)?;
        self.step(plan.at(Step::Refuse), |door| {
            let otherwise = "the old one still gets in";
            all(&turns, plan.progress, |it| Ok(!it.old.is_good(door)?), otherwise)
        })?;
        for turn in &turns {
            in_force(self.doors, |door| Ok(!turn.old.is_good(door)?))?;
        }
        self.ended.extend(turns.iter().map(|it| Arc::clone(&it.old)));
        let lapsed = if wave.end == End::Lapse { turns.len() } else { 0 };
        // Once where the step was, and then at both.
        let tries = turns.len().saturating_mul(3);
        Ok(Tally { lapsed, refused, tries, ..Tally::default() })
    }

    fn rotate(&mut self, turns: &[Turn<'_>], plan: Plan<'_>) -> Result<()> {
        let overlap = match plan.wave.end {
            End::Lapse => format!("{}s", OVERLAP.as_secs()),
            End::Force | End::Quiet => "1h".to_owned(),
        };
        let (operator, makers) = (self.operator, self.makers);
        self.step(plan.at(Step::Rotate), |door| {
            let manager = door.client(operator);
            for Turn { line, new, .. } in turns.iter().filter(|it| it.new.get().is_none()) {
                let made = line.make(makers)?;
                let rotated =
                    plan.progress.on(line.kind, || line.rotate(&manager, &overlap, made))?;
                new.get_or_init(|| Arc::new(rotated));
            }
            Ok(())
        })
    }

    /// Has each line show the new one, as soon as that is good everywhere.
    fn hand_over(&self, turns: &[Turn<'_>], wave: Wave) -> Result<()> {
        for turn in turns {
            in_force(self.doors, |door| turn.successor()?.is_good(door))?;
            turn.line.take(Arc::clone(turn.successor()?));
            // By a token that it keeps a client goes on to use what that was got by. Where the old one is to
            // go unused, it is one that is started anew to take the new one.
            if wave.end == End::Quiet {
                turn.line.restart();
            }
        }
        run::rest(ON_THE_WAY);
        Ok(())
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
    fn end(&mut self, turns: &[Turn<'_>], plan: Plan<'_>, overlap: &Clock) -> Result<()> {
        let (operator, at) = (self.operator, plan.at(Step::Retire));
        let retire = |door, query| retire(turns, plan.progress, door, (operator, query));
        match plan.wave.end {
            End::Force => self.step(at, |door| retire(door, "?force=true")),
            End::Lapse => {
                run::rest(OVERLAP.saturating_sub(overlap.elapsed()));
                Ok(())
            }
            End::Quiet => {
                run::rest(QUIET);
                // A replica hears late of uses at the other, and they are noted to the second.
                self.step_within(QUIET, at, |door| retire(door, ""))
            }
        }
    }
}

/// Retires what is not yet: a step may be begun again.
fn retire(
    turns: &[Turn<'_>],
    progress: &Progress,
    door: Addresses,
    (operator, query): (&str, &str),
) -> Result<()> {
    for turn in turns.iter().filter(|it| !it.is_retired.load(Ordering::SeqCst)) {
        let answer = progress.on(turn.line.kind, || turn.retire(door, operator, query))?;
        answer.done("retire_credential")?;
        turn.is_retired.store(true, Ordering::SeqCst);
    }
    Ok(())
}

fn all(
    turns: &[Turn<'_>],
    progress: &Progress,
    is_so: impl Fn(&Turn<'_>) -> Result<bool>,
    otherwise: &str,
) -> Result<()> {
    for turn in turns {
        let kind = turn.line.kind;
        ensure!(progress.on(kind, || is_so(turn))?, "{otherwise}: {}", kind.as_str());
    }
    Ok(())
}
