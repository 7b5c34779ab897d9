//! Credentials, and what all of them stand on, are rotated while they are used, and replicas are killed
//! at each step: no call fails, and what was retired or has ended gets nobody in.

mod ground;
mod held;
mod line;
mod pair;
mod shared;
mod wave;

use std::{path::Path, sync::OnceLock, thread, time::Duration};

use anyhow::{Context as _, Result, anyhow, ensure};

use self::{
    ground::Ground,
    held::{Caller, Kind},
    line::Line,
    pair::Pair,
    shared::{Bearer, Kill},
    wave::{End, Step, Wave},
};
use super::{Done, chance::Chance, client::Answer, door::Door, load::Load, property::Setting};
use crate::run;

/// Kinds whose callers speak plain HTTP, and the one that needs TLS.
const PLAIN: [Kind; 3] = [Kind::ApiKey, Kind::ClientSecret, Kind::PrivateKeyJwt];
const OVER_TLS: [Kind; 1] = [Kind::Mtls];
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
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    calls: u64,
    kills: usize,
    lapsed: usize,
    /// How often one was not retired because it was used; each was retired later, without force.
    refused: usize,
    /// How often something was tried that had ended.
    tries: usize,
}

impl Tally {
    fn plus(self, other: Self) -> Self {
        Self {
            calls: self.calls.saturating_add(other.calls),
            kills: self.kills.saturating_add(other.kills),
            lapsed: self.lapsed.saturating_add(other.lapsed),
            refused: self.refused.saturating_add(other.refused),
            tries: self.tries.saturating_add(other.tries),
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
    let tallies = at_once(grounds, |((kinds, name, pace), chance)| {
        let folder = setting.folder.join(name);
        let ground = Ground::start(setting.program, &folder, (kinds, counts.lines))?;
        rotate_credentials(ground, counts.waves, pace, chance).context(name)
    })?;
    let tally = tallies.into_iter().fold(Tally::default(), Tally::plus);
    let kinds: Vec<_> = PLAIN.iter().chain(&OVER_TLS).map(|it| it.as_str()).collect();
    Ok(Done::Held(format!(
        "{} rotations of each of {} (external ones are left out), {} of each of {}; {} replicas \
         killed, at each step; {} ended with their overlap; {} retired without force, each refused \
         while it was used; {} calls meanwhile, 0 failed; {} looks at a credential that had ended, \
         each refused within a second",
        counts.lines.saturating_mul(counts.waves),
        kinds.join(", "),
        counts.sites.saturating_mul(counts.rounds),
        shared::KINDS.join(", "),
        tally.kills.saturating_add(shared.kills),
        tally.lapsed,
        tally.refused,
        tally.calls.saturating_add(shared.calls),
        tally.tries,
    )))
}

/// So many waves over all lines of a ground, under load.
fn rotate_credentials(
    mut ground: Ground,
    waves: usize,
    pace: Duration,
    chance: Chance,
) -> Result<Tally> {
    let Ground { doors, homes, operator, lines, authority, .. } = &mut ground;
    let (load, lines) = (Load::new(), &*lines);
    let tally = thread::scope(|scope| {
        load.until_done(|| {
            for (door, call) in callers(doors, lines)? {
                load.flow(scope, (door, pace), call);
            }
            let authority = authority.as_ref();
            let mut pair =
                Pair { homes, doors, operator, authority, load: &load, chance, kills: 0 };
            let tally = (0..waves).try_fold(Tally::default(), |tally, number| {
                anyhow::Ok(tally.plus(roll(&mut pair, lines, number)?))
            })?;
            anyhow::Ok(Tally { kills: pair.kills, ..tally })
        })
    })?;
    tally.with_calls(&load)
}

/// One wave, with a replica that is killed in one step of it.
fn roll(pair: &mut Pair<'_>, lines: &[Line], number: usize) -> Result<Tally> {
    let killed = Step::ALL.get(number % 4).copied().unwrap_or(Step::Rotate);
    let wave = Wave { killed, which: alternating(number), end: end(number) };
    pair.wave(lines, wave).with_context(|| format!("wave {number}: {wave:?}"))
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
            callers.push((number, move || {
                caller.call(&turns.next().context("there is a line")?.held())
            }));
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
    let mut ground = Ground::start(setting.program, folder, (&PLAIN, 1))?;
    let Ground { doors, homes, operator, lines, .. } = &mut ground;
    let (load, bearer, lines) = (Load::new(), OnceLock::new(), &*lines);
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
            let authority = None;
            let mut pair =
                Pair { homes, doors, operator, authority, load: &load, chance, kills: 0 };
            for round in 0..rounds {
                let turn = round.saturating_add(site);
                let step = shared::Step::ALL.get(turn % 4).copied();
                pair.rotate_shared(round, Kill { step, which: alternating(turn) }, bearer)
                    .with_context(|| format!("site {site}"))?;
            }
            anyhow::Ok(pair.kills)
        })
    })?;
    Tally { kills, ..Tally::default() }.with_calls(&load)
}
