//! The Model Context Protocol on the wire, in both of its eras. Decides nothing, does no I/O.
//!
//! A POST's body goes through [`parse`] to an [`Incoming`], [`classify`] says which [`Era`] it
//! belongs to, [`Method::of`] what it asks for; a [`Server`] writes the answers.

pub mod json;
pub mod version;

pub mod id;
pub mod message;

pub mod error;
pub mod headers;

pub mod era;
pub mod method;
pub mod params;

pub mod answer;
pub mod tool;
pub mod truncate;

pub mod session;

pub use answer::{Page, Server, ToolResult};
pub use era::{Era, classify};
pub use error::ProtocolError;
pub use id::Id;
pub use message::{Incoming, Message, Notification, Params, Request, Response, parse};
pub use method::{Method, Notice};
pub use params::{CallParams, InitializeParams, ListParams};
pub use session::{InFlight, Owner, Session, SessionBounds, SessionId, Sessions};
pub use tool::Tool;
pub use truncate::{Whole, truncate};
pub use version::Version;
