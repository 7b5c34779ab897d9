//! Desired state in, revisions out: SQLite or PostgreSQL. Cannot unseal.
//!
//! A [`Store`] keeps documents by path, as opaque texts, and what every revision changed in them. A
//! [`Commit`] is one transaction and makes one revision. Beside the documents it keeps the sealed
//! versions of secrets, whose bytes mean nothing to it, and when each credential was last used.
//!
//! For an authorization server it keeps grants, handles, consents, registrations and signing keys, and
//! a feed of what was revoked. It knows none of that server's rules: it keeps rows, and what must
//! happen together happens in one transaction. Of a token it keeps the digest alone.
//!
//! And it keeps what webhooks are still to be told, written together with the revision it is about.

mod commit;
mod consent;
mod database;
mod delivery;
mod error;
mod grant;
mod handle;
mod location;
mod migration;
mod registration;
mod revision;
mod revoked;
mod signing_key;
mod store;

pub use commit::{Commit, SealedChange, SealedVersion};
pub use consent::Consent;
pub use delivery::{Announcement, Backlog, Delivery, DeliveryFilter, Message, Next};
pub use error::Error;
pub use grant::{Alike, Grant, GrantFilter, Holder, TakenBack};
pub use handle::{Digest, Handle, Taken};
pub use location::Location;
pub use registration::Registration;
pub use revision::{Change, Delta, Files, Revision, Texts, Writer};
pub use revoked::Revoked;
pub use signing_key::SigningKey;
pub use store::Store;
