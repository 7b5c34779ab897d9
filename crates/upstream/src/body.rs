//! Bodies both ways: bounded towards the upstream, timed on the way back.

mod request;
mod response;
mod tap;

pub use request::{BodyError, BoundedBody, RequestBody};
pub(crate) use request::{Length, Upload};
pub use response::ResponseBody;
pub use tap::Tap;
