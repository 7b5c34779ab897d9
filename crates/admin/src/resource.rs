//! Nouns of desired state as resources: listed, shown, written and deleted as whole documents.

mod delete;
mod get;
mod list;
mod put;
mod stop;

use std::{borrow::Cow, marker::PhantomData};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use state::Kind;

pub(crate) use self::{
    delete::Delete,
    get::{Get, shown},
    list::List,
    put::{Put, Target},
};

/// A noun whose documents are managed.
pub(crate) trait Resource: Send + Sync + 'static {
    /// Which.
    const KIND: Kind;
    /// The word for one, on the command line.
    const NOUN: &'static str;
    /// Names and paths of the four operations.
    const LIST: &'static str;
    const GET: &'static str;
    const PUT: &'static str;
    const DELETE: &'static str;
    const ALL: &'static str;
    const ONE: &'static str;
    /// In a few words, for the summaries.
    const LIST_SUMMARY: &'static str;
    const GET_SUMMARY: &'static str;
    const PUT_SUMMARY: &'static str;
    const DELETE_SUMMARY: &'static str;
    /// The shape of the document, for schemas.
    type Document: JsonSchema;
}

macro_rules! resource {
    ($name:ident, $noun:literal, $nouns:literal, $article:literal) => {
        #[doc = concat!("Documents of ", $nouns, ".")]
        #[derive(Debug)]
        pub(crate) struct $name;

        impl Resource for $name {
            const KIND: Kind = Kind::$name;
            const NOUN: &'static str = $noun;
            const LIST: &'static str = concat!("list_", $nouns);
            const GET: &'static str = concat!("get_", $noun);
            const PUT: &'static str = concat!("put_", $noun);
            const DELETE: &'static str = concat!("delete_", $noun);
            const ALL: &'static str = concat!("/", $nouns);
            const ONE: &'static str = concat!("/", $nouns, "/{id}");
            const LIST_SUMMARY: &'static str = concat!("List ", $nouns);
            const GET_SUMMARY: &'static str = concat!("Show ", $article, " ", $noun);
            const PUT_SUMMARY: &'static str = concat!("Write ", $article, " ", $noun, ", whole");
            const DELETE_SUMMARY: &'static str = concat!("Delete ", $article, " ", $noun);
            type Document = crate::document::$name;
        }
    };
}

resource!(Admission, "admission", "admissions", "an");
resource!(Client, "client", "clients", "a");
resource!(Collection, "collection", "collections", "a");
resource!(Credential, "credential", "credentials", "a");
resource!(Guard, "guard", "guards", "a");
resource!(Issuer, "issuer", "issuers", "an");
resource!(Limit, "limit", "limits", "a");
resource!(Role, "role", "roles", "a");
resource!(Secret, "secret", "secrets", "a");
resource!(Stop, "stop", "stops", "a");
resource!(Upstream, "upstream", "upstreams", "an");
resource!(User, "user", "users", "a");

/// Which one.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ById {
    /// The id.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9_-]{0,62}$"))]
    pub(crate) id: String,
}

/// A document as it is shown.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(bound = "")]
#[schemars(bound = "R: Resource")]
pub(crate) struct Item<R> {
    /// Its id.
    pub(crate) id: String,
    /// Its version, for `If-Match`.
    pub(crate) etag: String,
    /// The document.
    pub(crate) document: Document<R>,
}

/// A document: JSON of the same shape as the YAML in the state folder.
#[derive(Debug)]
pub(crate) struct Document<R>(pub(crate) Value, PhantomData<fn() -> R>);

impl<R> Document<R> {
    pub(crate) fn new(value: Value) -> Self {
        Self(value, PhantomData)
    }
}

impl<R> Serialize for Document<R> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, R> Deserialize<'de> for Document<R> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self::new)
    }
}

impl<R: Resource> JsonSchema for Document<R> {
    fn schema_name() -> Cow<'static, str> {
        Cow::Owned(format!("{:?}", R::KIND))
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        R::Document::json_schema(generator)
    }
}
