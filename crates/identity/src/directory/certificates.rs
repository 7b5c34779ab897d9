//! Client certificates as credentials: the connection shows one, and nothing else is sent.

use std::{collections::HashMap, hash::RandomState, net::IpAddr};

use model::{CertificateMatch, ClientCertificate, Timestamp};

use super::{KeyHolder, binding::Binding};
use crate::failure::Failure;

/// Who holds which certificates. Each credential stands under what it knows them by.
#[derive(Default)]
pub(super) struct Certificates(HashMap<CertificateMatch, Vec<KeyHolder>, RandomState>);

impl Certificates {
    pub(super) fn insert(&mut self, certificate: &CertificateMatch, holder: KeyHolder) {
        self.0.entry(certificate.clone()).or_default().push(holder);
    }

    pub(super) fn bindings(&self) -> impl Iterator<Item = &Binding> {
        self.0.values().flatten().map(|it| &it.binding)
    }

    /// Whom a certificate leads to; nobody where no credential knows it.
    ///
    /// Revoked credentials count as well: to revoke one must not hand its certificate to the next
    /// profile. Of several of one profile it is the one that [ranks](Binding::rank) first: they
    /// overlap while one is rotated.
    pub(super) fn holder(
        &self,
        certificate: &ClientCertificate,
        peer: IpAddr,
        now: Timestamp,
    ) -> Result<Option<&KeyHolder>, Failure> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let marks: Vec<_> = certificate.marks().collect();
        let found = || marks.iter().filter_map(|it| self.0.get(it)).flatten();
        let Some(first) = found().next() else { return Ok(None) };
        let profile = first.binding.contract().profile();
        if let Some(other) = found().find(|it| it.binding.contract().profile() != profile) {
            let (one, other) = (first.binding.credential(), other.binding.credential());
            return Err(Failure::CertificateAmbiguous(one.clone(), other.clone()));
        }
        let best = found().max_by(|one, other| one.binding.rank(now).cmp(&other.binding.rank(now)));
        let holder = best.unwrap_or(first);
        holder.binding.admit(peer, now)?;
        Ok(Some(holder))
    }
}
