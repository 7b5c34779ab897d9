//! How safe a record must be before anybody goes on: written, or on the disk.

use model::Effect;

use crate::{Decision, Kind, Record};

/// How safe a record must be before anybody goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Written: it outlives the process at once, and the machine once the disk has it. That it gets
    /// it begins 25 ms later; how long it takes, the disk decides.
    Standard,
    /// On the disk: it outlives a loss of power.
    Strict,
}

/// Which records have which level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Levels {
    /// [`Level::Strict`] for management, for what the authorization server does, for what writes or
    /// destroys, for denials, and for the log and the door themselves; [`Level::Standard`] for all
    /// else.
    #[default]
    ByEffect,
    /// [`Level::Strict`] for all.
    Strict,
}

/// The collection of management.
const MANAGEMENT: &str = "onedoor";

impl Levels {
    /// The level of `record`.
    #[must_use]
    pub fn of(self, record: &Record<'_>) -> Level {
        let is_strict = match self {
            Self::Strict => true,
            Self::ByEffect if record.decision() == Decision::Deny => true,
            Self::ByEffect => match record.kind {
                Kind::Authorization | Kind::Event | Kind::Log => true,
                Kind::Bodies | Kind::Call | Kind::Cut | Kind::Intent => {
                    record.operation.is_some_and(|it| {
                        it.effect != Effect::Read || it.collection.as_str() == MANAGEMENT
                    })
                }
                Kind::List | Kind::Malformed | Kind::Session => false,
            },
        };
        if is_strict { Level::Strict } else { Level::Standard }
    }
}

#[cfg(test)]
mod tests {
    use model::{CollectionId, Operation, OperationId, Refusal, RefusalKind, Timestamp};

    use super::*;
    use crate::Outcome;

    #[test]
    fn what_changes_something_is_strict_and_what_reads_is_not() {
        let level = |collection: &str, effect, kind| {
            let collection = CollectionId::parse(collection).unwrap();
            let id = OperationId::new(&collection, "x").unwrap();
            let operation = Operation { id, collection, effect, is_public: false, position: 0 };
            let record = Record {
                operation: Some(&operation),
                ..Record::new(Timestamp::from_seconds(0), kind, Outcome::Answered)
            };
            assert_eq!(Levels::Strict.of(&record), Level::Strict);
            Levels::ByEffect.of(&record)
        };
        for kind in [Kind::Bodies, Kind::Call, Kind::Intent, Kind::Cut] {
            assert_eq!(level("orders", Effect::Read, kind), Level::Standard);
            assert_eq!(level("onedoor", Effect::Read, kind), Level::Strict);
            assert_eq!(level("orders", Effect::Write, kind), Level::Strict);
            assert_eq!(level("orders", Effect::Destructive, kind), Level::Strict);
        }
        assert_eq!(level("orders", Effect::Read, Kind::Authorization), Level::Strict);
        assert_eq!(level("orders", Effect::Read, Kind::List), Level::Standard);
    }

    #[test]
    fn denials_are_strict_and_what_failed_is_not() {
        let level = |kind| {
            let refusal = Refusal::new(kind, "why");
            let at = Timestamp::from_seconds(0);
            Levels::ByEffect.of(&Record::new(at, Kind::Call, Outcome::Refused(&refusal)))
        };
        for kind in [RefusalKind::Forbidden, RefusalKind::Unauthenticated, RefusalKind::Stopped] {
            assert_eq!(level(kind), Level::Strict, "{kind:?}");
        }
        for kind in [RefusalKind::LimitReached, RefusalKind::UpstreamTimeout] {
            assert_eq!(level(kind), Level::Standard, "{kind:?}");
        }
    }
}
