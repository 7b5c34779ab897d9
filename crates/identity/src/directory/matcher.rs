//! Which credential do the claims of a token lead to? Exactly one, or none.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use model::IssuerId;

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

    /// The one credential whose every claim is in the token. Revoked ones count as well: to revoke
    /// a narrow credential must not hand its tokens to a wider one.
    pub(super) fn find(&self, claims: &Claims, issuer: &IssuerId) -> Result<&Arc<Binding>, Defect> {
        let mut found: Option<&Arc<Binding>> = None;
        for external in self.near(claims).filter(|it| it.matches(claims)) {
            match found {
                // A list may say the same thing twice.
                Some(first) if Arc::ptr_eq(first, &external.binding) => {}
                Some(first) => {
                    let (first, second) = (first.credential(), external.binding.credential());
                    return Err(Defect::CredentialAmbiguous(first.clone(), second.clone()));
                }
                None => found = Some(&external.binding),
            }
        }
        found.ok_or_else(|| Defect::CredentialUnknown(issuer.clone()))
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
    fn matches(&self, claims: &Claims) -> bool {
        self.claims.iter().all(|(name, want)| {
            claims.values(name).is_some_and(|mut values| values.any(|it| *it == **want))
        })
    }
}
