//! The nouns of the door. No I/O, no async, no protocol: every other crate stands on this one.

pub mod admission;
pub mod argument;
pub mod body_rule;
pub mod call;
pub mod caller;
pub mod catalogue;
pub mod certificate;
pub mod client;
pub mod clock;
pub mod collection;
pub mod credential;
pub mod difference;
pub mod expiry;
pub mod fault;
pub mod guard;
pub mod id;
pub mod issuer;
pub mod key_hash;
pub mod last_use;
pub mod limit;
pub mod operation;
pub mod quantity;
pub mod recording;
pub mod redirect;
pub mod refusal;
pub mod request;
pub mod resource;
pub mod role;
pub mod rotation;

pub mod secret;
pub mod stop;
pub mod token;
pub mod token_scope;
pub mod trace;
pub mod upstream;
pub mod user;

pub use admission::{Admission, Registration};
pub use argument::{Argument, ArgumentType, ArgumentValue, Decimal};
pub use body_rule::{BodyRule, MediaRange, SubjectRule};
pub use call::{RequestId, Surface};
pub use caller::{Caller, KnownBy};
pub use catalogue::Catalogue;
pub use certificate::{CertificateName, ClientCertificate};
pub use client::{Client, ClientKind, Profile};
pub use clock::{Clock, Timestamp};
pub use collection::{Collection, Lifecycle, Override};
pub use credential::{CertificateMatch, Credential, CredentialState, KeyKind, Proof};
pub use difference::{Change, difference};
pub use expiry::Expiry;
pub use fault::{Fault, Place};
pub use guard::Guard;
pub use id::{
    AdmissionId, ClientId, CollectionId, CredentialId, GuardId, IssuerId, LimitId, OperationId,
    PepperId, ProfileId, RoleId, SecretId, StopId, UpstreamId, UserId,
};
pub use issuer::{Introspection, Issuer, KeySource, SignIn};
pub use key_hash::{KeyHash, Rehash};
pub use last_use::{How, LastUse, Way};
pub use limit::{Limit, Measure, Scope};
pub use operation::{Effect, Operation};
pub use quantity::{Period, Quota, Rate};
pub use recording::{Detector, Level, Pointer, Recording, Redaction, Sought, Step, Treatment};
pub use refusal::{LimitState, ProofDemand, Refusal, RefusalKind, Wrong};
pub use request::{Ambiguity, Path, Query, RequestHead};
pub use resource::Resources;
pub use role::{Assignment, Grant, Pattern, Reach, Role};
pub use rotation::RotationPolicy;
pub use secret::{DeclaredSecret, Secret, SecretSource};
pub use stop::{Stop, Stopped};
pub use token::{GrantType, TokenBinding, TokenTerms};
pub use token_scope::{Audience, TokenBounds, TokenScope, TokenScopes};
pub use trace::TraceId;
pub use upstream::{Injection, Upstream};
pub use user::{SecondFactor, User};
