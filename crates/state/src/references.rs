//! What documents say of each other: names that must exist, and things that only one may have.

use std::{
    collections::{BTreeMap, HashMap, HashSet, hash_map::Entry},
    sync::Arc,
};

use foldhash::fast::RandomState;
use model::{
    CertificateMatch, ClientId, CollectionId, Credential, Fault, GrantType, IssuerId, Place,
    ProfileId, Proof, RoleId, SecretId, SecretSource, UpstreamId, role::BUILT_IN,
};

use crate::{
    Desired, Folder, Kind,
    folder::{DOCUMENTS, Purpose},
    openapi::is_document,
    report::shown,
    suggestion,
};

/// Something that a document names, which another must declare.
#[derive(Debug)]
pub(crate) struct Reference {
    pub(crate) place: Place,
    /// The key that names it.
    pub(crate) path: String,
    pub(crate) target: Target,
}

/// What is named.
#[derive(Debug)]
pub(crate) enum Target {
    /// A profile that a person can get tokens of.
    AdmittingProfile(ProfileId),
    Client(ClientId),
    Collection(String),
    /// A profile that a person can get tokens of on a device.
    DeviceProfile(ProfileId),
    Document(String),
    Issuer(IssuerId),
    Profile(ProfileId),
    Role(RoleId),
    Secret(SecretId),
    /// An issuer by which people sign in.
    SignInIssuer(IssuerId),
    Upstream(UpstreamId),
    /// A secret that is not in a vault itself.
    VaultToken(SecretId),
}

/// Everything that has a file, whether its text is right or not: one fault is enough.
#[derive(Debug, Default)]
pub(crate) struct Declared<'a> {
    // Keyed by ids that were declared, so the hash need not withstand callers.
    files: HashMap<(Kind, &'a str), &'a str, RandomState>,
    /// Clients with faults: what profiles they have cannot be said.
    unclear_clients: HashSet<&'a str>,
    /// Of files and folders that nobody could read, each with its place.
    unread: &'a [Fault],
}

impl<'a> Declared<'a> {
    /// Nothing yet, beside what could not be read.
    pub(crate) fn beside(unread: &'a [Fault]) -> Self {
        Self { unread, ..Self::default() }
    }

    /// Writes down that `id` has the file `path`; the one it has already, if it has.
    pub(crate) fn insert(&mut self, kind: Kind, id: &'a str, path: &'a str) -> Option<&'a str> {
        match self.files.entry((kind, id)) {
            Entry::Occupied(first) => Some(*first.get()),
            Entry::Vacant(entry) => {
                entry.insert(path);
                None
            }
        }
    }

    /// Writes down that the document of a client has faults.
    pub(crate) fn is_unclear(&mut self, client: &'a str) {
        self.unclear_clients.insert(client);
    }

    fn contains(&self, kind: Kind, id: &str) -> bool {
        self.files.contains_key(&(kind, id)) || self.hides(kind, id)
    }

    /// Whether what profiles the client has cannot be said.
    fn has_unclear(&self, client: &str) -> bool {
        self.unclear_clients.contains(client) || self.hides(Kind::Client, client)
    }

    /// Whether `id` may have a file that nobody could read.
    fn hides(&self, kind: Kind, id: &str) -> bool {
        self.unread_paths().any(|path| match Purpose::of(path) {
            Purpose::Document { kind: other, stem } => (other, stem) == (kind, id),
            // All of a folder, or all of everything.
            Purpose::Ignored | Purpose::OpenApi | Purpose::Stray { .. } => {
                path == kind.folder() || path.is_empty()
            }
        })
    }

    /// Whether there may be a document at `path` that nobody could read.
    fn hides_document(&self, path: &str) -> bool {
        let is_below = |rest: &str| rest.is_empty() || rest.starts_with('/');
        self.unread_paths().any(|it| it.is_empty() || path.strip_prefix(it).is_some_and(is_below))
    }

    fn unread_paths(&self) -> impl Iterator<Item = &str> {
        self.unread.iter().map(|it| &*it.place.file)
    }
}

/// The documents that are named.
pub(crate) fn documents<'a>(references: &[&'a Reference]) -> Vec<&'a str> {
    let document = |it: &&'a Reference| match &it.target {
        Target::Document(path) => Some(&**path),
        Target::AdmittingProfile(_) | Target::DeviceProfile(_) | Target::Profile(_) => None,
        Target::Client(_) | Target::Collection(_) | Target::Role(_) => None,
        Target::Issuer(_) | Target::SignInIssuer(_) => None,
        Target::Secret(_) | Target::Upstream(_) | Target::VaultToken(_) => None,
    };
    references.iter().filter_map(document).collect()
}

/// Finds every reference that leads nowhere.
pub(crate) fn check(
    references: &[&Reference],
    declared: &Declared<'_>,
    folder: &Folder,
    desired: &Desired,
    faults: &mut Vec<Fault>,
) {
    let profiles = desired.clients.iter().flat_map(|it| &it.profiles);
    let profiles = profiles.map(|it| it.id.as_str()).collect();
    let checker = Checker { declared, folder, desired, profiles };
    for Reference { place, path, target } in references {
        if let Some((message, help)) = checker.missing_target(target) {
            faults.push(Fault::new(place, format!("{path}: {message}"), help).of(path));
        }
    }
}

struct Checker<'a> {
    declared: &'a Declared<'a>,
    folder: &'a Folder,
    desired: &'a Desired,
    profiles: HashSet<&'a str, RandomState>,
}

/// What is wrong, and what to do.
type Missing = Option<(String, String)>;

impl Checker<'_> {
    fn missing_target(&self, target: &Target) -> Missing {
        match target {
            Target::AdmittingProfile(id) => self.missing_admitting(
                id,
                &[GrantType::AuthorizationCode, GrantType::DeviceCode, GrantType::JwtBearer],
            ),
            Target::Client(id) => self.missing_client(id.as_str()),
            // Which operations these have is known only to whoever puts them in force.
            Target::Collection(id) if CollectionId::is_built_in_name(id) => None,
            Target::Collection(id) => self.missing(Kind::Collection, id),
            Target::DeviceProfile(id) => self.missing_admitting(id, &[GrantType::DeviceCode]),
            Target::Document(path) => self.missing_document(path),
            Target::Issuer(id) => self.missing(Kind::Issuer, id.as_str()),
            Target::Profile(id) => self.missing_profile(id),
            Target::Role(id) if BUILT_IN.contains(&id.as_str()) => None,
            Target::Role(id) => self.missing(Kind::Role, id.as_str()),
            Target::Secret(id) => self.missing(Kind::Secret, id.as_str()),
            Target::SignInIssuer(id) => self.missing_sign_in(id),
            Target::Upstream(id) => self.missing(Kind::Upstream, id.as_str()),
            Target::VaultToken(id) => self.missing_token(id),
        }
    }

    fn missing(&self, kind: Kind, id: &str) -> Missing {
        if self.declared.contains(kind, id) {
            return None;
        }
        let built_in = if kind == Kind::Role { &BUILT_IN[..] } else { &[] };
        let declared = self.folder.files().filter_map(|(path, _)| match Purpose::of(path) {
            Purpose::Document { kind: other, stem } if other == kind => Some(stem),
            Purpose::Document { .. } | Purpose::Ignored => None,
            Purpose::OpenApi | Purpose::Stray { .. } => None,
        });
        let file = kind.path(id);
        let help = match suggestion::nearest(id, built_in.iter().copied().chain(declared)) {
            Some(near) => format!("did you mean {near}? or add {file}"),
            None => format!("add {file}, or name another"),
        };
        Some((format!("unknown {} {}", kind.as_str(), shown(id)), help))
    }

    fn missing_client(&self, id: &str) -> Missing {
        if id == ClientId::anonymous().as_str() {
            return None;
        }
        self.missing(Kind::Client, id)
    }

    fn missing_document(&self, path: &str) -> Missing {
        let is_there = self.folder.file(path).is_some() || self.declared.hides_document(path);
        if is_document(path) && is_there {
            return None;
        }
        let documents = self.folder.files().map(|(path, _)| &**path).filter(|it| is_document(it));
        let help = match suggestion::nearest(path, documents) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("put the document there; its path begins with {DOCUMENTS}/"),
        };
        Some((format!("there is no file {}", shown(path)), help))
    }

    fn missing_profile(&self, id: &ProfileId) -> Missing {
        if self.profiles.contains(id.as_str())
            || *id == ProfileId::anonymous()
            || self.declared.has_unclear(id.client())
        {
            return None;
        }
        if let Some(missing) = self.missing_client(id.client()) {
            return Some(missing);
        }
        let client = self.desired.clients.iter().find(|it| it.id.as_str() == id.client());
        let own = client.into_iter().flat_map(|it| &it.profiles).map(|it| it.id.as_str());
        let help = match suggestion::nearest(id.as_str(), own) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("add it to profiles in {}", Kind::Client.path(id.client())),
        };
        Some((format!("unknown profile {}", shown(id.as_str())), help))
    }

    fn missing_admitting(&self, id: &ProfileId, grants: &[GrantType]) -> Missing {
        if let Some(missing) = self.missing_profile(id) {
            return Some(missing);
        }
        if self.declared.has_unclear(id.client()) {
            return None;
        }
        let clients = &self.desired.clients;
        let index = clients.binary_search_by(|it| it.id.as_str().cmp(id.client()));
        let client = index.ok().and_then(|it| clients.get(it));
        let profile = client.into_iter().flat_map(|it| &it.profiles).find(|it| it.id == *id);
        let tokens = profile.and_then(|it| it.tokens.as_ref());
        let has_person = tokens.is_some_and(|it| it.grants.iter().any(|it| grants.contains(it)));
        if has_person {
            return None;
        }
        let grants: Vec<_> = grants.iter().map(|it| it.as_str()).collect();
        let help = format!("give it tokens with {}, or name another", grants.join(" or "));
        let message = format!("profile {} gets no tokens for people", shown(id.as_str()));
        Some((message, help))
    }

    fn missing_sign_in(&self, id: &IssuerId) -> Missing {
        let issuer = self.desired.issuers.iter().find(|it| it.id == *id);
        if issuer.is_some_and(|it| it.sign_in.is_none()) {
            let help =
                format!("add sign_in to {}, or name another", Kind::Issuer.path(id.as_str()));
            return Some((format!("nobody signs in by issuer {}", shown(id.as_str())), help));
        }
        self.missing(Kind::Issuer, id.as_str())
    }

    fn missing_token(&self, id: &SecretId) -> Missing {
        let secret = self.desired.secrets.iter().find(|it| it.id == *id);
        if secret.is_some_and(|it| matches!(it.source, SecretSource::Vault { .. })) {
            let help = "name a secret from env, file or the store".to_owned();
            return Some((format!("secret {} is in a vault itself", shown(id.as_str())), help));
        }
        self.missing(Kind::Secret, id.as_str())
    }
}

/// Finds what only one may have, and two have: a base, an HMAC, claims, a thumbprint, an `iss`.
pub(crate) fn check_unique(desired: &Desired, faults: &mut Vec<Fault>) {
    let mut bases = BTreeMap::new();
    for it in &desired.collections {
        let other = bases.insert(&it.base, (&it.id, &it.place));
        report(faults, (&it.place, "base"), other, |other| {
            (
                format!("collection {other} has the base {} too", shown(&it.base)),
                "give one another base",
            )
        });
    }
    let mut issuers = BTreeMap::new();
    for it in &desired.issuers {
        let other = issuers.insert(&it.issuer, (&it.id, &it.place));
        report(faults, (&it.place, "issuer"), other, |other| {
            (format!("issuer {other} has the same iss"), "make one file of both")
        });
    }
    let mut asked = None;
    for it in desired.issuers.iter().filter(|it| it.is_enabled && it.introspection.is_some()) {
        let other = asked.replace((&it.id, &it.place));
        report(faults, (&it.place, "introspection"), other, |other| {
            let help = "leave one: an opaque token does not say whose it is";
            (format!("issuer {other} is asked about opaque tokens too"), help)
        });
    }
    check_credentials(&desired.credentials, faults);
}

fn check_credentials(credentials: &[Arc<Credential>], faults: &mut Vec<Fault>) {
    let mut keys = HashMap::with_capacity_and_hasher(credentials.len(), RandomState::default());
    let (mut tokens, mut certificates) = (HashMap::new(), HashMap::new());
    for it in credentials {
        let here = (&it.id, &it.place);
        match &it.proof {
            Proof::ApiKey { hash } | Proof::ClientSecret { hash } => {
                report(faults, (&it.place, "hmac"), keys.insert(&hash.hmac, here), |other| {
                    let help = "delete one: a key leads to one profile";
                    (format!("credential {other} has the same hmac"), help)
                });
            }
            // One that is not good any more stands in nobody's way.
            Proof::External { .. } | Proof::Mtls { .. } if !it.state.is_good() => {}
            Proof::External { issuer, claims } => {
                let other = tokens.insert((issuer, claims), here);
                report(faults, (&it.place, "claims"), other, |other| {
                    let help = "name other claims: a token leads to one profile";
                    (format!("credential {other} has the same claims"), help)
                });
            }
            Proof::Mtls { certificate: CertificateMatch::Thumbprint(digest) } => {
                let other = certificates.insert(digest, here);
                report(faults, (&it.place, "thumbprint"), other, |other| {
                    let help = "delete one: a certificate leads to one profile";
                    (format!("credential {other} has the same thumbprint"), help)
                });
            }
            // Who shows these says for which profile: the client id goes with them.
            Proof::Mtls { certificate: _ } | Proof::PrivateKeyJwt { keys: _ } => {}
        }
    }
}

fn report<I: std::fmt::Display>(
    faults: &mut Vec<Fault>,
    (place, field): (&Place, &str),
    other: Option<(I, &Place)>,
    say: impl FnOnce(&str) -> (String, &'static str),
) {
    if let Some((id, other)) = other {
        let (message, help) = say(&format!("{id} ({other})"));
        faults.push(Fault::new(place, message, help).of(field));
    }
}
