//! The promises of the store, on every database that it knows.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cognitive_complexity,
    clippy::excessive_nesting,
    clippy::large_futures,
    reason = "tests"
)]

#[macro_use]
mod place;

mod conformance;
mod deliveries;
mod grants;
mod handles;
mod killed;
mod migrated;
mod naive;
mod races;
mod read_only;
mod registrations;
mod two_stores;
