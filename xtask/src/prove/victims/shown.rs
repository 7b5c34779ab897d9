//! What callers show to whom an operator issues credentials: a key, or a token that is got by what they have.

use std::net::Ipv4Addr;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use testkit::ClientKey;

use super::{
    super::{client::Client, door::Addresses},
    AUDIENCE,
    prepared::client,
};

/// How long a token is good: longer than a proof takes, so that none is refused for its age.
pub(super) const LIFETIME: &str = "1h";
/// Who exchanges tokens of others for tokens of its own: a client of the kind `agent`, so that those of
/// agents are stopped with all agents whoever asks.
pub(super) const BROKER: &str = "broker";
/// Ways to show who calls.
pub(super) const WAYS: usize = 6;
const TOKEN: &str = "/oauth/token";
/// What an assertion is called in a form (RFC 7523 section 2.2).
const ASSERTION: &str = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";
/// What an exchange is called in a form (RFC 8693), and what is exchanged there.
const EXCHANGE: &str = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange";
const ACCESS_TOKEN: &str = "urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token";

/// What a caller shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// A token that is got by a signature (`private_key_jwt`).
    Asserted,
    /// A token that is bound to a key (`DPoP`), with a proof of it in each request.
    Bound,
    /// A token of somebody else that was got for the caller's own, which is what ends (RFC 8693).
    Exchanged,
    /// An API key.
    Key,
    /// A token that says nothing: it is looked up.
    Opaque,
    /// A signed token.
    Signed,
}

/// What a caller begins with.
#[derive(Debug)]
pub(super) struct Begun {
    /// The id of the credential that was issued.
    pub(super) credential: String,
    pub(super) bearer: String,
    /// The key that this is bound to.
    pub(super) key: Option<ClientKey>,
}

/// Where credentials are issued, and tokens got by them.
#[derive(Debug)]
pub(super) struct Desk<'a> {
    door: Addresses,
    operator: &'a Client,
    /// How the one who exchanges tokens says who it is, in a form.
    broker: String,
}

impl Shown {
    pub(super) const ALL: [Self; WAYS] =
        [Self::Key, Self::Signed, Self::Opaque, Self::Asserted, Self::Bound, Self::Exchanged];

    /// What those of a turn show.
    pub(super) const fn of(turn: usize) -> Self {
        match turn % WAYS {
            0 => Self::Key,
            1 => Self::Signed,
            2 => Self::Opaque,
            3 => Self::Asserted,
            4 => Self::Bound,
            _ => Self::Exchanged,
        }
    }

    /// What the profiles are called of those who show it.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Asserted => "asserted",
            Self::Bound => "bound",
            Self::Exchanged => "exchanged",
            Self::Key => "key",
            Self::Opaque => "opaque",
            Self::Signed => "signed",
        }
    }

    /// The name of such a profile, with that of its client.
    fn profile(self, client: &str) -> String {
        format!("{client}/{}", self.as_str())
    }

    /// Such a profile, as its client's document has it.
    pub(super) fn document(self) -> Value {
        let tokens = |term: &str, word: &str| {
            let grants = ["client_credentials"];
            let tokens = json!({"grants": grants, "lifetime": LIFETIME, term: word});
            json!({"roles": ["reader"], "tokens": tokens})
        };
        match self {
            Self::Key => json!({"roles": ["reader"]}),
            Self::Opaque => tokens("format", "opaque"),
            Self::Bound => tokens("bound_by", "dpop"),
            Self::Asserted | Self::Exchanged | Self::Signed => tokens("format", "jwt"),
        }
    }

    /// Has a credential issued to a client that shows this, which asks for what it shows from here, if that
    /// is not the credential itself.
    pub(super) fn begin(self, desk: &Desk<'_>, client: &str, from: Ipv4Addr) -> Result<Begun> {
        let profile = self.profile(client);
        if self == Self::Key {
            let issued = desk.issue(&json!({"profile": profile, "kind": "api_key"}))?;
            let (credential, bearer) = (text(&issued, "id")?, text(&issued, "key")?);
            return Ok(Begun { credential, bearer, key: None });
        }
        let (issued, who) = if self == Self::Asserted {
            let key = ClientKey::new();
            let wish = json!({"profile": profile, "kind": "private_key_jwt", "jwks": key.jwks()});
            let issued = desk.issue(&wish)?;
            let assertion = key.assertion(&profile, AUDIENCE);
            let shown = format!("client_assertion_type={ASSERTION}&client_assertion={assertion}");
            (issued, format!("{}&{shown}", named(&profile)))
        } else {
            let issued = desk.issue(&json!({"profile": profile, "kind": "client_secret"}))?;
            let who = by_secret(&profile, &issued)?;
            (issued, who)
        };
        let key = (self == Self::Bound).then(ClientKey::new);
        let form = format!("grant_type=client_credentials&{who}");
        let mut bearer = desk.token(from, &form, key.as_ref())?;
        if self == Self::Exchanged {
            let subject = format!("subject_token={bearer}&subject_token_type={ACCESS_TOKEN}");
            let form = format!("grant_type={EXCHANGE}&{subject}&{}", desk.broker);
            bearer = desk.token(from, &form, None)?;
        }
        let is_opaque = bearer.starts_with("oda_");
        ensure!(is_opaque == (self == Self::Opaque), "a token of another form: {profile}");
        Ok(Begun { credential: text(&issued, "id")?, bearer, key })
    }
}

impl<'a> Desk<'a> {
    /// With a secret for who exchanges tokens.
    pub(super) fn open(door: Addresses, operator: &'a Client) -> Result<Self> {
        let mut desk = Self { door, operator, broker: String::new() };
        let profile = format!("{BROKER}/main");
        let issued = desk.issue(&json!({"profile": profile, "kind": "client_secret"}))?;
        desk.broker = by_secret(&profile, &issued)?;
        Ok(desk)
    }

    fn issue(&self, wish: &Value) -> Result<Value> {
        self.operator.manage("POST", "/credentials", wish)?.done("issue_credential")
    }

    /// A token for this form, bound to `key` where there is one.
    fn token(&self, from: Ipv4Addr, form: &str, key: Option<&ClientKey>) -> Result<String> {
        let nobody = self.door.caller("").from(from);
        let (asks, kind) = match key {
            Some(key) => {
                let proof = key.proof("POST", &format!("{AUDIENCE}{TOKEN}"), None);
                (nobody.proving(&proof), "DPoP")
            }
            None => (nobody, "Bearer"),
        };
        let given = asks.post_form(TOKEN, form)?.done("a token")?;
        ensure!(given.get("token_type") == Some(&json!(kind)), "it is not of {kind}: {given}");
        text(&given, "access_token")
    }
}

/// The client that exchanges tokens.
pub(super) fn broker() -> Value {
    let mut document = client("agent", &[]);
    if let Some(Value::Object(profiles)) = document.get_mut("profiles") {
        let tokens = json!({"grants": ["token_exchange"], "lifetime": LIFETIME});
        profiles.insert("main".to_owned(), json!({"roles": ["reader"], "tokens": tokens}));
    }
    document
}

/// How the client of a profile says in a form who it is.
fn named(profile: &str) -> String {
    format!("client_id={}", profile.replace('/', "%2F"))
}

/// The same by the secret that was issued.
fn by_secret(profile: &str, issued: &Value) -> Result<String> {
    Ok(format!("{}&client_secret={}", named(profile), text(issued, "secret")?))
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
        assert_eq!([0, 1, 2, 3, 4, 5].map(Shown::of), Shown::ALL);
        assert_eq!(Shown::of(7).profile("c7"), "c7/signed");
        for it in Shown::ALL {
            let term = |name: &str| {
                let document = it.document();
                document.pointer(&format!("/tokens/{name}")).cloned()
            };
            let want = match it {
                Shown::Key => (None, None),
                Shown::Bound => (None, Some(json!("dpop"))),
                Shown::Opaque => (Some(json!("opaque")), None),
                Shown::Asserted | Shown::Exchanged | Shown::Signed => (Some(json!("jwt")), None),
            };
            assert_eq!((term("format"), term("bound_by")), want);
        }
        let grants = broker().pointer("/profiles/main/tokens/grants").cloned();
        assert_eq!(grants, Some(json!(["token_exchange"])));
    }
}
