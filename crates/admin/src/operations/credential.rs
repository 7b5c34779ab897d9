//! Credentials from issue to revocation, and what there is to know of them.

mod issue;
mod lifecycle;
mod new;
mod report;
mod rotate;

pub(crate) use self::{
    issue::Issue,
    lifecycle::{Retire, Revoke},
    report::Report,
    rotate::Rotate,
};
