//! `query_audit`: records of the audit log.

use audit::{Field, Filter, Order, Question, query::USUAL_KINDS};
use http::Method;
use model::{Effect, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};

use crate::{
    Admin, Call, authority,
    failure::Failure,
    operation::{NoBody, Operation},
    page::PageSize,
    reply::Reply,
};

/// Queries the audit log.
#[derive(Debug)]
pub(crate) struct Query;

/// Which records: those for which all of this is so.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    /// Of this client.
    #[schemars(length(max = 200))]
    client: Option<String>,
    /// Of this profile: `shop-agent/read`.
    #[schemars(length(max = 200))]
    profile: Option<String>,
    /// On behalf of this user.
    #[schemars(length(max = 2048))]
    user: Option<String>,
    /// With this credential.
    #[schemars(length(max = 200))]
    credential: Option<String>,
    /// Of this operation: `orders.get_order`.
    #[schemars(length(max = 200))]
    operation: Option<String>,
    /// By this surface.
    surface: Option<SurfaceWord>,
    /// With this decision.
    decision: Option<DecisionWord>,
    /// With this HTTP status.
    #[schemars(range(min = 100, max = 599))]
    status: Option<u16>,
    /// Of this kind. Where it is not said, all but the intents of calls, which have outcomes, and what
    /// the log says of itself.
    kind: Option<KindWord>,
    /// Of this event: `credential.issued`.
    #[schemars(length(max = 200))]
    event: Option<String>,
    /// Of the request with this id.
    #[schemars(length(max = 100))]
    request_id: Option<String>,
    /// With arguments that have this digest, as a record shows it.
    #[schemars(length(max = 100))]
    arguments_digest: Option<String>,
    /// With this text in a value, in capital letters or small ones.
    #[schemars(length(min = 1, max = 200))]
    text: Option<String>,
    /// Not before this time (RFC 3339).
    #[schemars(length(max = 50))]
    since: Option<String>,
    /// Before this time (RFC 3339).
    #[schemars(length(max = 50))]
    until: Option<String>,
    /// The newest first where it is not said.
    order: Option<OrderWord>,
    /// Goes on behind the page that ended with this `next`; oldest first, from this number on.
    #[schemars(range(min = 0, max = 9_007_199_254_740_991_u64))]
    cursor: Option<u64>,
    /// Most records of a page; 100 where it is not said.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u16>,
}

/// How a call arrived.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum SurfaceWord {
    Mcp,
    Rest,
}

/// What was decided.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum DecisionWord {
    Allow,
    Deny,
    Error,
    Limit,
}

/// What a record is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum KindWord {
    All,
    Authorization,
    Bodies,
    Call,
    Cut,
    Event,
    Intent,
    List,
    Log,
    Malformed,
    Session,
}

/// In which order records come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum OrderWord {
    Newest,
    Oldest,
}

/// One page.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Records {
    /// The records, as they stand in the log.
    items: Vec<Value>,
    /// The cursor of the next page, where there is one. A page may be short and have one all the same:
    /// the work for it is bounded.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
    /// The number behind the newest record that was there. Oldest first, it is the cursor for what
    /// comes later.
    reached: u64,
    /// How many lines of the log could not be read: `onedoor audit verify` says why.
    unreadable: u64,
}

impl Operation for Query {
    const NAME: &'static str = "query_audit";
    const COMMAND: [&'static str; 2] = ["audit", "query"];
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/audit";
    const EFFECT: Effect = Effect::Read;
    const SUMMARY: &'static str = "Show records of calls";
    const DESCRIPTION: &'static str = "Of the log of this process, newest first. That somebody looked, and for what, is recorded as well.";
    type Parameters = Which;
    type Body = NoBody;
    type Output = Records;

    async fn run(
        admin: &Admin,
        call: &Call,
        which: Which,
        _: NoBody,
    ) -> Result<Reply<Records>, Failure> {
        authority::ensure_everywhere(call, "records tell of everybody's calls")?;
        let question = question(which)?;
        let alone = admin.searching.lock().await;
        let page = admin.plane.records(question).map_err(|error| Failure::internal(&error))?;
        drop(alone);
        let items: Result<_, _> = page.records.iter().map(|it| read(it)).collect();
        Ok(Reply::of(Records {
            items: items.map_err(|error| Failure::internal(&error))?,
            next: page.next,
            reached: page.reached,
            unreadable: page.unreadable,
        }))
    }
}

/// A record as it stands in the log.
fn read(record: &RawValue) -> Result<Value, serde_json::Error> {
    serde_json::from_str(record.get())
}

/// What is asked of the log.
fn question(which: Which) -> Result<Question, Failure> {
    let Which {
        client,
        profile,
        user,
        credential,
        operation,
        surface,
        decision,
        status,
        kind,
        event,
        request_id,
        arguments_digest,
        text,
        since,
        until,
        order,
        cursor,
        limit,
    } = which;
    let one = |field, value: Option<String>| value.map(|it| (field, vec![it]));
    let fields = [
        one(Field::ArgumentsDigest, arguments_digest),
        one(Field::Client, client),
        one(Field::Credential, credential),
        one(Field::Decision, decision.map(word).transpose()?),
        one(Field::Event, event),
        one(Field::Id, request_id.map(|it| it.to_ascii_lowercase())),
        kinds(kind)?,
        one(Field::Operation, operation),
        one(Field::Profile, profile),
        one(Field::Status, status.map(|it| it.to_string())),
        one(Field::Surface, surface.map(word).transpose()?),
        one(Field::User, user),
    ];
    Ok(Question {
        filter: Filter {
            since: time("parameters.since", since.as_deref())?,
            until: time("parameters.until", until.as_deref())?,
            fields: fields.into_iter().flatten().collect(),
            text,
        },
        order: match order {
            Some(OrderWord::Oldest) => Order::OldestFirst,
            Some(OrderWord::Newest) | None => Order::NewestFirst,
        },
        cursor,
        max: PageSize::of(limit).entries(),
        // Whoever has the log knows how far it is.
        reached: u64::MAX,
    })
}

fn kinds(kind: Option<KindWord>) -> Result<Option<(Field, Vec<String>)>, Failure> {
    let kinds = match kind {
        Some(KindWord::All) => return Ok(None),
        Some(kind) => vec![word(kind)?],
        None => USUAL_KINDS.map(str::to_owned).to_vec(),
    };
    Ok(Some((Field::Kind, kinds)))
}

/// The word of a closed set, as it stands in the log.
fn word(value: impl Serialize) -> Result<String, Failure> {
    let value = serde_json::to_value(value).map_err(|error| Failure::internal(&error))?;
    Ok(value.as_str().unwrap_or_default().to_owned())
}

pub(super) fn time(field: &str, text: Option<&str>) -> Result<Option<Timestamp>, Failure> {
    let read = |text| {
        Timestamp::parse(text)
            .map_err(|error| Failure::field(field, error, "write 2027-01-31T12:00:00Z"))
    };
    text.map(read).transpose()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn asked(which: &Value) -> Question {
        question(serde_json::from_value(which.clone()).unwrap()).unwrap()
    }

    #[test]
    fn every_parameter_narrows_what_is_asked_of_the_log() {
        let asked = asked(&json!({
            "client": "c", "profile": "p", "user": "u", "credential": "k", "operation": "o",
            "surface": "mcp", "decision": "deny", "status": 403, "kind": "event", "event": "e",
            "request_id": "00AB", "arguments_digest": "d", "text": "t", "since": "2027-01-31",
            "until": "2027-02-01", "order": "oldest", "cursor": 7, "limit": 3,
        }));
        let fields = [
            (Field::ArgumentsDigest, "d"),
            (Field::Client, "c"),
            (Field::Credential, "k"),
            (Field::Decision, "deny"),
            (Field::Event, "e"),
            (Field::Id, "00ab"),
            (Field::Kind, "event"),
            (Field::Operation, "o"),
            (Field::Profile, "p"),
            (Field::Status, "403"),
            (Field::Surface, "mcp"),
            (Field::User, "u"),
        ];
        let fields = fields.map(|(field, value)| (field, vec![value.to_owned()]));
        assert_eq!(asked.filter.fields, fields);
        assert_eq!(asked.filter.text.as_deref(), Some("t"));
        let day = |text| Timestamp::parse(text).ok();
        assert_eq!(
            (asked.filter.since, asked.filter.until),
            (day("2027-01-31"), day("2027-02-01"))
        );
        assert_eq!((asked.order, asked.cursor, asked.max), (Order::OldestFirst, Some(7), 3));
    }

    #[test]
    fn where_nothing_is_said_intents_and_what_the_log_says_of_itself_are_left_out() {
        let usual = asked(&json!({}));
        assert_eq!((usual.order, usual.cursor, usual.max), (Order::NewestFirst, None, 100));
        let [(Field::Kind, kinds)] = &*usual.filter.fields else { panic!("{usual:?}") };
        assert_eq!(*kinds, USUAL_KINDS);
        assert!(asked(&json!({"kind": "all"})).filter.fields.is_empty());
        for word in ["intent", "log"] {
            let fields = asked(&json!({"kind": word})).filter.fields;
            assert_eq!(fields, [(Field::Kind, vec![word.to_owned()])]);
            assert!(!USUAL_KINDS.contains(&word));
        }
    }
}
