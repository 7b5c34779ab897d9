//! What a token says: when it holds, for whom it is, and who acts for whom.

use std::time::Duration;

use model::{Timestamp, TokenScope, TokenScopes};
use serde_json::{Map, Value};

use super::{Defect, texts};
use crate::own_token::ACTORS_MAX;

/// How far the issuer's clock may be ahead of ours. An expired token gets no such grace.
pub(crate) const LEEWAY: Duration = Duration::from_secs(60);

/// The last second of the year 9999: what lies behind it is a mistake or a trick.
const SECONDS_MAX: i64 = 253_402_300_799;

const NAME_BYTES_MAX: usize = 256;

/// Where issuers write scopes: as the standard has it, and as Entra and Okta do.
const SCOPES: [&str; 2] = ["scope", "scp"];
const SCOPES_MAX: usize = 64;

/// Where issuers write the client that a token was given to: as the standards have it, and as Entra
/// does in tokens of its first version, and Okta.
const CLIENTS: [&str; 4] = ["client_id", "azp", "appid", "cid"];

/// The claims of a token.
pub(crate) struct Claims(Map<String, Value>);

/// The people and programs a token speaks of.
pub(crate) struct Subject {
    /// Whom it acts for, where that is not the client itself.
    pub(crate) user: Option<String>,
    /// Who acts in the user's name, nearest first.
    pub(crate) actors: Vec<String>,
}

impl Claims {
    pub(crate) fn new(members: Map<String, Value>) -> Self {
        Self(members)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    pub(crate) fn into_members(self) -> Map<String, Value> {
        self.0
    }

    /// A claim that is a text of 1 to `bytes_max` bytes where it is there.
    pub(crate) fn text(
        &self,
        claim: &'static str,
        bytes_max: usize,
    ) -> Result<Option<&str>, Defect> {
        match self.get(claim) {
            None => Ok(None),
            Some(value) => bounded(value, bytes_max).map(Some).ok_or(Defect::Claim(claim)),
        }
    }

    pub(crate) fn issuer(&self) -> Result<&str, Defect> {
        self.get("iss").and_then(Value::as_str).ok_or(Defect::Claim("iss"))
    }

    /// Whether `aud` is, or lists, one of `audiences`.
    pub(crate) fn is_for(&self, audiences: &[impl AsRef<str>]) -> bool {
        self.get("aud")
            .is_some_and(|aud| texts(aud).any(|it| audiences.iter().any(|us| us.as_ref() == it)))
    }

    /// The texts of a claim that is one text or a list of them; none where it is not there. A scope is
    /// a list too, written as one text with spaces (RFC 8693 section 4.2).
    pub(crate) fn values(&self, name: &str) -> Option<impl Iterator<Item = &str>> {
        let is_scope = SCOPES.contains(&name);
        let words = move |it: &'_ str| is_scope && it.contains(' ');
        self.get(name).map(|value| {
            texts(value).flat_map(move |it| {
                let words = words(it).then(|| it.split(' ').filter(|it| !it.is_empty()));
                std::iter::once(it).chain(words.into_iter().flatten())
            })
        })
    }

    /// The scopes of this door that the token names, where it names any: other issuers have words of
    /// their own among them, which mean nothing here.
    pub(crate) fn scopes(&self) -> Result<Option<TokenScopes>, Defect> {
        let words = SCOPES.iter().filter_map(|name| self.get(name)).flat_map(texts);
        let words = words.flat_map(|it| it.split(' '));
        let ours = words.filter(|it| it.starts_with("collection:") || it.starts_with("role:"));
        let ours: Vec<_> = ours.take(SCOPES_MAX + 1).collect();
        if ours.len() > SCOPES_MAX {
            return Err(Defect::Scope);
        }
        let scopes: Result<TokenScopes, _> = ours.into_iter().map(TokenScope::parse).collect();
        let scopes = scopes.map_err(|_| Defect::Scope)?;
        Ok(Some(scopes).filter(|it| !it.is_empty()))
    }

    /// Until when the token holds, if it holds `now`.
    pub(crate) fn expiry(&self, now: Timestamp) -> Result<Timestamp, Defect> {
        self.end(now)?.ok_or(Defect::Claim("exp"))
    }

    /// Until when what is said holds, if it holds `now` and says so.
    pub(crate) fn end(&self, now: Timestamp) -> Result<Option<Timestamp>, Defect> {
        let expires = self.time("exp")?;
        if expires.is_some_and(|it| it <= now) {
            return Err(Defect::Expired);
        }
        for name in ["nbf", "iat"] {
            if self.time(name)?.is_some_and(|it| it > now.plus(LEEWAY)) {
                return Err(Defect::NotYet(name));
            }
        }
        Ok(expires)
    }

    /// A wrong type is refused and never treated as absent (CVE-2026-25537). A fraction is allowed
    /// by RFC 7519 section 2, and cut off.
    pub(crate) fn time(&self, name: &'static str) -> Result<Option<Timestamp>, Defect> {
        let number = match self.get(name) {
            None => return Ok(None),
            Some(Value::Number(number)) => number,
            Some(_) => return Err(Defect::Time(name)),
        };
        let seconds = number.as_i64().or_else(|| {
            let whole = Duration::try_from_secs_f64(number.as_f64()?).ok()?;
            i64::try_from(whole.as_secs()).ok()
        });
        match seconds {
            Some(seconds @ 0..=SECONDS_MAX) => Ok(Some(Timestamp::from_seconds(seconds))),
            _ => Err(Defect::Time(name)),
        }
    }

    /// The user and the actors.
    pub(crate) fn subject(&self) -> Result<Subject, Defect> {
        let subject = self.name("sub")?;
        let is_client = CLIENTS.into_iter().try_fold(false, |is, name| {
            let client = self.name(name)?;
            // Auth0 writes CLIENT@clients where there is no person.
            let named = subject.map(|it| it.strip_suffix("@clients").unwrap_or(it));
            Ok(is || (client.is_some() && (client == subject || client == named)))
        })?;
        // Entra names an application's own object, and says apart that it is no person.
        let is_client = is_client || self.get("idtyp").is_some_and(|it| it == "app");
        let user = subject.filter(|_| !is_client).map(str::to_owned);
        Ok(Subject { user, actors: self.actors()? })
    }

    fn name(&self, claim: &'static str) -> Result<Option<&str>, Defect> {
        self.text(claim, NAME_BYTES_MAX)
    }

    fn actors(&self) -> Result<Vec<String>, Defect> {
        let mut actors = Vec::new();
        let mut next = self.get("act");
        while let Some(act) = next {
            let name = act.get("sub").and_then(|it| bounded(it, NAME_BYTES_MAX));
            let name = name.ok_or(Defect::Actors)?;
            if actors.len() == ACTORS_MAX {
                return Err(Defect::Actors);
            }
            actors.push(name.to_owned());
            next = act.get("act");
        }
        Ok(actors)
    }
}

fn bounded(value: &Value, bytes_max: usize) -> Option<&str> {
    value.as_str().filter(|it| (1..=bytes_max).contains(&it.len()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claims(value: Value) -> Claims {
        match value {
            Value::Object(members) => Claims::new(members),
            _ => panic!("not an object: {value}"),
        }
    }

    #[test]
    fn a_token_that_is_not_bearable_now_is_refused() {
        let now = Timestamp::from_seconds(1_000);
        for (value, want) in [
            (json!({"exp": 1_001}), Ok(1_001)),
            (json!({"exp": 1_001.9}), Ok(1_001)),
            (json!({"exp": 2_000, "nbf": 1_060, "iat": 1_060}), Ok(2_000)),
            (json!({"exp": 2_000, "nbf": 0, "iat": 0.5}), Ok(2_000)),
            (json!({"exp": 253_402_300_799_i64}), Ok(253_402_300_799)),
            (json!({"exp": 1_000}), Err(Defect::Expired)),
            (json!({"exp": 1_000.9}), Err(Defect::Expired)),
            (json!({"exp": 0}), Err(Defect::Expired)),
            (json!({}), Err(Defect::Claim("exp"))),
            (json!({"exp": "2000"}), Err(Defect::Time("exp"))),
            (json!({"exp": null}), Err(Defect::Time("exp"))),
            (json!({"exp": true}), Err(Defect::Time("exp"))),
            (json!({"exp": [2_000]}), Err(Defect::Time("exp"))),
            (json!({"exp": -1}), Err(Defect::Time("exp"))),
            (json!({"exp": -0.5}), Err(Defect::Time("exp"))),
            (json!({"exp": 253_402_300_800_i64}), Err(Defect::Time("exp"))),
            (json!({"exp": u64::MAX}), Err(Defect::Time("exp"))),
            (json!({"exp": 1e300}), Err(Defect::Time("exp"))),
            (json!({"exp": 2_000, "nbf": 1_061}), Err(Defect::NotYet("nbf"))),
            (json!({"exp": 2_000, "nbf": "0"}), Err(Defect::Time("nbf"))),
            (json!({"exp": 2_000, "nbf": null}), Err(Defect::Time("nbf"))),
            (json!({"exp": 2_000, "iat": 1_061}), Err(Defect::NotYet("iat"))),
            (json!({"exp": 2_000, "iat": "0"}), Err(Defect::Time("iat"))),
        ] {
            let got = claims(value.clone()).expiry(now).map(Timestamp::as_seconds);
            assert_eq!(got, want, "{value}");
        }
    }

    #[test]
    fn an_audience_is_matched_whole() {
        let us: [Box<str>; 2] = ["https://door.example/mcp".into(), "door".into()];
        for (aud, want) in [
            (json!("door"), true),
            (json!(["other", "https://door.example/mcp"]), true),
            (json!("https://door.example/mc"), false),
            (json!("https://door.example/mcp/"), false),
            (json!("https://door.example/mcp/orders"), false),
            (json!("DOOR"), false),
            (json!(""), false),
            (json!([]), false),
            (json!([["door"]]), false),
            (json!({"door": "door"}), false),
            (json!(null), false),
        ] {
            assert_eq!(claims(json!({"aud": aud})).is_for(&us), want, "{aud}");
        }
        assert!(!claims(json!({})).is_for(&us));
    }

    #[test]
    fn the_user_is_the_subject_unless_it_is_the_client() {
        let long = "x".repeat(257);
        let deep =
            |depth| (0..depth).fold(json!({"sub": "a"}), |act, _| json!({"sub": "b", "act": act}));
        for (value, want) in [
            (json!({}), Ok((None, 0))),
            (json!({"sub": "ann"}), Ok((Some("ann"), 0))),
            (json!({"sub": "ann", "client_id": "shop"}), Ok((Some("ann"), 0))),
            (json!({"sub": "shop", "client_id": "shop"}), Ok((None, 0))),
            (json!({"sub": "shop", "azp": "shop", "client_id": "x"}), Ok((None, 0))),
            (json!({"sub": "ann", "act": {"sub": "agent"}}), Ok((Some("ann"), 1))),
            (json!({"sub": "ann", "act": deep(4)}), Ok((Some("ann"), 5))),
            (json!({"sub": "ann", "act": deep(5)}), Err(Defect::Actors)),
            (json!({"sub": "ann", "act": {}}), Err(Defect::Actors)),
            (json!({"sub": "ann", "act": "agent"}), Err(Defect::Actors)),
            (json!({"sub": "ann", "act": {"sub": 1}}), Err(Defect::Actors)),
            (json!({"sub": "ann", "act": null}), Err(Defect::Actors)),
            (json!({"sub": 7}), Err(Defect::Claim("sub"))),
            (json!({"sub": ""}), Err(Defect::Claim("sub"))),
            (json!({"sub": long}), Err(Defect::Claim("sub"))),
            (json!({"sub": "ann", "azp": ["ann"]}), Err(Defect::Claim("azp"))),
        ] {
            let got = claims(value.clone()).subject();
            let got = got.as_ref().map(|it| (it.user.as_deref(), it.actors.len()));
            assert_eq!(got, want.as_ref().map(|it| *it), "{value}");
        }
    }
}
