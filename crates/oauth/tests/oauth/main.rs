//! The authorization server as a client and a browser meet it, over a real store.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::needless_pass_by_value,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

mod accessible;
mod account;
mod authorization_code;
mod certificates;
mod client_credentials;
mod command_line;
mod consent;
mod departed;
mod described;
mod device;
mod device_admitted;
mod documents;
mod exchange;
mod given;
mod guessing;
mod hostile;
mod house;
mod id_jag;
mod idp;
mod introspection;
mod key;
mod opaque;
mod operators;
mod peppers;
mod providers;
mod pushed;
mod records;
mod registration;
mod second_factor;
mod sender_constrained;
mod signing;
mod signing_rotation;
mod stopped;
