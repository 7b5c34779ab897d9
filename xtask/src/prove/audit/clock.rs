//! A time of day that jumps: calls go on, each jump is recorded, and nothing is old because of it.

use std::{collections::BTreeSet, fs, time::Duration};

use anyhow::{Context as _, Result, ensure};
use model::Clock;
use serde_json::{Value, json};

use super::{
    super::{Done, door::Door, property::Setting},
    ledger::Ledger,
    site::Site,
    sort::Sort,
    traffic::Traffic,
};
use crate::run;

/// By how many seconds the time of day is wrong, in turn: an hour ahead and behind, two days behind and
/// ahead. From one to the next it jumps.
const OFFSETS: [i64; 4] = [3_600, -3_600, -172_800, AHEAD];
/// All that was recorded before looks older than it may be by then.
const AHEAD: i64 = 172_800;
/// How long records are kept: no less can be asked for.
const KEPT: &str = "keep_for = \"1h\"\n";
/// A door looks once a minute for what is too old.
const LOOKED: Duration = Duration::from_secs(62);
/// A key lives so long by the right time, and has ended where it is an hour later.
const LIFE: Duration = Duration::from_secs(30 * 60);
/// What each caller waits behind an answer, for the looks take minutes in all.
const PAUSE: Duration = Duration::from_millis(20);
/// How long calls flow before and behind a jump.
const OBSERVED: Duration = Duration::from_millis(500);
/// How long a jump may take to be recorded: it is looked every second.
const TOLD_WITHIN: Duration = Duration::from_secs(5);

/// A door whose time of day jumps.
struct Run {
    site: Site,
    door: Door,
    traffic: Traffic,
    ledger: Ledger,
    /// A key that ends within the hour.
    brief: String,
    /// The files of the log that there were so far.
    segments: BTreeSet<String>,
    told_after: Duration,
}

pub(in super::super) fn prove(setting: &Setting<'_>) -> Result<Done> {
    let jumps = if setting.is_full { 20 } else { 4 };
    let mut run = Run::start(setting)?;
    for offset in OFFSETS.into_iter().cycle().take(jumps) {
        run.jump(offset).with_context(|| format!("{offset} s from the right time"))?;
    }
    run.end(jumps)
}

impl Run {
    fn start(setting: &Setting<'_>) -> Result<Self> {
        let site = Site::make(setting)?;
        site.configure(KEPT)?;
        let door = site.home.serve()?;
        let expires = Clock::system().now().plus(LIFE).to_string();
        let wish = json!({"profile": "app/default", "expires": expires});
        let issued = door.client(&site.operator).manage("POST", "/credentials", &wish)?;
        let issued = issued.done("issue_credential")?;
        let brief = issued.get("key").and_then(Value::as_str).context("a key was issued")?;
        let (brief, segments) = (brief.to_owned(), BTreeSet::new());
        let (traffic, ledger) = (Traffic::slow(PAUSE), Ledger::default());
        let told_after = Duration::ZERO;
        let this = Self { site, door, traffic, ledger, brief, segments, told_after };
        ensure!(this.lets_in()? == 200, "a key that has not ended lets nobody in");
        Ok(this)
    }

    /// How a call with the key that ends is answered.
    fn lets_in(&self) -> Result<u16> {
        let caller = self.door.caller(&self.brief);
        Ok(caller.send("PUT", "/shop/orders/0", &Value::Null)?.status)
    }

    /// Has the time of day jump while calls flow.
    fn jump(&mut self, offset: i64) -> Result<()> {
        let before = self.traffic.last();
        let Self { site, door, traffic, ledger, .. } = self;
        let told_after = traffic.during(&site.callers, door.public, || {
            run::rest(OBSERVED);
            site.fault.set_clock(offset)?;
            let told_after = until_told(ledger, site)?;
            run::rest(if offset == AHEAD { LOOKED } else { OBSERVED });
            anyhow::Ok(told_after)
        })?;
        self.told_after = self.told_after.max(told_after);
        self.judge_calls(before)?;
        self.judge_segments()?;
        // By a clock that is behind it has not ended yet.
        let status = self.lets_in()?;
        let is_right = status == 401 || (offset < 0 && status == 200);
        ensure!(is_right, "a key that ends is answered by {status}");
        Ok(())
    }

    /// Each call was answered, and what was answered and forwarded is recorded.
    fn judge_calls(&mut self, before: u64) -> Result<()> {
        let Self { site, traffic, ledger, .. } = self;
        site.judge_all(ledger, traffic, before)?;
        let unknown = ledger.unknown;
        ensure!(unknown == 0, "{unknown} calls are unknown");
        Ok(())
    }

    /// What there was of the log is there.
    fn judge_segments(&mut self) -> Result<()> {
        let mut found = BTreeSet::new();
        for entry in fs::read_dir(self.site.log())? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            found.extend(name.starts_with('0').then_some(name));
        }
        let gone: Vec<_> = self.segments.difference(&found).collect();
        ensure!(gone.is_empty(), "segments went: {gone:?}");
        self.segments = found;
        Ok(())
    }

    /// What it went through; fails where something did not happen at all.
    fn end(self, jumps: usize) -> Result<Done> {
        let Self { site, door, ledger, segments, told_after, .. } = self;
        ledger.ensure_sorts(Sort::plain())?;
        let told = ledger.jumps;
        ensure!(told == jumps, "{told} jumps are recorded, and there were {jumps}");
        let closed = segments.len().saturating_sub(1);
        ensure!(closed > 0, "no segment was closed: none could go");
        drop(door);
        let log = site.verify()?;
        let answered = ledger.count_answered();
        Ok(Done::Held(format!(
            "{jumps} jumps of the time of day, by up to 4 days, each recorded {told_after:.0?} later at \
             most; {answered} calls meanwhile, each answered; none of {closed} closed segments went for \
             its age; a key that had ended let nobody in; the log: {log}"
        )))
    }
}

/// Waits until one more jump is recorded; how long that took.
fn until_told(ledger: &mut Ledger, site: &Site) -> Result<Duration> {
    let (clock, before) = (Clock::system(), ledger.jumps);
    while ledger.jumps == before {
        ensure!(clock.elapsed() < TOLD_WITHIN, "nobody recorded that the time of day jumped");
        run::rest(Duration::from_millis(50));
        ledger.read(&site.log())?;
    }
    Ok(clock.elapsed())
}
