//! One caller, which shows one credential at a time.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use anyhow::Result;
use serde_json::{Value, json};
use testkit::Authority;

use super::{
    super::client::Client,
    held::{Held, Kind},
    wave::QUIET,
};

/// One caller, which shows one credential at a time.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) kind: Kind,
    profile: String,
    /// How many credentials it had.
    count: AtomicUsize,
    held: Mutex<Arc<Held>>,
}

/// A client with a profile for each line of these kinds: its document.
pub(super) fn client(kinds: &[Kind], lines: usize) -> String {
    let names = kinds.iter().flat_map(|kind| (0..lines).map(|line| name(*kind, line)));
    let profile = json!({
        "roles": ["reader"],
        "tokens": {"grants": ["client_credentials"]},
        "rotation": {"quiet": format!("{}s", QUIET.as_secs())},
    });
    let profiles: serde_json::Map<_, _> = names.map(|name| (name, profile.clone())).collect();
    json!({"kind": "service", "owner": "shop-team", "profiles": profiles}).to_string()
}

fn name(kind: Kind, line: usize) -> String {
    format!("{}-{line}", kind.as_str().replace('_', "-"))
}

impl Line {
    /// With a first credential.
    pub(super) fn begin(
        (kind, line): (Kind, usize),
        manager: &Client,
        authority: Option<&Authority>,
    ) -> Result<Self> {
        let name = name(kind, line);
        let (profile, made) =
            (format!("rotated/{name}"), kind.make(&format!("{name}-0"), authority)?);
        let mut wish = made.public.clone();
        wish.insert("profile".to_owned(), json!(profile));
        wish.insert("kind".to_owned(), json!(kind.as_str()));
        let answer = manager.manage("POST", "/credentials", &Value::Object(wish))?;
        let held = made.known(&profile, kind, &answer.done("issue_credential")?)?;
        let held = Mutex::new(Arc::new(held));
        Ok(Self { kind, profile, count: AtomicUsize::new(1), held })
    }

    /// What is shown now.
    pub(super) fn held(&self) -> Arc<Held> {
        Arc::clone(&self.held.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Shows this from now on.
    pub(super) fn take(&self, new: Arc<Held>) {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = new;
    }

    /// Has a successor made for what is shown now.
    pub(super) fn rotate(
        &self,
        manager: &Client,
        overlap: &str,
        authority: Option<&Authority>,
    ) -> Result<Held> {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let name = self.profile.rsplit('/').next().unwrap_or_default();
        let made = self.kind.make(&format!("{name}-{count}"), authority)?;
        let mut wish = made.public.clone();
        wish.insert("overlap".to_owned(), json!(overlap));
        let path = format!("/credentials/{}/rotate", self.held().id);
        let answer = manager.manage("POST", &path, &Value::Object(wish))?;
        made.known(&self.profile, self.kind, &answer.done("rotate_credential")?)
    }
}
