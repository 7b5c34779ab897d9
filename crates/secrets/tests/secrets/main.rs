//! Values are found in every place, kept while a vault fails, and shown in no error.
#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(clippy::panic, reason = "tests")]

mod openbao;
mod sources;
