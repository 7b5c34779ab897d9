//! `list_consents` and `revoke_consent`: what people allowed clients.

use http::Method;
use model::Effect;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::grant::{given, reaches};
use crate::{
    Admin, Call, ConsentView,
    failure::Failure,
    operation::{NoBody, Operation},
    page::PageSize,
    reply::Reply,
};

/// Lists consents.
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
    #[schemars(length(max = 4096))]
    cursor: Option<String>,
    /// Most entries that are looked at for a page; 100 where it is not said.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u16>,
}

/// One page. It can be shorter than asked for and have a next one: what is out of reach is left out.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Page {
    /// The consents, by person and client.
    items: Vec<ConsentView>,
    /// The cursor of the next page, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl Operation for List {
    const NAME: &'static str = "list_consents";
    const COMMAND: [&'static str; 2] = ["consent", "list"];
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/consents";
    const EFFECT: Effect = Effect::Read;
    const SUMMARY: &'static str = "List what people allowed clients";
    const DESCRIPTION: &'static str = "What still comes of a consent, list_grants says: grants end, and the consent stays until it is taken back.";
    type Parameters = Which;
    type Body = NoBody;
    type Output = Page;

    async fn run(
        admin: &Admin,
        call: &Call,
        which: Which,
        _: NoBody,
    ) -> Result<Reply<Page>, Failure> {
        let Which { person, cursor, limit } = which;
        let size = PageSize::of(limit);
        let after = cursor.as_deref().map(read_cursor).transpose()?;
        let after = after.as_ref().map(|(person, client)| (person.as_str(), client.as_str()));
        let found = given(admin)?.consents(person.as_deref(), after, size.and_one()).await?;
        let (mut items, next) = size.cut(found, cursor_of);
        let working = admin.working();
        items.retain(|it| reaches(call, &working, &it.profile));
        Ok(Reply::of(Page { items, next }))
    }
}

/// Takes a consent back.
#[derive(Debug)]
pub(crate) struct Revoke;

/// Which one.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct One {
    /// Who allowed it: `local:ann`, or the issuer that signed them in and their `sub` there.
    #[schemars(length(min = 1, max = 512))]
    person: String,
    /// To whom, as it knows itself: a profile, the URL of its document, or `dyn-…`.
    #[schemars(length(min = 1, max = 1024))]
    client: String,
}

/// What was taken back.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TakenBack {
    /// Who had allowed it.
    person: String,
    /// To whom.
    client: String,
    /// How many grants ended with it.
    grants: usize,
}

impl Operation for Revoke {
    const NAME: &'static str = "revoke_consent";
    const COMMAND: [&'static str; 2] = ["consent", "revoke"];
    const METHOD: Method = Method::DELETE;
    const PATH: &'static str = "/consents";
    const EFFECT: Effect = Effect::Destructive;
    const SUMMARY: &'static str = "Take back what a person allowed a client";
    const DESCRIPTION: &'static str = "As the person does it at /oauth/account: all that came of it is refused on every replica within a second, and calls under way are cut. The person can allow it anew.";
    type Parameters = One;
    type Body = NoBody;
    type Output = TakenBack;

    async fn run(
        admin: &Admin,
        call: &Call,
        one: One,
        _: NoBody,
    ) -> Result<Reply<TakenBack>, Failure> {
        let One { person, client } = one;
        let given = given(admin)?;
        let found = given.consent(&person, &client).await?;
        let found = found.filter(|it| reaches(call, &admin.working(), &it.profile));
        if found.is_none() {
            let detail = format!(
                "{person:?} did not allow {client:?} anything, or it is not within your reach"
            );
            return Err(Failure::NotFound(detail));
        }
        let grants = given.revoke_consent(&person, &client).await?;
        Ok(Reply::of(TakenBack { person, client, grants }))
    }
}

/// A person and a client: either may hold any character.
fn cursor_of(consent: &ConsentView) -> String {
    serde_json::json!([consent.person, consent.client]).to_string()
}

fn read_cursor(cursor: &str) -> Result<(String, String), Failure> {
    serde_json::from_str(cursor).map_err(|_| {
        let help = "begin again without a cursor";
        Failure::field("parameters.cursor", "it is none that a page ended with", help)
    })
}
