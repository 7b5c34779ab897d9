//! How safe a record must be before anybody goes on: written, or on the disk.

use model::{Effect, Level, Operation};

use crate::{Decision, Kind, Record};

/// Which records have which level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Levels {
    /// [`Level::Strict`] for management, for what the authorization server is asked, before and behind it,
    /// for denials, and for the log and the door themselves. For calls what their operation says; where it
    /// says nothing, [`Level::Strict`] for what writes or destroys. [`Level::Standard`] for all else.
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
                // Without an operation it is of the authorization server. What that gives, or ends, may be
                // in the store for good before the outcome is on the disk, so this has to be there first.
                Kind::Intent => record.operation.is_none_or(is_strict),
                Kind::Bodies | Kind::Call | Kind::Cut => record.operation.is_some_and(is_strict),
                Kind::List | Kind::Malformed | Kind::Session => false,
            },
        };
        if is_strict { Level::Strict } else { Level::Standard }
    }
}

/// Whether records of calls of an operation are on the disk first.
fn is_strict(operation: &Operation) -> bool {
    let Operation { id: _, collection, effect, is_public: _, level, position: _ } = operation;
    let is_declared = level.map(|it| it == Level::Strict);
    collection.as_str() == MANAGEMENT || is_declared.unwrap_or(*effect != Effect::Read)
}

#[cfg(test)]
mod tests {
    use model::{CollectionId, OperationId, Refusal, RefusalKind, Timestamp};

    use super::*;
    use crate::Outcome;

    fn operation(collection: &str, effect: Effect, level: Option<Level>) -> Operation {
        let collection = CollectionId::parse(collection).unwrap();
        let id = OperationId::new(&collection, "x").unwrap();
        Operation { id, collection, effect, is_public: false, level, position: 0 }
    }

    #[test]
    fn what_changes_something_is_strict_and_what_reads_is_not() {
        let level_of = |collection: &str, (effect, level), kind| {
            let operation = operation(collection, effect, level);
            let record = Record {
                operation: Some(&operation),
                ..Record::new(Timestamp::from_seconds(0), kind, Outcome::Answered)
            };
            assert_eq!(Levels::Strict.of(&record), Level::Strict);
            Levels::ByEffect.of(&record)
        };
        let level = |collection, effect, kind| level_of(collection, (effect, None), kind);
        for kind in [Kind::Bodies, Kind::Call, Kind::Intent, Kind::Cut] {
            assert_eq!(level("orders", Effect::Read, kind), Level::Standard);
            assert_eq!(level("onedoor", Effect::Read, kind), Level::Strict);
            assert_eq!(level("orders", Effect::Write, kind), Level::Strict);
            assert_eq!(level("orders", Effect::Destructive, kind), Level::Strict);
        }
        assert_eq!(level("orders", Effect::Read, Kind::Authorization), Level::Strict);
        assert_eq!(level("orders", Effect::Read, Kind::List), Level::Standard);
        for said in Level::ALL {
            for effect in [Effect::Read, Effect::Write, Effect::Destructive] {
                assert_eq!(level_of("orders", (effect, Some(said)), Kind::Intent), said);
                assert_eq!(level_of("onedoor", (effect, Some(said)), Kind::Call), Level::Strict);
            }
        }
    }

    #[test]
    fn what_the_authorization_server_is_asked_is_strict_before_and_behind() {
        for (kind, outcome) in
            [(Kind::Intent, Outcome::Begun), (Kind::Authorization, Outcome::Answered)]
        {
            let record = Record::new(Timestamp::from_seconds(0), kind, outcome);
            for levels in [Levels::ByEffect, Levels::Strict] {
                assert_eq!(levels.of(&record), Level::Strict, "{kind:?}");
            }
        }
    }

    #[test]
    fn denials_are_strict_and_what_failed_is_not() {
        let level = |kind| {
            let refusal = Refusal::new(kind, "why");
            let at = Timestamp::from_seconds(0);
            let operation = operation("orders", Effect::Read, Some(Level::Standard));
            let record = Record::new(at, Kind::Call, Outcome::Refused(&refusal));
            Levels::ByEffect.of(&Record { operation: Some(&operation), ..record })
        };
        for kind in [RefusalKind::Forbidden, RefusalKind::Unauthenticated, RefusalKind::Stopped] {
            assert_eq!(level(kind), Level::Strict, "{kind:?}");
        }
        for kind in [RefusalKind::LimitReached, RefusalKind::UpstreamTimeout] {
            assert_eq!(level(kind), Level::Standard, "{kind:?}");
        }
    }
}
