//! The built binary, driven as a person or a script would.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod binary;
mod browser;
mod serving;
mod signer;

mod audit;
mod bodies;
mod bound;
mod check;
mod credential;
mod demo;
mod documentation;
mod documents;
mod exchanged;
mod github;
mod help;
mod import;
mod init;
mod login;
mod managed;
mod metrics;
mod peers;
mod peppers;
mod purge;
mod quotas;
mod recorded;
mod registered;
mod remote;
mod rotating;
mod self_service;
mod serve;
mod set_aside;
mod signed_in;
mod signing_keys;
mod tls;
mod tokens;
mod webhooks;
