//! By what a token was given. One that was exchanged stands on what the first one stood on, too.

use std::{net::IpAddr, sync::Arc};

use model::{CredentialId, ProfileId, Timestamp};
use serde_json::Value;

use crate::{
    directory::binding::{Binding, Contract},
    failure::{Failure, Holder},
    own_token::{CLAIM, GIVERS_MAX},
    token::{Claims, Defect},
};

/// A profile, and the credential by which a token for it was got, if it was by one.
pub(super) struct Giver {
    contract: Arc<Contract>,
    binding: Option<Arc<Binding>>,
}

impl Giver {
    pub(super) fn new(contract: &Arc<Contract>, binding: Option<&Arc<Binding>>) -> Self {
        Self { contract: Arc::clone(contract), binding: binding.map(Arc::clone) }
    }

    pub(super) fn contract(&self) -> &Contract {
        &self.contract
    }

    pub(super) fn profile(&self) -> &ProfileId {
        self.contract.profile()
    }

    pub(super) fn credential(&self) -> Option<CredentialId> {
        self.binding.as_ref().map(|it| it.credential().clone())
    }

    /// The kind of that credential.
    pub(super) fn kind(&self) -> Option<&'static str> {
        self.binding.as_ref().map(|it| it.kind())
    }

    /// Asked on every call: nothing remembered outlives what it was given by.
    pub(super) fn admit(&self, peer: IpAddr, now: Timestamp) -> Result<(), Failure> {
        match &self.binding {
            Some(binding) => binding.admit(peer, now),
            None => self.contract.admit((peer, now), || self.holder()),
        }
    }

    /// The same, of an earlier one: from where calls come is not its business.
    pub(super) fn hold(&self, now: Timestamp) -> Result<(), Failure> {
        match &self.binding {
            Some(binding) => binding.hold(now),
            None => self.contract.hold(now, || self.holder()),
        }
    }

    /// When it ends at the latest, where it does.
    pub(super) fn until(&self) -> Option<Timestamp> {
        match &self.binding {
            Some(binding) => Some(binding.until()),
            None => self.contract.until(),
        }
    }

    fn holder(&self) -> Holder {
        Holder::Token(self.profile().clone())
    }
}

/// What a token says of each that it was exchanged for.
pub(super) fn earlier(claims: &Claims) -> Result<&[Value], Defect> {
    let Some(list) = claims.get(CLAIM).and_then(|it| it.get("givers")) else { return Ok(&[]) };
    let list = list.as_array().filter(|it| it.len() <= GIVERS_MAX);
    list.map(Vec::as_slice).ok_or(Defect::Holder)
}
