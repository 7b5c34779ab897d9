//! The data plane: an edge that speaks HTTP, two surfaces, and the one pipeline that decides every call.
//!
//! What happens to a request? Read [`pipeline`]. How is it brought to one form? Read `edge::canonical`.
//! What do tables look like? Read [`snapshot`].

mod authorization;
mod body;
mod edge;
mod entrance;
mod gateway;
mod guesses;
mod live;
mod local;
pub mod pipeline;
mod protected_resource;
mod rounds;
mod settings;
pub mod snapshot;
mod surface;

pub use authorization::{AuthorizationFuture, AuthorizationRequest, AuthorizationServer};
pub use body::{Body, BodyError};
pub use edge::{ClientCertificates, Forwarding, Tls, TlsError, TlsFiles, check_host};
pub use entrance::Entrance;
pub use gateway::Gateway;
pub use guesses::Guesses;
pub use live::Live;
pub use local::{Local, LocalCall, LocalCollection, LocalFuture};
pub use settings::Settings;
pub use snapshot::Snapshot;
