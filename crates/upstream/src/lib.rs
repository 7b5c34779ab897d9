//! HTTP out: carries requests to upstreams over pooled connections, and streams their answers back.
//!
//! A connection has no task of its own. Whoever sends a request drives the connection while it waits, and
//! whoever reads the answer drives it while reading; so a request wakes one task, not two, and to drop the
//! request or the answer is to close the connection. See [`Upstream::send`].

mod answer;
mod body;
mod connect;
mod egress;
mod error;
mod fleet;
mod injection;
mod link;
mod pool;
mod reached;
mod upstream;

pub use body::{BodyError, BoundedBody, RequestBody, ResponseBody, Tap};
pub use connect::{AddressRule, Addresses, Pem, Resolve, Trust, Wire};
pub use egress::{Document, Egress, Form};
pub use error::Error;
pub use fleet::{Fleet, Surroundings};
pub use injection::{Scheme, SecretSlots};
pub use reached::{Reached, ShownSecret};
pub use upstream::Upstream;
