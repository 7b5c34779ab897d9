//! Seals, versions and finds the secrets that the door shows to upstreams. Never stores.

mod error;
mod keyring;
mod seal;
mod version;

pub use error::Error;
pub use keyring::Keyring;
pub use seal::{Sealed, open, rewrap, seal};
pub use version::{VersionState, choose};
