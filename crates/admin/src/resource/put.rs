//! `put_…`: writes a document, whole.

use std::marker::PhantomData;

use http::Method;
use model::Effect;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use state::Kind;

use super::{Document, Item, Resource, shown, stop};
use crate::{
    Admin, Call, DepartedView, authority,
    change::Plan,
    failure::Failure,
    operation::Operation,
    reply::Reply,
    working::{Working, hidden},
};

/// Writes one document.
#[derive(Debug)]
pub(crate) struct Put<R>(PhantomData<fn() -> R>);

/// Which one, and under which condition.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Target {
    /// The id. It stays what it is: a document under another id is another one.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9_-]{0,62}$"))]
    pub(crate) id: String,
    /// Why, for the revision.
    #[schemars(length(max = 500))]
    pub(crate) reason: Option<String>,
    /// Only if this is still its version.
    #[serde(rename = "If-Match")]
    #[schemars(length(max = 200))]
    pub(crate) if_match: Option<String>,
    /// `*`: only if there is none yet.
    #[serde(rename = "If-None-Match")]
    #[schemars(regex(pattern = r"^\*$"))]
    pub(crate) if_none_match: Option<String>,
}

impl Target {
    /// Whether the document is as the caller last saw it (RFC 9110 section 13.1).
    ///
    /// # Errors
    /// `Changed` where it is not.
    pub(crate) fn check(&self, etag: Option<&str>) -> Result<(), Failure> {
        let fits = |wanted: &String| {
            let wanted = wanted.split(',').map(str::trim);
            etag.is_some_and(|etag| wanted.into_iter().any(|it| it == "*" || it == etag))
        };
        if self.if_match.as_ref().is_some_and(|it| !fits(it)) {
            let is = etag.unwrap_or("not there");
            return Err(Failure::Changed(format!("it is {is} now: read it again")));
        }
        if self.if_none_match.is_some() && etag.is_some() {
            return Err(Failure::Changed("there is one already".to_owned()));
        }
        Ok(())
    }
}

/// A document as it was written.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(bound = "")]
#[schemars(bound = "R: Resource")]
pub(crate) struct Written<R> {
    /// Its id.
    id: String,
    /// Its version, for `If-Match`.
    etag: String,
    /// The document.
    document: Document<R>,
    /// What ended with it: what was given to a person who is disabled, or has another password.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<DepartedView>,
}

impl<R: Resource> Operation for Put<R> {
    const NAME: &'static str = R::PUT;
    const COMMAND: [&'static str; 2] = [R::NOUN, "put"];
    const METHOD: Method = Method::PUT;
    const PATH: &'static str = R::ONE;
    const EFFECT: Effect = Effect::Write;
    const SUMMARY: &'static str = R::PUT_SUMMARY;
    const DESCRIPTION: &'static str = "The document replaces the one that is there, or makes a new one. Everything that is wrong with it is told at once, and then nothing is changed.";
    type Parameters = Target;
    type Body = Document<R>;
    type Output = Written<R>;

    async fn run(
        admin: &Admin,
        call: &Call,
        target: Target,
        body: Document<R>,
    ) -> Result<Reply<Written<R>>, Failure> {
        let plan = |working: &Working| plan::<R>(working, call, &target, &body);
        let (after, ended) = admin.change_people(call, plan).await?;
        let Reply { value, etag: version } = shown::<R>(&after, call, &target.id)?;
        let Item { id, etag, document } = value;
        Ok(Reply { value: Written { id, etag, document, ended }, etag: version })
    }
}

fn plan<R: Resource>(
    working: &Working,
    call: &Call,
    target: &Target,
    body: &Document<R>,
) -> Result<Plan, Failure> {
    let Target { id, reason, .. } = target;
    let found = working.document(R::KIND, id);
    let is_foreign = found.is_some() && !authority::reaches(call, working, R::KIND, id);
    if is_foreign {
        // First what would be said were it not there.
        target.check(None)?;
        return Err(Failure::no_such(R::NOUN, id));
    }
    target.check(found.map(|(path, _)| working.etag(path)).as_deref())?;
    let path = found.map_or_else(|| R::KIND.path(id), |(path, _)| path.to_owned());
    let before = found.map(|(_, text)| text);
    let mut value = kept::<R>(body, before)?;
    if R::KIND == Kind::Stop {
        stop::sign(&mut value, before, call)?;
    }
    let text = state::document(R::KIND, id, &value);
    let plan = Plan::file(&path, Some(text), reason.clone());
    Ok(Plan { body: Some(path), ..plan })
}

/// The body, with what it cannot say: the HMAC of a key that is there stays, and the hash of a
/// password where no other is sent.
fn kept<R: Resource>(
    body: &Document<R>,
    before: Option<&str>,
) -> Result<serde_json::Value, Failure> {
    let mut value = body.0.clone();
    let kind = value.get("kind").and_then(serde_json::Value::as_str);
    let is_key = R::KIND != Kind::Credential || matches!(kind, Some("api_key" | "client_secret"));
    let Some(name) = hidden(R::KIND).filter(|_| is_key) else { return Ok(value) };
    let stays = R::KIND == Kind::Credential || value.get(name).is_none();
    if stays && let (Some(before), Some(object)) = (before, value.as_object_mut()) {
        let before = state::to_json(before).map_err(|(_, message)| Failure::internal(&message))?;
        if let Some(known) = before.get(name) {
            object.insert(name.to_owned(), known.clone());
        }
    }
    Ok(value)
}
