//! Listens for `onedoor init` while the door serves a store.

use std::{
    fs, io,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use admin::Admin;
use audit::{EventId, Happened, Outcome, Record};
use gateway::Gateway;
use identity::api_key::Pepper;
use model::{ClientId, Expiry, ProfileId, Refusal, RefusalKind, RequestId, Secret, Timestamp};
use tokio::{
    io::AsyncWriteExt as _,
    net::{UnixListener, UnixStream},
    task::block_in_place,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{Ask, LINE_TIMEOUT, NAME, ROOT, Told, own_user, read_line};
use crate::first::{First, Made};

/// How long to wait where the system takes no more connections.
const RETRY: Duration = Duration::from_secs(1);

/// What happens by it, as records name it.
const EVENT: EventId = EventId::OperatorFirst;

/// A socket in the data folder, for the user who runs the door and for root.
pub(crate) struct Socket {
    listener: UnixListener,
    path: PathBuf,
    /// Which file it is: another door may have put its own in this place.
    inode: u64,
    /// The user who runs the door.
    own: u32,
    admin: Arc<Admin>,
    gateway: Arc<Gateway>,
    pepper: Arc<Pepper>,
}

/// A first operator that was made.
struct Done {
    key: Secret<String>,
    profile: ProfileId,
    revision: u64,
}

impl Socket {
    /// Listens in the folder `data`, in place of whoever listened there before.
    ///
    /// # Errors
    /// What the system says; where the folder's path is too long, that.
    pub(crate) fn bind(
        data: &Path,
        (admin, gateway, pepper): (Arc<Admin>, Arc<Gateway>, Arc<Pepper>),
    ) -> io::Result<Self> {
        let path = data.join(NAME);
        // Nobody finds it by its name before only we may open it.
        let draft = data.join(format!("{NAME}.{}", std::process::id()));
        match fs::remove_file(&draft) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Err(_) | Ok(()) => {}
        }
        let listener = UnixListener::bind(&draft)?;
        fs::set_permissions(&draft, fs::Permissions::from_mode(0o600))?;
        let inode = fs::symlink_metadata(&draft)?.ino();
        let own = own_user()?;
        fs::rename(&draft, &path)?;
        Ok(Self { listener, path, inode, own, admin, gateway, pepper })
    }

    /// Answers whoever asks, one after the other, until `stop`. What was begun is ended first.
    pub(crate) async fn serve(self, stop: CancellationToken) -> io::Result<()> {
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                accepted = self.listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, _)) => self.answer(stream).await,
                Err(error) => {
                    tracing::warn!("the local socket takes no connection: {error}");
                    sleep(RETRY).await;
                }
            }
        }
    }

    async fn answer(&self, mut stream: UnixStream) {
        let told = match self.recorded(&mut stream).await {
            Ok(key) => Told::Key(key.expose().clone()),
            Err(refusal) => Told::Refused(refusal.detail().to_owned()),
        };
        let Ok(mut line) = serde_json::to_string(&told) else { return };
        line.push('\n');
        let written = timeout(LINE_TIMEOUT, stream.write_all(line.as_bytes())).await;
        // Whoever does not wait for a refusal needs none.
        if matches!(told, Told::Key(_)) && !matches!(written, Ok(Ok(()))) {
            tell_lost();
        }
    }

    /// Does what is asked, and records it before it is done and before it is answered.
    async fn recorded(&self, stream: &mut UnixStream) -> Result<Secret<String>, Refusal> {
        let live = self.gateway.live();
        live.log.admit().map_err(|error| not_done(&error))?;
        let at = live.clock.now();
        let id = RequestId::new(uuid::Uuid::now_v7());
        let user = stream.peer_cred().map(|it| it.uid());
        let made = match user {
            Ok(user) if is_trusted(user, self.own) => self.made(stream, at, id).await,
            Ok(_) | Err(_) => Err(Refusal::new(
                RefusalKind::Forbidden,
                "the first operator is made by the user that runs the door, or by root",
            )),
        };
        let by = user.map_or_else(|_| "an unknown user".to_owned(), |it| format!("user {it}"));
        let note = match &made {
            Ok(made) => format!("{}, for {by}", made.profile),
            Err(_) => format!("for {by}"),
        };
        let deed = Happened { id: Some(id), ..Happened::new(EVENT, &note) };
        let (ended, is_sure) = match made {
            Ok(made) => {
                let begun = self.record(&deed.record(at, Outcome::Begun));
                begun.map_err(|error| not_done(&error))?;
                let stored = self.store(made).await;
                let is_sure = stored.as_ref().err().is_none_or(is_undone);
                (stored.map_err(|error| refused(&error)), is_sure)
            }
            Err(refusal) => (Err(refusal), true),
        };
        let revision = ended.as_ref().map_or_else(|_| self.admin.revision(), |it| it.revision);
        let outcome = ended.as_ref().map_or_else(Outcome::Refused, |_| Outcome::Answered);
        let deed = Happened { revision: Some(revision), ..deed };
        if let Err(error) = self.record(&deed.record(at, outcome)) {
            return Err(match ended {
                Ok(_) => withheld(&error),
                Err(_) if is_sure => not_done(&error),
                Err(_) => unknown(&error),
            });
        }
        ended.map(|done| {
            tell(&done);
            done.key
        })
    }

    fn record(&self, record: &Record<'_>) -> Result<(), audit::Error> {
        block_in_place(|| self.gateway.live().log.append(record))
    }

    /// The first operator that is asked for, in force nowhere yet.
    async fn made(
        &self,
        stream: &mut UnixStream,
        at: Timestamp,
        id: RequestId,
    ) -> Result<Made, Refusal> {
        let line = read_line(stream, LINE_TIMEOUT).await;
        let first = line.ok().and_then(|it| read(&it)).ok_or_else(|| {
            let detail = "only onedoor init is answered here, of the same version as the door";
            Refusal::new(RefusalKind::Malformed, detail)
        })?;
        let ends = Expiry::At(first.expires).end(at);
        ends.map_err(|error| Refusal::new(RefusalKind::Malformed, error))?;
        let made = first.make(&self.pepper, at, id.to_string());
        made.map_err(|error| failed(format!("{error:#}")))
    }

    /// Puts the first operator in force.
    async fn store(&self, made: Made) -> Result<Done, admin::Error> {
        let Made { key, profile, commit } = made;
        let revision = self.admin.begin(&commit).await?;
        Ok(Done { key, profile, revision })
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let is_own = fs::symlink_metadata(&self.path).is_ok_and(|it| it.ino() == self.inode);
        if is_own {
            // What is left behind answers nobody.
            drop(fs::remove_file(&self.path));
        }
    }
}

fn read(line: &str) -> Option<First> {
    let Ask { client, owner, expires } = serde_json::from_str(line).ok()?;
    let expires = Timestamp::parse(&expires).ok()?;
    Some(First { client: ClientId::parse(&client).ok()?, owner, expires })
}

/// Whoever else there is on the machine has no business here.
fn is_trusted(user: u32, own: u32) -> bool {
    user == own || user == ROOT
}

/// Whether no first operator was made, for sure: a store that fails may have kept one all the same.
fn is_undone(error: &admin::Error) -> bool {
    match error {
        admin::Error::InUse | admin::Error::Schema(_) | admin::Error::Uncompilable { .. } => true,
        admin::Error::Store(_) => false,
    }
}

fn refused(error: &admin::Error) -> Refusal {
    match error {
        admin::Error::InUse => Refusal::new(RefusalKind::Forbidden, error.to_string()),
        admin::Error::Schema(_) | admin::Error::Store(_) | admin::Error::Uncompilable { .. } => {
            failed(error.to_string())
        }
    }
}

fn failed(error: String) -> Refusal {
    Refusal::new(RefusalKind::Internal, error)
}

/// Why nothing was done: it could not have been recorded.
fn not_done(error: &audit::Error) -> Refusal {
    let detail = "it cannot be recorded, so it is not done: the door's log says why";
    Refusal::new(RefusalKind::Unrecorded, detail).because(error)
}

/// Why nobody knows whether a first operator was made.
fn unknown(error: &audit::Error) -> Refusal {
    let detail = "the first operator was made, or may have been, and what came of it cannot be recorded: the door's log says why";
    Refusal::new(RefusalKind::Unrecorded, detail).because(error)
}

/// Why nobody gets the key of a first operator that was made.
fn withheld(error: &audit::Error) -> Refusal {
    tell_lost();
    let detail = "the first operator was made, and its key is withheld because that cannot be recorded: the door's log says what to do";
    Refusal::new(RefusalKind::Unrecorded, detail).because(error)
}

fn tell(done: &Done) {
    let (profile, revision) = (&done.profile, done.revision);
    tracing::info!(revision, "the first operator is {profile}, made by onedoor init");
}

fn tell_lost() {
    tracing::error!(
        "the first operator was made, but its key reached nobody: stop the door, remove its store and begin anew (docs/store.md)"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_user_of_the_door_and_root_are_answered() {
        for (user, own, want) in [(7, 7, true), (0, 7, true), (0, 0, true), (8, 7, false)] {
            assert_eq!(is_trusted(user, own), want, "user {user} at the door of {own}");
        }
        assert!(!is_trusted(7, 0));
    }

    #[test]
    fn where_the_store_failed_nobody_says_that_nothing_was_done() {
        assert!(is_undone(&admin::Error::InUse));
        assert!(is_undone(&admin::Error::Uncompilable { revision: 1, fault: String::new() }));
        assert!(!is_undone(&admin::Error::Store(store::Error::Unavailable {
            source: "gone".into()
        })));
    }

    #[test]
    fn nothing_but_a_first_operator_is_read() {
        let good = r#"{"client":"operator","owner":"x","expires":"2030-01-31T00:00:00Z"}"#;
        assert!(read(good).is_some());
        for bad in [
            "GET / HTTP/1.1",
            "{}",
            &good.replace("operator", "Not An Id"),
            &good.replace("2030-01-31T00:00:00Z", "soon"),
            &good.replace('}', r#","roles":["admin"]}"#),
        ] {
            assert!(read(bad).is_none(), "{bad}");
        }
    }
}
