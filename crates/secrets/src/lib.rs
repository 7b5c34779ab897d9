//! Seals, versions and finds the secrets that the door shows to upstreams. Never stores.

mod error;
mod keyring;
mod seal;
mod source;
mod version;

pub use error::Error;
pub use keyring::Keyring;
pub use seal::{Sealed, open, rewrap, seal};
pub use source::{
    Environment, Fetch, Fetched, Files, Pending, Resolved, Resolver, Sources, Stored,
    UPSTREAM_PURPOSE,
};
pub use version::{VersionState, choose};
