//! `rollback`: a new revision that is as an old one was.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use http::Method;
use model::Effect;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use state::Kind;

use super::{shown::ByNumber, store};
use crate::{
    Admin, Call, DepartedView,
    change::{Plan, Why},
    failure::Failure,
    operation::Operation,
    reply::Reply,
    working::Working,
};

/// Goes back to a revision.
#[derive(Debug)]
pub(crate) struct Rollback;

/// What is in force now.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Back {
    /// The revision that it is as.
    to: u64,
    /// The new revision.
    revision: u64,
    /// What ended with it: what was given to people who are disabled or gone, or have another password.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<DepartedView>,
}

/// Credentials that were revoked and are gone, as they were up to a revision.
#[derive(Debug)]
struct Gone {
    revision: u64,
    paths: HashSet<String>,
}

impl Operation for Rollback {
    const NAME: &'static str = "rollback_revision";
    const COMMAND: [&'static str; 2] = ["revision", "rollback"];
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/revisions/{number}/rollback";
    const EFFECT: Effect = Effect::Destructive;
    const SUMMARY: &'static str = "Make all documents as they were in a revision";
    const DESCRIPTION: &'static str = "That is a new revision: nothing of the history is lost. Versions of secrets stay as they are. A credential that was revoked since stays revoked.";
    type Parameters = ByNumber;
    type Body = Why;
    type Output = Back;

    async fn run(
        admin: &Admin,
        call: &Call,
        by: ByNumber,
        why: Why,
    ) -> Result<Reply<Back>, Failure> {
        let store = store(admin, call)?;
        let texts = store.read_at(by.number).await?;
        let (texts, number) = (&texts, by.number);
        let reason = &why.reason.unwrap_or_else(|| format!("back to revision {number}"));
        // The history may be long: it is read before others have to wait for this change.
        let start = Gone { revision: number, paths: HashSet::new() };
        let known = &revoked_and_gone(store, texts, &admin.working(), &start).await?;
        let plan = |working: Arc<Working>| async move {
            let gone = revoked_and_gone(store, texts, &working, known).await?;
            let files = files(&working, texts, &gone.paths)?;
            Ok((Plan { files, reason: reason.clone(), ..Plan::default() }, working))
        };
        let (after, before) = admin.change_by(call, plan).await?;
        let ended = admin.end_departed(&before, &after).await?;
        Ok(Reply::of(Back { to: by.number, revision: after.revision, ended }))
    }
}

/// What makes the files of `working` those of an old revision.
fn files(
    working: &Working,
    texts: &store::Texts,
    gone: &HashSet<String>,
) -> Result<BTreeMap<String, Option<String>>, Failure> {
    let others = working.folder.files().filter(|(path, _)| !texts.files.contains_key(*path));
    let mut files: BTreeMap<_, _> = others.map(|(path, _)| (path.to_string(), None)).collect();
    for (path, text) in &texts.files {
        let is_ended = gone.contains(&**path) || is_revoked(working, path);
        let text = if is_ended { revoked(path, text)? } else { text.to_string() };
        if working.folder.file(path).is_none_or(|(_, it)| *it != *text) {
            files.insert(path.to_string(), Some(text));
        }
    }
    Ok(files)
}

/// The credentials of an old revision that were revoked later and then deleted. Reads no revision
/// up to that of `known`.
async fn revoked_and_gone(
    store: &store::Store,
    texts: &store::Texts,
    working: &Working,
    known: &Gone,
) -> Result<Gone, Failure> {
    let credentials = texts.files.keys().filter(|it| is_credential(it));
    let gone = credentials.filter(|it| working.folder.file(it).is_none());
    let mut gone: HashSet<&str> = gone.map(|it| &**it).collect();
    let mut paths = HashSet::new();
    let mut later = working.revision;
    while later > known.revision && !gone.is_empty() {
        for change in store.changes(later).await? {
            let is_last = change.after.is_none() && gone.remove(change.path.as_str());
            if is_last && change.before.is_some_and(|it| says_revoked(&it)) {
                paths.insert(change.path);
            }
        }
        later = later.saturating_sub(1);
    }
    // What was not deleted since had gone before.
    let before = gone.into_iter().filter(|it| known.paths.contains(*it));
    paths.extend(before.map(ToOwned::to_owned));
    Ok(Gone { revision: known.revision.max(working.revision), paths })
}

/// Whether the file declares a credential that is refused for ever.
fn is_revoked(working: &Working, path: &str) -> bool {
    is_credential(path) && working.folder.file(path).is_some_and(|(_, it)| says_revoked(it))
}

fn is_credential(path: &str) -> bool {
    Kind::of_path(path).is_some_and(|(kind, _)| kind == Kind::Credential)
}

fn says_revoked(text: &str) -> bool {
    state::to_json(text).is_ok_and(|it| it.get("state").is_some_and(|it| it == "revoked"))
}

/// The text of a credential as it was, but revoked.
fn revoked(path: &str, text: &str) -> Result<String, Failure> {
    let (kind, id) = Kind::of_path(path).ok_or_else(|| Failure::internal(&path))?;
    let mut value = state::to_json(text).map_err(|(_, message)| Failure::internal(&message))?;
    if let Some(fields) = value.as_object_mut() {
        fields.insert("state".to_owned(), Value::from("revoked"));
    }
    Ok(state::document(kind, id, &value))
}
