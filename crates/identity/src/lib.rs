//! Who is calling? Credentials and tokens to callers: verifies, and issues nothing but API keys.

mod directory;
mod presented;

pub mod api_key;
mod key_set;
mod token;

mod failure;
mod fingerprint;

pub use directory::{Declared, Directory};
pub use key_set::{Fetch, KeySets, Provider, ProviderMetadata};
pub use presented::{CREDENTIAL_BYTES_MAX, Presented, present};
