//! What of a record's line can be searched, read without making a tree of it.

use std::borrow::Cow;

use aws_lc_rs::digest::{SHA256, digest};
use model::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Field;
use crate::Hash;

/// What of a record's line can be searched. What is not there is empty: no member that is written is.
// Not `Option<Cow>`: serde borrows for a bare `Cow` only, and this is read for every line.
#[derive(Debug, Deserialize)]
pub(crate) struct Members<'a> {
    #[serde(borrow)]
    time: Cow<'a, str>,
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    id: Cow<'a, str>,
    #[serde(borrow, default)]
    event: Cow<'a, str>,
    #[serde(borrow, default)]
    surface: Cow<'a, str>,
    #[serde(borrow, default)]
    client: Cow<'a, str>,
    #[serde(borrow, default)]
    profile: Cow<'a, str>,
    #[serde(borrow, default)]
    user: Cow<'a, str>,
    #[serde(borrow, default)]
    credential: Cow<'a, str>,
    #[serde(borrow, default)]
    operation: Cow<'a, str>,
    #[serde(borrow, default)]
    outcome: Cow<'a, str>,
    #[serde(borrow, default)]
    decision: Cow<'a, str>,
    #[serde(default)]
    status: Option<u16>,
    #[serde(borrow, default)]
    arguments: Option<&'a RawValue>,
}

impl<'a> Members<'a> {
    /// Reads the line of a record; `None` where it is none.
    pub(crate) fn read(line: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(line).ok()
    }

    /// When it happened.
    pub(crate) fn time(&self) -> Option<Timestamp> {
        Timestamp::parse(&self.time).ok()
    }

    /// The value of a member, as text.
    pub(crate) fn value(&self, field: Field) -> Option<Cow<'_, str>> {
        let text = match field {
            Field::Arguments => return self.arguments.map(|it| Cow::Owned(digest_of(it.get()))),
            Field::Status => return self.status.map(|it| Cow::Owned(it.to_string())),
            Field::Client => &self.client,
            Field::Credential => &self.credential,
            Field::Decision => &self.decision,
            Field::Event => &self.event,
            Field::Id => &self.id,
            Field::Kind => &self.kind,
            Field::Operation => &self.operation,
            Field::Outcome => &self.outcome,
            Field::Profile => &self.profile,
            Field::Surface => &self.surface,
            Field::User => &self.user,
        };
        (!text.is_empty()).then_some(Cow::Borrowed(&**text))
    }
}

/// What arguments are found by that nobody wants to write down again.
fn digest_of(arguments: &str) -> String {
    let digest = digest(&SHA256, arguments.as_bytes());
    digest.as_ref().try_into().map(|it| Hash::from_bytes(it).to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_that_can_be_searched_is_read() {
        let line = br#"{"seq":0,"time":"2026-11-23T00:00:00.000000Z","id":"i","kind":"call",
            "event":"e","surface":"mcp","client":"c","profile":"p","user":"u\n","credential":"k",
            "operation":"o","arguments":{"a": 1},"outcome":"answered","decision":"allow",
            "status":200,"other":[{}]}"#;
        let members = Members::read(line).unwrap();
        assert_eq!(members.time(), Some(Timestamp::from_seconds(1_795_392_000)));
        let values = Field::ALL.map(|it| members.value(it).unwrap().into_owned());
        // printf '{"a": 1}' | sha256sum
        let digest = "f9d86028c6e0d64e225186f96acb69338b2c59764df79162107f5c4bb34d1310";
        assert_eq!(
            values[1..],
            ["c", "k", "allow", "e", "i", "call", "o", "answered", "p", "200", "mcp", "u\n"]
        );
        assert_eq!(values[0], digest);
    }

    #[test]
    fn what_is_not_there_has_no_value_and_no_record_is_none() {
        let members = Members::read(br#"{"time":"x","kind":"log"}"#).unwrap();
        assert_eq!(members.time(), None);
        assert_eq!(Field::ALL.iter().filter(|it| members.value(**it).is_some()).count(), 1);
        for bad in ["", "{}", r#"{"time":"x"}"#, r#"{"time":"x","kind":"call","status":"200"}"#] {
            assert!(Members::read(bad.as_bytes()).is_none(), "{bad}");
        }
    }
}
