//! How much may a caller call? Rates and calendar quotas, in one bucket for all surfaces.
//!
//! A [`Plan`] says which limits apply to a call; it is compiled once for a snapshot. The [`Meter`] holds
//! what was used; it outlives snapshots. [`Meter::take`] debits all limits that apply, or none. What
//! was used of quotas is handed out as [`Spent`], for who has it outlive the process.

mod allowance;
mod bucket;
mod calendar;
mod counters;
mod meter;
mod plan;
mod quota;
mod rate;
mod spent;
mod usage;

pub use allowance::{Allowance, Balance, Exhausted};
pub use meter::Meter;
pub use plan::Plan;
pub use spent::Spent;
pub use usage::Usage;
