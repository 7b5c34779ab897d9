//! Which class of OCSF an event is of, and which activity.

use model::CollectionId;

use super::event::Event;

/// A class of OCSF.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    ApiActivity,
    ApplicationLifecycle,
    Authentication,
    AuthorizeSession,
    EntityManagement,
}

/// A class, and what was done as it names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Activity {
    pub(super) class: Class,
    pub(super) id: u32,
    /// Its caption; `None` for 99, which is named by the event itself.
    pub(super) name: Option<&'static str>,
}

impl Class {
    pub(super) fn uid(self) -> u32 {
        match self {
            Self::ApiActivity => 6003,
            Self::ApplicationLifecycle => 6002,
            Self::Authentication => 3002,
            Self::AuthorizeSession => 3003,
            Self::EntityManagement => 3004,
        }
    }

    pub(super) fn caption(self) -> &'static str {
        match self {
            Self::ApiActivity => "API Activity",
            Self::ApplicationLifecycle => "Application Lifecycle",
            Self::Authentication => "Authentication",
            Self::AuthorizeSession => "Authorize Session",
            Self::EntityManagement => "Entity Management",
        }
    }

    /// The number and the caption of its category.
    pub(super) fn category(self) -> (u32, &'static str) {
        match self {
            Self::ApiActivity | Self::ApplicationLifecycle => (6, "Application Activity"),
            Self::Authentication | Self::AuthorizeSession | Self::EntityManagement => {
                (3, "Identity & Access Management")
            }
        }
    }

    /// Whether it has an attribute that not all of them have.
    pub(super) fn has(self, attribute: &str) -> bool {
        match attribute {
            "api" => self == Self::ApiActivity,
            "actor" | "src_endpoint" | "http_request" | "http_response" => {
                self != Self::ApplicationLifecycle
            }
            "dst_endpoint" => {
                matches!(self, Self::ApiActivity | Self::Authentication | Self::AuthorizeSession)
            }
            _ => true,
        }
    }
}

impl Activity {
    fn new(class: Class, id: u32, name: &'static str) -> Self {
        Self { class, id, name: Some(name) }
    }

    fn other(class: Class) -> Self {
        Self { class, id: 99, name: None }
    }

    /// What the event is, by its kind first.
    pub(super) fn of(event: &Event<'_>) -> Self {
        let is_management = CollectionId::is_built_in_name(event.text("collection"));
        let effect = event.text("effect");
        match event.text("kind") {
            "authorization" => Self::of_authorization(event.text("event")),
            "event" if event.text("event").starts_with("operator.") => {
                Self::new(Class::EntityManagement, 1, "Create")
            }
            "event" | "log" => Self::of_life(event.text("event")),
            // An intent changes nothing yet, and may never: it stays a call.
            "call" if is_management && matches!(effect, "write" | "destructive") => {
                Self { class: Class::EntityManagement, ..Self::of_effect(effect) }
            }
            "bodies" | "call" | "cut" | "intent" => Self::of_effect(effect),
            "list" => Self::new(Class::ApiActivity, 2, "Read"),
            _ => Self::other(Class::ApiActivity),
        }
    }

    // The numbers are the same in both classes with a change.
    fn of_effect(effect: &str) -> Self {
        match effect {
            "read" => Self::new(Class::ApiActivity, 2, "Read"),
            "write" => Self::new(Class::ApiActivity, 3, "Update"),
            "destructive" => Self::new(Class::ApiActivity, 4, "Delete"),
            _ => Self::other(Class::ApiActivity),
        }
    }

    fn of_life(event: &str) -> Self {
        match event {
            "audit.opened" | "audit.recovered" => {
                Self::new(Class::ApplicationLifecycle, 3, "Start")
            }
            "audit.closed" | "audit.full" => Self::new(Class::ApplicationLifecycle, 4, "Stop"),
            "audit.resumed" => Self::new(Class::ApplicationLifecycle, 5, "Restart"),
            _ => Self::other(Class::ApplicationLifecycle),
        }
    }

    fn of_authorization(event: &str) -> Self {
        use Class::{ApiActivity, Authentication, AuthorizeSession, EntityManagement};
        match event {
            "sign_in" | "sign_in.failed" | "sign_in.slowed" => {
                Self::new(Authentication, 1, "Logon")
            }
            "sign_in.begin" | "sign_in.first_step" => Self::new(Authentication, 6, "Preauth"),
            "token.issue" => Self::new(Authentication, 3, "Authentication Ticket"),
            "token.revoke" => Self::new(Authentication, 2, "Logoff"),
            "consent.given" => Self::new(AuthorizeSession, 1, "Assign Privileges"),
            "client.register" => Self::new(EntityManagement, 1, "Create"),
            "second_factor.set_up" => Self::new(EntityManagement, 6, "Enroll"),
            "second_factor.removed" => Self::new(EntityManagement, 7, "Unenroll"),
            "account.read" | "key_set.read" | "metadata.read" | "token.introspect" => {
                Self::new(ApiActivity, 2, "Read")
            }
            "endpoint.unknown" => Self::other(ApiActivity),
            _ if event.starts_with("second_factor.") => Self::other(EntityManagement),
            _ => Self::other(AuthorizeSession),
        }
    }
}
