//! A process that is killed while it writes leaves whole revisions, and all that it acknowledged.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
};

use model::Secret;
use store::{Location, SealedChange, Store};
use testkit::Postgres;

use crate::place::{change, commit, version};

const FILES: usize = 20;
const ROUNDS: u32 = 6;
const ACKNOWLEDGED: &str = "acknowledged ";

/// Told where by its first line, commits for ever and prints each number it was given.
#[tokio::test]
#[ignore = "a child process of the tests that kill it"]
async fn a_child_commits_until_it_is_killed() {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    let Some(place) = line.strip_suffix('\n') else { return };
    let store = Store::open(&Location::parse(place).unwrap()).await.unwrap();
    loop {
        let next = store.head().await.unwrap() + 1;
        let mut whole = commit(&[]);
        whole.files = (0..FILES).map(|it| (format!("f/{it}"), Some(next.to_string()))).collect();
        let number = u32::try_from(next).unwrap();
        whole.sealed.push(SealedChange::Put(version("erp", number, "active")));
        whole.lines.push(change(&format!("secrets/erp#{next}"), None, Some("state: active")));
        let made = store.commit(&whole).await.unwrap();
        println!("{ACKNOWLEDGED}{}", made.number);
    }
}

/// Runs the child until it was acknowledged so many, kills it, and says what was the last.
fn kill_after(count: u32, place: &str) -> u64 {
    let name = "killed::a_child_commits_until_it_is_killed";
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--ignored", "--nocapture"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(format!("{place}\n").as_bytes()).unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut last = (0, 0);
    for line in lines {
        // The harness prints on the same line before the first.
        let Some((_, number)) = line.split_once(ACKNOWLEDGED) else { continue };
        last = (last.0 + 1, number.parse().unwrap());
        if last.0 == count {
            // SIGKILL. What it printed until it is gone is read on.
            child.kill().unwrap();
        }
    }
    let status = child.wait().unwrap();
    assert!(!status.success() && last.0 >= count, "{status}: {last:?}");
    last.1
}

async fn is_whole(place: &str, acknowledged: u64) {
    let store = Store::open(&Location::parse(place).unwrap()).await.unwrap();
    let texts = store.read().await.unwrap();
    let head = texts.revision;
    assert!(head >= acknowledged, "{acknowledged} was acknowledged, and {head} is the newest");
    assert_eq!(texts.files.len(), FILES);
    assert!(texts.files.values().all(|it| **it == head.to_string()), "{texts:?}");
    let revisions = store.revisions(None, u32::MAX).await.unwrap();
    let numbers: Vec<_> = revisions.iter().rev().map(|it| it.number).collect();
    assert_eq!(numbers, (1..=head).collect::<Vec<_>>());
    for revision in &revisions {
        assert_eq!(store.changes(revision.number).await.unwrap().len(), FILES + 1);
    }
    let versions: Vec<_> =
        store.sealed().await.unwrap().iter().map(|it| u64::from(it.version)).collect();
    assert_eq!(versions, numbers);
    store.close().await;
}

async fn outlives_kills(place: &str) {
    for round in 0..ROUNDS {
        let acknowledged = kill_after(1 + round * 3, place);
        is_whole(place, acknowledged).await;
    }
}

#[tokio::test]
async fn a_killed_process_leaves_whole_revisions_in_sqlite() {
    let folder = tempfile::TempDir::new().unwrap();
    outlives_kills(&format!("sqlite:{}", folder.path().join("onedoor.db").display())).await;
}

#[tokio::test]
async fn a_killed_process_leaves_whole_revisions_in_postgres() {
    let server = Postgres::start_durable();
    outlives_kills(server.url()).await;
    // Out of sight: the store's own location does not show it.
    let location = Location::Postgres(Secret::new(server.url().to_owned()));
    assert!(!format!("{location:?}").contains(server.password()));
}
