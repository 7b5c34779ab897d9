//! What a request says beside its path and query, by the names that a tool has for it: for records,
//! which tell what was sent and not only what the document knows.

use http::{HeaderMap, header};
use serde_json::Value;

use crate::{
    Operation,
    bind::Content,
    read::{essence, is_json},
};

/// What a body is called as a whole, where the document has no name for it.
const BODY: &str = "body";

/// How the arguments in a body are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notation {
    /// `application/x-www-form-urlencoded`
    Form,
    /// JSON, under any of its media types.
    Json,
}

impl Notation {
    /// How the arguments in a body with these headers are written; none where they cannot be told.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        if headers.contains_key(header::CONTENT_ENCODING) {
            return None;
        }
        let media_type = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
        if is_json(media_type) {
            return Some(Self::Json);
        }
        (essence(media_type) == "application/x-www-form-urlencoded").then_some(Self::Form)
    }
}

impl Operation {
    /// The parameters that its document has in headers, as far as they are there.
    pub fn in_headers<'a>(
        &'a self,
        headers: &'a HeaderMap,
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.plan.headers.iter().flat_map(|it| {
            let name = self.plan.keys.get(it.parameter.argument).map_or(it.name.as_str(), |it| it);
            let values = headers.get_all(&it.name).iter().filter_map(|it| it.to_str().ok());
            values.map(move |value| (name, value))
        })
    }

    /// What the tool calls this field of a body: what nobody described, by its own name.
    #[must_use]
    pub fn name_of_field<'a>(&'a self, field: &'a str) -> &'a str {
        let fields = match self.plan.body.as_ref().map(|it| &it.content) {
            Some(Content::Fields(fields)) => &**fields,
            Some(Content::Whole(_)) | None => &[],
        };
        let known = fields.iter().find(|it| *it.name == *field);
        known.and_then(|it| self.plan.keys.get(it.argument)).map_or(field, |it| it)
    }

    /// What a body of this JSON says, by name: its members, or all of it under one name. Two may have
    /// the same, where one is called as the document calls the other.
    #[must_use]
    pub fn arguments_of_body(&self, body: Value) -> Vec<(String, Value)> {
        let whole = match self.plan.body.as_ref().map(|it| &it.content) {
            Some(Content::Whole(argument)) => self.plan.keys.get(*argument).map(|it| &**it),
            Some(Content::Fields(_)) | None => None,
        };
        match (whole, body) {
            (None, Value::Object(members)) => {
                let members = members.into_iter();
                members.map(|(name, value)| (self.name_of_field(&name).to_owned(), value)).collect()
            }
            (name, body) => vec![(name.unwrap_or(BODY).to_owned(), body)],
        }
    }
}
