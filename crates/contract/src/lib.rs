//! OpenAPI to operations and tool schemas, and tool arguments to requests. Pure: no I/O, no clock.
//!
//! [`Document::read`] takes a parsed OpenAPI document (2.0, 3.0, 3.1; 3.2 as far as it is the same)
//! and gives the operations it describes. Each has one flat input schema for a tool, and
//! [`Operation::bind`] turns a tool's arguments into the request that a REST caller would have sent.

mod bind;
mod contents;
mod document;
mod error;
mod kind;
mod name;
mod operation;
mod read;
mod reader;
mod reference;
mod required;
mod schema;
mod swagger;
mod template;
mod view;

pub use bind::{ArgumentFault, Bound};
pub use contents::Notation;
pub use document::Document;
pub use error::{Error, Warning};
pub use name::tool_names;
pub use operation::Operation;
pub use reader::{Reader, Sent};
pub use template::Template;
pub use view::Shown;
