//! Credentials from issue to revocation, and what there is to know of them.

mod ages;
mod found;
mod issue;
mod lifecycle;
mod new;
pub(crate) mod own;
mod rotate;

pub(crate) use self::{
    ages::Ages,
    found::ReportFound,
    issue::Issue,
    lifecycle::{Retire, Revoke},
    rotate::Rotate,
};
