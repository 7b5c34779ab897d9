//! Whom a token would lead to that somebody else has verified: asked by who gave it.

use std::sync::Arc;

use model::{Caller, Timestamp};
use serde_json::{Map, Value};

use super::OwnTokens;
use crate::{
    directory::possession,
    failure::Failure,
    token::{Claims, Defect},
};

impl OwnTokens {
    /// The caller of a token that says these claims, whose they are beyond doubt, where it is good `now`:
    /// by the same tables as a call is decided by. From where it is shown, and by whom, is not asked.
    pub(in crate::directory) fn standing(
        &self,
        claims: &Map<String, Value>,
        now: Timestamp,
    ) -> Result<Arc<Caller>, Failure> {
        let claims = Claims::new(claims.clone());
        if claims.issuer()? != &**self.issuer.url() {
            return Err(Defect::Issuer.into());
        }
        let bounds = self.hold(&claims, now)?;
        let holder = self.lead(&claims, bounds, None)?;
        holder.hold_earlier(now)?;
        holder.giver.hold(now)?;
        possession::check_demand(&holder.confirmation, holder.giver.contract())?;
        Ok(holder.caller)
    }
}
