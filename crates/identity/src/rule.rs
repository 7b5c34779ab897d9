//! By which rule a client acts for a person, as one word that tokens of the door carry: where the rule
//! is another, so is the word, and the token is good for nothing.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use model::Admission;
use serde_json::json;

use crate::fingerprint::Fingerprint;

/// How much of a digest tells two rules apart.
const BYTES: usize = 16;

/// The word for an admission: all of it that says who is let in, and as what.
#[must_use]
pub fn of_admission(admission: &Admission) -> String {
    // No `..`: a new condition has to be looked at here.
    let Admission {
        id,
        description: _,
        profile,
        registrations,
        hosts,
        software,
        issuer,
        groups,
        position: _,
        place: _,
    } = admission;
    let registrations: Vec<_> = registrations.iter().map(|it| it.as_str()).collect();
    let issuer = issuer.as_ref().map(ToString::to_string);
    word(&json!([id.as_str(), profile.as_str(), registrations, hosts, software, issuer, groups]))
}

/// The word for the groups of a registered client, whose people alone it acts for.
#[must_use]
pub fn of_groups(groups: &[String]) -> String {
    word(&json!(groups))
}

fn word(rule: &serde_json::Value) -> String {
    let digest = Fingerprint::of(rule.to_string().as_bytes());
    URL_SAFE_NO_PAD.encode(digest.bytes().first_chunk::<BYTES>().map_or(&[][..], |it| it))
}

#[cfg(test)]
mod tests {
    use model::{AdmissionId, Place, ProfileId, Registration};

    use super::*;

    #[test]
    fn another_condition_is_another_word_and_another_description_is_not() {
        let admission = Admission {
            id: AdmissionId::parse("staff").unwrap(),
            description: None,
            profile: ProfileId::parse("agents/reader").unwrap(),
            registrations: vec![Registration::Dynamic],
            hosts: vec!["a.example".to_owned()],
            software: Vec::new(),
            issuer: None,
            groups: vec!["staff".to_owned()],
            position: 100,
            place: Place::default(),
        };
        let word = of_admission(&admission);
        assert_eq!(word.len(), 22);
        let same =
            Admission { description: Some("x".to_owned()), position: 1, ..admission.clone() };
        assert_eq!(of_admission(&same), word);
        let text = |it: &str| vec![it.to_owned()];
        for other in [
            Admission { groups: text("board"), ..admission.clone() },
            Admission { groups: Vec::new(), ..admission.clone() },
            Admission { hosts: text("b.example"), ..admission.clone() },
            Admission { software: text("staff"), ..admission.clone() },
            Admission { registrations: vec![Registration::MetadataDocument], ..admission.clone() },
            Admission { issuer: model::IssuerId::parse("corp").ok(), ..admission.clone() },
            Admission { profile: ProfileId::parse("agents/writer").unwrap(), ..admission },
        ] {
            assert_ne!(of_admission(&other), word, "{other:?}");
        }
        assert_ne!(of_groups(&[]), of_groups(&text("staff")));
    }
}
