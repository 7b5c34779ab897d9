//! What `identity` promises, through its public types: who is let in, and who never is.
#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test that cannot go on must fail at once, and say at which row"
)]

mod house;
mod issuer;
mod signer;

mod api_keys;
mod assertions;
mod certificates;
mod credentials;
mod discovery;
mod dpop;
mod foreign_tokens;
mod hostile;
mod hostile_key_sets;
mod introspection;
mod own_tokens;
mod possession;
mod references;
mod rotation;
mod successive;
mod valid_tokens;
