//! The first operator: its documents, and the key that is shown once.

use anyhow::{Context as _, anyhow};
use identity::api_key::Pepper;
use model::{
    Assignment, Client, ClientId, ClientKind, Fault, KeyKind, Place, Profile, ProfileId, RoleId,
    Secret, Surface, Timestamp,
};
use state::{Folder, Kind};
use store::Commit;

use crate::api_key;

/// Who is to become the first operator.
#[derive(Debug, Clone)]
pub(crate) struct First {
    pub(crate) client: ClientId,
    /// Who answers for it.
    pub(crate) owner: String,
    /// When its key ends.
    pub(crate) expires: Timestamp,
}

/// What makes somebody the first operator.
pub(crate) struct Made {
    /// To be shown once.
    pub(crate) key: Secret<String>,
    pub(crate) profile: ProfileId,
    /// The first revision.
    pub(crate) commit: Commit,
}

impl First {
    /// Makes the key and the first revision.
    ///
    /// # Errors
    /// Where the documents have faults, or there is no chance to be had.
    pub(crate) fn make(
        &self,
        pepper: &Pepper,
        now: Timestamp,
        request_id: String,
    ) -> anyhow::Result<Made> {
        let profile = ProfileId::new(&self.client, "default")?;
        let (key, credential) =
            api_key::new(pepper, (KeyKind::ApiKey, &profile), (now, self.expires))?;
        let files = [
            (
                Kind::Client.path(self.client.as_str()),
                state::write_client(&self.operator(&profile)?),
            ),
            (Kind::Credential.path(credential.id.as_str()), state::write_credential(&credential)),
        ];
        check(&files)?;
        let commit = Commit {
            base: Some(0),
            author: "onedoor init".to_owned(),
            reason: "the first operator".to_owned(),
            request_id,
            at: now,
            files: files.map(|(path, text)| (path, Some(text))).to_vec(),
            sealed: Vec::new(),
            lines: Vec::new(),
        };
        Ok(Made { key, profile, commit })
    }

    fn operator(&self, profile: &ProfileId) -> anyhow::Result<Client> {
        let profile = Profile {
            id: profile.clone(),
            roles: vec![Assignment::everywhere(RoleId::parse("admin")?)],
            surfaces: vec![Surface::Mcp, Surface::Rest],
            networks: Vec::new(),
            expires: None,
            tokens: None,
            rotation: model::RotationPolicy::default(),
            is_enabled: true,
            place: Place::default(),
        };
        Ok(Client {
            id: self.client.clone(),
            kind: ClientKind::Service,
            owner: self.owner.clone(),
            description: Some("The first operator, made by onedoor init.".to_owned()),
            is_enabled: true,
            profiles: vec![profile],
            place: Place::default(),
        })
    }
}

/// What has faults must not be stored: no door would serve it.
fn check(files: &[(String, String)]) -> anyhow::Result<()> {
    let mut folder = Folder::new();
    for (path, text) in files {
        folder.insert(path.as_str(), text.as_str()).map_err(|full| anyhow!("{full}"))?;
    }
    let first = |faults: Vec<Fault>| anyhow!("{}", faults.first().map_or("", |it| &it.message));
    state::read(&folder).map(drop).map_err(first).context("that cannot be the first operator")
}
