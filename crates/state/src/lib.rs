//! Desired state: a folder of documents, read with all its faults at once, and written back.
//!
//! Pure: text goes in, nouns of `model` come out. Whoever has the files reads and watches them.

mod desired;
mod document;
mod folder;
mod kind;
mod library;
mod reading;
mod uses;

mod admission;
mod client;
mod collection;
mod credential;
mod guard;
mod issuer;
mod limit;
mod role;
mod secret;
mod stop;
mod upstream;
mod user;

mod address;
mod field;
mod node;
mod openapi;
mod parsed;
mod reader;
mod references;
mod report;
mod rotation;
mod suggestion;
mod writer;
mod yaml;

pub use admission::write_admission;
pub use client::write_client;
pub use collection::write_collection;
pub use credential::write_credential;
pub use desired::{Desired, read, read_sound};
pub use document::{document, to_json, to_yaml};
pub use folder::{Change, Folder, FolderFull};
pub use guard::write_guard;
pub use issuer::write_issuer;
pub use kind::Kind;
pub use library::Library;
pub use limit::write_limit;
pub use openapi::{is_json, parse_document};
pub use reading::{Reading, Wrong};
pub use role::write_role;
pub use secret::write_secret;
pub use stop::write_stop;
pub use suggestion::nearest;
pub use upstream::write_upstream;
pub use user::write_user;
pub use uses::uses;
