//! The shapes of documents, for schemas: what agents, editors and the command line are shown.
//!
//! Whether a document is right is said by `state` alone. These say what can be written at all.
#![expect(dead_code, reason = "only their schemas are used")]

mod access;
mod collection;
mod identity;
mod secret;

pub(crate) use self::{
    access::{Client, Guard, Limit, Role, Stop},
    collection::{Collection, Upstream},
    identity::{Admission, Credential, Issuer, User},
    secret::Secret,
};
