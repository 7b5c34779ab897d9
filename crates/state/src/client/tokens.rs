//! `tokens:` and `rotation:` of a profile: on what terms it gets tokens, how its credentials are replaced.

use std::{ops::RangeInclusive, time::Duration};

use model::{
    Audience, CollectionId, GrantType, LastUse, RotationPolicy, TokenBinding, TokenTerms, redirect,
};
use serde_json::Value;

use crate::{
    field::Field,
    reader::Reader,
    references::Target,
    writer::{self, Writer},
};

const GRANTS: &[(&str, GrantType)] = &[
    ("authorization_code", GrantType::AuthorizationCode),
    ("client_credentials", GrantType::ClientCredentials),
    ("device_code", GrantType::DeviceCode),
    ("jwt_bearer", GrantType::JwtBearer),
    ("refresh_token", GrantType::RefreshToken),
    ("token_exchange", GrantType::TokenExchange),
];
const BINDINGS: &[(&str, TokenBinding)] =
    &[("dpop", TokenBinding::Dpop), ("mtls", TokenBinding::Mtls)];
/// The words for the form of access tokens, and whether that is opaque.
const FORMATS: &[(&str, bool)] = &[("jwt", false), ("opaque", true)];

/// What stands for all collections.
const ALL: &str = "*";

/// Shortest life of a token or a credential.
const LEAST: Duration = Duration::from_secs(60);
const LIFETIMES: RangeInclusive<Duration> = LEAST..=TokenTerms::LIFETIME_MAX;
const REFRESH_LIFETIMES: RangeInclusive<Duration> = LEAST..=TokenTerms::REFRESH_LIFETIME_MAX;
/// Longer than anybody plans for.
const MOST: Duration = Duration::from_secs(3_660 * 24 * 3_600);
const ROTATIONS: RangeInclusive<Duration> = LEAST..=MOST;
/// Sooner nobody can say that there was no use: replicas have not told each other yet.
const QUIETS: RangeInclusive<Duration> = LastUse::KNOWN_AFTER..=MOST;

/// Reads on what terms a profile gets tokens.
pub(super) fn read(field: Field<'_>) -> Option<TokenTerms> {
    field.mapping(|it| {
        let help = "name how it asks for tokens: [authorization_code, refresh_token]";
        let grants = it.required("grants", help);
        let read = grants.as_ref().and_then(|it| it.filled_set(help, |it| it.one_of(GRANTS)));
        let uris = it.optional("redirect_uris");
        let absent = "name one, or leave the key away";
        let read_uris = uris.as_ref().map(|it| it.filled_set(absent, |it| it.parse(parse_uri)));
        let public = it.optional("public");
        let is_public = public.as_ref().map(Field::bool);
        let absent = "name a group, or leave the key away for everybody";
        let groups = it.optional("groups").map(|it| it.texts(absent));
        let lifetime = it.optional("lifetime").map(|it| it.duration(LIFETIMES));
        let refresh = it.optional("refresh_lifetime").map(|it| it.duration(REFRESH_LIFETIMES));
        let binding = it.optional("bound_by").map(|it| it.one_of(BINDINGS));
        let format = it.optional("format").map(|it| it.one_of(FORMATS));
        let push = it.optional("push_required").map(|it| it.bool());
        let absent = "name a collection, or leave the key away for none";
        let introspects = it.optional("introspects");
        let introspects = introspects.map(|it| it.filled_set(absent, read_audience));
        let mut read = read?;
        read.sort();
        let grants = grants?;
        // Of grants with a fault, it cannot be said what they contradict.
        if grants.list().is_some_and(|it| it.len() == read.len()) {
            check_redirects(it, &read, uris.as_ref());
            check_grants(&grants, &read, is_public == Some(Some(true)));
        }
        // What has a fault must not become the usual: that may be more.
        Some(TokenTerms {
            grants: read,
            redirect_uris: read_uris.unwrap_or_else(|| Some(Vec::new()))?,
            is_public: is_public.unwrap_or(Some(false))?,
            groups: groups.unwrap_or_else(|| Some(Vec::new()))?,
            lifetime: lifetime.unwrap_or(Some(TokenTerms::LIFETIME))?,
            refresh_lifetime: refresh.unwrap_or(Some(TokenTerms::REFRESH_LIFETIME))?,
            binding: match binding {
                Some(binding) => Some(binding?),
                None => None,
            },
            is_opaque: format.unwrap_or(Some(false))?,
            must_push: push.unwrap_or(Some(false))?,
            introspects: introspects.unwrap_or_else(|| Some(Vec::new()))?,
        })
    })?
}

/// Reads a collection, or the star for all.
fn read_audience(field: &Field<'_>) -> Option<Audience> {
    if field.text()? == ALL {
        return Some(Audience::Door);
    }
    let collection = field.parse(CollectionId::parse)?;
    field.refer(Target::Collection(collection.as_str().to_owned()));
    Some(Audience::Collection(collection))
}

fn parse_uri(text: &str) -> Result<String, String> {
    redirect::check(text).map(|()| text.to_owned())
}

fn check_redirects(it: &Reader<'_>, grants: &[GrantType], uris: Option<&Field<'_>>) {
    match (grants.contains(&GrantType::AuthorizationCode), uris) {
        (true, None) => {
            let help = "name where people are sent back to: [https://app.example.com/callback]";
            it.field().missing("redirect_uris", help);
        }
        (false, Some(uris)) => {
            let help = "add authorization_code to grants, or leave the key away";
            uris.fault("nobody is sent back without authorization_code", help);
        }
        (true, Some(_)) | (false, None) => {}
    }
}

fn check_grants(field: &Field<'_>, grants: &[GrantType], is_public: bool) {
    let has_person =
        grants.contains(&GrantType::AuthorizationCode) || grants.contains(&GrantType::DeviceCode);
    if is_public && grants.contains(&GrantType::ClientCredentials) {
        let help = "take client_credentials out, or leave public away";
        field.fault("a public client has no credential for client_credentials", help);
    }
    if is_public && !has_person {
        let help = "add authorization_code or device_code, or leave public away";
        field.fault("nothing proves who asks for a public client's tokens", help);
    }
    if !has_person && grants.contains(&GrantType::RefreshToken) {
        let help = "add authorization_code or device_code, or take refresh_token out";
        field.fault("refresh_token renews what a person consented to, and none does", help);
    }
}

/// Reads how the credentials of a profile are replaced.
pub(super) fn read_rotation(field: Field<'_>) -> Option<RotationPolicy> {
    field.mapping(|it| {
        let lifetime_max = it.optional("lifetime_max").and_then(|it| it.duration(ROTATIONS));
        let warn_before = it.optional("warn_before").and_then(|it| {
            let warn_before = it.duration(ROTATIONS)?;
            if lifetime_max.is_some_and(|it| it <= warn_before) {
                let help = "write a shorter time than lifetime_max";
                it.fault("every credential would be due as soon as it is made", help);
            }
            Some(warn_before)
        });
        let quiet = it.optional("quiet").and_then(|it| it.duration(QUIETS));
        let is_self_service = it.optional("self_service").and_then(|it| {
            let is_given = it.bool()?;
            if is_given && lifetime_max.is_none() {
                let help = "write lifetime_max, too";
                it.fault("what a client renews itself must have a longest life", help);
            }
            Some(is_given)
        });
        let is_self_service = is_self_service.unwrap_or_default();
        RotationPolicy { lifetime_max, warn_before, quiet, is_self_service }
    })
}

/// The terms as they are read.
pub(super) fn write(terms: &TokenTerms) -> Value {
    let TokenTerms {
        grants,
        redirect_uris,
        is_public,
        groups,
        lifetime,
        refresh_lifetime,
        binding,
        is_opaque,
        must_push,
        introspects,
    } = terms;
    let mut written = Writer::new();
    let grants: Vec<_> = grants.iter().map(|it| it.as_str()).collect();
    written.put("grants", writer::list(&grants));
    written.put_list("redirect_uris", redirect_uris);
    written.put_if(*is_public, "public", true);
    written.put_list("groups", groups);
    let is_usual = *lifetime == TokenTerms::LIFETIME;
    written.put_if(!is_usual, "lifetime", writer::duration(*lifetime));
    let is_usual = *refresh_lifetime == TokenTerms::REFRESH_LIFETIME;
    written.put_if(!is_usual, "refresh_lifetime", writer::duration(*refresh_lifetime));
    written.put_some("bound_by", binding.map(TokenBinding::as_str));
    written.put_if(*is_opaque, "format", "opaque");
    written.put_if(*must_push, "push_required", true);
    let introspects: Vec<_> = introspects.iter().map(audience).collect();
    written.put_list("introspects", &introspects);
    written.value()
}

fn audience(audience: &Audience) -> &str {
    match audience {
        Audience::Collection(id) => id.as_str(),
        Audience::Door => ALL,
    }
}

/// The policy as it is read; none where it says nothing.
pub(super) fn write_rotation(policy: &RotationPolicy) -> Option<Value> {
    let RotationPolicy { lifetime_max, warn_before, quiet, is_self_service } = policy;
    let mut written = Writer::new();
    written.put_some("lifetime_max", lifetime_max.map(writer::duration));
    written.put_some("warn_before", warn_before.map(writer::duration));
    written.put_some("quiet", quiet.map(writer::duration));
    written.put_if(*is_self_service, "self_service", true);
    (*policy != RotationPolicy::default()).then(|| written.value())
}
