//! What takes years, or people, until it is there: old segments of a log, a consent, a client that
//! registered itself.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};
use audit::{Journal, Kind, Location, Outcome, Record, Rules, SigningKey};
use model::{Clock, Timestamp};
use serde_json::json;
use store::{Consent, Store};
use tokio::runtime::Builder;

use super::door::Home;

/// When the log was written.
const OLD: Timestamp = Timestamp::from_seconds(1_700_000_000);
/// How large its segments are: a handful of records.
const SEGMENT_BYTES: u64 = 3000;
/// Who allowed whom something, as the example of `revoke_consent` has them.
const CONSENT: (&str, &str) = ("local:spare", "agents/reader");
/// Who registered itself, as the example of `delete_registration` has it.
const REGISTERED: &str = "dyn-spare";

/// Writes so many records to the log of a door that has served and does not run, in segments that are
/// small and old.
pub(super) fn age(home: &Home, records: usize) -> Result<()> {
    let text = fs::read_to_string(home.data.join("audit.key"))?;
    let key = SigningKey::parse(&text).context("the door has no key for its log")?;
    let location = Location { folder: home.data.join("audit"), ..Location::default() };
    let rules = Rules { segment_bytes: SEGMENT_BYTES, ..Rules::default() };
    let journal = Journal::open(&location, (key, rules), Clock::fake(OLD))?;
    for _ in 0..records {
        journal.append(&Record::new(OLD, Kind::Call, Outcome::Answered))?;
    }
    Ok(())
}

/// Puts a consent and a client that registered itself into the store, in place of what is left of them.
pub(super) fn give(data: &Path) -> Result<()> {
    in_store(data, async |store| {
        let (now, (subject, client)) = (Clock::system().now(), CONSENT);
        let body = json!({
            "client_name": "Agent", "host": "agent.example.com", "profile": client,
            "resource": "https://door.example/mcp", "scope": null,
        });
        let (subject, client) = (subject.to_owned(), client.to_owned());
        let body = body.to_string();
        store.put_consent(&Consent { subject, client, body, given: now }).await?;
        Ok(store.put_registration(REGISTERED, "{}", now).await?)
    })
}

/// Works on the store of the door whose data is in `data`, as another replica would.
pub(super) fn in_store<T>(data: &Path, work: impl AsyncFnOnce(&Store) -> Result<T>) -> Result<T> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let store = Store::open(&store::Location::Sqlite(data.join("onedoor.db"))).await?;
        let done = work(&store).await;
        store.close().await;
        done
    })
}
