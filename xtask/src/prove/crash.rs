//! SIGKILL in the middle of writes: what was acknowledged is there, and every revision is whole.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use model::Clock;
use serde_json::{Map, Value, json};
use testkit::Postgres;

use super::{Done, chance::Chance, client::Client, door::Home, property::Setting, world};
use crate::run;

/// So many write at the same time.
const WRITERS: u64 = 3;

/// What one writer knows of its own documents: what they must be, and what they may be.
#[derive(Debug, Default)]
struct Known {
    /// As acknowledged; none where the document is gone.
    acknowledged: BTreeMap<String, Option<String>>,
    /// Sent, and not acknowledged: all of it, or nothing.
    open: Option<BTreeMap<String, Option<String>>>,
    writes: u64,
}

/// Revisions, read one after the other.
#[derive(Debug, Default)]
struct Replay {
    head: u64,
    files: BTreeMap<String, String>,
}

pub(super) fn prove(setting: &Setting<'_>) -> Result<Done> {
    let kills = if setting.is_full { 200 } else { 20 };
    let home = Home::new(setting.program, setting.folder.join("sqlite"));
    let sqlite = crash(&home, kills, setting.seed)?;
    let postgres = Postgres::start_durable();
    let mut home = Home::new(setting.program, setting.folder.join("postgres"));
    home.store = Some(postgres.url().to_owned());
    let postgres = crash(&home, kills, setting.seed)?;
    Ok(Done::Held(format!(
        "{kills} kills each: SQLite {sqlite}; PostgreSQL {postgres}; all there, none half"
    )))
}

/// Kills a door `kills` times while others write, and looks after each at what is left.
fn crash(home: &Home, kills: usize, seed: u64) -> Result<String> {
    let key = home.init()?;
    let mut chance = Chance::new(seed);
    let mut known: Vec<_> = (0..WRITERS).map(|_| Known::default()).collect();
    let mut replay = Replay::default();
    let mut door = home.serve()?;
    let client = door.client(&key);
    let limit = BTreeMap::from([("limits/all.yaml".to_owned(), "rate: 1000000/s\n".to_owned())]);
    world::apply(&client, &limit)?;
    for _ in 0..kills {
        let is_over = AtomicBool::new(false);
        let wait = Duration::from_millis(20_u64.saturating_add(chance.below(800)));
        let client = door.client(&key);
        let killed = thread::scope(|scope| {
            for (writer, known) in (0..WRITERS).zip(&mut known) {
                let chance = chance.fork();
                let (client, is_over) = (&client, &is_over);
                scope.spawn(move || known.write(client, writer, chance, is_over));
            }
            let clock = Clock::system();
            while clock.elapsed() < wait {
                run::rest(wait.saturating_sub(clock.elapsed()));
            }
            let killed = door.kill();
            is_over.store(true, Ordering::Relaxed);
            killed
        });
        killed?;
        door = home.serve()?;
        let client = door.client(&key);
        let files = world::export(&client)?;
        replay.catch_up(&client, &files)?;
        for known in &mut known {
            known.settle(&files)?;
        }
    }
    let (writes, revisions) = (known.iter().map(|it| it.writes).sum::<u64>(), replay.head);
    ensure!(writes >= u64::try_from(kills)?, "only {writes} writes were acknowledged");
    Ok(format!("{writes} acknowledged writes, {revisions} revisions"))
}

impl Known {
    /// Writes until the door is gone, and keeps what was acknowledged.
    fn write(&mut self, client: &Client, writer: u64, mut chance: Chance, is_over: &AtomicBool) {
        while !is_over.load(Ordering::Relaxed) {
            let files = changes(writer, &mut chance);
            let is_acknowledged = send(client, &files, chance.below(2) == 0);
            if is_acknowledged {
                self.writes = self.writes.saturating_add(1);
                self.acknowledged.extend(files);
            } else {
                self.open = Some(files);
                return;
            }
        }
    }

    /// What was open is done, or it is not: never a part of it. The rest is as acknowledged.
    fn settle(&mut self, files: &Map<String, Value>) -> Result<()> {
        let is = |path: &String| files.get(path).and_then(Value::as_str).map(ToOwned::to_owned);
        if let Some(open) = self.open.take() {
            let is_done = open.iter().all(|(path, text)| is(path) == *text);
            if is_done {
                self.acknowledged.extend(open);
            } else {
                let before = |path: &String| self.acknowledged.get(path).cloned().flatten();
                let changed = open.keys().find(|path| is(path) != before(path));
                ensure!(changed.is_none(), "half a write is there: {changed:?} of {open:?}");
            }
        }
        for (path, text) in &self.acknowledged {
            let found = is(path);
            ensure!(found == *text, "{path} was acknowledged as {text:?} and is {found:?}");
        }
        Ok(())
    }
}

/// One to four documents of this writer's own, written anew.
fn changes(writer: u64, chance: &mut Chance) -> BTreeMap<String, Option<String>> {
    let count = chance.below(4).saturating_add(1);
    let documents = (0..count).map(|_| {
        let (document, word) = (chance.below(8), chance.next());
        let text = format!("kind: app\nowner: w{writer}\ndescription: d{word}\n");
        (format!("clients/w{writer}-{document}.yaml"), Some(text))
    });
    documents.collect()
}

/// Sends a change, one document alone by its own operation now and then.
fn send(client: &Client, files: &BTreeMap<String, Option<String>>, is_alone: bool) -> bool {
    let answer = match files.iter().next() {
        Some((path, Some(text))) if files.len() == 1 && is_alone => {
            let id = path.trim_start_matches("clients/").trim_end_matches(".yaml");
            let field = |name: &str| text.lines().find_map(|it| it.strip_prefix(name));
            let body = json!({
                "kind": "app", "owner": field("owner: "), "description": field("description: "),
            });
            client.manage("PUT", &format!("/clients/{id}"), &body)
        }
        _ => client.manage("POST", "/state/apply", &json!({"files": files})),
    };
    answer.is_ok_and(|it| it.status == 200)
}

impl Replay {
    /// Reads the revisions since, and puts their changes together: that must be what is in force.
    fn catch_up(&mut self, client: &Client, exported: &Map<String, Value>) -> Result<()> {
        loop {
            let number = self.head.saturating_add(1);
            let answer = client.manage("GET", &format!("/revisions/{number}"), &Value::Null)?;
            if answer.status == 404 {
                break;
            }
            let shown = answer.done("get_revision")?;
            let changes = shown.get("changes").and_then(Value::as_array).context("no changes")?;
            let told = shown.pointer("/revision/changed").and_then(Value::as_u64);
            ensure!(told == u64::try_from(changes.len()).ok(), "revision {number} is not whole");
            for change in changes {
                self.take(number, change)?;
            }
            self.head = number;
        }
        let texts = exported.iter().map(|(path, text)| (path, text.as_str().unwrap_or_default()));
        let exported: BTreeMap<_, _> = texts
            .filter(|it| !is_hidden(it.0))
            .map(|(path, text)| (path.clone(), text.to_owned()))
            .collect();
        ensure!(self.files == exported, "the revisions together are not what is in force");
        Ok(())
    }

    fn take(&mut self, number: u64, change: &Value) -> Result<()> {
        let text = |name: &str| change.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
        let path = text("path").context("a change has no path")?;
        if is_hidden(&path) {
            return Ok(());
        }
        let before = self.files.get(&path).cloned();
        ensure!(before == text("before"), "revision {number} changes another {path}");
        match text("after") {
            Some(after) => drop(self.files.insert(path, after)),
            None => drop(self.files.remove(&path)),
        }
        Ok(())
    }
}

/// Revisions do not show the HMACs of keys, so these files cannot be put together.
fn is_hidden(path: &str) -> bool {
    Path::new(path).starts_with("credentials")
}
