//! One caller, which shows one credential at a time.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use anyhow::Result;
use serde_json::{Value, json};

use super::{
    super::client::Client,
    held::{Held, Kind, Made},
    makers::Makers,
    wave::QUIET,
};

/// One caller, which shows one credential at a time.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) kind: Kind,
    pub(super) profile: String,
    /// Whether it shows a token that it got until its time is nearly over.
    pub(super) keeps: bool,
    /// How many credentials it had.
    count: AtomicUsize,
    /// How often it was started anew.
    starts: AtomicUsize,
    held: Mutex<Arc<Held>>,
}

/// A client with a profile for each line of these kinds: its document.
pub(super) fn client(kinds: &[Kind], lines: usize) -> String {
    let all = kinds.iter().flat_map(|kind| (0..lines).map(move |line| (*kind, line)));
    let profile = |line| {
        json!({
            "roles": ["reader"],
            "tokens": {"grants": ["client_credentials"], "lifetime": lifetime(keeps(line))},
            "rotation": {"quiet": format!("{}s", QUIET.as_secs())},
        })
    };
    let profiles: serde_json::Map<_, _> =
        all.map(|(kind, line)| (name(kind, line), profile(line))).collect();
    json!({"kind": "service", "owner": "shop-team", "profiles": profiles}).to_string()
}

fn name(kind: Kind, line: usize) -> String {
    format!("{}-{line}", kind.as_str().replace('_', "-"))
}

/// How long a token is good: one that is kept for the shortest time that can be said, so that it ends while
/// the proof goes on.
const fn lifetime(keeps: bool) -> &'static str {
    if keeps { "1m" } else { "10m" }
}

/// Whether the client of this number shows a token that it got until its time is nearly over. The others get
/// one for each call.
const fn keeps(line: usize) -> bool {
    line % 2 == 1
}

impl Line {
    /// With a first credential.
    pub(super) fn begin(
        (kind, line): (Kind, usize),
        manager: &Client,
        makers: &Makers,
    ) -> Result<Self> {
        let name = name(kind, line);
        let (profile, made) = (format!("rotated/{name}"), kind.make(&name, 0, makers)?);
        let mut wish = made.public.clone();
        wish.insert("profile".to_owned(), json!(profile));
        wish.insert("kind".to_owned(), json!(kind.as_str()));
        let answer = manager.manage("POST", "/credentials", &Value::Object(wish))?;
        let held = made.known(&profile, kind, &answer.done("issue_credential")?)?;
        let (count, starts) = (AtomicUsize::new(1), AtomicUsize::new(0));
        let (keeps, held) = (keeps(line), Mutex::new(Arc::new(held)));
        Ok(Self { kind, profile, keeps, count, starts, held })
    }

    /// What is shown now.
    pub(super) fn held(&self) -> Arc<Held> {
        Arc::clone(&self.held.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Shows this from now on.
    pub(super) fn take(&self, new: Arc<Held>) {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = new;
    }

    /// Starts the client anew: it forgets what tokens it has.
    pub(super) fn restart(&self) {
        self.starts.fetch_add(1, Ordering::SeqCst);
    }

    /// How often it was started anew.
    pub(super) fn starts(&self) -> usize {
        self.starts.load(Ordering::SeqCst)
    }

    /// What the client makes for its next credential.
    pub(super) fn make(&self, makers: &Makers) -> Result<Made> {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let name = self.profile.rsplit('/').next().unwrap_or_default();
        self.kind.make(name, count, makers)
    }

    /// Has a successor made for what is shown now.
    pub(super) fn rotate(&self, manager: &Client, overlap: &str, made: Made) -> Result<Held> {
        let mut wish = made.public.clone();
        wish.insert("overlap".to_owned(), json!(overlap));
        let path = format!("/credentials/{}/rotate", self.held().id);
        let answer = manager.manage("POST", &path, &Value::Object(wish))?;
        made.known(&self.profile, self.kind, &answer.done("rotate_credential")?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_clients_keep_a_token_and_that_ends_soon() {
        let document: Value = serde_json::from_str(&client(&[Kind::ClientSecret], 2)).unwrap();
        let lifetime = |line| {
            let pointer = format!("/profiles/client-secret-{line}/tokens/lifetime");
            document.pointer(&pointer).cloned()
        };
        assert_eq!([0, 1].map(lifetime), [Some(json!("10m")), Some(json!("1m"))]);
    }
}
