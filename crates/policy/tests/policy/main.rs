//! The promises of the policy, through its public types.
#![expect(clippy::unwrap_used, reason = "tests")]

mod decisions;
mod explain;
mod grants;
mod guards;
mod naive;
mod reach;
mod scopes;
mod self_service;
mod shop;
