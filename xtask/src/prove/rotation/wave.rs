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
use serde_json::json;

use super::{
    super::door::Addresses,
    held::Held,
    line::Line,
    pair::{Pair, in_force},
};
use crate::run;

/// What a client needs to have no call on the way with what it showed before.
pub(super) const ON_THE_WAY: Duration = Duration::from_millis(100);
/// For how long both are good where the old one is not retired and ends by itself.
const OVERLAP: Duration = Duration::from_secs(10);

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

/// How a wave goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wave {
    /// The step in which a replica is killed.
    pub(super) killed: Step,
    /// Which replica.
    pub(super) which: usize,
    /// Whether the old ones end with their overlap, and are not retired.
    pub(super) lapses: bool,
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
}

impl Pair<'_> {
    /// Gives each line its next credential, and has the one before refused.
    ///
    /// How often one that had ended was tried, and got nobody in.
    pub(super) fn wave(&mut self, lines: &[Line], wave: Wave) -> Result<usize> {
        let turns: Vec<_> = lines
            .iter()
            .map(|line| Turn {
                line,
                old: line.held(),
                new: OnceLock::new(),
                is_retired: AtomicBool::new(false),
            })
            .collect();
        let operator = self.operator.to_owned();
        let at = |step| (wave.killed == step, wave.which);
        self.rotate(&turns, &operator, wave)?;
        let overlap = Clock::system();
        self.step(at(Step::Switch), |door| {
            // Whoever hands a new one over looks first whether it is good.
            all(&turns, |it| it.successor()?.is_good(door), "the new one is not good yet")
        })?;
        for turn in &turns {
            in_force(self.doors, |door| turn.successor()?.is_good(door))?;
            turn.line.take(Arc::clone(turn.successor()?));
        }
        run::rest(ON_THE_WAY);
        if wave.lapses {
            while let Some(rest) = OVERLAP.checked_sub(overlap.elapsed()) {
                run::rest(rest);
            }
        } else {
            self.step(at(Step::Retire), |door| retire(&turns, door, &operator))?;
        }
        self.step(at(Step::Refuse), |door| {
            all(&turns, |it| Ok(!it.old.is_good(door)?), "the old one still gets in")
        })?;
        for turn in &turns {
            in_force(self.doors, |door| Ok(!turn.old.is_good(door)?))?;
        }
        // Once where the step was, and then at both.
        Ok(turns.len().saturating_mul(3))
    }

    fn rotate(&mut self, turns: &[Turn<'_>], operator: &str, wave: Wave) -> Result<()> {
        let overlap = if wave.lapses { format!("{}s", OVERLAP.as_secs()) } else { "1h".to_owned() };
        let authority = self.authority;
        self.step((wave.killed == Step::Rotate, wave.which), |door| {
            let manager = door.client(operator);
            for turn in turns.iter().filter(|it| it.new.get().is_none()) {
                let made = turn.line.rotate(&manager, &overlap, authority)?;
                turn.new.get_or_init(|| Arc::new(made));
            }
            Ok(())
        })
    }
}

/// Retires what is not yet: a step may be begun again.
fn retire(turns: &[Turn<'_>], door: Addresses, operator: &str) -> Result<()> {
    for turn in turns.iter().filter(|it| !it.is_retired.load(Ordering::SeqCst)) {
        let path = format!("/credentials/{}/retire?force=true", turn.old.id);
        let answer = door.client(operator).manage("POST", &path, &json!(null))?;
        answer.done("retire_credential")?;
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
