//! One collection, compiled: what every snapshot shares for as long as it is declared the same.

use std::sync::Arc;

use contract::Document;
use model::{Collection, CollectionId, Lifecycle, Place};

use super::{Destination, Route, Withheld};

/// A collection, compiled.
pub(crate) struct Shelf {
    /// What it was compiled of.
    pub(super) from: Arc<Collection>,
    pub(super) destination: Destination,
    /// Empty for the root.
    pub(crate) base: String,
    pub(crate) document: Document,
    pub(super) drafts: Vec<Draft>,
    /// What its document has besides.
    pub(super) withheld: Vec<Withheld>,
}

/// An operation that has no position and no tool yet.
pub(super) struct Draft {
    pub(super) route: Route,
    /// Where to say what is wrong with it.
    pub(super) place: Place,
}

impl Shelf {
    pub(crate) fn id(&self) -> &CollectionId {
        &self.from.id
    }

    /// Whether its operations are carried out in this process.
    pub(crate) fn is_local(&self) -> bool {
        self.destination.is_local()
    }

    /// Whether it is management.
    pub(crate) fn is_management(&self) -> bool {
        self.is_local() && self.id().is_own()
    }

    /// Whether anybody can see it.
    pub(super) fn is_published(&self) -> bool {
        self.from.state != Lifecycle::Draft
    }

    /// Whether compiling this would give the same.
    pub(super) fn is_of(&self, collection: &Arc<Collection>, destination: &Destination) -> bool {
        Arc::ptr_eq(&self.from, collection) && self.destination.is(destination)
    }
}
