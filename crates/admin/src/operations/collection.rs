//! Collections: imported from an OpenAPI document, and their life from draft to retired.

mod duplicate;
mod import;
mod lifecycle;

pub(crate) use self::{
    duplicate::Duplicate,
    import::Import,
    lifecycle::{Publish, Retire, Unpublish},
};
