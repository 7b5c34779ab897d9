//! The tables that every call of a moment is decided by: immutable, swapped whole, numbered.

mod compile;
mod route;
mod router;
mod shelf;
mod stops;

use std::{collections::HashMap, fmt, sync::Arc};

use contract::Warning;
use http::Method;
use model::{Collection, TokenBinding};

pub(crate) use compile::{Sources, compile};
pub use route::Route;
pub(crate) use route::{Destination, KeptBodies};
pub(crate) use router::{Found, Router, Withheld};
pub(crate) use shelf::Shelf;
pub(crate) use stops::Stops;

use crate::Entrance;

/// Where each collection shows a caller its own view, below its base. No operation can be there.
pub(crate) const VIEW: &str = "/openapi.json";

/// All tables of one revision. A call takes one and keeps it to its end.
pub struct Snapshot {
    pub(crate) revision: u64,
    pub(crate) directory: identity::Directory,
    pub(crate) rules: policy::Rules,
    pub(crate) guards: policy::Guards,
    pub(crate) stops: Stops,
    /// For the operations of which guards read arguments, by position.
    pub(crate) readers: HashMap<usize, contract::Reader>,
    /// Largest body that is held for a guard.
    pub(crate) body_bytes_max: usize,
    pub(crate) plan: limits::Plan,
    /// By `operation.position`, which is the order of the tools' names.
    pub(crate) routes: Vec<Arc<Route>>,
    pub(crate) tools: HashMap<Arc<str>, usize>,
    pub(crate) router: Router,
    /// All that are declared, with drafts, whose faults have to be found too.
    shelves: Vec<Arc<Shelf>>,
    /// Whether any operation may be called without a credential.
    pub(crate) has_public: bool,
    /// The trusted issuers, as their tokens name them.
    pub(crate) issuers: Vec<String>,
    /// What tokens have to be bound by, where all profiles that they can lead to say the same.
    pub(crate) binding: Option<TokenBinding>,
}

impl Snapshot {
    /// The number that every record of a call under these tables names.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// How many collections and operations can be called, the door's own not among them.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        let operations = self.routes().filter(|it| !it.is_local()).count();
        (self.shelves().filter(|it| !it.is_local()).count(), operations)
    }

    /// Every operation that can be called, in the order of the tools' names.
    pub fn routes(&self) -> impl Iterator<Item = &Arc<Route>> {
        self.routes.iter().filter(|it| !it.is_retired)
    }

    /// What of the collections' documents could not be used: of those that have such a thing, drafts among
    /// them, and the door's own not.
    pub fn warnings(&self) -> impl Iterator<Item = (&Collection, &[Warning])> {
        let declared = self.shelves.iter().filter(|it| !it.is_local());
        let told = declared.map(|it| (&*it.from, it.document.warnings()));
        told.filter(|(_, warnings)| !warnings.is_empty())
    }

    /// Who may do what. For explaining it; calls are decided by the pipeline.
    #[must_use]
    pub fn rules(&self) -> &policy::Rules {
        &self.rules
    }

    /// What takes away of that. Likewise for explaining it.
    #[must_use]
    pub fn guards(&self) -> &policy::Guards {
        &self.guards
    }

    /// Which limits apply to whom. For showing what was used.
    #[must_use]
    pub fn plan(&self) -> &limits::Plan {
        &self.plan
    }

    /// What `method` at `path` means to who came by `entrance`.
    pub(crate) fn find(&self, entrance: Entrance, method: &Method, path: &str) -> Found {
        if entrance.reaches_path(path) { self.router.find(method, path) } else { Found::Nothing }
    }

    pub(crate) fn tool(&self, name: &str) -> Option<&Arc<Route>> {
        self.tools.get(name).and_then(|it| self.routes.get(*it))
    }

    /// The operation that a route of other tables led to.
    pub(crate) fn same(&self, route: &Route) -> Option<&Arc<Route>> {
        let is_same = |it: &&Arc<Route>| it.operation.id == route.operation.id;
        // By its tool's name first, which it keeps unless another takes it.
        self.tool(&route.tool_name).filter(is_same).or_else(|| self.routes.iter().find(is_same))
    }

    /// The collections that can be called.
    pub(crate) fn shelves(&self) -> impl Iterator<Item = &Shelf> {
        self.shelves.iter().map(|it| &**it).filter(|it| it.is_published())
    }

    pub(crate) fn shelf(&self, id: &str) -> Option<&Shelf> {
        self.shelves().find(|it| it.id().as_str() == id)
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").field("revision", &self.revision).finish_non_exhaustive()
    }
}
