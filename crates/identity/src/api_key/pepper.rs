//! The pepper: the secret under which keys are hashed, and those before it, under which some are still.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use arc_swap::ArcSwap;
use aws_lc_rs::{constant_time, hmac};
use model::{CredentialId, KeyHash, PepperId, Rehash, Secret};

use super::Error;

/// Most peppers at once: a key that nobody has is hashed under each.
const PEPPERS_MAX: usize = 8;

/// The secret under which keys are hashed: without it a stolen state folder proves nothing.
///
/// There can be several: the newest makes new hashes, and those before it still know the keys that
/// were hashed under them. It is live: clones are one and the same, and [`Pepper::replace`] is in force
/// for all of them at once.
#[derive(Clone)]
pub struct Pepper(Arc<Shared>);

struct Shared {
    /// The newest first; never empty.
    peppers: ArcSwap<Vec<One>>,
    /// Credentials that were shown and whose hash is under an older pepper.
    outdated: Mutex<BTreeMap<CredentialId, Rehash>>,
}

#[derive(Clone)]
struct One {
    id: PepperId,
    key: hmac::Key,
}

impl Pepper {
    /// The shortest pepper: as long as the hash.
    pub const BYTES_MIN: usize = 32;

    /// Takes the bytes of the first pepper, where there is no other.
    ///
    /// # Errors
    /// [`Error::PepperTooShort`] below [`Pepper::BYTES_MIN`].
    pub fn new(bytes: &Secret<Vec<u8>>) -> Result<Self, Error> {
        let one = One::new(PepperId::first(), bytes)?;
        Ok(Self::shared(vec![one]))
    }

    /// Takes peppers, the newest first.
    ///
    /// # Errors
    /// [`Error::PepperTooShort`], [`Error::PepperTwice`], and [`Error::Peppers`] where there is none or
    /// there are more than 8.
    pub fn of(peppers: &[(PepperId, Secret<Vec<u8>>)]) -> Result<Self, Error> {
        let mut known: Vec<One> = Vec::new();
        for (id, bytes) in peppers {
            if known.iter().any(|it| it.id == *id) {
                return Err(Error::PepperTwice { id: id.clone() });
            }
            known.push(One::new(id.clone(), bytes)?);
        }
        match known.len() {
            1..=PEPPERS_MAX => Ok(Self::shared(known)),
            count => Err(Error::Peppers { count }),
        }
    }

    fn shared(peppers: Vec<One>) -> Self {
        let peppers = ArcSwap::from_pointee(peppers);
        Self(Arc::new(Shared { peppers, outdated: Mutex::default() }))
    }

    /// Takes the peppers of `by` from now on.
    pub fn replace(&self, by: &Self) {
        self.0.peppers.store(by.0.peppers.load_full());
    }

    /// Their ids, the newest first.
    #[must_use]
    pub fn ids(&self) -> Vec<PepperId> {
        self.0.peppers.load().iter().map(|it| it.id.clone()).collect()
    }

    /// The hash of `text` under the newest.
    #[must_use]
    pub fn hash(&self, text: &str) -> KeyHash {
        let peppers = self.0.peppers.load();
        match peppers.first() {
            Some(newest) => KeyHash { pepper: newest.id.clone(), hmac: newest.hmac(text) },
            // There always is one. A hash that nobody asks for would know nobody again.
            None => KeyHash::first([0; 32]),
        }
    }

    /// The hashes of `text` under each, the newest first.
    #[must_use]
    pub fn hashes(&self, text: &str) -> Vec<KeyHash> {
        let peppers = self.0.peppers.load();
        let hash = |it: &One| KeyHash { pepper: it.id.clone(), hmac: it.hmac(text) };
        peppers.iter().map(hash).collect()
    }

    /// What `is_known` finds by the hash of `text` under one of the peppers, the newest tried first; and
    /// where it was an older one, what is to be kept instead.
    pub fn find<T>(
        &self,
        text: &str,
        mut is_known: impl FnMut(&PepperId, &[u8; 32]) -> Option<T>,
    ) -> Option<(T, Option<Rehash>)> {
        let peppers = self.0.peppers.load();
        let mut newest = None;
        for one in peppers.iter() {
            let hmac = one.hmac(text);
            if let Some(found) = is_known(&one.id, &hmac) {
                // Only now: the count of an id's owners is shared by all calls.
                let hash = |(it, hmac): (&One, [u8; 32])| KeyHash { pepper: it.id.clone(), hmac };
                let rehash = newest.map(|to| Rehash { from: hash((one, hmac)), to: hash(to) });
                return Some((found, rehash));
            }
            newest.get_or_insert((one, hmac));
        }
        None
    }

    /// Notes that a credential was shown whose hash is under an older pepper, so that it can be kept
    /// under the newest, off the path of the call.
    pub fn note(&self, credential: &CredentialId, rehash: Rehash) {
        self.outdated().insert(credential.clone(), rehash);
    }

    /// What was noted and is not settled.
    #[must_use]
    pub fn noted(&self) -> Vec<(CredentialId, Rehash)> {
        self.outdated().iter().map(|(id, it)| (id.clone(), it.clone())).collect()
    }

    /// Forgets what was noted, where it is the same still.
    pub fn settle(&self, done: &[(CredentialId, Rehash)]) {
        let mut outdated = self.outdated();
        for (credential, rehash) in done {
            if outdated.get(credential) == Some(rehash) {
                outdated.remove(credential);
            }
        }
    }

    fn outdated(&self) -> MutexGuard<'_, BTreeMap<CredentialId, Rehash>> {
        self.0.outdated.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl One {
    fn new(id: PepperId, bytes: &Secret<Vec<u8>>) -> Result<Self, Error> {
        match bytes.expose() {
            short if short.len() < Pepper::BYTES_MIN => {
                Err(Error::PepperTooShort { bytes: short.len() })
            }
            bytes => Ok(Self { id, key: hmac::Key::new(hmac::HMAC_SHA256, bytes) }),
        }
    }

    fn hmac(&self, text: &str) -> [u8; 32] {
        let tag = hmac::sign(&self.key, text.as_bytes());
        let mut bytes = [0; 32];
        bytes.iter_mut().zip(tag.as_ref()).for_each(|(to, from)| *to = *from);
        bytes
    }
}

/// Whether `known` is of this hash, in a time that does not depend on where they differ.
#[must_use]
pub fn is_of(known: &KeyHash, pepper: &PepperId, hmac: &[u8; 32]) -> bool {
    let is_same = constant_time::verify_slices_are_equal(&known.hmac, hmac).is_ok();
    is_same && known.pepper == *pepper
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pepper(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(byte: u8) -> Secret<Vec<u8>> {
        Secret::new(vec![byte; 32])
    }

    fn peppers(of: &[(&str, u8)]) -> Result<Pepper, Error> {
        let of = of.iter().map(|(id, byte)| (PepperId::parse(id).unwrap(), bytes(*byte)));
        Pepper::of(&of.collect::<Vec<_>>())
    }

    fn finds(pepper: &Pepper, known: &KeyHash) -> Option<Option<Rehash>> {
        let found = pepper.find("odk_x", |id, hmac| is_of(known, id, hmac).then_some(()));
        found.map(|it| it.1)
    }

    #[test]
    fn the_newest_makes_hashes_and_the_older_ones_still_know_theirs() {
        let old = Pepper::new(&bytes(7)).unwrap();
        let known = old.hash("odk_x");
        assert_eq!((known.pepper.as_str(), finds(&old, &known)), ("p1", Some(None)));
        let clone = old.clone();
        old.replace(&peppers(&[("p2", 8), ("p1", 7)]).unwrap());
        let to = clone.hash("odk_x");
        assert_eq!(to.pepper.as_str(), "p2");
        let rehash = Rehash { from: known.clone(), to: to.clone() };
        assert_eq!(finds(&clone, &known), Some(Some(rehash)));
        assert_eq!(finds(&clone, &to), Some(None));
        // One that says another pepper than it was made under would be counted wrong.
        let pepper = PepperId::parse("p2").unwrap();
        let mistaken = KeyHash { pepper, hmac: known.hmac };
        assert_eq!(finds(&clone, &mistaken), None);
        old.replace(&peppers(&[("p2", 8)]).unwrap());
        assert_eq!((finds(&clone, &known), finds(&clone, &to)), (None, Some(None)));
    }

    #[test]
    fn what_was_noted_stays_until_that_is_settled() {
        let pepper = peppers(&[("p2", 8), ("p1", 7)]).unwrap();
        let id = CredentialId::parse("a").unwrap();
        let hash = |byte| KeyHash::first([byte; 32]);
        let first = Rehash { from: hash(1), to: hash(2) };
        let later = Rehash { from: hash(1), to: hash(3) };
        pepper.note(&id, first);
        let noted = pepper.noted();
        pepper.note(&id, later.clone());
        pepper.settle(&noted);
        assert_eq!(pepper.noted(), [(id.clone(), later.clone())], "another was noted meanwhile");
        pepper.settle(&[(id, later)]);
        assert_eq!(pepper.noted(), []);
    }

    #[test]
    fn none_two_of_a_name_or_too_many_are_refused() {
        assert_eq!(peppers(&[]).unwrap_err(), Error::Peppers { count: 0 });
        let twice = peppers(&[("p1", 1), ("p1", 2)]).unwrap_err();
        assert_eq!(twice.to_string(), "pepper p1 stands twice: give each an id of its own");
        let names: Vec<_> = (0..9).map(|it| format!("p{it}")).collect();
        let many: Vec<_> = names.iter().map(|it| (it.as_str(), 1)).collect();
        assert_eq!(peppers(&many).unwrap_err(), Error::Peppers { count: 9 });
        let error = Pepper::new(&Secret::new(vec![0; 31])).unwrap_err();
        assert_eq!(error.to_string(), "the pepper has 31 bytes: use at least 32 random ones");
        assert_eq!(format!("{:?}", Pepper::new(&bytes(7)).unwrap()), "Pepper(..)");
    }
}
