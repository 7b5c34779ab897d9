//! The one way in which desired state changes: checked whole, stored, put in force.

use std::{collections::BTreeMap, future::ready, sync::Arc};

use audit::{EventId, Happened};
use model::{SecretId, SecretSource, difference};
use schemars::JsonSchema;
use serde::Deserialize;
use state::{Desired, Folder, Library};
use store::{Commit, SealedChange, Store};

use crate::{Admin, Call, DepartedView, authority, event, failure::Failure, working::Working};

/// What is to become of desired state.
#[derive(Debug, Clone, Default)]
pub(crate) struct Plan {
    /// Files by path: their new text, or none where they go.
    pub(crate) files: BTreeMap<String, Option<String>>,
    /// Versions of secrets.
    pub(crate) sealed: Vec<SealedChange>,
    /// What the revision says of things that are no files.
    pub(crate) lines: Vec<store::Change>,
    /// Why, in the caller's words.
    pub(crate) reason: String,
    /// The file that is the body of the request, where one is: its faults are told by field.
    pub(crate) body: Option<String>,
    /// The file of a credential whose key the caller has shown, and that is revoked: it is within
    /// reach for that, whose ever it is.
    pub(crate) found: Option<String>,
}

impl Plan {
    /// One file gets a text, or goes.
    pub(crate) fn file(path: &str, text: Option<String>, reason: Option<String>) -> Self {
        Self {
            files: BTreeMap::from([(path.to_owned(), text)]),
            reason: reason.unwrap_or_default(),
            ..Self::default()
        }
    }
}

/// Why.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Why {
    /// Why, for the revision.
    #[schemars(length(max = 500))]
    pub(crate) reason: Option<String>,
}

/// How often a change is tried again because another replica was faster.
const TRIES: u32 = 5;

impl Admin {
    /// Changes desired state as `plan` makes out of the last revision.
    ///
    /// # Errors
    /// Whatever stands in the way; then nothing was changed.
    pub(crate) async fn change(
        &self,
        call: &Call,
        plan: impl Fn(&Working) -> Result<Plan, Failure> + Send,
    ) -> Result<Arc<Working>, Failure> {
        let plan = move |working: Arc<Working>| ready(plan(&working).map(|it| (it, ())));
        self.change_by(call, plan).await.map(|(after, ())| after)
    }

    /// The same for a plan that needs more of the store than the last revision. It is made anew
    /// where another revision came in between, so it never goes by what is over. Gives back what
    /// the plan says besides.
    ///
    /// # Errors
    /// Whatever stands in the way; then nothing was changed.
    pub(crate) async fn change_by<T: Send, F>(
        &self,
        call: &Call,
        plan: impl Fn(Arc<Working>) -> F + Send,
    ) -> Result<(Arc<Working>, T), Failure>
    where
        F: Future<Output = Result<(Plan, T), Failure>> + Send,
    {
        let store = self.changeable()?;
        let mut library = self.library.lock().await;
        for _ in 0..TRIES {
            let before = self.working();
            let (mut plan, said) = plan(Arc::clone(&before)).await?;
            let after = self.candidate(&mut library, &before, &plan)?;
            authority::check(&*self.plane, call, &before.desired, &after.desired, &plan)?;
            let ready = self.plane.prepare(&after.desired, after.revision);
            let ready = ready.map_err(|it| Failure::faults(it, plan.body.as_deref()))?;
            forget_values(store, &before.desired, &after.desired, &mut plan).await?;
            let mut events = event::between(&before.desired, &after.desired);
            if plan.found.is_some() {
                events.iter_mut().for_each(event::Event::was_found);
            }
            let messages = event::messages(&events, &self.webhooks, call.at);
            let commit = commit(call, &before, plan);
            match store.commit_telling(&commit, &messages).await {
                Ok(revision) if revision.number == after.revision => {
                    ready();
                    events.iter().for_each(|it| it.tell(&*self.plane, Some(call.id)));
                    let after = Arc::new(after);
                    let others = other_secrets(&before.desired, &after.desired);
                    others.iter().for_each(|it| self.plane.secret_changed(it));
                    self.working.store(Arc::clone(&after));
                    return Ok((after, said));
                }
                Ok(revision) => {
                    let number = revision.number;
                    return Err(Failure::internal(&format!("unexpected revision {number}")));
                }
                // What is in force stays.
                Err(store::Error::NoChange { .. }) => return Ok((before, said)),
                Err(store::Error::Conflict { .. }) => {
                    let caught_up = self.catch_up(&mut library, store).await;
                    // What others stored is no fault of this caller.
                    caught_up.map_err(|it| Failure::internal(&it.problem().detail))?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(Failure::Conflict("others change the same state all the time: try again".to_owned()))
    }

    /// As [`Admin::change`], where accounts of people may be among what changes: what was given to those
    /// who departed ends with it. How much that was.
    ///
    /// # Errors
    /// Whatever stands in the way; `Unavailable` where the change is in force and not all has ended.
    pub(crate) async fn change_people(
        &self,
        call: &Call,
        plan: impl Fn(&Working) -> Result<Plan, Failure> + Send,
    ) -> Result<(Arc<Working>, Option<DepartedView>), Failure> {
        let plan = move |working: Arc<Working>| ready(plan(&working).map(|it| (it, working)));
        let (after, before) = self.change_by(call, plan).await?;
        let ended = self.end_departed(&before, &after).await?;
        Ok((after, ended))
    }

    /// Ends what was given to people whose accounts a change made other than they were `before`, before it
    /// is told that they are. What cannot be ended now, the authorization server goes on trying.
    pub(crate) async fn end_departed(
        &self,
        before: &Working,
        after: &Working,
    ) -> Result<Option<DepartedView>, Failure> {
        let (before, after) = (&before.desired, &after.desired);
        match self.plane.grants() {
            // The change itself is in force: whoever made it must not be told that nothing was changed.
            Some(grants) => grants.end_departed(before, after).await.map_err(|error| {
                Failure::Unavailable(format!(
                    "the change is in force; what was given to the person ends when the store answers: {error}"
                ))
            }),
            None => Ok(None),
        }
    }

    /// The store, where desired state can be changed here.
    ///
    /// # Errors
    /// `ReadOnly` where a folder is served.
    pub(crate) fn changeable(&self) -> Result<&Store, Failure> {
        self.store.as_ref().ok_or_else(|| {
            let detail = "what is served is a folder: change its files (onedoor serve --state)";
            Failure::ReadOnly(detail.to_owned())
        })
    }

    /// Checks all that [`Admin::change`] does, and changes nothing. Gives back the revision in force.
    ///
    /// # Errors
    /// Whatever stands in the way.
    pub(crate) async fn check(
        &self,
        call: &Call,
        plan: impl Fn(&Working) -> Result<Plan, Failure> + Send,
    ) -> Result<u64, Failure> {
        let mut library = self.library.lock().await;
        let before = self.working();
        let plan = plan(&before)?;
        let after = self.candidate(&mut library, &before, &plan)?;
        authority::check(&*self.plane, call, &before.desired, &after.desired, &plan)?;
        let ready = self.plane.prepare(&after.desired, after.revision);
        drop(ready.map_err(|it| Failure::faults(it, plan.body.as_deref()))?);
        Ok(before.revision)
    }

    /// What desired state would be, read whole.
    pub(crate) fn candidate(
        &self,
        library: &mut Library,
        before: &Working,
        plan: &Plan,
    ) -> Result<Working, Failure> {
        let revision = before.revision.saturating_add(1);
        let mut folder = before.folder.clone();
        for (path, text) in &plan.files {
            match text {
                Some(text) => insert(&mut folder, path, text)?,
                None => drop(folder.remove(path)),
            }
        }
        let desired = library.read(&folder);
        let desired = desired.map_err(|it| Failure::faults(it, plan.body.as_deref()))?;
        Ok(Working { revision, folder, desired: Arc::new(desired) })
    }

    /// Takes over what others have stored since.
    pub(crate) async fn catch_up(
        &self,
        library: &mut Library,
        store: &Store,
    ) -> Result<(), Failure> {
        let before = self.working();
        let delta = store.since(before.revision).await?;
        if delta.revision == before.revision {
            return Ok(());
        }
        let mut folder = before.folder.clone();
        for (path, text) in &delta.files {
            match text {
                Some(text) => insert(&mut folder, path, text)?,
                None => drop(folder.remove(path)),
            }
        }
        let desired = library.read(&folder).map_err(|it| Failure::faults(it, None))?;
        let desired = Arc::new(desired);
        self.put_in_force(Working { revision: delta.revision, folder, desired })?;
        let note = format!("stored by another replica, in place of revision {}", before.revision);
        self.record_revision(&note, None);
        Ok(())
    }

    /// Compiles a whole revision and puts it in force.
    pub(crate) fn put_in_force(&self, working: Working) -> Result<(), Failure> {
        let ready = self.plane.prepare(&working.desired, working.revision);
        ready.map_err(|it| Failure::faults(it, None))?();
        // A version in the store is no file, so nothing else tells of it.
        let stored = working.desired.secrets.iter().filter(|it| it.source == SecretSource::Store);
        stored.for_each(|it| self.plane.secret_changed(&it.id));
        self.working.store(Arc::new(working));
        Ok(())
    }

    /// Records that the revision in force came to be so without a call here, or why a stored one is not.
    pub(crate) fn record_revision(&self, note: &str, fault: Option<&str>) {
        let event = if fault.is_some() { EventId::StateRefused } else { EventId::StateSwapped };
        let revision = Some(self.revision());
        self.plane.happened(&Happened { fault, revision, ..Happened::new(event, note) });
    }
}

/// Takes the values of secrets away that are gone, or kept elsewhere from now on: whoever declares
/// a secret of the same name later must not come by them.
async fn forget_values(
    store: &Store,
    before: &Desired,
    after: &Desired,
    plan: &mut Plan,
) -> Result<(), Failure> {
    for secret in other_secrets(before, after) {
        if is_kept(after, &secret) {
            continue;
        }
        for version in store.sealed_of(&secret).await? {
            let (secret, version, state) = (version.secret, version.version, version.state);
            plan.lines.push(store::Change {
                path: format!("secrets/{secret}#{version}"),
                before: Some(format!("state: {state}\n")),
                after: None,
            });
            plan.sealed.push(SealedChange::Delete { secret, version });
        }
    }
    Ok(())
}

/// The secrets whose source is another or gone.
fn other_secrets(before: &Desired, after: &Desired) -> Vec<SecretId> {
    difference(&before.secrets, &after.secrets, |it| &it.id)
        .filter_map(|it| {
            let was = it.before?;
            it.after.is_none_or(|is| is.source != was.source).then(|| was.id.clone())
        })
        .collect()
}

fn is_kept(desired: &Desired, secret: &SecretId) -> bool {
    let index = desired.secrets.binary_search_by(|it| it.id.cmp(secret));
    let found = index.ok().and_then(|it| desired.secrets.get(it));
    found.is_some_and(|it| it.source == SecretSource::Store)
}

fn insert(folder: &mut Folder, path: &str, text: &str) -> Result<(), Failure> {
    folder.insert(path, text).map_err(|full| {
        Failure::field("body", full.to_string(), "make it smaller, or delete what is not used")
    })
}

fn commit(call: &Call, before: &Working, plan: Plan) -> Commit {
    let Plan { files, sealed, lines, reason, body: _, found: _ } = plan;
    Commit {
        base: Some(before.revision),
        author: call.author(),
        reason,
        request_id: call.id.to_string(),
        at: call.at,
        files: files.into_iter().collect(),
        sealed,
        lines,
    }
}
