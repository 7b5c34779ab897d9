//! `list_grants` and `revoke_grants`: what clients were given, for people or for themselves.

use std::sync::Arc;

use http::Method;
use model::{Effect, ProfileId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use state::Kind;

use crate::{
    Admin, Call, GrantSelection, GrantState, GrantView, Grants, authority,
    failure::Failure,
    operation::{NoBody, Operation},
    page::PageSize,
    reply::Reply,
    working::Working,
};

/// Most grants that are read at once, for a caller who is bounded: those within reach end one by one.
const READ_AT_ONCE_MAX: u32 = 1_000;

/// Lists grants.
#[derive(Debug)]
pub(crate) struct List;

/// Which ones.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    /// Those for this person: `local:ann`, or the issuer that signed them in and their `sub` there.
    #[schemars(length(max = 512))]
    person: Option<String>,
    /// Those of this client, as it knows itself: a profile, the URL of its document, or `dyn-…`.
    #[schemars(length(max = 1024))]
    client: Option<String>,
    /// Those with this profile.
    #[schemars(length(max = 200))]
    profile: Option<String>,
    /// `true`: also those that were revoked or have expired, which are kept for a while.
    ended: Option<bool>,
    /// Goes on behind the page that ended with this `next`.
    #[schemars(length(max = 200))]
    cursor: Option<String>,
    /// Most entries that are looked at for a page; 100 where it is not said.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u16>,
}

/// One page. It can be shorter than asked for and have a next one: what has ended, or is out of reach, is
/// left out.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Page {
    /// The grants, by id.
    items: Vec<GrantView>,
    /// The cursor of the next page, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl Operation for List {
    const NAME: &'static str = "list_grants";
    const COMMAND: [&'static str; 2] = ["grant", "list"];
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/grants";
    const EFFECT: Effect = Effect::Read;
    const SUMMARY: &'static str = "List what clients were given, and for whom";
    const DESCRIPTION: &'static str = "All tokens that a client got for a person by one consent, or by one assertion, belong to one grant and end with it. Tokens that a client gets for itself belong to none: they end with its credential.";
    type Parameters = Which;
    type Body = NoBody;
    type Output = Page;

    async fn run(
        admin: &Admin,
        call: &Call,
        which: Which,
        _: NoBody,
    ) -> Result<Reply<Page>, Failure> {
        let Which { person, client, profile, ended, cursor, limit } = which;
        let of = GrantSelection { id: None, person, client, profile };
        let size = PageSize::of(limit);
        let found = given(admin)?.list(&of, cursor.as_deref(), size.and_one()).await?;
        let (mut items, next) = size.cut(found, |it| it.id.clone());
        let working = admin.working();
        items.retain(|it| {
            (ended == Some(true) || it.state == GrantState::Good)
                && reaches(call, &working, &it.profile)
        });
        Ok(Reply::of(Page { items, next }))
    }
}

/// Ends grants.
#[derive(Debug)]
pub(crate) struct Revoke;

/// Which ones: all that is said has to fit.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Those {
    /// The one of this id.
    #[schemars(length(min = 1, max = 200))]
    id: Option<String>,
    /// Those for this person: `local:ann`, or the issuer that signed them in and their `sub` there.
    #[schemars(length(min = 1, max = 512))]
    person: Option<String>,
    /// Those of this client, as it knows itself: a profile, the URL of its document, or `dyn-…`.
    #[schemars(length(min = 1, max = 1024))]
    client: Option<String>,
    /// Those with this profile.
    #[schemars(length(min = 1, max = 200))]
    profile: Option<String>,
}

/// What has ended.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Ended {
    /// How many were good until now.
    revoked: usize,
    /// Their ids.
    grants: Vec<String>,
}

impl Operation for Revoke {
    const NAME: &'static str = "revoke_grants";
    const COMMAND: [&'static str; 2] = ["grant", "revoke"];
    const METHOD: Method = Method::DELETE;
    const PATH: &'static str = "/grants";
    const EFFECT: Effect = Effect::Destructive;
    const SUMMARY: &'static str = "End what clients were given, with all its tokens";
    const DESCRIPTION: &'static str = "One grant, or all that fit: of a person, of a client, with a profile. Access and refresh tokens are refused on every replica within a second, and calls under way are cut. The person can allow it anew: to keep a client or a person out, stop it.";
    type Parameters = Those;
    type Body = NoBody;
    type Output = Ended;

    async fn run(
        admin: &Admin,
        call: &Call,
        those: Those,
        _: NoBody,
    ) -> Result<Reply<Ended>, Failure> {
        let Those { id, person, client, profile } = those;
        let of = GrantSelection { id, person, client, profile };
        let GrantSelection { id, person, client, profile } = &of;
        if [id, person, client, profile].into_iter().all(Option::is_none) {
            let help = "name one of id, person, client and profile";
            return Err(Failure::field("parameters", "nothing says which grants", help));
        }
        let given = given(admin)?;
        let grants = match call.reach.is_everywhere() {
            true => given.revoke(&of).await?,
            false => revoke_within(admin, call, &*given, &of).await?,
        };
        Ok(Reply::of(Ended { revoked: grants.len(), grants }))
    }
}

/// Ends those that are within the caller's reach, one by one.
async fn revoke_within(
    admin: &Admin,
    call: &Call,
    given: &dyn Grants,
    of: &GrantSelection,
) -> Result<Vec<String>, Failure> {
    let working = admin.working();
    let mut ended = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = given.list(of, after.as_deref(), READ_AT_ONCE_MAX).await?;
        let good = page.iter().filter(|it| it.state == GrantState::Good);
        for grant in good.filter(|it| reaches(call, &working, &it.profile)) {
            let one = GrantSelection { id: Some(grant.id.clone()), ..GrantSelection::default() };
            ended.extend(given.revoke(&one).await?);
        }
        match page.last().filter(|_| of.id.is_none()) {
            Some(last) => after = Some(last.id.clone()),
            None => return Ok(ended),
        }
    }
}

/// What people and clients were given.
///
/// # Errors
/// `Conflict` where this door gives nothing.
pub(super) fn given(admin: &Admin) -> Result<Arc<dyn Grants>, Failure> {
    admin.plane.grants().ok_or_else(|| {
        let detail = "this door gives no tokens: see [oauth] in docs/configuration.md";
        Failure::Conflict(detail.to_owned())
    })
}

/// Whether what was given with `profile` is within the caller's reach: as its client is.
pub(super) fn reaches(call: &Call, working: &Working, profile: &str) -> bool {
    let profile = ProfileId::parse(profile);
    call.reach.is_everywhere()
        || profile.is_ok_and(|it| authority::reaches(call, working, Kind::Client, it.client()))
}
