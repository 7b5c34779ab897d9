//! What happens to credentials: recorded, and told by the process's log and to webhooks. Never a
//! secret, nor its HMAC.

use std::{collections::HashSet, sync::Arc};

use audit::{EventId, Happened};
use model::{
    Caller, ClientId, Credential, CredentialId, CredentialState, KnownBy, RequestId, Timestamp,
    difference,
};
use serde_json::json;
use state::Desired;
use store::Message;

use crate::{Plane, working};

/// What can happen to a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CredentialEvent {
    /// It ends soon, as its profile's rotation has it.
    Due,
    /// It has ended by itself.
    Expired,
    /// It is new, or good again.
    Issued,
    /// It is soon to go, or its successor has taken over.
    Retired,
    /// It is refused for ever, or gone.
    Revoked,
    /// It is soon to go, and its successor is out; or it is known by something else now.
    Rotated,
}

impl CredentialEvent {
    /// All of them, by name.
    pub const ALL: [Self; 6] =
        [Self::Due, Self::Expired, Self::Issued, Self::Retired, Self::Revoked, Self::Rotated];

    /// Its name, for webhooks and in the log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.id().as_str()
    }

    /// What records call it.
    #[must_use]
    pub fn id(self) -> EventId {
        match self {
            Self::Due => EventId::CredentialDue,
            Self::Expired => EventId::CredentialExpired,
            Self::Issued => EventId::CredentialIssued,
            Self::Retired => EventId::CredentialRetired,
            Self::Revoked => EventId::CredentialRevoked,
            Self::Rotated => EventId::CredentialRotated,
        }
    }
}

/// Somebody who is told. Where that is, and how it is signed, others know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Its name.
    pub name: String,
    /// What it is told.
    pub events: Vec<CredentialEvent>,
}

/// Something that happened to a credential.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) kind: CredentialEvent,
    pub(crate) credential: Arc<Credential>,
    /// When it ends, as its profile has it.
    pub(crate) end: Timestamp,
    owner: String,
    /// Its holder, as records name one.
    holder: Caller,
    successor: Option<CredentialId>,
    /// Why, where the door knows it.
    reason: Option<&'static str>,
}

impl Event {
    /// Of a credential that `desired` declares.
    pub(crate) fn new(
        kind: CredentialEvent,
        credential: &Arc<Credential>,
        desired: &Desired,
    ) -> Self {
        let client = working::client(desired, credential.profile.client());
        let owner = client.map(|it| it.owner.clone()).unwrap_or_default();
        let end = working::rotation(desired, &credential.profile).end(credential);
        let (holder, credential) = (holder(credential, desired), Arc::clone(credential));
        Self { kind, credential, end, owner, holder, successor: None, reason: None }
    }

    /// It happened because somebody found what is shown for it, and handed it in.
    pub(crate) fn was_found(&mut self) {
        self.reason = Some("found");
    }

    /// Records it, as what came of a request where it did, and tells it in the process's log.
    pub(crate) fn tell(&self, plane: &dyn Plane, of: Option<RequestId>) {
        let (event, caller) = (self.kind.id(), Some(&self.holder));
        plane.happened(&Happened { id: of, caller, ..Happened::new(event, &self.note()) });
        self.log();
    }

    /// What records say of it besides whose it is.
    fn note(&self) -> String {
        let Self { end, successor, reason, .. } = self;
        let successor = successor.as_ref().map(|it| format!(", its successor is {it}"));
        let reason = reason.map(|it| format!(", since it was {it}"));
        let (successor, reason) = (successor.unwrap_or_default(), reason.unwrap_or_default());
        format!("ends at {end}{successor}{reason}")
    }

    fn log(&self) {
        match self.kind {
            CredentialEvent::Due => self.log_due(),
            CredentialEvent::Expired => self.log_expired(),
            CredentialEvent::Issued
            | CredentialEvent::Retired
            | CredentialEvent::Revoked
            | CredentialEvent::Rotated => self.log_change(),
        }
    }

    fn log_due(&self) {
        let (event, credential) = (self.kind.as_str(), &*self.credential);
        let (Credential { id, profile, .. }, end) = (credential, self.end);
        tracing::warn!(
            event, credential = %id, profile = %profile,
            "the credential {id} of {profile} ends at {end}: rotate it before"
        );
    }

    fn log_expired(&self) {
        let (event, credential) = (self.kind.as_str(), &*self.credential);
        let Credential { id, profile, .. } = credential;
        tracing::warn!(
            event, credential = %id, profile = %profile,
            "the credential {id} of {profile} has ended"
        );
    }

    fn log_change(&self) {
        let (event, credential) = (self.kind.as_str(), &*self.credential);
        let (Credential { id, profile, .. }, end) = (credential, self.end);
        let successor = self.successor.as_ref().map(tracing::field::display);
        tracing::info!(
            event, credential = %id, profile = %profile, successor, reason = self.reason,
            "{event}: {id} of {profile}, which ends at {end}"
        );
    }

    /// What a webhook is told at a time.
    fn body(&self, at: Timestamp) -> String {
        let Self { kind, credential, end, owner, holder: _, successor, reason } = self;
        let Credential { id, profile, proof, state, created, .. } = &**credential;
        let state = match state {
            CredentialState::Active => "active",
            CredentialState::Retiring => "retiring",
            CredentialState::Retired => "retired",
            CredentialState::Revoked => "revoked",
        };
        let body = json!({
            "type": kind.as_str(),
            "timestamp": at.to_string(),
            "data": {
                "credential": id.as_str(),
                "kind": proof.kind(),
                "profile": profile.to_string(),
                "owner": owner,
                "state": state,
                "created": created.map(|it| it.to_string()),
                "expires": end.to_string(),
                "successor": successor.as_ref().map(CredentialId::as_str),
                "reason": reason,
            },
        });
        body.to_string()
    }
}

/// Whose a credential is, as records name its holder.
#[must_use]
pub fn holder(credential: &Credential, desired: &Desired) -> Caller {
    let client = working::client(desired, credential.profile.client());
    let nobody = Caller::anonymous();
    Caller {
        client: ClientId::parse(credential.profile.client())
            .unwrap_or_else(|_| ClientId::anonymous()),
        kind: client.map_or(nobody.kind, |it| it.kind),
        profile: credential.profile.clone(),
        credential: Some(credential.id.clone()),
        known_by: KnownBy { credential: Some(credential.proof.kind()), ..KnownBy::default() },
        ..nobody
    }
}

/// What happened to credentials between two states, however that came to be.
pub(crate) fn between(before: &Desired, after: &Desired) -> Vec<Event> {
    let mut events = Vec::new();
    for change in difference(&before.credentials, &after.credentials, |it| &it.id) {
        let (Some(shown), Some(kind)) = (
            change.after.or(change.before),
            became(change.before.map(|it| &**it), change.after.map(|it| &**it)),
        ) else {
            continue;
        };
        let desired = if change.after.is_some() { after } else { before };
        let mut event = Event::new(kind, shown, desired);
        if kind == CredentialEvent::Rotated {
            event.successor = Some(shown.id.clone());
        }
        events.push(event);
    }
    join_successors(&mut events);
    events
}

/// What became of one credential; nothing where it is as good as it was.
fn became(before: Option<&Credential>, after: Option<&Credential>) -> Option<CredentialEvent> {
    use CredentialState::{Active, Retired, Retiring, Revoked};
    let kind = match (before.map(|it| it.state), after.map(|it| it.state)) {
        (None | Some(Retired | Revoked), Some(Active | Retiring)) => CredentialEvent::Issued,
        (Some(Active | Retiring | Retired), Some(Revoked)) | (Some(Active | Retiring), None) => {
            CredentialEvent::Revoked
        }
        (Some(Active), Some(Retiring)) | (Some(Active | Retiring), Some(Retired)) => {
            CredentialEvent::Retired
        }
        (Some(Active | Retiring), Some(Active)) | (Some(Retiring), Some(Retiring)) => {
            // Whoever shows what was good a moment ago is refused now.
            let is_other = before.map(|it| &it.proof) != after.map(|it| &it.proof);
            return is_other.then_some(CredentialEvent::Rotated);
        }
        (None | Some(Retired | Revoked), None | Some(Retired))
        | (None | Some(Revoked), Some(Revoked)) => return None,
    };
    Some(kind)
}

/// A credential that goes when another of the same profile and kind comes was rotated: one event, not two.
fn join_successors(events: &mut Vec<Event>) {
    let mut taken = HashSet::new();
    let issued = events.iter().filter(|it| it.kind == CredentialEvent::Issued);
    let issued: Vec<_> = issued.map(|it| Arc::clone(&it.credential)).collect();
    for event in events.iter_mut().filter(|it| it.kind == CredentialEvent::Retired) {
        let old = &event.credential;
        let successor = issued.iter().find(|new| {
            new.profile == old.profile
                && new.proof.kind() == old.proof.kind()
                && !taken.contains(&new.id)
        });
        if let Some(successor) = successor {
            taken.insert(successor.id.clone());
            event.kind = CredentialEvent::Rotated;
            event.successor = Some(successor.id.clone());
        }
    }
    events.retain(|it| it.kind != CredentialEvent::Issued || !taken.contains(&it.credential.id));
}

/// What webhooks are told of events. Of one event all are told with the same id.
pub(crate) fn messages(events: &[Event], webhooks: &[Webhook], at: Timestamp) -> Vec<Message> {
    let told = |event: &Event| {
        let id = format!("msg_{}", uuid::Uuid::new_v4().simple());
        let kind = event.kind;
        let wanted = webhooks.iter().filter(move |it| it.events.contains(&kind));
        let body = event.body(at);
        wanted
            .map(|it| Message {
                id: id.clone(),
                webhook: it.name.clone(),
                event: kind.as_str().to_owned(),
                body: body.clone(),
                created: at,
            })
            .collect::<Vec<_>>()
    };
    events.iter().flat_map(told).collect()
}
