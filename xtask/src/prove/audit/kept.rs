//! SIGKILL while old segments go, while they are packed, and while another key follows: the next start ends
//! what was begun, and nothing else is lost.

use std::{fs, path::PathBuf, time::Duration};

use anyhow::{Context as _, Result, ensure};
use audit::{Journal, Kind, Location, Outcome, Record, Rules, SigningKey};
use model::{Clock, Timestamp};
use serde_json::json;

use super::{
    super::{
        door::{Door, Home},
        property::Setting,
    },
    fault::Mark,
    site::Site,
};
use crate::run;

/// How long work on a log may take until it is done, or a marked place is reached.
const PATIENCE: Duration = Duration::from_secs(60);
/// When the log was written that is worked on.
const OLD: Timestamp = Timestamp::from_seconds(1_700_000_000);

/// What a door does with a log that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Work {
    /// Another key signs it.
    Follow,
    Pack,
    Purge,
}

impl Work {
    const ALL: [Self; 3] = [Self::Follow, Self::Pack, Self::Purge];

    /// What onedoor.toml says for it to be done.
    fn config(self) -> &'static str {
        match self {
            Self::Follow => "[audit]\n",
            Self::Pack => "[audit]\ncompress_after = \"1s\"\n",
            Self::Purge => "[audit]\nkeep_for = \"1h\"\n",
        }
    }

    /// The steps of it. Of those with more than one such call any may be the last.
    fn marks(self) -> &'static [Mark] {
        match self {
            Self::Follow => &[
                Mark { call: "open", part: "/audit.key.next", most: 1 },
                Mark { call: "write", part: "/audit/keys", most: 1 },
                Mark { call: "sync", part: "/audit/keys", most: 1 },
                Mark { call: "rename", part: "/audit.key.next", most: 1 },
            ],
            Self::Pack => &[
                Mark { call: "open", part: ".gz.new", most: 2 },
                Mark { call: "write", part: ".gz.new", most: 2 },
                Mark { call: "sync", part: ".gz.new", most: 2 },
                Mark { call: "rename", part: ".gz.new", most: 2 },
                Mark { call: "unlink", part: "/audit/0", most: 2 },
            ],
            Self::Purge => &[
                Mark { call: "write", part: "/audit/sealed", most: 1 },
                Mark { call: "sync", part: "/audit/sealed", most: 1 },
                Mark { call: "unlink", part: "/audit/0", most: 3 },
            ],
        }
    }
}

/// A door whose log is put back to what it was before each kill.
struct Run {
    site: Site,
    /// Its data folder, as it was.
    aged: PathBuf,
    config: PathBuf,
    kills: usize,
}

/// Gives how many kills there were, so many at each place and side of it.
pub(super) fn prove(setting: &Setting<'_>, rounds: u64) -> Result<usize> {
    let folder = setting.folder.join("kept");
    fs::create_dir(&folder)?;
    let mut site = Site::make(&Setting { folder: &folder, ..*setting })?;
    let config = folder.join("kept.toml");
    fs::write(&config, Work::Follow.config())?;
    site.home.config = Some(config.clone());
    age(&site.home)?;
    // What follows is of today, so another segment begins; the one before is closed for as long as that.
    site.home.serve()?.kill()?;
    run::rest(Duration::from_secs(2));
    let aged = folder.join("aged");
    site.home.copy(aged.clone())?;
    let mut run = Run { site, aged, config, kills: 0 };
    for work in Work::ALL {
        run.restore(work)?;
        let want = run.settle(work)?;
        for (mark, round) in work.marks().iter().flat_map(|it| (0..rounds).map(move |of| (*it, of)))
        {
            // The last of several such calls first, and then those before it.
            let back = round.checked_rem(mark.most).unwrap_or_default();
            let mark = Mark { most: mark.most.saturating_sub(back), ..mark };
            run.kill_and_settle(work, mark, &want)?;
        }
    }
    Ok(run.kills)
}

/// Writes records to the log of a door that does not run, in segments that are small and old.
fn age(home: &Home) -> Result<()> {
    let text = fs::read_to_string(home.data.join("audit.key"))?;
    let key = SigningKey::parse(&text).context("the door has no key for its log")?;
    let location = Location { folder: home.data.join("audit"), ..Location::default() };
    let rules = Rules { segment_bytes: 3000, ..Rules::default() };
    let journal = Journal::open(&location, (key, rules), Clock::fake(OLD))?;
    for _ in 0..40 {
        journal.append(&Record::new(OLD, Kind::Call, Outcome::Answered))?;
    }
    Ok(())
}

impl Run {
    /// Makes the log what it was, for a door that does this `work`.
    fn restore(&self, work: Work) -> Result<()> {
        fs::write(&self.config, work.config())?;
        fs::remove_dir_all(&self.site.home.data)?;
        let Home { data, .. } = &self.site.home;
        Home { data: self.aged.clone(), ..self.site.home.clone() }.copy(data.clone())?;
        Ok(())
    }

    /// Kills a door on both sides of the place, and looks at what the next start makes of it.
    fn kill_and_settle(&mut self, work: Work, mark: Mark, want: &[String]) -> Result<()> {
        for when in ["before", "after"] {
            self.restore(work)?;
            self.kill(work, (mark, when))?;
            let left = self.settle(work)?;
            let at = format!("killed {when} {} of {}", mark.call, mark.part);
            ensure!(left == want, "{at}: {left:?} is left and not {want:?}");
        }
        Ok(())
    }

    /// Has a door do the work, and die at the marked place.
    fn kill(&mut self, work: Work, (mark, when): (Mark, &str)) -> Result<()> {
        let nth = mark.most;
        let Site { home, fault, .. } = &self.site;
        // What a door reads of its keys as it starts is not meant.
        if work != Work::Follow {
            fault.set(mark, nth, when)?;
        }
        let mut has_ended = true;
        // One that dies before it serves has reached the place as well.
        if let Ok(mut door) = home.serve() {
            if work == Work::Follow {
                fault.set(mark, nth, when)?;
                self.follow(&door).ok();
            }
            has_ended = within(|| door.has_ended())?;
        }
        self.site.fault.clear()?;
        ensure!(has_ended, "{when} {} of {} was not reached", mark.call, mark.part);
        self.kills = self.kills.saturating_add(1);
        Ok(())
    }

    fn follow(&self, door: &Door) -> Result<()> {
        let client = door.client(&self.site.operator);
        let answer = client.manage("POST", "/audit-keys", &json!({"reason": "a proof"}))?;
        answer.done("rotate_audit_key").map(drop)
    }

    /// Starts the door and lets it end the work. Gives the files of its log then, which is whole.
    fn settle(&self, work: Work) -> Result<Vec<String>> {
        let mut door = self.site.home.serve()?;
        if work == Work::Follow {
            // Whether or not it followed before the kill, it can now.
            self.follow(&door)?;
        }
        let is_done = within(|| Ok(is_done(&self.files()?, work)))?;
        self.site.ensure_serves(&door)?;
        door.kill()?;
        let files = self.files()?;
        ensure!(is_done, "the work is not ended: {files:?}");
        let next = self.site.home.data.join("audit.key.next");
        ensure!(!next.exists(), "a key that was to follow is left");
        self.site.verify_alone()?;
        Ok(files)
    }

    /// The segments of the log, and what is beside them.
    fn files(&self) -> Result<Vec<String>> {
        let entries = fs::read_dir(self.site.log())?;
        let names: Result<Vec<_>, _> =
            entries.map(|it| it.map(|it| it.file_name().to_string_lossy().into_owned())).collect();
        let mut names = names?;
        names
            .retain(|it| it.starts_with('0') || it.starts_with("sealed") || it.starts_with("keys"));
        names.sort();
        Ok(names)
    }
}

fn is_done(files: &[String], work: Work) -> bool {
    let segments: Vec<_> = files.iter().filter(|it| it.starts_with('0')).collect();
    let packed = segments.iter().filter(|it| it.ends_with(".gz")).count();
    match work {
        Work::Follow => files.iter().any(|it| it.starts_with("keys")),
        Work::Pack => packed > 2 && packed.saturating_add(1) == segments.len(),
        // The last of the old ones was closed today.
        Work::Purge => segments.len() == 2 && files.iter().any(|it| it.starts_with("sealed")),
    }
}

/// Whether it is so before patience ends.
fn within(mut is_so: impl FnMut() -> Result<bool>) -> Result<bool> {
    let clock = Clock::system();
    while !is_so()? {
        if clock.elapsed() > PATIENCE {
            return Ok(false);
        }
        run::rest(Duration::from_millis(5));
    }
    Ok(true)
}
