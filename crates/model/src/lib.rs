//! The nouns of the door. No I/O, no async, no protocol: every other crate stands on this one.

pub mod call;
pub mod caller;
pub mod catalogue;
pub mod client;
pub mod clock;
pub mod collection;
pub mod credential;
pub mod fault;
pub mod id;
pub mod issuer;
pub mod limit;
pub mod operation;
pub mod quantity;
pub mod refusal;
pub mod request;
pub mod role;
pub mod secret;

pub use call::{RequestId, Surface};
pub use caller::Caller;
pub use catalogue::Catalogue;
pub use client::{Client, ClientKind, Profile};
pub use clock::{Clock, Timestamp};
pub use collection::{Collection, Lifecycle, Override, Upstream};
pub use credential::{Credential, CredentialState, Proof};
pub use fault::{Fault, Place};
pub use id::{
    ClientId, CollectionId, CredentialId, IssuerId, LimitId, OperationId, ProfileId, RoleId,
};
pub use issuer::{Issuer, KeySource};
pub use limit::{Limit, Measure, Scope};
pub use operation::{Effect, Operation};
pub use quantity::{Period, Quota, Rate};
pub use refusal::{LimitState, Refusal, RefusalKind};
pub use request::{Ambiguity, Path, Query, RequestHead};
pub use role::{Grant, Pattern, Role};
pub use secret::Secret;
