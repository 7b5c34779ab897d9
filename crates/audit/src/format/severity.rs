//! How much someone should care: from what was decided, about what.

use super::event::Event;

/// In the order of OCSF's `severity_id`, which begins with 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// It went as it should.
    Informational,
    /// Worth a look in a report.
    Low,
    /// Worth a look.
    Medium,
    /// Someone should look.
    High,
    /// Someone must act: calls are refused.
    Critical,
}

impl Severity {
    pub(super) fn of(event: &Event<'_>) -> Self {
        let is_destructive = event.text("effect") == "destructive";
        match (event.text("event"), event.text("outcome"), event.text("decision")) {
            ("audit.full", ..) => Self::Critical,
            (_, "unknown", _) => Self::High,
            ("sink.lost", ..) => Self::High,
            // They are told as things that went as they should, and are worth a look.
            ("audit.clock_jumped" | "audit.low_room" | "audit.recovered", ..) => Self::Medium,
            ("audit.resumed" | "sink.restarted", ..) => Self::Medium,
            ("sign_in.slowed" | "device.slowed" | "sign_in.failed", ..) => Self::Medium,
            (.., "deny") if is_destructive => Self::High,
            (.., "deny" | "error") => Self::Medium,
            (.., "limit") => Self::Low,
            (.., "allow") if is_destructive => Self::Low,
            _ => Self::Informational,
        }
    }

    /// The number and the caption of OCSF.
    pub(super) fn ocsf(self) -> (u8, &'static str) {
        match self {
            Self::Informational => (1, "Informational"),
            Self::Low => (2, "Low"),
            Self::Medium => (3, "Medium"),
            Self::High => (4, "High"),
            Self::Critical => (5, "Critical"),
        }
    }

    /// The severity of a message of syslog (RFC 5424 section 6.2.1): 6 is informational, 2 critical.
    #[must_use]
    pub fn syslog(self) -> u8 {
        match self {
            Self::Informational => 6,
            Self::Low => 5,
            Self::Medium => 4,
            Self::High => 3,
            Self::Critical => 2,
        }
    }

    /// The number and the name of a record of OpenTelemetry, in its ranges of INFO, WARN, ERROR and FATAL.
    #[must_use]
    pub fn otel(self) -> (u8, &'static str) {
        match self {
            Self::Informational => (9, "INFO"),
            Self::Low => (10, "INFO2"),
            Self::Medium => (13, "WARN"),
            Self::High => (17, "ERROR"),
            Self::Critical => (21, "FATAL"),
        }
    }

    /// From 0 to 10, as CEF has it.
    pub(super) fn cef(self) -> u8 {
        match self {
            Self::Informational => 1,
            Self::Low => 3,
            Self::Medium => 5,
            Self::High => 8,
            Self::Critical => 10,
        }
    }
}
