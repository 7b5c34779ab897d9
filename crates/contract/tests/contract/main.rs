//! What the crate promises, on real and on hostile documents.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests say what they expect, and fail where it is not so"
)]

mod arguments;
mod binding;
mod checker;
mod documents;
mod generator;
mod github;
mod hostile;
mod naming;
mod reading;
mod swagger;
mod view;

use std::sync::Arc;

use contract::{Document, Operation};
use serde_json::Value;

/// Reads a document that must be readable.
fn read(value: Value) -> Document {
    Document::read(&Arc::new(value)).unwrap()
}

/// The operation called `name`.
fn operation<'a>(document: &'a Document, name: &str) -> &'a Operation {
    document.operations().iter().find(|it| it.name == name).unwrap_or_else(|| panic!("no {name}"))
}
