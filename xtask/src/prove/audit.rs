//! What is recorded, under everything that can go wrong with a process and a disk.

mod aside;
pub(super) mod clock;
pub(super) mod cost;
pub(super) mod damages;
pub(super) mod disk;
mod fault;
mod kept;
pub(super) mod killed;
mod ledger;
mod liars;
mod metrics;
pub(super) mod query;
mod receivers;
mod shaped;
pub(super) mod sinks;
mod site;
mod sort;
mod traffic;
