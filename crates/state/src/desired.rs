//! All that a state folder declares.

use std::sync::Arc;

use model::{
    Admission, Client, Collection, Credential, DeclaredSecret, Fault, Guard, Issuer, Limit, Role,
    Stop, Upstream, User,
};

use crate::{Folder, Library, Reading, parsed::Noun};

/// All that a state folder declares, sorted by id. Shared: what did not change is not copied.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Desired {
    /// Who is let in without being registered.
    pub admissions: Vec<Arc<Admission>>,
    /// The registered clients and their profiles.
    pub clients: Vec<Arc<Client>>,
    /// The collections of operations, with their OpenAPI documents and upstreams.
    pub collections: Vec<Arc<Collection>>,
    /// The credentials, without their secrets.
    pub credentials: Vec<Arc<Credential>>,
    /// The guards.
    pub guards: Vec<Arc<Guard>>,
    /// The trusted issuers.
    pub issuers: Vec<Arc<Issuer>>,
    /// The limits.
    pub limits: Vec<Arc<Limit>>,
    /// The roles, without those that are built in.
    pub roles: Vec<Arc<Role>>,
    /// The secrets for upstreams, by their sources.
    pub secrets: Vec<Arc<DeclaredSecret>>,
    /// What operators have stopped.
    pub stops: Vec<Arc<Stop>>,
    /// The upstreams with a name; those of one collection are in that.
    pub upstreams: Vec<Arc<Upstream>>,
    /// The people with an account of this door.
    pub users: Vec<Arc<User>>,
}

/// Reads a state folder.
///
/// # Errors
/// All faults of all files, sorted by place.
pub fn read(folder: &Folder) -> Result<Desired, Vec<Fault>> {
    Library::new().read(folder)
}

/// Reads a state folder as far as that goes; of what is missing from it, `unread` tells why.
#[must_use]
pub fn read_sound(folder: &Folder, unread: &[Fault]) -> Reading {
    Library::new().read_sound(folder, unread)
}

impl Desired {
    /// Adds a noun, out of order.
    pub(crate) fn add(&mut self, noun: &Noun) {
        match noun {
            Noun::Admission(it) => self.admissions.push(Arc::clone(it)),
            Noun::Client(it) => self.clients.push(Arc::clone(it)),
            Noun::Collection(it) => self.collections.push(Arc::clone(it)),
            Noun::Credential(it) => self.credentials.push(Arc::clone(it)),
            Noun::Guard(it) => self.guards.push(Arc::clone(it)),
            Noun::Issuer(it) => self.issuers.push(Arc::clone(it)),
            Noun::Limit(it) => self.limits.push(Arc::clone(it)),
            Noun::Role(it) => self.roles.push(Arc::clone(it)),
            Noun::Secret(it) => self.secrets.push(Arc::clone(it)),
            Noun::Stop(it) => self.stops.push(Arc::clone(it)),
            Noun::Upstream(it) => self.upstreams.push(Arc::clone(it)),
            Noun::User(it) => self.users.push(Arc::clone(it)),
        }
    }

    /// Sorts by id. Paths sort otherwise: "a-b.yaml" comes before "a.yaml".
    pub(crate) fn sort(&mut self) {
        let Self {
            admissions,
            clients,
            collections,
            credentials,
            guards,
            issuers,
            limits,
            roles,
            secrets,
            stops,
            upstreams,
            users,
        } = self;
        admissions.sort_by(|a, b| a.id.cmp(&b.id));
        clients.sort_by(|a, b| a.id.cmp(&b.id));
        collections.sort_by(|a, b| a.id.cmp(&b.id));
        credentials.sort_by(|a, b| a.id.cmp(&b.id));
        guards.sort_by(|a, b| a.id.cmp(&b.id));
        issuers.sort_by(|a, b| a.id.cmp(&b.id));
        limits.sort_by(|a, b| a.id.cmp(&b.id));
        roles.sort_by(|a, b| a.id.cmp(&b.id));
        secrets.sort_by(|a, b| a.id.cmp(&b.id));
        stops.sort_by(|a, b| a.id.cmp(&b.id));
        upstreams.sort_by(|a, b| a.id.cmp(&b.id));
        users.sort_by(|a, b| a.id.cmp(&b.id));
    }
}
