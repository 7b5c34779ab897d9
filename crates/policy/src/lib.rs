//! May this caller call this operation? Pure: no I/O, no clock, no async.
//!
//! [`Rules`] and [`Guards`] are compiled once for a snapshot; [`decide()`] asks them, for a call and for
//! a list alike. Guards that read arguments are asked last, by [`Clearance::settle()`], of calls only.
//! Default is closed: what no rule allows is denied.

mod decide;
mod denial;
mod explain;
mod grants;
mod guards;
mod rules;

pub use decide::{Clearance, Permit, allows, decide};
pub use denial::{Denial, Reason};
pub use explain::{Explanation, explain, who_can};
pub use grants::covers;
pub use guards::{Condition, Facts, Guards};
pub use rules::{Rules, Sources};
