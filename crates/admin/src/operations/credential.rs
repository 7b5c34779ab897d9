//! API keys from issue to revocation, and what there is to know of all credentials.

mod issue;
mod lifecycle;
mod report;
mod rotate;

pub(crate) use self::{
    issue::Issue,
    lifecycle::{Retire, Revoke},
    report::Report,
    rotate::Rotate,
};
