//! Who is calling? Credentials and tokens to callers: verifies, and issues nothing but API keys.

mod directory;
mod presented;

pub mod api_key;
pub mod assertion;
pub mod dpop;
pub mod own_token;
pub mod reference;
pub mod replay;
pub mod rule;
pub mod sources;

mod introspection;
mod key_set;
mod own_issuer;
mod token;

mod failure;
mod fingerprint;

pub use directory::{Declared, Directory, Own, Sender};
pub use introspection::{Introspect, Question, Reply};
pub use key_set::{Fetch, Fetched, Fetching, KeySets, Provider, ProviderMetadata};
pub use own_issuer::OwnIssuer;
pub use presented::{CREDENTIAL_BYTES_MAX, Kept, OTHER_SCHEME, Presented, present};
