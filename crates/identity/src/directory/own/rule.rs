//! By what a client acts for people: does that still let it?

use model::{Admission, Profile, ProfileId};

use crate::rule;

/// An admission, or what a registered client's profile says of people.
pub(super) struct Rule {
    pub(super) profile: ProfileId,
    /// What tokens call it that came by it.
    word: String,
    /// Only for people of one of these groups; for any where empty.
    groups: Vec<String>,
}

impl Rule {
    pub(super) fn admitting(admission: &Admission) -> Self {
        let word = rule::of_admission(admission);
        Self { profile: admission.profile.clone(), word, groups: admission.groups.clone() }
    }

    /// Of a profile that gets tokens.
    pub(super) fn registered(profile: &Profile) -> Option<(ProfileId, Self)> {
        let groups = profile.tokens.as_ref()?.groups.clone();
        let word = rule::of_groups(&groups);
        Some((profile.id.clone(), Self { profile: profile.id.clone(), word, groups }))
    }

    /// Whether it still lets the client of a token act for a person. Whose account is here, their
    /// `groups` are known as they are now; of anybody else it is known that the rule is the same that
    /// let them in.
    pub(super) fn lets_in(&self, word: Option<&str>, groups: Option<&[String]>) -> bool {
        let shares = |of: &[String]| of.iter().any(|it| self.groups.contains(it));
        let fits = self.groups.is_empty() || groups.is_some_and(shares);
        match word {
            Some(word) => word == self.word && (fits || groups.is_none()),
            // What was exchanged has none: the client that did it was asked for its own groups then.
            None => fits,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_lets_in_by_the_groups_of_now_and_else_by_its_own_word() {
        let text = |it: &[&str]| it.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        let profile = ProfileId::parse("agents/reader").unwrap();
        let rule = |groups: &[&str]| {
            let groups = text(groups);
            Rule { profile: profile.clone(), word: rule::of_groups(&groups), groups }
        };
        let (staff, any) = (rule(&["staff"]), rule(&[]));
        let (word, other) = (staff.word.clone(), any.word.clone());
        let (in_it, outside) = (text(&["x", "staff"]), text(&["x"]));
        for (rule, word, groups, want) in [
            (&staff, Some(&word), Some(&in_it), true),
            (&staff, Some(&word), Some(&outside), false),
            (&staff, Some(&other), Some(&in_it), false),
            (&staff, Some(&word), None, true),
            (&staff, Some(&other), None, false),
            (&staff, None, Some(&in_it), true),
            (&staff, None, Some(&outside), false),
            (&staff, None, None, false),
            (&any, Some(&other), Some(&outside), true),
            (&any, Some(&word), Some(&in_it), false),
            (&any, None, None, true),
        ] {
            let got = rule.lets_in(word.map(String::as_str), groups.map(Vec::as_slice));
            assert_eq!(got, want, "{word:?} {groups:?}");
        }
    }
}
