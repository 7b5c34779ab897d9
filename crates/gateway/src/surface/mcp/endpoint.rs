//! Which tools an endpoint has: all that the caller may call, or one collection's.

use model::{Audience, CollectionId, Refusal, RefusalKind};

use crate::{Entrance, Snapshot, snapshot::Route};

/// An address of the MCP surface.
#[derive(Debug, Clone)]
pub(super) enum Endpoint {
    /// `/mcp`: every collection.
    All,
    /// `/mcp/{collection}`: one.
    Collection(CollectionId),
}

impl Endpoint {
    /// The endpoint at this path.
    ///
    /// # Errors
    /// `NotFound` where there is none.
    pub(super) fn of(snapshot: &Snapshot, entrance: Entrance, path: &str) -> Result<Self, Refusal> {
        let unknown = || Refusal::new(RefusalKind::NotFound, "there is no such collection");
        let Some(rest) = path.strip_prefix("/mcp") else { return Err(unknown()) };
        match rest.strip_prefix('/') {
            None | Some("") => Ok(Self::All),
            Some(name) => {
                match snapshot.shelf(name).filter(|it| entrance.has(it.is_management())) {
                    Some(shelf) => Ok(Self::Collection(shelf.id().clone())),
                    None => Err(unknown()),
                }
            }
        }
    }

    /// What a token has to be for.
    pub(super) fn audience(&self) -> Audience {
        match self {
            Self::All => Audience::Door,
            Self::Collection(id) => Audience::Collection(id.clone()),
        }
    }

    /// Whether an operation is among its tools.
    pub(super) fn has(&self, route: &Route) -> bool {
        match self {
            Self::All => true,
            Self::Collection(id) => route.operation.collection == *id,
        }
    }
}
