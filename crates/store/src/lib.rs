//! Desired state in, revisions out: SQLite or PostgreSQL. Cannot unseal.
//!
//! A [`Store`] keeps documents by path, as opaque texts, and what every revision changed in them. A
//! [`Commit`] is one transaction and makes one revision. Beside the documents it keeps the sealed
//! versions of secrets, whose bytes mean nothing to it, and when each credential was last used.

mod commit;
mod database;
mod error;
mod location;
mod migration;
mod revision;
mod store;

pub use commit::{Commit, SealedChange, SealedVersion};
pub use error::Error;
pub use location::Location;
pub use revision::{Change, Delta, Revision, Texts};
pub use store::Store;
