//! All credentials of one snapshot: what is presented leads to one caller, or to a refusal.

mod binding;
mod build;
mod certificates;
mod known;
mod matcher;
mod opaque;
mod own;
mod possession;
mod trust;

use std::{
    collections::HashMap,
    fmt,
    hash::RandomState,
    net::IpAddr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use model::{
    Caller, Client, Credential, CredentialId, Fault, Issuer, KnownBy, LastUse, PepperId, Refusal,
    Timestamp, Wrong,
};
use quick_cache::{UnitWeighter, sync::Cache};
use serde_json::{Map, Value};

use self::{
    binding::Binding, certificates::Certificates, known::Known, opaque::Opaque, own::OwnTokens,
    possession::Shown, trust::Trust,
};
use crate::{
    CREDENTIAL_BYTES_MAX, KeySets, Presented,
    api_key::{self, Pepper},
    failure::Failure,
    fingerprint::Fingerprint,
    key_set::KeySet,
    reference,
    token::{Compact, Confirmation, Defect},
};
pub use own::Own;
pub use possession::Sender;

/// Verified tokens that are remembered; the least used go first.
const VERIFIED_MAX: usize = 16_384;

type Verified = Cache<Fingerprint, Arc<Holder>, UnitWeighter, RandomState>;

/// What a directory is made of, each list sorted by id.
#[derive(Debug, Clone, Copy)]
pub struct Declared<'a> {
    /// All clients, with their profiles.
    pub clients: &'a [Arc<Client>],
    /// All credentials.
    pub credentials: &'a [Arc<Credential>],
    /// All trusted issuers.
    pub issuers: &'a [Arc<Issuer>],
    /// The key of the API keys' HMACs. Every key is a fault without it.
    pub pepper: Option<&'a Pepper>,
    /// What the door's own authorization server gives tokens by; none where it is off.
    pub own: Option<Own<'a>>,
}

/// Who holds which credential. Immutable: a change of state makes a new one, which shares with the
/// old one what the change did not touch.
pub struct Directory {
    anonymous: Arc<Caller>,
    pepper: Option<Pepper>,
    keys: HashMap<Fingerprint, Arc<KeyHolder>>,
    certificates: Arc<Certificates>,
    tokens: Arc<Tokens>,
    own: Option<Arc<OwnTokens>>,
    faults: Vec<Fault>,
    clients: Box<[Arc<Client>]>,
    credentials: Box<[Arc<Credential>]>,
    issuers: Box<[Arc<Issuer>]>,
}

/// The holder of an API key or a certificate.
struct KeyHolder {
    binding: Binding,
    /// Made by the first call: most of many credentials are not used for long.
    caller: OnceLock<Arc<Caller>>,
    /// Under which pepper a key is hashed.
    pepper: Option<PepperId>,
    /// Whether it was noted that this is not the newest.
    is_outdated: AtomicBool,
}

/// Whom tokens belong to. Made anew, with nothing remembered, where anything of it is other.
struct Tokens {
    issuers: HashMap<Box<str>, Arc<Trust>>,
    /// The issuer that is asked about tokens which say nothing themselves.
    opaque: Option<Opaque>,
    /// Of all issuers.
    bindings: Vec<Arc<Binding>>,
    verified: Verified,
}

/// The holder of a token that was verified once.
struct Holder {
    binding: Arc<Binding>,
    caller: Arc<Caller>,
    confirmation: Confirmation,
    expires: Timestamp,
    vouch: Vouch,
}

/// By what a token was found good.
enum Vouch {
    /// The issuer said so. It holds until the holder's `expires`.
    Answer,
    /// The state of this number of the key set: another state must verify it again.
    Keys { generation: u64, keys: Arc<KeySet> },
}

impl Directory {
    /// Compiles desired state. What cannot be used is left out, and told by [`Directory::faults`].
    #[must_use]
    pub fn new(declared: Declared<'_>, key_sets: &KeySets) -> Self {
        build::directory(declared, key_sets, None)
    }

    /// As [`Directory::new`], with less work where nouns are those of this directory. What was
    /// remembered of verified tokens stays where nothing that tokens lead to is other.
    #[must_use]
    pub fn next(&self, declared: Declared<'_>, key_sets: &KeySets) -> Self {
        let next = build::directory(declared, key_sets, Some(self));
        // Which of two that clash is the fault depends on what was there first.
        if next.faults.is_empty() { next } else { Self::new(declared, key_sets) }
    }

    /// What was left out, and why. Whoever holds such a credential is refused.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// The credentials that were used since this was asked before, and when last, to the second.
    ///
    /// Looks at every credential: for an interval of seconds, not for a call.
    #[must_use]
    pub fn take_uses(&self) -> Vec<(CredentialId, LastUse)> {
        let of_own = self.own.iter().flat_map(|it| it.bindings());
        let of_tokens = self.tokens.bindings.iter().map(|it| &**it).chain(of_own);
        let of_tokens = self.certificates.bindings().chain(of_tokens);
        let bindings = self.keys.values().map(|it| &it.binding).chain(of_tokens);
        bindings.filter_map(|it| Some((it.credential().clone(), it.take_use()?))).collect()
    }

    /// Who is calling, as `sender`, `now`. Waits only where an issuer's keys have to be fetched, it
    /// has to be asked about a token, or replicas remember together which proofs were used.
    ///
    /// # Errors
    /// `Unauthenticated`, with a cause that names the credential where one is known;
    /// `IssuerUnavailable` where the issuer of an opaque token does not answer; `Internal` where it
    /// cannot be told whether a proof was used.
    pub async fn authenticate(
        &self,
        presented: &Presented<'_>,
        sender: &Sender<'_>,
        now: Timestamp,
    ) -> Result<Arc<Caller>, Refusal> {
        let (token, with_proof) = match *presented {
            Presented::Nothing => return Ok(self.holder_of_certificate(sender, now)?),
            Presented::ApiKey(key) => return Ok(self.holder_of_key(key, sender.peer, now)?),
            Presented::Token(token) => (token, false),
            Presented::TokenWithProof(token) => (token, true),
        };
        let shown = Shown { token, with_proof, sender };
        self.holder_of_token(shown, now).await.map_err(|failure| {
            let refusal = Refusal::from(failure);
            match refusal.wrong() {
                Some(Wrong::Unknown) if self.knew(token) => refusal.of_wrong(Wrong::Ended),
                Some(_) | None => refusal,
            }
        })
    }

    /// Whom the credential of a call under way leads to now, and until when at the latest; none where
    /// that has no end. Other than by [`Directory::authenticate`], the proof of a key is not asked for
    /// again: it was used up when the call began.
    ///
    /// # Errors
    /// As [`Directory::authenticate`]: then nobody stands behind the call any more.
    pub async fn stands(
        &self,
        presented: &Presented<'_>,
        sender: &Sender<'_>,
        now: Timestamp,
    ) -> Result<(Arc<Caller>, Option<Timestamp>), Refusal> {
        let (token, with_proof) = match *presented {
            Presented::Nothing => {
                let holder = self.certificate_holder(sender, now)?;
                let until = holder.map(|it| it.binding.until());
                let caller = holder.map_or(&self.anonymous, KeyHolder::caller);
                return Ok((Arc::clone(caller), until));
            }
            Presented::ApiKey(key) => {
                let holder = self.key_holder(key)?;
                holder.binding.admit(sender.peer, now)?;
                return Ok((Arc::clone(holder.caller()), Some(holder.binding.until())));
            }
            Presented::Token(token) => (token, false),
            Presented::TokenWithProof(token) => (token, true),
        };
        let known = self.known((token, sender.peer), now).await?;
        known.admit(sender.peer, now)?;
        let (confirmation, contract) = known.bond();
        Shown { token, with_proof, sender }.check_bond(confirmation, contract)?;
        Ok((Arc::clone(known.caller()), Some(known.until())))
    }

    /// Whom a token of the door's own authorization server leads to that says these claims, shown from
    /// anywhere, by who holds what it is bound to. That they are of such a token is for the caller to know.
    ///
    /// # Errors
    /// As [`Directory::authenticate`].
    pub fn standing(
        &self,
        claims: &Map<String, Value>,
        now: Timestamp,
    ) -> Result<Arc<Caller>, Refusal> {
        let own = self.own.as_ref().ok_or(Failure::Token(Defect::Issuer))?;
        Ok(own.standing(claims, now)?)
    }

    fn holder_of_key(
        &self,
        key: &str,
        peer: IpAddr,
        now: Timestamp,
    ) -> Result<Arc<Caller>, Failure> {
        let holder = self.key_holder(key)?;
        holder.binding.admit(peer, now)?;
        Ok(Arc::clone(holder.caller()))
    }

    fn key_holder(&self, key: &str) -> Result<&KeyHolder, Failure> {
        if !api_key::is_likely(key) {
            return Err(Failure::KeyMalformed);
        }
        // The checksum comes last, and tells what was mistyped: a key that is known was made with the right one.
        let nobody = |failure| match api_key::is_well_formed(key) {
            true => failure,
            false => Failure::KeyMalformed,
        };
        let pepper = self.pepper.as_ref().ok_or_else(|| nobody(Failure::NoPepper))?;
        let known = |id: &PepperId, hmac: &[u8; 32]| {
            let holder = self.keys.get(&Fingerprint::new(*hmac))?;
            (holder.pepper.as_ref() == Some(id)).then_some(&**holder)
        };
        let (holder, rehash) =
            pepper.find(key, known).ok_or_else(|| nobody(Failure::KeyUnknown))?;
        // Once: until it is kept under the newest pepper, and then it is another holder.
        if let Some(rehash) = rehash
            && !holder.is_outdated.swap(true, Ordering::Relaxed)
        {
            pepper.note(holder.binding.credential(), rehash);
        }
        Ok(holder)
    }

    /// Who shows nothing may have shown it already, when the connection began.
    fn holder_of_certificate(
        &self,
        sender: &Sender<'_>,
        now: Timestamp,
    ) -> Result<Arc<Caller>, Failure> {
        let holder = self.certificate_holder(sender, now)?;
        Ok(Arc::clone(holder.map_or(&self.anonymous, KeyHolder::caller)))
    }

    fn certificate_holder(
        &self,
        sender: &Sender<'_>,
        now: Timestamp,
    ) -> Result<Option<&KeyHolder>, Failure> {
        match sender.certificate {
            Some(certificate) => self.certificates.holder(certificate, sender.peer, now),
            None => Ok(None),
        }
    }

    async fn holder_of_token(
        &self,
        shown: Shown<'_>,
        now: Timestamp,
    ) -> Result<Arc<Caller>, Failure> {
        let known = self.known((shown.token, shown.sender.peer), now).await?;
        known.admit(shown.sender.peer, now)?;
        // Last, since it uses up the proof, and on every call: that a token is good is remembered,
        // and that somebody held its key is not.
        let (confirmation, contract) = known.bond();
        shown.check(confirmation, contract, now).await?;
        Ok(Arc::clone(known.caller()))
    }

    /// Whom a token leads to, by what is remembered of it, or by itself.
    async fn known(
        &self,
        (token, source): (&str, IpAddr),
        now: Timestamp,
    ) -> Result<Known, Failure> {
        if token.len() > CREDENTIAL_BYTES_MAX {
            return Err(Failure::Token(Defect::TooLong));
        }
        let fingerprint = Fingerprint::of(token.as_bytes());
        if let Some(holder) = self.own.as_ref().and_then(|it| it.known(&fingerprint, now)) {
            return Ok(Known::Own(holder));
        }
        let known = self.tokens.verified.get(&fingerprint).filter(|it| it.holds(now));
        if let Some(holder) = known {
            return Ok(Known::Other(holder));
        }
        if let Some(own) = self.own.as_ref().filter(|_| reference::is_meant(token)) {
            // Boxed as below.
            return Ok(Known::Own(Box::pin(own.refer(fingerprint, token, now)).await?));
        }
        let parsed = Compact::parse(token);
        if let (Err(_), Some(opaque)) = (&parsed, self.tokens.opaque_of(token)) {
            // Boxed: rare, and large beside what a known token needs.
            let holder = Box::pin(opaque.holder(&fingerprint, (token, source), now)).await?;
            return Ok(Known::Other(holder));
        }
        let token = parsed?;
        if let Some(own) = self.own.as_ref().filter(|it| it.made(&token)) {
            return Ok(Known::Own(own.remember(fingerprint, &token, now)?));
        }
        let trust = self.tokens.issuers.get(token.claims.issuer()?);
        let holder = trust.ok_or(Defect::Issuer)?.holder(&token, &fingerprint, now).await?;
        let holder = Arc::new(holder);
        self.tokens.verified.insert(fingerprint, Arc::clone(&holder));
        Ok(Known::Other(holder))
    }
}

impl KeyHolder {
    /// Who holds `binding`, a key that is hashed under `pepper`, or a certificate.
    fn new(binding: Binding, pepper: Option<PepperId>) -> Self {
        let is_outdated = AtomicBool::new(false);
        Self { binding, caller: OnceLock::new(), pepper, is_outdated }
    }

    fn caller(&self) -> &Arc<Caller> {
        let caller = || self.binding.caller(KnownBy::default(), (None, Vec::new()), None);
        self.caller.get_or_init(|| Arc::new(caller()))
    }
}

impl Holder {
    fn holds(&self, now: Timestamp) -> bool {
        let is_current = match &self.vouch {
            Vouch::Answer => true,
            Vouch::Keys { generation, keys } => keys.is_current(*generation, now),
        };
        now < self.expires && is_current
    }
}

impl Tokens {
    /// Who is asked about `token`, where it is one to ask about.
    fn opaque_of(&self, token: &str) -> Option<&Opaque> {
        self.opaque.as_ref().filter(|it| it.is_meant(token))
    }
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Directory")
            .field("api_keys", &self.keys.len())
            .field("issuers", &self.tokens.issuers.len())
            .field("faults", &self.faults)
            .finish_non_exhaustive()
    }
}
