//! One POST and what it carried: a message, or in the oldest revision several.

use std::{slice, sync::Arc};

use ::mcp::{
    Era, Id, Incoming, InitializeParams, Message, Method, Notice, Owner, ProtocolError, Request,
    Session, SessionId, Version,
};
use audit::{Kind, Recorded};
use http::{HeaderMap, Response, StatusCode};
use model::{Caller, Refusal, RefusalKind};

use super::{
    Endpoint, call, list,
    reply::{self, Reply},
};
use crate::{
    Body, Gateway, Snapshot,
    pipeline::{Arrival, Facts, Ledger},
};

/// Everything that the messages of one POST have in common.
pub(super) struct Exchange {
    pub(super) gateway: Arc<Gateway>,
    pub(super) snapshot: Arc<Snapshot>,
    /// Of the message that is answered now: each request has an id of its own, for its record.
    pub(super) arrival: Arrival,
    pub(super) headers: HeaderMap,
    pub(super) caller: Arc<Caller>,
    pub(super) endpoint: Endpoint,
}

impl Exchange {
    pub(super) fn new(
        gateway: Arc<Gateway>,
        snapshot: Arc<Snapshot>,
        arrival: Arrival,
        headers: HeaderMap,
        (caller, endpoint): (Arc<Caller>, Endpoint),
    ) -> Self {
        Self { gateway, snapshot, arrival, headers, caller, endpoint }
    }

    /// Answers what the body carries.
    pub(super) async fn answer(mut self, body: &[u8]) -> Recorded<Response<Body>> {
        match self.read(body) {
            Ok((era, session, incoming)) => {
                self.arrival.protocol = era.version().as_str();
                self.reply(era, session.as_ref(), incoming).await
            }
            Err(error) => self.broken(&error).await.map(reply::one),
        }
    }

    fn read<'b>(
        &self,
        body: &'b [u8],
    ) -> Result<(Era, Option<Arc<Session>>, Incoming<'b>), ProtocolError> {
        ::mcp::headers::check_media_types(&self.headers)?;
        let incoming = ::mcp::parse(body)?;
        let era = ::mcp::classify(&self.headers, &incoming)?;
        let (era, session) = match era {
            Era::Stateless => (era, None),
            Era::Session(_) => match self.session()? {
                // What was agreed on wins over what a header says.
                Some(session) => (Era::Session(session.version()), Some(session)),
                None => (era, None),
            },
        };
        if let Incoming::Batch(messages) = &incoming {
            if !era.version().has_batches() {
                return Err(ProtocolError::invalid_request(
                    "batches ended with revision 2025-06-18",
                ));
            }
            if messages.iter().any(|it| it.method() == Some(Method::Initialize.as_str())) {
                return Err(ProtocolError::invalid_request("initialize must not be in a batch"));
            }
        }
        Ok((era, session, incoming))
    }

    /// The session that the headers name. None is needed: it holds no authority, only what is in flight.
    fn session(&self) -> Result<Option<Arc<Session>>, ProtocolError> {
        let Some(id) = SessionId::of(&self.headers)? else { return Ok(None) };
        let found = self.gateway.sessions.find(id, &Owner::of(&self.caller));
        found.map(Some).ok_or_else(ProtocolError::session_not_found)
    }

    async fn reply(
        &mut self,
        era: Era,
        session: Option<&Arc<Session>>,
        incoming: Incoming<'_>,
    ) -> Recorded<Response<Body>> {
        let (messages, is_batch) = match &incoming {
            Incoming::One(message) => (slice::from_ref(message), false),
            Incoming::Batch(messages) => (messages.as_slice(), true),
        };
        let asks = messages.iter().any(|it| matches!(it, Message::Request(_)));
        let mut replies = Vec::new();
        for message in messages {
            match message {
                Message::Request(request) => {
                    self.turn_to(replies.is_empty());
                    replies.push(self.request(era, session, request).await);
                }
                Message::Notification(notification) if asks => {
                    act(session, &Notice::of(era, notification));
                }
                // Heard below; and we ask nothing of clients, so there is nothing to be told.
                Message::Notification(_) | Message::Response(_) => {}
            }
        }
        match Recorded::all(replies) {
            Some(replies) if is_batch => replies.map(|it| reply::batch(&it)),
            Some(replies) => replies.map(reply::first),
            None => self.hear(era, session, messages).await,
        }
    }

    /// Begins with a request of a message: each but the first one has an id and a time of its own.
    fn turn_to(&mut self, is_first: bool) {
        if !is_first {
            self.arrival = self.arrival.clone().next(&self.gateway.live.clock);
        }
    }

    async fn request(
        &self,
        era: Era,
        session: Option<&Arc<Session>>,
        request: &Request<'_>,
    ) -> Recorded<Reply> {
        let method = match Method::of(era, request) {
            Ok(method) => method,
            Err(error) => return self.broken(&error).await,
        };
        let answered = match method {
            Method::ToolsCall => call::answer(self, era, session, request).await,
            Method::ToolsList => list::answer(self, era, request).await,
            Method::Ping => {
                let pong = || Reply::ok(::mcp::answer::ping(&request.id));
                Ok(self.note(Kind::Session, method, &request.id, pong).await)
            }
            Method::Discover => {
                let found = || Reply::ok(reply::server().discover(&request.id, list::TTL_MS));
                Ok(self.note(Kind::List, method, &request.id, found).await)
            }
            Method::Initialize => self.initialize(request).await,
        };
        match answered {
            Ok(answered) => answered,
            Err(error) => self.broken(&error).await,
        }
    }

    async fn initialize(&self, request: &Request<'_>) -> Result<Recorded<Reply>, ProtocolError> {
        let params = InitializeParams::read(request)?;
        let version = Version::negotiate(&params.protocol_version);
        let noted = self.note(Kind::Session, Method::Initialize, &request.id, || {
            let session = self.gateway.sessions.create(&Owner::of(&self.caller), version);
            let body = reply::server().initialize(&request.id, version);
            Reply { session: Some(session.id()), ..Reply::ok(body) }
        });
        Ok(noted.await)
    }

    /// Ends the session that the headers name.
    pub(super) async fn end_session(&self) -> Recorded<Response<Body>> {
        let ended = match SessionId::of(&self.headers) {
            Ok(Some(id)) if self.gateway.sessions.delete(id, &Owner::of(&self.caller)) => Ok(()),
            Ok(Some(_)) => Err(ProtocolError::session_not_found()),
            Ok(None) => Err(ProtocolError::session_required()),
            Err(error) => Err(error),
        };
        if let Err(error) = ended {
            return self.broken(&error).await.map(reply::one);
        }
        let facts = self.facts(Kind::Session, "DELETE");
        Ledger::open(&self.gateway.live, facts).note().await.map(|it| match it {
            Ok(()) => reply::empty(StatusCode::NO_CONTENT),
            Err(refusal) => reply::refused(self.arrival.id, &refusal),
        })
    }

    /// Records that nothing was asked, and then hears what was told.
    async fn hear(
        &self,
        era: Era,
        session: Option<&Arc<Session>>,
        messages: &[Message<'_>],
    ) -> Recorded<Response<Body>> {
        let told = messages.first().and_then(Message::method).unwrap_or("response");
        let facts = self.facts(Kind::Session, told);
        Ledger::open(&self.gateway.live, facts).note().await.map(|it| {
            if let Err(refusal) = it {
                return reply::refused(self.arrival.id, &refusal);
            }
            let told = messages.iter().filter_map(|it| match it {
                Message::Notification(notification) => Some(Notice::of(era, notification)),
                Message::Request(_) | Message::Response(_) => None,
            });
            told.for_each(|it| act(session, &it));
            reply::empty(StatusCode::ACCEPTED)
        })
    }

    /// Records that something was asked that is no call, and then answers it.
    pub(super) async fn note(
        &self,
        kind: Kind,
        method: Method,
        id: &Id,
        answer: impl FnOnce() -> Reply,
    ) -> Recorded<Reply> {
        let facts = self.facts(kind, method.as_str());
        Ledger::open(&self.gateway.live, facts).note().await.map(|noted| match noted {
            Ok(()) => answer(),
            Err(refusal) => reply::unrecorded(Some(id), self.arrival.id, &refusal),
        })
    }

    fn facts(&self, kind: Kind, subject: &str) -> Facts {
        let mut facts =
            Facts::new(kind, self.arrival.clone(), self.snapshot.revision).about(subject);
        facts.set_caller(&self.caller);
        facts
    }

    /// Records a message that breaks the protocol, and answers with what is wrong.
    async fn broken(&self, error: &ProtocolError) -> Recorded<Reply> {
        let refusal = Refusal::new(RefusalKind::Malformed, error.message.clone())
            .because(format!("JSON-RPC {}", error.code));
        let facts = self.facts(Kind::Malformed, "mcp");
        let ledger = Ledger::open(&self.gateway.live, facts);
        ledger.refuse_as(error.status, refusal).await.map(|refusal| {
            if refusal.kind() == RefusalKind::Unrecorded {
                return reply::unrecorded(error.id.as_ref(), self.arrival.id, &refusal);
            }
            Reply { status: error.status, ..Reply::ok(error.body()) }
        })
    }
}

/// Whether its headers say that a request is of the revision without sessions.
pub(super) fn is_stateless(headers: &HeaderMap) -> bool {
    let version = headers.get(::mcp::headers::PROTOCOL_VERSION);
    version.is_some_and(|it| it == Version::V2026_07_28.as_str())
}

/// Acts on a notification. What it ends has a record of its own.
fn act(session: Option<&Arc<Session>>, notice: &Notice) {
    match (notice, session) {
        (Notice::Cancelled(id), Some(session)) => {
            session.cancel(id);
        }
        (Notice::Cancelled(_), None) | (Notice::Other, _) => {}
    }
}
