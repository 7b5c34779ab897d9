//! Credentials, and what all of them stand on, are rotated while they are used, and replicas are killed
//! at each step: no call fails, and what was retired or has ended gets nobody in.

mod caller;
mod ground;
mod held;
mod kills;
mod line;
mod makers;
mod pair;
mod shared;
mod strike;
mod wave;

use std::{path::Path, sync::OnceLock, thread, time::Duration};

use anyhow::{Context as _, Result, anyhow, ensure};

use self::{
    caller::Caller,
    ground::Ground,
    held::Kind,
    kills::{Kills, Of},
    line::Line,
    pair::Pair,
    shared::{Bearer, Kill},
    wave::{End, Step, Wave},
};
use super::{
    Done, chance::Chance, client::Answer, door::Door, load::Load, property::Setting,
    revocation::LATER,
};
use crate::run;

/// Kinds whose callers speak plain HTTP, and the one that needs TLS.
const PLAIN: [Kind; 4] = [Kind::ApiKey, Kind::ClientSecret, Kind::External, Kind::PrivateKeyJwt];
const OVER_TLS: [Kind; 1] = [Kind::Mtls];
/// Those that stand on keys of the door, which are rotated at many sites.
const STANDING: [Kind; 3] = [Kind::ApiKey, Kind::ClientSecret, Kind::PrivateKeyJwt];
/// Between two calls of a caller. Each kind has one at each door, who takes its lines in turn; where a call
/// is one with a token that is got for it, it is two requests.
const PACE: Duration = Duration::from_millis(6);
/// The same where each call is a handshake.
const TLS_PACE: Duration = Duration::from_millis(20);
/// The same where many sites share two cores.
const SITE_PACE: Duration = Duration::from_millis(200);
/// So much later than the one before each of many sites begins.
const SITE_APART: Duration = Duration::from_millis(900);
/// In one of so many waves the old ones end with their overlap.
const LAPSE_EVERY: usize = 8;

/// How many rotations there are of each kind.
#[derive(Debug, Clone, Copy)]
struct Counts {
    /// So many lines of each kind rotate at the same time: an odd number, so that in turn each calls over
    /// REST and a tool,
    lines: usize,
    /// so many times.
    waves: usize,
    /// What all stand on is rotated at so many sites at the same time,
    sites: usize,
    /// so many times.
    rounds: usize,
}

/// What came of a part.
#[derive(Debug, Default)]
struct Tally {
    calls: u64,
    kills: Kills,
    lapsed: usize,
    /// How often one was not retired because it was used; each was retired later, without force.
    refused: usize,
    /// How often something was tried that had ended.
    tries: usize,
    /// The same at the end of all.
    again: usize,
}

impl Tally {
    fn plus(self, other: Self) -> Self {
        Self {
            calls: self.calls.saturating_add(other.calls),
            kills: self.kills.plus(other.kills),
            lapsed: self.lapsed.saturating_add(other.lapsed),
            refused: self.refused.saturating_add(other.refused),
            tries: self.tries.saturating_add(other.tries),
            again: self.again.saturating_add(other.again),
        }
    }

    /// With the calls that flowed meanwhile, none of which may have failed.
    fn with_calls(self, load: &Load) -> Result<Self> {
        let (calls, _, failures) = load.told();
        ensure!(failures.is_empty(), "calls failed: {}", failures.join("; "));
        Ok(Self { calls, ..self })
    }
}

pub(super) fn prove(setting: &Setting<'_>) -> Result<Done> {
    let counts = match setting.is_full {
        true => Counts { lines: 25, waves: 40, sites: 16, rounds: 63 },
        false => Counts { lines: 3, waves: 4, sites: 1, rounds: 4 },
    };
    // Each waits for most of its time, also beside the other.
    let mut chance = Chance::new(setting.seed);
    let grounds = [(&PLAIN[..], "plain", PACE), (&OVER_TLS[..], "tls", TLS_PACE)];
    let grounds = grounds.map(|it| (it, chance.fork()));
    let shared = rotate_shared(setting, (counts, chance.fork()))?;
    if setting.is_full {
        shared.kills.ensure_around(shared_steps())?;
    }
    let tallies = at_once(grounds, |((kinds, name, pace), chance)| {
        let folder = setting.folder.join(name);
        let ground = Ground::start(setting.program, &folder, (kinds, counts.lines))?;
        rotate_credentials(ground, (kinds, counts.waves), pace, chance).context(name)
    })?;
    let tally = tallies.into_iter().fold(Tally::default(), Tally::plus);
    let kinds: Vec<_> = PLAIN.iter().chain(&OVER_TLS).map(|it| it.as_str()).collect();
    Ok(Done::Held(format!(
        "{} rotations of each of {}, {} of each of {}; {} replicas killed, in the middle of ({}), and \
         before and after it was done ({}); {} ended with their overlap; {} retired without force, \
         each refused while it was used; {} calls meanwhile, 0 failed; {} looks at a credential that \
         had ended, each refused within a second, and {} more at the end, {LATER:?} after the last kill",
        counts.lines.saturating_mul(counts.waves),
        kinds.join(", "),
        counts.sites.saturating_mul(counts.rounds),
        shared::KINDS.join(", "),
        tally.kills.count().saturating_add(shared.kills.count()),
        tally.kills,
        shared.kills,
        tally.lapsed,
        tally.refused,
        tally.calls.saturating_add(shared.calls),
        tally.tries,
        tally.again,
    )))
}

/// So many waves over all lines of a ground, under load.
fn rotate_credentials(
    mut ground: Ground,
    (kinds, waves): (&[Kind], usize),
    pace: Duration,
    chance: Chance,
) -> Result<Tally> {
    let Ground { doors, homes, operator, lines, makers, .. } = &mut ground;
    let (load, lines, makers) = (Load::new(), &*lines, &*makers);
    let tally = thread::scope(|scope| {
        load.until_done(|| {
            for (door, call) in callers(doors, lines)? {
                load.flow(scope, (door, pace), call);
            }
            let mut pair = Pair::new((homes, doors), (operator, makers), &load, chance);
            let (mut tally, mut planned) = (Tally::default(), Vec::new());
            for number in 0..waves {
                let wave = wave(number, kinds)?;
                let done = pair.wave(lines, wave);
                tally = tally.plus(done.with_context(|| format!("wave {number}: {wave:?}"))?);
                planned.push((wave.kind.as_str(), wave.killed.as_str()));
            }
            pair.kills.ensure_before(planned)?;
            let again = ask_again(&pair)?;
            anyhow::Ok(Tally { kills: pair.kills, again, ..tally })
        })
    })?;
    tally.with_calls(&load)
}

/// How one wave goes. A replica is killed in each step in turn, and in each of these as each kind in turn is
/// worked on.
fn wave(number: usize, kinds: &[Kind]) -> Result<Wave> {
    let killed = Step::ALL.get(number % 4).copied().context("there are four")?;
    let turn = (number % 4).saturating_add(number / 4);
    let kind = kinds.iter().cycle().nth(turn).copied().context("there is a kind")?;
    Ok(Wave { killed, kind, which: alternating(number), end: end(number) })
}

/// Asks for all that have ended at both replicas, so long after the last kill that what is written late is
/// written: nothing may have brought any of them back. How often.
fn ask_again(pair: &Pair<'_>) -> Result<usize> {
    run::rest(LATER);
    let (doors, ended) = (pair.doors.each_ref().map(Door::addresses), &pair.ended);
    let tallies = at_once(doors, |door| {
        for held in ended {
            ensure!(!held.is_good(door)?, "{} gets in again", held.id);
        }
        Ok(Tally { again: ended.len(), ..Tally::default() })
    })?;
    Ok(tallies.into_iter().fold(Tally::default(), Tally::plus).again)
}

/// How the old ones end: by force in every other wave, and in the others so that each step in which a
/// replica is killed comes with either.
const fn end(number: usize) -> End {
    if number % LAPSE_EVERY == 3 {
        End::Lapse
    } else if number % 2 == number / LAPSE_EVERY % 2 {
        End::Quiet
    } else {
        End::Force
    }
}

/// Which of the two is killed: the other one in each step, and then the other way round.
const fn alternating(number: usize) -> usize {
    (number % 2) ^ (number / 4 % 2)
}

/// For each door, and each kind among the lines, one who calls with all lines of that kind in turn.
fn callers<'a>(
    doors: &[Door; 2],
    lines: &'a [Line],
) -> Result<Vec<(usize, impl FnMut() -> Result<Answer> + Send + use<'a>)>> {
    let mut callers = Vec::new();
    for (number, door) in doors.iter().enumerate() {
        for of_kind in lines.chunk_by(|one, other| one.kind == other.kind) {
            let (mut caller, mut turns) = (Caller::new(door.public)?, of_kind.iter().cycle());
            callers.push((number, move || caller.call(turns.next().context("there is a line")?)));
        }
    }
    Ok(callers)
}

/// What all stand on, at many sites at the same time: most of it is to wait until files are looked at. No two
/// are at the same step, or all their replicas that are killed would start at the same moment.
fn rotate_shared(setting: &Setting<'_>, (counts, mut chance): (Counts, Chance)) -> Result<Tally> {
    let sites: Vec<_> = (0..counts.sites).map(|it| (it, chance.fork())).collect();
    let tallies = at_once(sites, |(site, chance)| {
        run::rest(SITE_APART.saturating_mul(u32::try_from(site)?));
        let folder = setting.folder.join(format!("site-{site}"));
        // Each begins with another step to kill a replica in.
        rotate_at_site(setting, &folder, (counts.rounds, site, chance))
    })?;
    Ok(tallies.into_iter().fold(Tally::default(), Tally::plus))
}

/// What a replica is killed in of what all stand on.
fn shared_steps() -> impl Iterator<Item = Of> {
    let steps = |kind| shared::Step::ALL.map(|step| (kind, step.as_str()));
    shared::KINDS.into_iter().flat_map(steps)
}

/// Does all parts at the same time, to their ends.
fn at_once<P: Send>(
    parts: impl IntoIterator<Item = P>,
    work: impl Fn(P) -> Result<Tally> + Sync,
) -> Result<Vec<Tally>> {
    thread::scope(|scope| {
        let work = &work;
        let begun: Vec<_> = parts.into_iter().map(|part| scope.spawn(move || work(part))).collect();
        begun.into_iter().map(|it| it.join().map_err(|_| anyhow!("a part panicked"))?).collect()
    })
}

fn rotate_at_site(
    setting: &Setting<'_>,
    folder: &Path,
    (rounds, site, chance): (usize, usize, Chance),
) -> Result<Tally> {
    let mut ground = Ground::start(setting.program, folder, (&STANDING, 1))?;
    let Ground { doors, homes, operator, lines, makers, .. } = &mut ground;
    let (load, bearer, lines, makers) = (Load::new(), OnceLock::new(), &*lines, &*makers);
    let by = lines.iter().find(|it| it.kind == Kind::ClientSecret).context("there is a secret")?;
    let addresses = doors.each_ref().map(|it| it.addresses());
    let kills = thread::scope(|scope| {
        let [first, _] = addresses;
        load.until_done(|| {
            let callers = callers(doors, lines)?;
            let bearer = bearer.get_or_init(|| Bearer::begin(by, first));
            let bearer = bearer.as_ref().map_err(|why| anyhow!("no token: {why:#}"))?;
            for (door, call) in callers {
                load.flow(scope, (door, SITE_PACE), call);
            }
            for (door, address) in addresses.iter().enumerate() {
                load.flow(scope, (door, SITE_PACE), bearer.caller(address.public));
            }
            let mut pair = Pair::new((homes, doors), (operator, makers), &load, chance);
            for round in 0..rounds {
                let turn = round.saturating_add(site);
                let step = shared::Step::ALL.get(turn % 4).copied().context("there are four")?;
                pair.rotate_shared(round, Kill { step, which: alternating(turn) }, bearer)
                    .with_context(|| format!("site {site}"))?;
            }
            anyhow::Ok(pair.kills)
        })
    })?;
    Tally { kills, ..Tally::default() }.with_calls(&load)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replica_is_killed_in_each_step_as_each_kind_is_worked_on() {
        for (kinds, waves) in [(&PLAIN[..], 16), (&OVER_TLS[..], 4)] {
            let mut planned = Kills::default();
            for number in 0..waves {
                let Wave { killed, kind, .. } = wave(number, kinds).unwrap();
                planned.note((kind.as_str(), killed.as_str()), true);
            }
            let each = |kind: &Kind| Step::ALL.map(|step| (kind.as_str(), step.as_str()));
            planned.ensure_before(kinds.iter().flat_map(each)).unwrap();
        }
    }

    #[test]
    fn few_waves_have_each_step_and_each_kind() {
        let waves: Vec<_> = (0..4).map(|number| wave(number, &PLAIN).unwrap()).collect();
        assert!(Step::ALL.iter().all(|step| waves.iter().any(|it| it.killed == *step)));
        assert!(PLAIN.iter().all(|kind| waves.iter().any(|it| it.kind == *kind)));
    }
}
