//! Who is calling? Credentials and tokens to callers: verifies, and issues nothing but API keys.

mod presented;

pub mod api_key;

pub use presented::{CREDENTIAL_BYTES_MAX, Presented, present};
