//! Desired state: a folder of documents, read with all its faults at once, and written back.
//!
//! Pure: text goes in, nouns of `model` come out. Whoever has the files reads and watches them.

mod desired;
mod folder;
mod kind;

mod client;
mod collection;
mod credential;
mod issuer;
mod limit;
mod role;

mod address;
mod field;
mod node;
mod openapi;
mod reader;
mod references;
mod report;
mod suggestion;
mod writer;
mod yaml;

pub use client::write_client;
pub use collection::write_collection;
pub use credential::write_credential;
pub use desired::{Desired, read};
pub use folder::{Folder, FolderFull};
pub use issuer::write_issuer;
pub use kind::Kind;
pub use limit::write_limit;
pub use openapi::parse_document;
pub use role::write_role;
pub use suggestion::nearest;
