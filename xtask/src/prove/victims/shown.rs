//! What callers show to whom an operator issues credentials: a key, or a token that is got by a secret.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::super::{client::Client, door::Door};

/// How long a token is good: longer than a proof takes, so that none is refused for its age.
pub(super) const LIFETIME: &str = "1h";

/// What a caller shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// An API key.
    Key,
    /// A token that says nothing: it is looked up.
    Opaque,
    /// A signed token.
    Signed,
}

impl Shown {
    pub(super) const ALL: [Self; 3] = [Self::Key, Self::Signed, Self::Opaque];

    /// What those of a turn show.
    pub(super) const fn of(turn: usize) -> Self {
        match turn % 3 {
            0 => Self::Key,
            1 => Self::Signed,
            _ => Self::Opaque,
        }
    }

    /// What the profiles are called of those who show it.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Opaque => "opaque",
            Self::Signed => "signed",
        }
    }

    /// The name of such a profile, with that of its client.
    pub(super) fn profile(self, client: &str) -> String {
        format!("{client}/{}", self.as_str())
    }

    /// Such a profile, as its client's document has it.
    pub(super) fn document(self) -> Value {
        let tokens = |format: &str| {
            let grants = ["client_credentials"];
            let tokens = json!({"grants": grants, "format": format, "lifetime": LIFETIME});
            json!({"roles": ["reader"], "tokens": tokens})
        };
        match self {
            Self::Key => json!({"roles": ["reader"]}),
            Self::Opaque => tokens("opaque"),
            Self::Signed => tokens("jwt"),
        }
    }

    /// Has a credential issued to a client that shows this. Its id, and what is shown: itself, or what is
    /// got by it at this door.
    pub(super) fn begin(
        self,
        door: &Door,
        operator: &Client,
        client: &str,
    ) -> Result<(String, String)> {
        let profile = self.profile(client);
        let (kind, member) = match self {
            Self::Key => ("api_key", "key"),
            Self::Opaque | Self::Signed => ("client_secret", "secret"),
        };
        let wish = json!({"profile": profile, "kind": kind});
        let issued = operator.manage("POST", "/credentials", &wish)?.done("issue_credential")?;
        let (id, issued) = (text(&issued, "id")?, text(&issued, member)?);
        let bearer = match self {
            Self::Key => issued,
            Self::Opaque | Self::Signed => self.token(door, &profile, &issued)?,
        };
        Ok((id, bearer))
    }

    fn token(self, door: &Door, profile: &str, secret: &str) -> Result<String> {
        let client = profile.replace('/', "%2F");
        let form =
            format!("grant_type=client_credentials&client_id={client}&client_secret={secret}");
        let given = door.caller("").post_form("/oauth/token", &form)?.done("a token")?;
        let token = text(&given, "access_token")?;
        let is_opaque = token.starts_with("oda_");
        ensure!(is_opaque == (self == Self::Opaque), "a token of another form: {profile}");
        Ok(token)
    }
}

fn text(answer: &Value, member: &str) -> Result<String> {
    let found = answer.get(member).and_then(Value::as_str);
    Ok(found.with_context(|| format!("an answer has no {member}"))?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_shown_in_its_turn_and_by_a_profile_of_that_name() {
        assert_eq!([0, 1, 2].map(Shown::of), Shown::ALL);
        assert_eq!(Shown::of(4).profile("c4"), "c4/signed");
        for it in Shown::ALL {
            let format = it.document().pointer("/tokens/format").cloned();
            let want = match it {
                Shown::Key => None,
                Shown::Opaque => Some(json!("opaque")),
                Shown::Signed => Some(json!("jwt")),
            };
            assert_eq!(format, want);
        }
    }
}
