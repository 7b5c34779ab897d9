//! A credential and the profile it leads to: may it be used from here, now?

use std::{
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
};

use ipnet::IpNet;
use model::{
    Caller, Client, ClientId, ClientKind, Credential, CredentialId, CredentialState, How, KnownBy,
    LastUse, Profile, ProfileId, RotationPolicy, Timestamp, TokenBinding, TokenBounds, Way,
};

use crate::failure::{Failure, Holder};

/// A credential, bound to exactly one profile.
pub(super) struct Binding {
    credential: CredentialId,
    /// The word for the kind of the credential.
    kind: &'static str,
    state: CredentialState,
    rank: (bool, Option<Timestamp>),
    expires: Timestamp,
    contract: Arc<Contract>,
    /// How it is used, where a call comes by it.
    way: Way,
    /// The second of the last use that nobody took note of yet; 0 where there is none.
    used: AtomicI64,
    /// From where that use was.
    from: Mutex<Option<IpAddr>>,
}

/// What of a profile and its client decides whether a credential counts. Shared by its credentials.
pub(super) struct Contract {
    client: ClientId,
    kind: ClientKind,
    is_client_enabled: bool,
    profile: ProfileId,
    is_enabled: bool,
    expires: Option<Timestamp>,
    networks: Vec<IpNet>,
    /// What its tokens have to be bound by.
    binding: Option<TokenBinding>,
    rotation: RotationPolicy,
}

impl Contract {
    pub(super) fn new(client: &Client, profile: &Profile) -> Self {
        // No `..`: a new field must be looked at here.
        let Profile {
            id,
            roles: _,
            surfaces: _,
            networks,
            expires,
            tokens,
            rotation,
            is_enabled,
            place: _,
        } = profile;
        Self {
            client: client.id.clone(),
            kind: client.kind,
            is_client_enabled: client.is_enabled,
            profile: id.clone(),
            is_enabled: *is_enabled,
            expires: *expires,
            networks: networks.clone(),
            binding: tokens.as_ref().and_then(|it| it.binding),
            rotation: *rotation,
        }
    }
}

impl Binding {
    pub(super) fn new(credential: &Credential, contract: &Arc<Contract>, way: Way) -> Self {
        Self {
            credential: credential.id.clone(),
            kind: credential.proof.kind(),
            state: credential.state,
            rank: credential.rank(),
            expires: contract.rotation.end(credential),
            contract: Arc::clone(contract),
            way,
            used: AtomicI64::new(0),
            from: Mutex::new(None),
        }
    }

    pub(super) fn credential(&self) -> &CredentialId {
        &self.credential
    }

    /// Asked on every call: nothing remembered can outlive an expiry.
    pub(super) fn admit(&self, peer: IpAddr, now: Timestamp) -> Result<(), Failure> {
        self.hold(now)?;
        self.contract.admit_from(peer, || Holder::Credential(self.credential.clone()))?;
        self.note_use(peer, now);
        Ok(())
    }

    /// The same, from wherever a call comes; it is no use of the credential.
    pub(super) fn hold(&self, now: Timestamp) -> Result<(), Failure> {
        let id = &self.credential;
        match self.state {
            CredentialState::Retired => return Err(Failure::CredentialRetired(id.clone())),
            CredentialState::Revoked => return Err(Failure::CredentialRevoked(id.clone())),
            CredentialState::Active | CredentialState::Retiring => {}
        }
        if now >= self.expires {
            return Err(Failure::CredentialExpired(id.clone(), self.expires));
        }
        self.contract.hold(now, || Holder::Credential(id.clone()))
    }

    /// Whether somebody ended it for ever, which its end by itself does not change.
    pub(super) fn is_revoked(&self) -> bool {
        self.state == CredentialState::Revoked
    }

    /// By what the one is chosen, the greatest, where several of one profile know the same: one that is
    /// good, and then as they [rank](Credential::rank).
    pub(super) fn rank(&self, now: Timestamp) -> (bool, (bool, Option<Timestamp>), &CredentialId) {
        (self.hold(now).is_ok(), self.rank, &self.credential)
    }

    /// When it ends at the latest.
    pub(super) fn until(&self) -> Timestamp {
        self.contract.until().map_or(self.expires, |it| it.min(self.expires))
    }

    fn note_use(&self, peer: IpAddr, now: Timestamp) {
        // Written once a second: the line is shared by all workers.
        let second = now.as_seconds();
        if self.used.load(Ordering::Relaxed) < second {
            *self.from.lock().unwrap_or_else(PoisonError::into_inner) = Some(peer);
            self.used.store(second, Ordering::Relaxed);
        }
    }

    /// The last use since this was asked before.
    pub(super) fn take_use(&self) -> Option<LastUse> {
        // Most were not used: those are only looked at.
        (self.used.load(Ordering::Relaxed) > 0).then(|| {
            let at = Timestamp::from_seconds(self.used.swap(0, Ordering::Relaxed));
            let from = *self.from.lock().unwrap_or_else(PoisonError::into_inner);
            LastUse { at, how: from.map(|from| How { way: self.way, from: from.to_canonical() }) }
        })
    }

    pub(super) fn contract(&self) -> &Arc<Contract> {
        &self.contract
    }

    /// The word for the kind of the credential.
    pub(super) fn kind(&self) -> &'static str {
        self.kind
    }

    /// Who shows it with each call, as it is or as a token of which `known_by` tells.
    pub(super) fn caller(
        &self,
        known_by: KnownBy,
        (user, actors): (Option<String>, Vec<String>),
        bounds: Option<TokenBounds>,
    ) -> Caller {
        let credential = Some(self.credential.clone());
        let known_by = KnownBy { credential: Some(self.kind), ..known_by };
        self.contract.caller(CallerOf { credential, user, actors, bounds, known_by })
    }
}

/// What of a caller its profile does not say.
pub(super) struct CallerOf {
    pub(super) credential: Option<CredentialId>,
    pub(super) user: Option<String>,
    pub(super) actors: Vec<String>,
    pub(super) bounds: Option<TokenBounds>,
    pub(super) known_by: KnownBy,
}

impl Contract {
    /// Asked on every call, as [`Binding::admit`] is. `holder` says by what the profile is used.
    pub(super) fn admit(
        &self,
        (peer, now): (IpAddr, Timestamp),
        holder: impl Fn() -> Holder,
    ) -> Result<(), Failure> {
        self.hold(now, &holder)?;
        self.admit_from(peer, holder)
    }

    /// The same, from wherever a call comes.
    pub(super) fn hold(&self, now: Timestamp, holder: impl Fn() -> Holder) -> Result<(), Failure> {
        if !self.is_client_enabled {
            return Err(Failure::ClientDisabled(holder()));
        }
        if !self.is_enabled {
            return Err(Failure::ProfileDisabled(holder()));
        }
        if let Some(expires) = self.expires.filter(|it| now >= *it) {
            return Err(Failure::ProfileExpired(holder(), expires));
        }
        Ok(())
    }

    fn admit_from(&self, peer: IpAddr, holder: impl Fn() -> Holder) -> Result<(), Failure> {
        if self.is_open_to(peer) { Ok(()) } else { Err(Failure::Network(holder(), peer)) }
    }

    /// When the profile ends; none where it does not.
    pub(super) fn until(&self) -> Option<Timestamp> {
        self.expires
    }

    pub(super) fn profile(&self) -> &ProfileId {
        &self.profile
    }

    /// What a token has to be bound by to lead here, whoever gave it.
    pub(super) fn demands(&self) -> Option<TokenBinding> {
        self.binding
    }

    pub(super) fn caller(&self, of: CallerOf) -> Caller {
        let CallerOf { credential, user, actors, bounds, known_by } = of;
        Caller {
            client: self.client.clone(),
            kind: self.kind,
            profile: self.profile.clone(),
            credential,
            user,
            actors,
            bounds: bounds.map(Arc::new),
            known_by,
        }
    }

    /// An IPv4 peer on an IPv6 socket is an IPv4 peer.
    fn is_open_to(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.networks.is_empty() || self.networks.iter().any(|it| it.contains(&peer))
    }
}
