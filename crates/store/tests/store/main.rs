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

mod conformance;
mod killed;
mod migrated;
mod naive;
mod place;
mod read_only;
mod two_stores;
