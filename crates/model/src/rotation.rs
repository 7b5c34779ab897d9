//! How long credentials of a profile live, when somebody is warned, and when an old one may go.

use std::time::Duration;

use crate::{Credential, Timestamp};

/// How long credentials of a profile live, when somebody is warned, and when an old one may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RotationPolicy {
    /// The longest life of a credential, whatever it says itself.
    pub lifetime_max: Option<Duration>,
    /// How long before its end a credential counts as due.
    pub warn_before: Option<Duration>,
    /// How long a credential must not have been used before it is retired. Where it is not said: not
    /// since its successor was made, or for [`Self::QUIET`], whichever is shorter.
    pub quiet: Option<Duration>,
    /// Whether the client may replace its credentials itself.
    pub is_self_service: bool,
}

impl RotationPolicy {
    /// How long before its end a credential counts as due, where nobody says.
    pub const WARN_BEFORE: Duration = Duration::from_secs(14 * 24 * 3600);

    /// How long a credential must not have been used, where it is not said and its successor is older.
    pub const QUIET: Duration = Duration::from_secs(24 * 3600);

    /// When `credential` ends.
    #[must_use]
    pub fn end(&self, credential: &Credential) -> Timestamp {
        match (self.lifetime_max, credential.created) {
            (None, _) => credential.expires,
            (Some(longest), Some(created)) => credential.expires.min(created.plus(longest)),
            // Nobody knows how old it is, so it is too old. Reading a state refuses it beforehand.
            (Some(_), None) => Timestamp::from_seconds(0),
        }
    }

    /// From when on `credential` counts as due.
    ///
    /// Where nobody says how long before its end that is, one that lives for days alone is not due from
    /// its first day on: at least half of its life is over.
    #[must_use]
    pub fn due(&self, credential: &Credential) -> Timestamp {
        let end = self.end(credential);
        let before = self.warn_before.unwrap_or_else(|| {
            let life = credential.created.map(|it| end.since(it));
            life.map_or(Self::WARN_BEFORE, |it| {
                Self::WARN_BEFORE.min(it.checked_div(2).unwrap_or_default())
            })
        });
        end.minus(before)
    }

    /// Whether `credential` is good and due at `now`, or has ended and was not replaced or revoked.
    #[must_use]
    pub fn is_due(&self, credential: &Credential, now: Timestamp) -> bool {
        credential.state.is_good() && self.due(credential) <= now
    }

    /// Since when `credential` must not have been used, to be retired `now`.
    #[must_use]
    pub fn unused_since(&self, credential: &Credential, now: Timestamp) -> Timestamp {
        match (self.quiet, credential.replaced) {
            (Some(quiet), _) => now.minus(quiet),
            (None, Some(replaced)) => replaced.max(now.minus(Self::QUIET)),
            (None, None) => now.minus(Self::QUIET),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{CredentialState, KeyHash, KeyKind, ProfileId};

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn days(count: u64) -> Duration {
        Duration::from_secs(count.saturating_mul(86_400))
    }

    fn credential() -> Credential {
        let profile = ProfileId::parse("shop/default").unwrap();
        let times = (at("2027-01-01"), at("2027-04-01"));
        Credential::new(
            &profile,
            KeyKind::ApiKey.proof(KeyHash::first([1; 32])),
            Uuid::nil(),
            times,
        )
        .unwrap()
    }

    #[test]
    fn the_longest_life_ends_what_would_live_longer_and_nothing_sooner() {
        let mut credential = credential();
        for (longest, want) in
            [(None, "2027-04-01"), (Some(31), "2027-02-01"), (Some(90), "2027-04-01")]
        {
            let policy =
                RotationPolicy { lifetime_max: longest.map(days), ..RotationPolicy::default() };
            assert_eq!(policy.end(&credential), at(want), "{longest:?}");
        }
        credential.created = None;
        let policy = RotationPolicy { lifetime_max: Some(days(90)), ..RotationPolicy::default() };
        assert!(policy.end(&credential) < at("2000-01-01"), "its age is not known");
    }

    #[test]
    fn due_is_what_ends_within_the_warning_and_is_still_good() {
        let policy = RotationPolicy {
            lifetime_max: Some(days(31)),
            warn_before: Some(days(7)),
            ..RotationPolicy::default()
        };
        let mut credential = credential();
        for (now, want) in [
            ("2027-01-24T23:59:59Z", false),
            ("2027-01-25", true),
            ("2027-02-01", true),
            ("2028-01-01", true),
        ] {
            assert_eq!(policy.is_due(&credential, at(now)), want, "{now}");
        }
        credential.state = CredentialState::Revoked;
        assert!(!policy.is_due(&credential, at("2027-02-01")));
    }

    #[test]
    fn unused_means_since_its_successor_or_for_as_long_as_is_said() {
        let (now, replaced) = (at("2027-02-10"), at("2027-02-01"));
        for (quiet, replaced, want) in [
            (None, Some(replaced), "2027-02-09"),
            (None, Some(at("2027-02-09T12:00:00Z")), "2027-02-09T12:00:00Z"),
            (Some(2), Some(replaced), "2027-02-08"),
            (Some(30), Some(replaced), "2027-01-11"),
            (None, None, "2027-02-09"),
        ] {
            let policy = RotationPolicy { quiet: quiet.map(days), ..RotationPolicy::default() };
            let credential = Credential { replaced, ..credential() };
            assert_eq!(policy.unused_since(&credential, now), at(want), "{quiet:?} {replaced:?}");
        }
    }

    #[test]
    fn a_credential_is_due_before_its_end_and_not_before_half_of_its_life() {
        for (life, warn_before, want) in
            [(90, None, 76), (20, None, 10), (90, Some(30), 60), (20, Some(15), 5)]
        {
            let start = at("2027-01-01");
            let credential = Credential { expires: start.plus(days(life)), ..credential() };
            let warn_before = warn_before.map(days);
            let policy = RotationPolicy { warn_before, ..RotationPolicy::default() };
            assert_eq!(policy.due(&credential), start.plus(days(want)), "{life} {warn_before:?}");
        }
    }
}
