//! What of a record's line can be searched, read without making a tree of it.

use std::borrow::Cow;

use model::Timestamp;
use serde::Deserialize;

use super::Field;

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
    arguments_digest: Cow<'a, str>,
}

impl<'a> Members<'a> {
    /// Reads the line of a record; `None` where it is none.
    pub(crate) fn read(line: &'a [u8]) -> Option<Self> {
        // Looked at as text once: by pieces it would take longer.
        serde_json::from_str(std::str::from_utf8(line).ok()?).ok()
    }

    /// When it happened.
    pub(crate) fn time(&self) -> Option<Timestamp> {
        Timestamp::parse(&self.time).ok()
    }

    /// The value of a member, as text.
    pub(crate) fn value(&self, field: Field) -> Option<Cow<'_, str>> {
        let text = match field {
            Field::Status => return self.status.map(|it| Cow::Owned(it.to_string())),
            Field::ArgumentsDigest => &self.arguments_digest,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_that_can_be_searched_is_read() {
        let line = br#"{"seq":0,"time":"2026-11-23T00:00:00.000000Z","id":"i","kind":"call",
            "event":"e","surface":"mcp","client":"c","profile":"p","user":"u\n","credential":"k",
            "operation":"o","arguments":{"a":1},"arguments_digest":"d","outcome":"answered","decision":"allow",
            "status":200,"other":[{}]}"#;
        let members = Members::read(line).unwrap();
        assert_eq!(members.time(), Some(Timestamp::from_seconds(1_795_392_000)));
        let values = Field::ALL.map(|it| members.value(it).unwrap().into_owned());
        assert_eq!(
            values,
            ["d", "c", "k", "allow", "e", "i", "call", "o", "answered", "p", "200", "mcp", "u\n"]
        );
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
