//! The promises of management, through its one door: every call is carried out as a whole.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

mod audit_log;
mod bodies;
mod credentials;
mod document;
mod events;
mod first;
mod folder;
mod found;
mod given;
mod held;
mod hostile;
mod house;
mod lifecycle;
mod matrix;
mod own;
mod peppers;
mod plane;
mod purge;
mod reach;
mod read_only;
mod replicas;
mod resources;
mod revisions;
mod rewrap;
mod secret_values;
mod speed;
mod stops;
