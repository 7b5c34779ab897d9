//! The promises of the meter, through its public types.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

mod limits_of_a_call;
mod naive;
mod one_bucket;
mod outlived;
mod shop;
mod threads;
mod time;
