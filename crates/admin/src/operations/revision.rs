//! Revisions: listed, shown, compared and rolled back to.

mod compare;
mod get;
mod list;
mod rollback;
mod shown;

pub(crate) use self::{
    compare::Compare, get::Get, list::List, rollback::Rollback, shown::Difference,
};

use crate::{Admin, Call, authority, failure::Failure};

/// The store, for a caller whose reach has no bounds: a revision may be about anything.
fn store<'a>(admin: &'a Admin, call: &Call) -> Result<&'a store::Store, Failure> {
    authority::ensure_everywhere(call, "revisions are about everything")?;
    admin.store.as_ref().ok_or_else(|| {
        let detail = "what is served is a folder: its history is where the folder is kept";
        Failure::NotFound(detail.to_owned())
    })
}
