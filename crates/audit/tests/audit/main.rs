//! The promises of the crate, through its public face.
#![expect(clippy::unwrap_used, reason = "tests")]

mod disk;
mod holes;
mod intents;
mod packed;
mod proofs;
mod purged;
mod queried;
mod reconciled;
mod shipped;
mod told;
