//! Operations that are more than reading and writing a document.

pub(crate) mod access;
pub(crate) mod audit;
pub(crate) mod audit_body;
pub(crate) mod audit_key;
pub(crate) mod audit_log;
pub(crate) mod audit_proof;
pub(crate) mod audit_purge;
pub(crate) mod collection;
pub(crate) mod consent;
pub(crate) mod credential;
pub(crate) mod delivery;
pub(crate) mod grant;
pub(crate) mod health;
pub(crate) mod limit;
pub(crate) mod operation;
pub(crate) mod pepper;
pub(crate) mod registration;
pub(crate) mod revision;
pub(crate) mod secret;
pub(crate) mod sign_in;
pub(crate) mod signing_key;
pub(crate) mod state;
pub(crate) mod whoami;
