//! `list_registrations` and `delete_registration`: clients that nobody registered.

use http::Method;
use model::Effect;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::grant::given;
use crate::{
    Admin, Call, RegistrationView, authority,
    failure::Failure,
    operation::{NoBody, Operation},
    page::PageSize,
    reply::Reply,
    resource::ById,
};

/// Whom these clients belong to.
const NOBODYS: &str = "clients that nobody registered belong to nobody";

/// Lists them.
#[derive(Debug)]
pub(crate) struct List;

/// Which page.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    /// Goes on behind the page that ended with this `next`.
    #[schemars(length(max = 1024))]
    cursor: Option<String>,
    /// Most entries of a page; 100 where it is not said.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u16>,
}

/// One page.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Page {
    /// The clients, by id.
    items: Vec<RegistrationView>,
    /// The cursor of the next page, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl Operation for List {
    const NAME: &'static str = "list_registrations";
    const COMMAND: [&'static str; 2] = ["registration", "list"];
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/registrations";
    const EFFECT: Effect = Effect::Read;
    const SUMMARY: &'static str = "List clients that nobody registered";
    const DESCRIPTION: &'static str = "Those that registered themselves, with the age and the end of the secret that they were given, and those with a document, which an admission let in and which hold grants.";
    type Parameters = Which;
    type Body = NoBody;
    type Output = Page;

    async fn run(
        admin: &Admin,
        call: &Call,
        which: Which,
        _: NoBody,
    ) -> Result<Reply<Page>, Failure> {
        authority::ensure_everywhere(call, NOBODYS)?;
        let Which { cursor, limit } = which;
        let size = PageSize::of(limit);
        let found = given(admin)?.registrations(cursor.as_deref(), size.and_one()).await?;
        let (items, next) = size.cut(found, |it| it.client.clone());
        Ok(Reply::of(Page { items, next }))
    }
}

/// Forgets one.
#[derive(Debug)]
pub(crate) struct Delete;

/// What is gone.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Deleted {
    /// The client.
    id: String,
    /// How many grants ended with it.
    grants: usize,
}

impl Operation for Delete {
    const NAME: &'static str = "delete_registration";
    const COMMAND: [&'static str; 2] = ["registration", "delete"];
    const METHOD: Method = Method::DELETE;
    const PATH: &'static str = "/registrations/{id}";
    const EFFECT: Effect = Effect::Destructive;
    const SUMMARY: &'static str = "Forget a client that registered itself";
    const DESCRIPTION: &'static str = "With its secret and all that it was given. It does not come back by itself: whoever registers anew is another client, which a person has to allow anew. One with a document has nothing to delete: stop it by its client_id, and revoke its grants.";
    type Parameters = ById;
    type Body = NoBody;
    type Output = Deleted;

    async fn run(
        admin: &Admin,
        call: &Call,
        by: ById,
        _: NoBody,
    ) -> Result<Reply<Deleted>, Failure> {
        authority::ensure_everywhere(call, NOBODYS)?;
        match given(admin)?.delete_registration(&by.id).await? {
            (true, grants) => Ok(Reply::of(Deleted { id: by.id, grants })),
            (false, _) => Err(Failure::no_such("registration", &by.id)),
        }
    }
}
