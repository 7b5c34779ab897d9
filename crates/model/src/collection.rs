//! A collection: operations published together, over one upstream.

use std::{collections::BTreeMap, sync::Arc};

use crate::{CollectionId, Effect, Place, Recording, Upstream};

/// Whether a collection's operations can be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifecycle {
    /// Not yet: nobody sees it.
    Draft,
    /// Now.
    Published,
    /// No longer: calls are answered 410.
    Retired,
}

/// Operations published together: a base path, one upstream, an owner, a state.
#[derive(Debug, Clone, PartialEq)]
pub struct Collection {
    /// Its id.
    pub id: CollectionId,
    /// What people call it; the document's title where none is given.
    pub title: Option<String>,
    /// Who answers for it: a person or a team.
    pub owner: String,
    /// Whether it can be called.
    pub state: Lifecycle,
    /// Where its operations begin on the REST surface: `/orders`, or `/` for the root. No slash at the end.
    pub base: String,
    /// Where its operations are carried out.
    pub upstream: Upstream,
    /// Its OpenAPI document, parsed.
    pub document: Arc<serde_json::Value>,
    /// Where the document stands: its own file, or the place in the collection's.
    pub document_place: Place,
    /// The operations that are published, by their name in the document; all where this is none.
    pub select: Option<Vec<(String, Place)>>,
    /// What is changed, by the operation's name in the document.
    pub overrides: BTreeMap<String, Override>,
    /// What records keep of the calls of all its operations.
    pub recording: Recording,
    /// Where it is declared.
    pub place: Place,
}

/// What a collection changes on an operation of its document.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Override {
    /// Another name.
    pub name: Option<String>,
    /// Another description.
    pub description: Option<String>,
    /// Not published.
    pub is_hidden: bool,
    /// Another effect than the method's.
    pub effect: Option<Effect>,
    /// Whether it names the built-in client `anonymous`, and so is public.
    pub is_public: bool,
    /// What records keep of its calls, before what the collection says.
    pub recording: Recording,
    /// Where this is declared.
    pub place: Place,
}
