//! What is known of clients' documents, and for how long: a good one is kept over looks that fail.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use model::Timestamp;
use serde_json::Value;
use tokio::sync::{Semaphore, SemaphorePermit};

/// How long a document is fresh of which its server says nothing.
const FRESH: Duration = Duration::from_secs(5 * 60);
/// The shortest and the longest that its server can say (`Cache-Control`). Who had a host for a moment
/// does not have the client for a day.
const FRESH_MIN: Duration = Duration::from_secs(60);
const FRESH_MAX: Duration = Duration::from_secs(3600);
/// How long a document that is not fresh any more is good while nobody gets another.
const STALE_MAX: Duration = Duration::from_secs(3600);
/// How long nobody looks again after a look that failed: with a good document, and without.
const RETRY: Duration = Duration::from_secs(30);
const FAILED: Duration = Duration::from_secs(10);
/// Most documents that something is known of.
const DOCUMENTS_MAX: usize = 1_000;
/// Most that are looked at at once. There is room for fetches of keys besides, which are strangers' too.
const LOOKS_MAX: usize = 16;

/// What a look brought: a document, and how long its server lets it be kept.
pub(super) type Looked = Result<(Value, Option<Duration>), String>;

/// What is known of a document.
pub(super) enum Known {
    /// Why there is none: it was looked for just now.
    Bad(String),
    /// It is fresh, or could not be looked at again just now.
    Good(Arc<Value>),
    Nothing,
    /// It is good, and is to be looked at again.
    Old(Arc<Value>),
}

/// The documents of clients that describe themselves.
#[derive(Debug)]
pub(crate) struct Documents {
    entries: Mutex<BTreeMap<String, Entry>>,
    looks: Semaphore,
}

#[derive(Debug)]
struct Entry {
    /// The last good one, and when it is good no more.
    document: Option<(Arc<Value>, Timestamp)>,
    /// Why the last look failed.
    why: String,
    /// Until when nobody looks again.
    until: Timestamp,
    /// Whoever looks has it.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Default for Documents {
    fn default() -> Self {
        Self { entries: Mutex::default(), looks: Semaphore::new(LOOKS_MAX) }
    }
}

impl Default for Entry {
    fn default() -> Self {
        Self {
            document: None,
            why: String::new(),
            until: Timestamp::from_seconds(0),
            turn: Arc::default(),
        }
    }
}

impl Documents {
    /// A place among those who look, where there is one. Nobody waits in line for it.
    pub(super) fn place(&self) -> Option<SemaphorePermit<'_>> {
        self.looks.try_acquire().ok()
    }

    /// What whoever looks at the document at `url` has to hold.
    pub(super) fn turn(&self, url: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut entries = self.entries();
        make_room(&mut entries, url);
        Arc::clone(&entries.entry(url.to_owned()).or_default().turn)
    }

    pub(super) fn known(&self, url: &str, now: Timestamp) -> Known {
        self.entries().get(url).map_or(Known::Nothing, |it| it.known(now))
    }

    /// Keeps what a look brought. One that failed replaces no good document, and none at all changes
    /// nothing.
    pub(super) fn keep(&self, url: &str, looked: Option<Looked>, now: Timestamp) -> Known {
        let mut entries = self.entries();
        make_room(&mut entries, url);
        let entry = entries.entry(url.to_owned()).or_default();
        match looked {
            Some(Ok((document, fresh_for))) => {
                entry.until = now.plus(fresh_for.unwrap_or(FRESH).clamp(FRESH_MIN, FRESH_MAX));
                entry.document = Some((Arc::new(document), entry.until.plus(STALE_MAX)));
            }
            Some(Err(why)) => {
                entry.why = why;
                entry.until = now.plus(if entry.good(now).is_some() { RETRY } else { FAILED });
            }
            None => {}
        }
        entry.known(now)
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn good(&self, now: Timestamp) -> Option<Arc<Value>> {
        let (document, until) = self.document.as_ref()?;
        (now < *until).then(|| Arc::clone(document))
    }

    fn known(&self, now: Timestamp) -> Known {
        match (self.good(now), now < self.until) {
            (Some(document), true) => Known::Good(document),
            (Some(document), false) => Known::Old(document),
            (None, true) => Known::Bad(self.why.clone()),
            (None, false) => Known::Nothing,
        }
    }
}

/// Where there is no room for another, the one goes that is missed least: where no document is, and of
/// these the one that was looked at first.
fn make_room(entries: &mut BTreeMap<String, Entry>, url: &str) {
    if entries.len() < DOCUMENTS_MAX || entries.contains_key(url) {
        return;
    }
    let least = entries.iter().min_by_key(|(_, it)| (it.document.is_some(), it.until));
    if let Some(url) = least.map(|(url, _)| url.clone()) {
        entries.remove(&url);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const URL: &str = "https://app.example/c";

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn keep(documents: &Documents, fresh_for: Option<u64>, now: i64) {
        let looked = Ok((json!({"at": now}), fresh_for.map(Duration::from_secs)));
        documents.keep(URL, Some(looked), at(now));
    }

    /// What is known: the time at which the document came, and whether it is to be looked at again.
    fn known(documents: &Documents, now: i64) -> Option<(i64, bool)> {
        match documents.known(URL, at(now)) {
            Known::Good(document) => Some((document["at"].as_i64()?, false)),
            Known::Old(document) => Some((document["at"].as_i64()?, true)),
            Known::Bad(_) | Known::Nothing => None,
        }
    }

    #[test]
    fn a_document_is_fresh_for_as_long_as_its_server_says_within_bounds() {
        for (says, fresh) in [(None, 300), (Some(0), 60), (Some(600), 600), (Some(1_000_000), 3600)]
        {
            let documents = Documents::default();
            keep(&documents, says, 1_000);
            let end = 1_000 + fresh;
            assert_eq!(known(&documents, end - 1), Some((1_000, false)), "{says:?}");
            assert_eq!(known(&documents, end), Some((1_000, true)), "{says:?}");
            assert_eq!(known(&documents, end + 3_599), Some((1_000, true)), "{says:?}");
            assert_eq!(known(&documents, end + 3_600), None, "{says:?}");
        }
    }

    #[test]
    fn a_look_that_fails_replaces_nothing_good_and_is_remembered_shortly() {
        let documents = Documents::default();
        keep(&documents, None, 1_000);
        for now in [1_300, 1_330, 4_899] {
            documents.keep(URL, Some(Err("down".to_owned())), at(now));
            assert_eq!(known(&documents, now), Some((1_000, false)), "{now}");
        }
        assert!(matches!(documents.known(URL, at(4_900)), Known::Bad(_)));
        documents.keep(URL, None, at(4_929));
        assert!(matches!(documents.known(URL, at(4_929)), Known::Nothing));
        documents.keep(URL, Some(Err("down".to_owned())), at(5_000));
        assert!(matches!(documents.known(URL, at(5_009)), Known::Bad(why) if why == "down"));
        assert!(matches!(documents.known(URL, at(5_010)), Known::Nothing));
        keep(&documents, None, 5_010);
        assert_eq!(known(&documents, 5_010), Some((5_010, false)));
    }

    #[test]
    fn who_names_many_documents_pushes_out_no_good_one() {
        let documents = Documents::default();
        keep(&documents, None, 1_000);
        for number in 0..3_000 {
            let url = format!("https://app.example/{number}");
            let _turn = documents.turn(&url);
            documents.keep(&url, Some(Err("404".to_owned())), at(2_000));
        }
        assert_eq!(documents.entries().len(), DOCUMENTS_MAX);
        assert_eq!(known(&documents, 2_000), Some((1_000, true)));
    }
}
