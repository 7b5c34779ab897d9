//! The working copy: the last revision, as texts and as nouns.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
};

use model::{Client, CollectionId, Profile, ProfileId, RotationPolicy};
use state::{Desired, Folder, Kind};

use crate::failure::Failure;

/// The last revision that is known here. Immutable; the next one is another.
#[derive(Debug, Clone)]
pub(crate) struct Working {
    pub(crate) revision: u64,
    pub(crate) folder: Folder,
    pub(crate) desired: Arc<Desired>,
}

/// What a document belongs to: decides whether it is within somebody's reach.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Belonging {
    pub(crate) collection: Option<CollectionId>,
    pub(crate) owner: Option<String>,
}

/// The files that may declare `id`.
pub(crate) fn paths(kind: Kind, id: &str) -> [String; 3] {
    [".yaml", ".yml", ".json"].map(|it| format!("{}/{id}{it}", kind.folder()))
}

impl Working {
    /// The text of the document `id`, and its path.
    pub(crate) fn document(&self, kind: Kind, id: &str) -> Option<(&str, &str)> {
        // An id with a slash or a dot is none, whatever file that would name.
        model::id::is_slug(id).then_some(())?;
        let paths = paths(kind, id);
        paths.iter().find_map(|it| self.folder.file(it)).map(|(path, text)| (&**path, text))
    }

    /// All documents of a kind: path, text and id.
    pub(crate) fn documents(&self, kind: Kind) -> impl Iterator<Item = (&str, &str, &str)> {
        self.folder.files().filter_map(move |(path, text)| {
            let (of, id) = Kind::of_path(path)?;
            (of == kind).then_some((&**path, text, id))
        })
    }

    /// The version of the file at `path`: the same text is the same version, on every replica.
    pub(crate) fn etag(&self, path: &str) -> String {
        let mut hasher = DefaultHasher::new();
        self.folder.file(path).map(|it| it.1).hash(&mut hasher);
        format!("\"{:016x}\"", hasher.finish())
    }

    /// The profile `id`.
    pub(crate) fn profile(&self, id: &ProfileId) -> Option<&Profile> {
        profile(&self.desired, id)
    }

    /// How the credentials of a profile are replaced.
    pub(crate) fn rotation(&self, profile: &ProfileId) -> RotationPolicy {
        rotation(&self.desired, profile)
    }

    /// What the document `id` belongs to; nothing where it is not there.
    pub(crate) fn belonging(&self, kind: Kind, id: &str) -> Belonging {
        belonging(&self.desired, kind, id)
    }
}

/// What the document `id` of `desired` belongs to.
pub(crate) fn belonging(desired: &Desired, kind: Kind, id: &str) -> Belonging {
    let owned = |owner: &str| Belonging { collection: None, owner: Some(owner.to_owned()) };
    let found = match kind {
        Kind::Client => client(desired, id).map(|it| owned(&it.owner)),
        Kind::Credential => {
            let index = desired.credentials.binary_search_by(|it| it.id.as_str().cmp(id));
            let credential = index.ok().and_then(|it| desired.credentials.get(it));
            let client = credential.and_then(|it| client(desired, it.profile.client()));
            client.map(|it| owned(&it.owner))
        }
        Kind::Collection => {
            let index = desired.collections.binary_search_by(|it| it.id.as_str().cmp(id));
            let collection = index.ok().and_then(|it| desired.collections.get(it));
            collection.map(|it| Belonging {
                collection: Some(it.id.clone()),
                owner: Some(it.owner.clone()),
            })
        }
        Kind::Secret => {
            let index = desired.secrets.binary_search_by(|it| it.id.as_str().cmp(id));
            index.ok().and_then(|it| desired.secrets.get(it)).map(|it| owned(&it.owner))
        }
        Kind::Admission | Kind::Guard | Kind::Issuer | Kind::Limit => None,
        Kind::Role | Kind::Stop | Kind::Upstream | Kind::User => None,
    };
    found.unwrap_or_default()
}

/// How the credentials of a profile of `desired` are replaced.
pub(crate) fn rotation(desired: &Desired, id: &ProfileId) -> RotationPolicy {
    profile(desired, id).map(|it| it.rotation).unwrap_or_default()
}

fn profile<'a>(desired: &'a Desired, id: &ProfileId) -> Option<&'a Profile> {
    client(desired, id.client())?.profiles.iter().find(|it| it.id == *id)
}

/// The client `id` of `desired`.
pub(crate) fn client<'a>(desired: &'a Desired, id: &str) -> Option<&'a Client> {
    let index = desired.clients.binary_search_by(|it| it.id.as_str().cmp(id));
    index.ok().and_then(|it| desired.clients.get(it)).map(|it| &**it)
}

/// The member of a document by which a secret could be tried out. It is shown to nobody.
pub(crate) fn hidden(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Credential => Some("hmac"),
        Kind::User => Some("password"),
        Kind::Admission | Kind::Client | Kind::Collection | Kind::Guard | Kind::Issuer => None,
        Kind::Limit | Kind::Role | Kind::Secret | Kind::Stop | Kind::Upstream => None,
    }
}

/// The text of a document as JSON, without what is hidden.
///
/// # Errors
/// `Internal` where the text is no YAML, which was never stored.
pub(crate) fn json(kind: Kind, text: &str) -> Result<serde_json::Value, Failure> {
    let mut value = state::to_json(text)
        .map_err(|(line, message)| Failure::internal(&format!("line {line}: {message}")))?;
    if let (Some(name), Some(object)) = (hidden(kind), value.as_object_mut()) {
        object.remove(name);
    }
    Ok(value)
}
