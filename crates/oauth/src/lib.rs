//! The authorization server: who may have a token of this door, and on what terms.
//!
//! What is asked, and who answers it? Read [`Server`]. What does a token say? Read `access_token`.

mod access_token;
mod allowed;
mod authorize;
mod client;
mod departed;
mod device;
mod endpoint;
mod error;
mod facts;
mod form;
mod given;
mod introspect;
mod known_browser;
mod metadata;
mod outside;
mod page;
mod password;
mod people;
mod plane;
mod possession;
mod provider;
mod reference;
mod request;
mod revocations;
mod revoke;
mod second_factor;
mod server;
mod signing;
mod tables;
mod throttle;
mod ticket;
mod token;

pub use departed::Departed;
pub use given::{GivenConsent, GivenGrant, GrantsOf, SelfDescribed, SignedIn};
pub use outside::{Outside, Sending};
pub use password::hash as hash_password;
pub use plane::{Permitted, Plane};
pub use request::Request;
pub use revocations::follow;
pub use server::{Algorithm, Error, Parts, Server};
pub use signing::{KeyError, KeyStage, PublishedKey};
