//! What is written is read back as the same noun, and written again as the same bytes.

use std::{collections::BTreeMap, sync::Arc};

use model::{
    Admission, DeclaredSecret, Guard, Injection, Pattern, Place, ProfileId, Proof, Recording,
    RoleId, SecretId, SecretSource, Stop, Stopped, Upstream, User,
};
use proptest::prelude::*;
use state::{Desired, Folder, Kind};

use crate::{example::shop, nouns};

/// Writes `noun`, and all that it needs, into a folder.
fn insert(folder: &mut Folder, kind: Kind, id: &str, text: &str) {
    folder.insert(kind.path(id), text).unwrap();
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

fn declare_secret(folder: &mut Folder, id: Option<&SecretId>) {
    if let Some(id) = id {
        insert(folder, Kind::Secret, id.as_str(), "{owner: x, source: store}");
    }
}

fn secret_of(upstream: &Upstream) -> Option<&SecretId> {
    upstream.injection.as_ref().map(Injection::secret)
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
            let reaches = profile.roles.iter().flat_map(|it| &it.reach.collections);
            let reaches: Vec<_> =
                reaches.map(|it| Pattern::parse(&format!("{it}:*")).unwrap()).collect();
            declare(&mut folder, None, &reaches, &roles);
        }
        let text = state::write_client(&client);
        insert(&mut folder, Kind::Client, client.id.as_str(), &text);
        let mut back = Arc::unwrap_or_clone(read_back(&folder, |it| &it.clients, |it| it.id == client.id));
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
        let mut back = Arc::unwrap_or_clone(read_back(&folder, |it| &it.roles, |it| it.id == role.id));
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
        let mut back = Arc::unwrap_or_clone(read_back(&folder, |it| &it.limits, |it| it.id == limit.id));
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
        let mut back = Arc::unwrap_or_clone(read_back(&folder, |it| &it.credentials, |it| it.id == credential.id));
        prop_assert_eq!(state::write_credential(&back), text);
        back.place = Place::default();
        prop_assert_eq!(back, credential);
    }

    #[test]
    fn a_stop_survives(stop in nouns::stop()) {
        let mut folder = Folder::new();
        match &stop.of {
            Stopped::Agents | Stopped::ClientId(_) => {}
            Stopped::Client(id) => insert(&mut folder, Kind::Client, id.as_str(), "{kind: app, owner: x}"),
            Stopped::Collection(id) => {
                let text = "{owner: x, document: {}, upstream: {url: http://x}}";
                insert(&mut folder, Kind::Collection, id.as_str(), text);
            }
            Stopped::Person(_) => {
                let text = "{issuer: https://x, jwks_url: https://x, audiences: [x], algorithms: [ES256]}";
                insert(&mut folder, Kind::Issuer, "idp", text);
            }
            Stopped::Upstream(id) => insert(&mut folder, Kind::Upstream, id.as_str(), "{url: http://x}"),
        }
        let text = state::write_stop(&stop);
        insert(&mut folder, Kind::Stop, stop.id.as_str(), &text);
        let back = read_back(&folder, |it| &it.stops, |it| it.id == stop.id);
        prop_assert_eq!(state::write_stop(&back), text);
        prop_assert_eq!(Stop { place: Place::default(), ..Stop::clone(&back) }, stop);
    }

    #[test]
    fn an_admission_survives(admission in nouns::admission()) {
        let mut folder = Folder::new();
        let tokens = "{grants: [authorization_code, device_code], redirect_uris: [https://x]}";
        let text = format!(
            "{{kind: app, owner: x, profiles: {{{:?}: {{tokens: {tokens}}}}}}}",
            admission.profile.name()
        );
        insert(&mut folder, Kind::Client, admission.profile.client(), &text);
        if let Some(issuer) = &admission.issuer {
            let text = "{issuer: https://x, jwks_url: https://x, audiences: [x], algorithms: [ES256], sign_in: {client_id: x}}";
            insert(&mut folder, Kind::Issuer, issuer.as_str(), text);
        }
        let text = state::write_admission(&admission);
        insert(&mut folder, Kind::Admission, admission.id.as_str(), &text);
        let back = read_back(&folder, |it| &it.admissions, |it| it.id == admission.id);
        prop_assert_eq!(state::write_admission(&back), text);
        prop_assert_eq!(Admission { place: Place::default(), ..Admission::clone(&back) }, admission);
    }

    #[test]
    fn a_user_survives(user in nouns::user()) {
        let mut folder = Folder::new();
        let text = state::write_user(&user);
        insert(&mut folder, Kind::User, user.id.as_str(), &text);
        let back = read_back(&folder, |it| &it.users, |it| it.id == user.id);
        prop_assert_eq!(state::write_user(&back), text);
        prop_assert_eq!(User { place: Place::default(), ..User::clone(&back) }, user);
    }

    #[test]
    fn a_guard_survives(guard in nouns::guard()) {
        let mut folder = Folder::new();
        let text = state::write_guard(&guard);
        insert(&mut folder, Kind::Guard, guard.id.as_str(), &text);
        let back = read_back(&folder, |it| &it.guards, |it| it.id == guard.id);
        prop_assert_eq!(state::write_guard(&back), text);
        prop_assert_eq!(Guard { place: Place::default(), ..Guard::clone(&back) }, guard);
    }

    #[test]
    fn a_secret_survives(secret in nouns::secret()) {
        let mut folder = Folder::new();
        if let SecretSource::Vault { token, .. } = &secret.source {
            declare_secret(&mut folder, Some(token));
        }
        let text = state::write_secret(&secret);
        insert(&mut folder, Kind::Secret, secret.id.as_str(), &text);
        let back = read_back(&folder, |it| &it.secrets, |it| it.id == secret.id);
        prop_assert_eq!(state::write_secret(&back), text);
        let back = DeclaredSecret { place: Place::default(), ..DeclaredSecret::clone(&back) };
        prop_assert_eq!(back, secret);
    }

    #[test]
    fn an_upstream_survives_and_is_put_into_its_collections(upstream in nouns::named_upstream()) {
        let mut folder = Folder::new();
        declare_secret(&mut folder, secret_of(&upstream));
        let (text, id) = (state::write_upstream(&upstream), upstream.id.clone().unwrap());
        insert(&mut folder, Kind::Upstream, id.as_str(), &text);
        let named = format!("{{owner: x, upstream: {:?}, document: {{}}}}", id.as_str());
        insert(&mut folder, Kind::Collection, "a", &named);
        let back = read_back(&folder, |it| &it.upstreams, |it| it.id.as_ref() == Some(&id));
        prop_assert_eq!(state::write_upstream(&back), text);
        let user = read_back(&folder, |it| &it.collections, |it| it.id.as_str() == "a");
        prop_assert!(state::write_collection(&user).contains("upstream: "));
        prop_assert_eq!(&user.upstream, &*back);
        prop_assert_eq!(&*back, &upstream);
    }

    #[test]
    fn an_issuer_survives(issuer in nouns::issuer()) {
        let mut folder = Folder::new();
        let secret = issuer.sign_in.as_ref().and_then(|it| it.client_secret.as_ref());
        declare_secret(&mut folder, secret);
        declare_secret(&mut folder, issuer.introspection.as_ref().map(|it| &it.client_secret));
        let text = state::write_issuer(&issuer);
        insert(&mut folder, Kind::Issuer, issuer.id.as_str(), &text);
        let mut back = Arc::unwrap_or_clone(read_back(&folder, |it| &it.issuers, |it| it.id == issuer.id));
        prop_assert_eq!(state::write_issuer(&back), text);
        back.place = Place::default();
        prop_assert_eq!(back, issuer);
    }

    #[test]
    fn a_collection_survives(collection in nouns::collection_()) {
        let mut folder = Folder::new();
        folder.insert("documents/a", collection.document.to_string()).unwrap();
        declare_secret(&mut folder, secret_of(&collection.upstream));
        let text = state::write_collection(&collection);
        insert(&mut folder, Kind::Collection, collection.id.as_str(), &text);
        let mut back = Arc::unwrap_or_clone(read_back(&folder, |it| &it.collections, |it| it.id == collection.id));
        prop_assert_eq!(state::write_collection(&back), text);
        back.place = Place::default();
        back.document_place = collection.document_place.clone();
        for (_, place) in back.select.iter_mut().flatten() {
            *place = Place::default();
        }
        for changed in back.overrides.values_mut() {
            changed.place = Place::default();
            forget_places(&mut changed.recording);
        }
        forget_places(&mut back.recording);
        prop_assert_eq!(back, collection);
    }
}

fn forget_places(recording: &mut Recording) {
    for redaction in &mut recording.redactions {
        redaction.place = Place::default();
    }
    if let Some(rule) = &mut recording.bodies {
        rule.place = Place::default();
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
        admissions,
        clients,
        collections,
        credentials,
        guards,
        issuers,
        limits,
        roles,
        secrets,
        stops,
        upstreams,
        users,
    } = desired;
    let mut put = |kind: Kind, id: &str, text| texts.insert(kind.path(id), text);
    for it in admissions {
        put(Kind::Admission, it.id.as_str(), state::write_admission(it));
    }
    for it in users {
        put(Kind::User, it.id.as_str(), state::write_user(it));
    }
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
    for it in stops {
        put(Kind::Stop, it.id.as_str(), state::write_stop(it));
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
