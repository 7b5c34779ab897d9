//! A folder as far as it could be read: what of it is sound, and what is wrong with the rest.

use std::{collections::HashSet, mem, sync::Arc};

use foldhash::fast::RandomState;
use model::{Collection, Fault, Proof};

use crate::{Desired, Kind, folder::Purpose};

/// A folder as far as it could be read.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    /// What has no fault and stands on nothing that has one.
    ///
    /// Roles and limits are here if they could be read at all: what they name can be looked for
    /// whatever else is wrong with them.
    pub sound: Desired,
    /// What is wrong with the rest. Nothing where `sound` is all that the folder declares.
    pub wrong: Wrong,
}

/// What is wrong with a folder, and what cannot be said of it for that reason.
#[derive(Debug, Clone, Default)]
pub struct Wrong {
    /// All that was found, sorted by place.
    pub faults: Vec<Fault>,
    /// Collections that are not sound. Their documents can be looked at even so.
    pub doubtful: Vec<Arc<Collection>>,
    /// Whether there may be collections that are not among the sound ones.
    pub hides_collections: bool,
}

impl Reading {
    /// What was read of a folder that has as many files of `collections`.
    pub(crate) fn new(mut read: Desired, faults: Vec<Fault>, collections: usize) -> Self {
        if faults.is_empty() {
            return Self { sound: read, wrong: Wrong::default() };
        }
        let doubtful = take_unsound(&mut read, &faults);
        let hides_collections =
            read.collections.len() < collections || !faults.iter().all(is_of_no_collection);
        Self { sound: read, wrong: Wrong { faults, doubtful, hides_collections } }
    }

    /// All of it, where nothing is wrong.
    ///
    /// # Errors
    /// Every fault.
    pub fn whole(self) -> Result<Desired, Vec<Fault>> {
        let Self { sound, wrong } = self;
        if wrong.faults.is_empty() { Ok(sound) } else { Err(wrong.faults) }
    }
}

/// Takes out what has a fault, and what stands on it. Gives back the collections among that.
fn take_unsound(desired: &mut Desired, faults: &[Fault]) -> Vec<Arc<Collection>> {
    let faulty = faults.iter().filter_map(|it| match Purpose::of(&it.place.file) {
        Purpose::Document { kind, stem } => Some((kind, stem)),
        Purpose::Ignored | Purpose::OpenApi | Purpose::Stray { .. } => None,
    });
    // Keyed by ids that were declared, so the hash need not withstand callers.
    let faulty: HashSet<(Kind, &str), RandomState> = faulty.collect();
    let is_sound = |kind: Kind, id: &str| !faulty.contains(&(kind, id));
    let Desired {
        admissions: _,
        clients,
        collections,
        credentials,
        guards,
        issuers,
        limits: _,
        roles: _,
        secrets: _,
        stops: _,
        upstreams: _,
        users: _,
    } = desired;
    clients.retain(|it| is_sound(Kind::Client, it.id.as_str()));
    guards.retain(|it| is_sound(Kind::Guard, it.id.as_str()));
    issuers.retain(|it| is_sound(Kind::Issuer, it.id.as_str()));
    credentials.retain(|it| {
        let client = it.profile.client();
        let has_client = clients.binary_search_by(|it| it.id.as_str().cmp(client)).is_ok();
        let has_issuer = match &it.proof {
            Proof::External { issuer, claims: _ } => issuers.iter().any(|it| it.id == *issuer),
            Proof::ApiKey { .. } | Proof::ClientSecret { .. } => true,
            Proof::Mtls { .. } | Proof::PrivateKeyJwt { .. } => true,
        };
        is_sound(Kind::Credential, it.id.as_str()) && has_client && has_issuer
    });
    let (sound, doubtful) = mem::take(collections).into_iter().partition(|it: &Arc<Collection>| {
        let upstream = it.upstream.id.as_ref();
        is_sound(Kind::Collection, it.id.as_str())
            && upstream.is_none_or(|it| is_sound(Kind::Upstream, it.as_str()))
    });
    *collections = sound;
    doubtful
}

/// Whether it stands in the folder of another kind. All others may hide a collection: its file, its
/// document, a folder that could not be listed or has a wrong name.
fn is_of_no_collection(fault: &Fault) -> bool {
    let folder = fault.place.file.split('/').next();
    let others = Kind::ALL.into_iter().filter(|it| *it != Kind::Collection);
    others.map(Kind::folder).any(|it| Some(it) == folder)
}
