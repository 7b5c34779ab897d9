//! What is written is read back as the same noun, and written again as the same bytes.

use std::collections::BTreeMap;

use model::{Pattern, Place, ProfileId, Proof, RoleId};
use proptest::prelude::*;
use state::{Desired, Folder, Kind};

use crate::{example::shop, nouns};

/// Writes `noun`, and all that it needs, into a folder.
fn insert(folder: &mut Folder, kind: Kind, id: &str, text: &str) {
    folder.insert(&kind.path(id), text.to_owned()).unwrap();
}

/// Enough of every other kind that the references of `noun` lead somewhere.
fn declare(
    folder: &mut Folder,
    profile: Option<&ProfileId>,
    patterns: &[Pattern],
    roles: &[RoleId],
) {
    if let Some(profile) = profile {
        let text = format!("{{kind: app, owner: x, profiles: {{{:?}: }}}}", profile.name());
        insert(folder, Kind::Client, profile.client(), &text);
    }
    let mut collections: Vec<_> = patterns.iter().filter_map(|it| it.collection()).collect();
    collections.sort_unstable();
    collections.dedup();
    for collection in collections {
        let text = format!(
            "{{owner: x, base: /p/{collection}, upstream: {{url: http://x}}, document: {{}}}}"
        );
        insert(folder, Kind::Collection, collection, &text);
    }
    for role in roles {
        insert(folder, Kind::Role, role.as_str(), "allow: []");
    }
}

/// The one noun of this id that the folder declares.
fn read_back<T: Clone>(folder: &Folder, of: fn(&Desired) -> &Vec<T>, is: impl Fn(&T) -> bool) -> T {
    let desired = state::read(folder).unwrap_or_else(|faults| panic!("{faults:#?}\n{folder:#?}"));
    of(&desired).iter().find(|it| is(it)).unwrap().clone()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_client_survives(client in nouns::client()) {
        let mut folder = Folder::new();
        for profile in &client.profiles {
            let roles: Vec<_> = profile.roles.iter().map(|it| it.role.clone()).collect();
            declare(&mut folder, None, &[], &roles);
        }
        let text = state::write_client(&client);
        insert(&mut folder, Kind::Client, client.id.as_str(), &text);
        let mut back = read_back(&folder, |it| &it.clients, |it| it.id == client.id);
        prop_assert_eq!(state::write_client(&back), text);
        back.place = Place::default();
        for profile in &mut back.profiles {
            profile.place = Place::default();
        }
        prop_assert_eq!(back, client);
    }

    #[test]
    fn a_role_survives(role in nouns::role()) {
        let mut folder = Folder::new();
        for grant in &role.grants {
            declare(&mut folder, None, &grant.operations, &[]);
        }
        let text = state::write_role(&role);
        insert(&mut folder, Kind::Role, role.id.as_str(), &text);
        let mut back = read_back(&folder, |it| &it.roles, |it| it.id == role.id);
        prop_assert_eq!(state::write_role(&back), text);
        back.place = Place::default();
        prop_assert_eq!(back, role);
    }

    #[test]
    fn a_limit_survives(limit in nouns::limit()) {
        let mut folder = Folder::new();
        declare(&mut folder, limit.profile.as_ref(), &limit.operations, &[]);
        let text = state::write_limit(&limit);
        insert(&mut folder, Kind::Limit, limit.id.as_str(), &text);
        let mut back = read_back(&folder, |it| &it.limits, |it| it.id == limit.id);
        prop_assert_eq!(state::write_limit(&back), text);
        back.place = Place::default();
        prop_assert_eq!(back, limit);
    }

    #[test]
    fn a_credential_survives(credential in nouns::credential()) {
        let mut folder = Folder::new();
        declare(&mut folder, Some(&credential.profile), &[], &[]);
        if let Proof::External { issuer, .. } = &credential.proof {
            let text = "{issuer: https://x, jwks_url: https://x, audiences: [x], algorithms: [ES256]}";
            insert(&mut folder, Kind::Issuer, issuer.as_str(), text);
        }
        let text = state::write_credential(&credential);
        insert(&mut folder, Kind::Credential, credential.id.as_str(), &text);
        let mut back = read_back(&folder, |it| &it.credentials, |it| it.id == credential.id);
        prop_assert_eq!(state::write_credential(&back), text);
        back.place = Place::default();
        prop_assert_eq!(back, credential);
    }

    #[test]
    fn an_issuer_survives(issuer in nouns::issuer()) {
        let mut folder = Folder::new();
        let text = state::write_issuer(&issuer);
        insert(&mut folder, Kind::Issuer, issuer.id.as_str(), &text);
        let mut back = read_back(&folder, |it| &it.issuers, |it| it.id == issuer.id);
        prop_assert_eq!(state::write_issuer(&back), text);
        back.place = Place::default();
        prop_assert_eq!(back, issuer);
    }

    #[test]
    fn a_collection_survives(collection in nouns::collection_()) {
        let mut folder = Folder::new();
        folder.insert("documents/a", collection.document.to_string()).unwrap();
        let text = state::write_collection(&collection);
        insert(&mut folder, Kind::Collection, collection.id.as_str(), &text);
        let mut back = read_back(&folder, |it| &it.collections, |it| it.id == collection.id);
        prop_assert_eq!(state::write_collection(&back), text);
        back.place = Place::default();
        back.document_place = collection.document_place.clone();
        for (_, place) in back.select.iter_mut().flatten() {
            *place = Place::default();
        }
        for changed in back.overrides.values_mut() {
            changed.place = Place::default();
        }
        prop_assert_eq!(back, collection);
    }
}

#[test]
fn a_folder_that_is_read_and_written_is_stable() {
    let before = state::read(&shop()).unwrap();
    let first = written(&before);
    let again = state::read(&first).unwrap();
    assert_eq!(written(&again), first);
    assert_eq!(again.collections.len(), before.collections.len());
}

/// All that is desired as a folder, with the OpenAPI documents of the shop.
fn written(desired: &Desired) -> Folder {
    let mut texts: BTreeMap<String, String> = shop()
        .files()
        .filter(|(path, _)| path.starts_with("documents/"))
        .map(|(path, text)| (path.to_string(), text.to_owned()))
        .collect();
    let Desired {
        clients,
        collections,
        credentials,
        guards,
        issuers,
        limits,
        roles,
        secrets,
        upstreams,
    } = desired;
    let mut put = |kind: Kind, id: &str, text| texts.insert(kind.path(id), text);
    for it in clients {
        put(Kind::Client, it.id.as_str(), state::write_client(it));
    }
    for it in collections {
        put(Kind::Collection, it.id.as_str(), state::write_collection(it));
    }
    for it in credentials {
        put(Kind::Credential, it.id.as_str(), state::write_credential(it));
    }
    for it in guards {
        put(Kind::Guard, it.id.as_str(), state::write_guard(it));
    }
    for it in secrets {
        put(Kind::Secret, it.id.as_str(), state::write_secret(it));
    }
    for it in upstreams {
        put(Kind::Upstream, it.id.as_ref().unwrap().as_str(), state::write_upstream(it));
    }
    for it in issuers {
        put(Kind::Issuer, it.id.as_str(), state::write_issuer(it));
    }
    for it in limits {
        put(Kind::Limit, it.id.as_str(), state::write_limit(it));
    }
    for it in roles {
        put(Kind::Role, it.id.as_str(), state::write_role(it));
    }
    crate::folder(texts.iter().map(|(path, text)| (&**path, &**text)))
}
