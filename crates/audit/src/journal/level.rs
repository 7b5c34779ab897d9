//! How safe a record must be before anybody goes on: written, or on the disk.

use model::{Effect, Level, Operation};

use crate::{Decision, Kind, Record};

/// Which records have which level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Levels {
    /// [`Level::Strict`] for management, for what came of what the authorization server was asked, for
    /// denials, and for the log and the door themselves. For calls what their operation says; where it
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
                // An intent at the authorization server has no operation: it is written first, and on the
                // disk with its outcome at the latest, so a token is waited for once and not twice.
                Kind::Bodies | Kind::Call | Kind::Cut | Kind::Intent => {
                    record.operation.is_some_and(is_strict)
                }
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
        let begun = Record::new(Timestamp::from_seconds(0), Kind::Intent, Outcome::Begun);
        assert_eq!(Levels::ByEffect.of(&begun), Level::Standard);
        assert_eq!(Levels::Strict.of(&begun), Level::Strict);
        for said in Level::ALL {
            for effect in [Effect::Read, Effect::Write, Effect::Destructive] {
                assert_eq!(level_of("orders", (effect, Some(said)), Kind::Intent), said);
                assert_eq!(level_of("onedoor", (effect, Some(said)), Kind::Call), Level::Strict);
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
