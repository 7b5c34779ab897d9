//! Desired state as a whole folder: exported, compared with another, and made like it.

mod apply;
mod diff;
mod export;

pub(crate) use self::{apply::Apply, diff::Diff, export::Export};
