//! Management operations, each defined once: REST, MCP tool and CLI follow from it.
//!
//! What operations are there? Read `list`. How does one change desired state? Read `change`.
//! Who may touch what? Read `authority`. What is told of credentials, and to whom? Read `event`.

mod admin;
mod authority;
mod bodies;
mod budget;
mod call;
mod change;
mod document;
mod ends;
mod event;
mod failure;
mod first;
mod grants;
mod input;
mod keys;
mod list;
mod log;
mod openapi;
mod operation;
mod operations;
mod page;
mod peppers;
mod person;
mod plane;
mod purge;
mod rehash;
mod reply;
mod resource;
mod role;
mod schema;
mod signing;
mod table;
mod working;

pub use admin::{Admin, Error};
pub use bodies::{BodyFault, BodyView};
pub use call::Call;
pub use event::{CredentialEvent, Webhook, holder};
pub use grants::{
    ConsentView, DepartedView, GrantSelection, GrantState, GrantView, GrantWork, Grants,
    RegistrationView, SignInView,
};
pub use log::{LogFault, LogKeyView, LogView, ProofView, PurgedView, SegmentView};
pub use operation::About;
pub use operations::audit_proof::PROVEN_AT_ONCE_MAX;
pub use peppers::Counted;
pub use plane::{
    AccessView, ConditionView, Ending, OperationView, Part, Plane, Prepared, UsageView,
};
pub use signing::{KeyWork, SigningFault, SigningKeyView, SigningKeys, SigningStage};
pub use table::{
    built_in_roles, document, operations, self_service_document, self_service_operations,
    self_service_role,
};
