//! One document, read by itself: what it declares, what it names, and what is wrong within it.

use std::sync::Arc;

use model::{
    Admission, AdmissionId, Client, ClientId, Collection, CollectionId, Credential, CredentialId,
    DeclaredSecret, Fault, Guard, GuardId, Issuer, IssuerId, Limit, LimitId, Role, RoleId,
    SecretId, Stop, StopId, Upstream, UpstreamId, User, UserId, id::InvalidId,
};

use crate::{
    Kind, admission, client, collection, credential, field::Field, guard, issuer, limit,
    references::Reference, report::Report, role, secret, stop, upstream, user, yaml,
};

/// What came of one document.
#[derive(Debug)]
pub(crate) struct Parsed {
    /// What it declares, as far as that can be said without the other documents.
    pub(crate) noun: Option<Noun>,
    pub(crate) faults: Box<[Fault]>,
    pub(crate) references: Box<[Reference]>,
}

/// What a document declares.
#[derive(Debug, Clone)]
pub(crate) enum Noun {
    Admission(Arc<Admission>),
    Client(Arc<Client>),
    Collection(Arc<Collection>),
    Credential(Arc<Credential>),
    Guard(Arc<Guard>),
    Issuer(Arc<Issuer>),
    Limit(Arc<Limit>),
    Role(Arc<Role>),
    Secret(Arc<DeclaredSecret>),
    Stop(Arc<Stop>),
    Upstream(Arc<Upstream>),
    User(Arc<User>),
}

impl Parsed {
    /// Reads the text of the file at `path`, which declares `stem`.
    pub(crate) fn read(kind: Kind, stem: &str, path: &Arc<str>, text: &str) -> Self {
        let report = Report::new(path);
        let noun = match yaml::parse(text) {
            Ok(node) => {
                Noun::read(kind, stem, Field::root(&node, &report)).unwrap_or_else(|invalid| {
                    let invalid = invalid.to_string();
                    let (message, help) = invalid.rsplit_once(": ").unwrap_or((&invalid, ""));
                    report.fault((0, ""), message, format!("rename the file: {help}"));
                    None
                })
            }
            Err((line, message)) => {
                report.fault((line, ""), message, "correct the YAML");
                None
            }
        };
        let (faults, references) = report.finish();
        Self { noun, faults, references }
    }
}

impl Noun {
    /// Reads a document of `kind` that declares `stem`.
    ///
    /// # Errors
    /// [`InvalidId`] where `stem` is no id.
    pub(crate) fn read(kind: Kind, stem: &str, root: Field<'_>) -> Result<Option<Self>, InvalidId> {
        fn shared<T>(noun: Option<T>, of: fn(Arc<T>) -> Noun) -> Option<Noun> {
            noun.map(|it| of(Arc::new(it)))
        }
        Ok(match kind {
            Kind::Admission => {
                shared(admission::read(AdmissionId::parse(stem)?, root), Self::Admission)
            }
            Kind::Client => shared(client::read(ClientId::parse(stem)?, root), Self::Client),
            Kind::Collection => {
                shared(collection::read(CollectionId::parse(stem)?, root), Self::Collection)
            }
            Kind::Credential => {
                shared(credential::read(CredentialId::parse(stem)?, root), Self::Credential)
            }
            Kind::Guard => shared(guard::read(GuardId::parse(stem)?, root), Self::Guard),
            Kind::Issuer => shared(issuer::read(IssuerId::parse(stem)?, root), Self::Issuer),
            Kind::Limit => shared(limit::read(LimitId::parse(stem)?, root), Self::Limit),
            Kind::Role => shared(role::read(RoleId::parse(stem)?, root), Self::Role),
            Kind::Secret => shared(secret::read(SecretId::parse(stem)?, root), Self::Secret),
            Kind::Stop => shared(stop::read(StopId::parse(stem)?, root), Self::Stop),
            Kind::Upstream => {
                shared(upstream::read(Some(UpstreamId::parse(stem)?), root), Self::Upstream)
            }
            Kind::User => shared(user::read(UserId::parse(stem)?, root), Self::User),
        })
    }

    /// Its document.
    pub(crate) fn write(&self) -> String {
        match self {
            Self::Admission(it) => admission::write_admission(it),
            Self::Client(it) => client::write_client(it),
            Self::Collection(it) => collection::write_collection(it),
            Self::Credential(it) => credential::write_credential(it),
            Self::Guard(it) => guard::write_guard(it),
            Self::Issuer(it) => issuer::write_issuer(it),
            Self::Limit(it) => limit::write_limit(it),
            Self::Role(it) => role::write_role(it),
            Self::Secret(it) => secret::write_secret(it),
            Self::Stop(it) => stop::write_stop(it),
            Self::Upstream(it) => upstream::write_upstream(it),
            Self::User(it) => user::write_user(it),
        }
    }
}
