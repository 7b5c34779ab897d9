//! What a message asks for, of the things that the door does.

use crate::{Era, Id, Notification, ProtocolError, Request, params::CancelledParams};

/// What a request asks for. Each era has its own set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// `server/discover`: what the server is and can do. Stateless era.
    Discover,
    /// `initialize`: begins a session.
    Initialize,
    /// `ping`: an empty answer. Session era.
    Ping,
    /// `tools/call`: a call.
    ToolsCall,
    /// `tools/list`: what the caller may call.
    ToolsList,
}

impl Method {
    /// What the request asks for.
    ///
    /// # Errors
    /// [`ProtocolError`] with code -32601 where its era has no such method, or the door has not.
    pub fn of(era: Era, request: &Request<'_>) -> Result<Self, ProtocolError> {
        let method = match (&*request.method, era) {
            ("tools/call", _) => Some(Self::ToolsCall),
            ("tools/list", _) => Some(Self::ToolsList),
            ("server/discover", Era::Stateless) => Some(Self::Discover),
            ("initialize", Era::Session(_)) => Some(Self::Initialize),
            ("ping", Era::Session(_)) => Some(Self::Ping),
            _ => None,
        };
        method.ok_or_else(|| {
            ProtocolError::method_not_found(era, &request.method).for_request(&request.id)
        })
    }

    /// Its name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Discover => "server/discover",
            Self::Initialize => "initialize",
            Self::Ping => "ping",
            Self::ToolsCall => "tools/call",
            Self::ToolsList => "tools/list",
        }
    }
}

/// What a notification tells. None of them is ever answered, not even a broken one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// The client does not wait for this request any more. In the stateless era it closes the
    /// connection instead: there, an id in a body must not stop what another caller waits for.
    Cancelled(Id),
    /// Nothing that the door acts on.
    Other,
}

impl Notice {
    /// What the notification tells.
    #[must_use]
    pub fn of(era: Era, notification: &Notification<'_>) -> Self {
        match (&*notification.method, era) {
            ("notifications/cancelled", Era::Session(_)) => {
                CancelledParams::read(notification.params)
                    .map_or(Self::Other, |it| Self::Cancelled(it.request_id))
            }
            _ => Self::Other,
        }
    }
}
