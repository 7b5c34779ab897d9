//! For tests: a recording upstream, a gateway in memory with a fake clock, a plain HTTP client, and a
//! real PostgreSQL.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::panic,
    reason = "test support: a broken set-up should end the test where it breaks"
)]

mod client;
mod house;
mod postgres;
mod recorder;

pub use client::{Answer, Client};
pub use house::{House, HouseBuilder};
pub use postgres::Postgres;
pub use recorder::{Recorder, Seen};
