//! Which credential do the claims of a token lead to? One of one profile, or none.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use model::{IssuerId, Timestamp};

use super::binding::Binding;
use crate::token::{Claims, Defect};

/// The external credentials of one issuer. Each stands once, under the rarest of its claims, so
/// that a token meets few of them however many there are.
#[derive(Default)]
pub(super) struct Matcher(HashMap<Box<str>, HashMap<Box<str>, Vec<External>>>);

/// A credential and what a token must say to be it.
struct External {
    binding: Arc<Binding>,
    claims: Vec<(Box<str>, Box<str>)>,
}

impl Matcher {
    pub(super) fn new(credentials: Vec<(Arc<Binding>, &BTreeMap<String, String>)>) -> Self {
        let mut counts: HashMap<(&String, &String), usize> = HashMap::new();
        for pair in credentials.iter().flat_map(|(_, claims)| claims.iter()) {
            let count = counts.entry(pair).or_default();
            *count = count.saturating_add(1);
        }
        let mut matcher = Self::default();
        for (binding, claims) in credentials {
            let rarest = claims.iter().min_by_key(|it| counts.get(it).copied().unwrap_or(0));
            // None without claims: such a credential would match every token.
            let Some((name, value)) = rarest else { continue };
            let boxed =
                |(name, value): (&String, &String)| (name.as_str().into(), value.as_str().into());
            let external = External { binding, claims: claims.iter().map(boxed).collect() };
            let of_name = matcher.0.entry(name.as_str().into()).or_default();
            of_name.entry(value.as_str().into()).or_default().push(external);
        }
        matcher
    }

    /// The credential whose every claim is in the token; of several the one that
    /// [ranks](Binding::rank) first, and until when that is so, where another may be good after it.
    ///
    /// Revoked ones count as well: to revoke one must not hand its tokens to the next profile, nor to a
    /// wider one of its own.
    pub(super) fn find(
        &self,
        claims: &Claims,
        issuer: &IssuerId,
        now: Timestamp,
    ) -> Result<(&Arc<Binding>, Option<Timestamp>), Defect> {
        let found = || self.near(claims).filter(move |it| it.matches(claims));
        let unknown = || Defect::CredentialUnknown(issuer.clone());
        let mut best = found().next().ok_or_else(unknown)?;
        let mut is_alone = true;
        for other in found() {
            let (one, another) = (&best.binding, &other.binding);
            if one.contract().profile() != another.contract().profile() {
                let (one, another) = (one.credential().clone(), another.credential().clone());
                return Err(Defect::CredentialAmbiguous(one, another));
            }
            // The first comes again, and a list may say the same thing twice.
            is_alone &= Arc::ptr_eq(one, another);
            if one.rank(now) < another.rank(now) {
                best = other;
            }
        }
        if let Some(revoked) = found().find(|it| it.binding.is_revoked() && it.narrows(best)) {
            return Ok((&revoked.binding, None));
        }
        let best = &best.binding;
        let is_left = !is_alone && best.hold(now).is_ok();
        Ok((best, is_left.then(|| best.until())))
    }

    fn near(&self, claims: &Claims) -> impl Iterator<Item = &External> {
        self.0
            .iter()
            .filter_map(|(name, by_value)| Some((by_value, claims.values(name)?)))
            .flat_map(|(by_value, values)| values.filter_map(|it| by_value.get(it)))
            .flatten()
    }
}

impl External {
    /// Whether it says all that `wider` does of a token, and more.
    fn narrows(&self, wider: &Self) -> bool {
        let Self { claims, binding: _ } = self;
        claims.len() > wider.claims.len() && wider.claims.iter().all(|it| claims.contains(it))
    }

    fn matches(&self, claims: &Claims) -> bool {
        self.claims.iter().all(|(name, want)| {
            claims.values(name).is_some_and(|mut values| values.any(|it| *it == **want))
        })
    }
}
