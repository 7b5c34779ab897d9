//! `list_sign_ins` and `end_sign_ins`: in which browsers people are signed in at the authorization server.

use http::Method;
use model::Effect;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::grant::given;
use crate::{
    Admin, Call, SignInView, authority,
    failure::Failure,
    operation::{NoBody, Operation},
    page::PageSize,
    reply::Reply,
};

/// What signing in is about.
const FOR_ALL: &str = "people sign in for every client";

/// Lists them.
#[derive(Debug)]
pub(crate) struct List;

/// Which ones.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    /// Those of this person: `local:ann`, or the issuer that signed them in and their `sub` there.
    #[schemars(length(min = 1, max = 512))]
    person: Option<String>,
    /// Goes on behind the page that ended with this `next`.
    #[schemars(length(max = 200))]
    cursor: Option<String>,
    /// Most entries that are looked at for a page; 100 where it is not said.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u16>,
}

/// One page. It can be shorter than asked for and have a next one: what has ended is left out.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Page {
    /// Where people are signed in.
    items: Vec<SignInView>,
    /// The cursor of the next page, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl Operation for List {
    const NAME: &'static str = "list_sign_ins";
    const COMMAND: [&'static str; 2] = ["sign_in", "list"];
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/sign-ins";
    const EFFECT: Effect = Effect::Read;
    const SUMMARY: &'static str = "List the browsers in which people are signed in";
    type Parameters = Which;
    type Body = NoBody;
    type Output = Page;

    async fn run(
        admin: &Admin,
        call: &Call,
        which: Which,
        _: NoBody,
    ) -> Result<Reply<Page>, Failure> {
        authority::ensure_everywhere(call, FOR_ALL)?;
        let Which { person, cursor, limit } = which;
        let limit = PageSize::of(limit).entries();
        let found = given(admin)?.sign_ins(person.as_deref(), cursor.as_deref(), limit).await?;
        let (items, next) = found;
        Ok(Reply::of(Page { items, next }))
    }
}

/// Ends them.
#[derive(Debug)]
pub(crate) struct End;

/// Which ones.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Those {
    /// The one of this id.
    #[schemars(length(min = 1, max = 200))]
    id: Option<String>,
    /// All of this person: `local:ann`, or the issuer that signed them in and their `sub` there.
    #[schemars(length(min = 1, max = 512))]
    person: Option<String>,
}

/// What has ended.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Ended {
    /// In how many browsers somebody was signed in until now.
    ended: usize,
}

impl Operation for End {
    const NAME: &'static str = "end_sign_ins";
    const COMMAND: [&'static str; 2] = ["sign_in", "end"];
    const METHOD: Method = Method::DELETE;
    const PATH: &'static str = "/sign-ins";
    const EFFECT: Effect = Effect::Destructive;
    const SUMMARY: &'static str = "Sign a person out, in one browser or in all";
    const DESCRIPTION: &'static str = "What they allowed clients stays: revoke_grants ends that. To keep them from signing in anew, disable the user, or stop the person.";
    type Parameters = Those;
    type Body = NoBody;
    type Output = Ended;

    async fn run(
        admin: &Admin,
        call: &Call,
        those: Those,
        _: NoBody,
    ) -> Result<Reply<Ended>, Failure> {
        authority::ensure_everywhere(call, FOR_ALL)?;
        let Those { id, person } = those;
        if id.is_none() && person.is_none() {
            let help = "name an id or a person";
            return Err(Failure::field("parameters", "nothing says which", help));
        }
        let ended = given(admin)?.end_sign_ins(id.as_deref(), person.as_deref()).await?;
        Ok(Reply::of(Ended { ended }))
    }
}
