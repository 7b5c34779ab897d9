//! An access token in the JWS compact form: read strictly, then checked against its issuer.

mod algorithm;
mod claims;
mod compact;
mod confirmation;
mod defect;
mod json;
mod named;

pub(crate) use algorithm::{Algorithm, Family};
pub(crate) use claims::{Claims, LEEWAY, Subject};
pub(crate) use compact::{Compact, is_jose};
pub(crate) use confirmation::Confirmation;
pub(crate) use defect::{Defect, Unasked};
pub(crate) use json::{base64url, object, texts};

#[cfg(test)]
mod wycheproof;
