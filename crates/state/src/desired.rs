//! Reads a whole folder: every document, then what they say of each other.

use std::{collections::BTreeSet, sync::Arc};

use model::{
    Client, ClientId, Collection, CollectionId, Credential, CredentialId, Fault, Issuer, IssuerId,
    Limit, LimitId, Place, Role, RoleId, id::InvalidId,
};

use crate::{
    Folder, Kind, client, collection, credential,
    field::Field,
    folder::Purpose,
    issuer, limit,
    openapi::Documents,
    references::{self, Declared, Reference},
    report::Report,
    role, yaml,
};

/// All that a state folder declares, sorted by id.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Desired {
    /// The registered clients and their profiles.
    pub clients: Vec<Client>,
    /// The collections of operations, with their OpenAPI documents.
    pub collections: Vec<Collection>,
    /// The credentials, without their secrets.
    pub credentials: Vec<Credential>,
    /// The trusted issuers.
    pub issuers: Vec<Issuer>,
    /// The limits.
    pub limits: Vec<Limit>,
    /// The roles.
    pub roles: Vec<Role>,
}

/// Reads a state folder.
///
/// # Errors
/// All faults of all files, sorted by place.
pub fn read(folder: &Folder) -> Result<Desired, Vec<Fault>> {
    let mut reading = Reading {
        documents: Documents::new(folder),
        desired: Desired::default(),
        declared: Declared::default(),
        references: Vec::new(),
        faults: Vec::new(),
    };
    let mut strays = BTreeSet::new();
    for (path, text) in folder.files() {
        match Purpose::of(path) {
            Purpose::Ignored | Purpose::OpenApi => {}
            Purpose::Document { kind, stem } => reading.file(kind, stem, path, text),
            Purpose::Stray { part, message, help } => {
                // One fault for a folder, however many files are in it.
                if strays.insert(part) {
                    reading.faults.push(Fault::new(&Place::new(&part.into(), 0), message, help));
                }
            }
        }
    }
    reading.finish()
}

struct Reading<'a> {
    documents: Documents<'a>,
    desired: Desired,
    declared: Declared,
    references: Vec<Reference>,
    faults: Vec<Fault>,
}

impl Reading<'_> {
    fn file(&mut self, kind: Kind, stem: &str, path: &Arc<str>, text: &str) {
        let place = Place::new(path, 0);
        if let Some(first) = self.declared.insert(kind, stem, &place) {
            let message = format!("{} {stem} has a file already: {first}", kind.as_str());
            self.faults.push(Fault::new(&place, message, "delete one of the two"));
            return;
        }
        let report = Report::new(path);
        match yaml::parse(text) {
            Ok(node) => {
                let root = Field::root(&node, &report);
                if let Err(invalid) = self.document(kind, stem, root) {
                    let invalid = invalid.to_string();
                    let (message, help) = invalid.rsplit_once(": ").unwrap_or((&invalid, ""));
                    report.fault(0, message, format!("rename the file: {help}"));
                }
            }
            Err((line, message)) => {
                report.fault(line, message, "correct the YAML");
            }
        }
        let (faults, references) = report.finish();
        if kind == Kind::Client && !faults.is_empty() {
            self.declared.is_unclear(stem);
        }
        self.faults.extend(faults);
        self.references.extend(references);
    }

    fn document(&mut self, kind: Kind, stem: &str, root: Field<'_>) -> Result<(), InvalidId> {
        let desired = &mut self.desired;
        match kind {
            Kind::Client => desired.clients.extend(client::read(ClientId::parse(stem)?, root)),
            Kind::Collection => {
                let id = CollectionId::parse(stem)?;
                desired.collections.extend(collection::read(id, root, &mut self.documents));
            }
            Kind::Credential => {
                let id = CredentialId::parse(stem)?;
                desired.credentials.extend(credential::read(id, root));
            }
            Kind::Issuer => desired.issuers.extend(issuer::read(IssuerId::parse(stem)?, root)),
            Kind::Limit => desired.limits.extend(limit::read(LimitId::parse(stem)?, root)),
            Kind::Role => desired.roles.extend(role::read(RoleId::parse(stem)?, root)),
        }
        Ok(())
    }

    fn finish(self) -> Result<Desired, Vec<Fault>> {
        let Self { documents, mut desired, declared, references, mut faults } = self;
        // Paths sort otherwise: "a-b.yaml" comes before "a.yaml".
        desired.clients.sort_by(|a, b| a.id.cmp(&b.id));
        desired.collections.sort_by(|a, b| a.id.cmp(&b.id));
        desired.credentials.sort_by(|a, b| a.id.cmp(&b.id));
        desired.issuers.sort_by(|a, b| a.id.cmp(&b.id));
        desired.limits.sort_by(|a, b| a.id.cmp(&b.id));
        desired.roles.sort_by(|a, b| a.id.cmp(&b.id));
        faults.extend(documents.faults);
        references::check(&references, &declared, &desired, &mut faults);
        references::check_unique(&desired, &mut faults);
        faults.sort();
        if faults.is_empty() { Ok(desired) } else { Err(faults) }
    }
}
