//! Any noun that a folder can declare, with the texts that YAML finds awkward.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use model::{
    Admission, AdmissionId, Assignment, Audience, BodyRule, CertificateMatch, Client, ClientId,
    ClientKind, Collection, CollectionId, Credential, CredentialId, CredentialState,
    DeclaredSecret, Detector, Effect, Grant, GrantType, Guard, GuardId, Injection, Introspection,
    Issuer, IssuerId, KeyHash, KeySource, Level, Lifecycle, Limit, LimitId, Measure, MediaRange,
    Override, Pattern, PepperId, Period, Place, Pointer, Profile, ProfileId, Proof, Quota, Rate,
    Reach, Recording, Redaction, Registration, Role, RoleId, RotationPolicy, Scope, SecondFactor,
    SecretId, SecretSource, SignIn, Sought, Stop, StopId, Stopped, SubjectRule, Surface, Timestamp,
    TokenBinding, TokenTerms, Treatment, Upstream, UpstreamId, User, UserId,
};
use proptest::{collection, option, prelude::*, sample};
use serde_json::Value;

const SLUG: &str = "[a-z0-9][a-z0-9_-]{0,12}";
const NAME: &str = "[a-zA-Z0-9_-]{1,16}";

/// Text on one line: words that YAML takes for something else, and any that Unicode has.
fn line() -> impl Strategy<Value = String> {
    let awkward = [
        "null",
        "~",
        "true",
        "no",
        "on",
        "1",
        "1e3",
        "0x1f",
        "007",
        "1_000",
        ".inf",
        "-",
        "- a",
        "a: b",
        "a #b",
        "#a",
        "&a",
        "*a",
        "!a",
        "%a",
        "@a",
        "`a`",
        "'",
        "\"",
        "[a",
        "{a}",
        "?",
        "|",
        ">",
        "<<",
        "=",
        "---",
        "...",
        "2027-01-31",
        "12:30:45",
        " a ",
        "a\\",
        "\u{feff}a",
        "a:",
        ": a",
        "\u{2028}a",
        "\u{fffe}",
    ];
    let any = "\\PC{1,40}".prop_map(|it| if it.trim().is_empty() { "x".to_owned() } else { it });
    prop_oneof![sample::select(awkward.to_vec()).prop_map(str::to_owned), any, "[a-z ]{0,100}[a-z]"]
}

/// Text on one line or more.
fn prose() -> impl Strategy<Value = String> {
    prop_oneof![
        line(),
        collection::vec(prop_oneof![line(), Just(String::new()), "[\t ]{1,3}"], 1..6)
            .prop_map(|it| it.join("\n"))
            .prop_filter("empty", |it| !it.trim().is_empty()),
        (line(), "[\n ]{0,3}").prop_map(|(text, end)| format!("{text}{end}")),
    ]
}

pub(crate) fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        // In eighths: serde_json reads other fractions to within one unit of the last place.
        any::<i32>().prop_map(|it| Value::from(f64::from(it) / 8.0)),
        prose().prop_map(Value::from),
        "[\\x00-\\x7f]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            object(inner).prop_map(Value::from),
        ]
    })
}

fn object(
    value: impl Strategy<Value = Value>,
) -> impl Strategy<Value = serde_json::Map<String, Value>> {
    collection::btree_map(prop_oneof![line(), "[a-z]{1,4}"], value, 0..6)
        .prop_map(|it| it.into_iter().collect())
}

fn time() -> impl Strategy<Value = Timestamp> {
    let seconds = 0..4_102_444_800_i64;
    prop_oneof![
        seconds.clone().prop_map(Timestamp::from_seconds),
        (0..40_000_u64).prop_map(|it| Timestamp::parse("1970-01-01")
            .unwrap()
            .plus(Duration::from_secs(it.saturating_mul(86_400)))),
        (seconds, 0..1_000_000_u64)
            .prop_map(|(it, us)| Timestamp::from_seconds(it).plus(Duration::from_micros(us))),
    ]
}

fn pattern() -> impl Strategy<Value = Pattern> {
    let text = prop_oneof![
        Just("*:*".to_owned()),
        SLUG.prop_map(|it| format!("{it}:*")),
        (SLUG, NAME).prop_map(|(collection, operation)| format!("{collection}:{operation}")),
    ];
    text.prop_map(|it| Pattern::parse(&it).unwrap())
}

fn patterns(least: usize) -> impl Strategy<Value = Vec<Pattern>> {
    collection::btree_set(pattern(), least..4).prop_map(|it| it.into_iter().collect())
}

fn count() -> impl Strategy<Value = NonZeroU32> {
    any::<u32>().prop_map(|it| NonZeroU32::new(it).unwrap_or(NonZeroU32::MIN))
}

fn profile_id() -> impl Strategy<Value = ProfileId> {
    (SLUG, SLUG).prop_map(|(client, name)| {
        ProfileId::new(&ClientId::parse(&client).unwrap(), &name).unwrap()
    })
}

fn reach() -> impl Strategy<Value = Reach> {
    let collections = collection::btree_set(SLUG, 0..3);
    let owners = collection::btree_set(line(), 0..3);
    (any::<bool>(), collections, owners).prop_map(|(is_bound, collections, owners)| Reach {
        collections: (collections.iter().filter(|_| is_bound))
            .map(|it| CollectionId::parse(it).unwrap())
            .collect(),
        owners: owners.into_iter().filter(|_| is_bound).collect(),
    })
}

fn profile(client: &ClientId, name: &str) -> impl Strategy<Value = Profile> + use<> {
    let id = ProfileId::new(client, name).unwrap();
    let surfaces = sample::select(vec![
        vec![Surface::Mcp],
        vec![Surface::Rest],
        vec![Surface::Mcp, Surface::Rest],
    ]);
    let v4 = (any::<[u8; 4]>(), 0..=32_u8)
        .prop_map(|(bytes, bits)| ipnet::IpNet::new(bytes.into(), bits).unwrap().trunc());
    let v6 = (any::<[u16; 8]>(), 0..=128_u8)
        .prop_map(|(parts, bits)| ipnet::IpNet::new(parts.into(), bits).unwrap().trunc());
    let networks = collection::btree_set(prop_oneof![v4, v6], 0..3);
    let roles = collection::btree_map(SLUG, reach(), 0..3);
    let terms = (option::of(tokens()), rotation());
    (roles, surfaces, networks, option::of(time()), any::<bool>(), terms).prop_map(
        move |(roles, surfaces, networks, expires, is_enabled, (tokens, rotation))| Profile {
            id: id.clone(),
            roles: (roles.into_iter())
                .map(|(role, reach)| Assignment { role: RoleId::parse(&role).unwrap(), reach })
                .collect(),
            surfaces,
            networks: networks.into_iter().collect(),
            expires,
            tokens,
            rotation,
            is_enabled,
            place: Place::default(),
        },
    )
}

fn tokens() -> impl Strategy<Value = TokenTerms> {
    let grants = sample::subsequence(
        vec![GrantType::AuthorizationCode, GrantType::DeviceCode, GrantType::RefreshToken],
        1..=3,
    );
    let people =
        grants.prop_filter("a person", |it| it.iter().any(|it| *it != GrantType::RefreshToken));
    let machine = Just(vec![GrantType::ClientCredentials]);
    let uris = texts(
        "https://[a-z]{1,8}\\.example(/[a-z]{1,8}){0,2}|http://127\\.0\\.0\\.1:[1-9][0-9]{1,3}/cb|com\\.example\\.[a-z]{1,8}:/cb",
    );
    let binding = sample::select(vec![None, Some(TokenBinding::Dpop), Some(TokenBinding::Mtls)]);
    let lives = (60..=3_600_u64, 60..=31_622_400_u64);
    let groups = prop_oneof![Just(Vec::new()), texts(line())];
    (prop_oneof![people, machine], uris, any::<(bool, bool, bool)>(), groups, (lives, binding))
        .prop_map(
            |(
                grants,
                uris,
                (is_public, is_opaque, must_push),
                groups,
                ((lifetime, refresh), binding),
            )| {
                TokenTerms {
                    redirect_uris: uris
                        .into_iter()
                        .filter(|_| grants.contains(&GrantType::AuthorizationCode))
                        .collect(),
                    is_public: is_public && !grants.contains(&GrantType::ClientCredentials),
                    grants,
                    groups,
                    lifetime: Duration::from_secs(lifetime),
                    refresh_lifetime: Duration::from_secs(refresh),
                    binding,
                    is_opaque,
                    must_push,
                    introspects: if is_opaque { vec![Audience::Door] } else { Vec::new() },
                }
            },
        )
}

fn rotation() -> impl Strategy<Value = RotationPolicy> {
    let days = |it: u64| Duration::from_secs(it.saturating_mul(86_400));
    (option::of(10..100_u64), option::of(1..10_u64), option::of(1..10_u64), any::<bool>()).prop_map(
        move |(longest, warn, quiet, is_self_service)| RotationPolicy {
            lifetime_max: longest.map(days),
            warn_before: warn.map(days),
            quiet: quiet.map(days),
            is_self_service: is_self_service && longest.is_some(),
        },
    )
}

pub(crate) fn admission() -> impl Strategy<Value = Admission> {
    let registrations =
        vec![Registration::CommandLine, Registration::Dynamic, Registration::MetadataDocument];
    let some = |text| prop_oneof![Just(Vec::new()), texts(text)];
    let hosts = some("(\\*\\.)?[a-z]{1,8}\\.example|localhost");
    let words = prop_oneof![Just(Vec::new()), texts(line())];
    let who = (hosts, words, some("[a-z]{1,8}"), option::of(SLUG), any::<u32>());
    (SLUG, option::of(prose()), profile_id(), sample::subsequence(registrations, 1..=3), who)
        .prop_map(|(id, description, profile, registrations, who)| {
            let (hosts, software, groups, issuer, position) = who;
            Admission {
                id: AdmissionId::parse(&id).unwrap(),
                description,
                profile,
                registrations,
                hosts,
                software,
                issuer: issuer.map(|it| IssuerId::parse(&it).unwrap()),
                groups,
                position,
                place: Place::default(),
            }
        })
}

pub(crate) fn user() -> impl Strategy<Value = User> {
    let password =
        option::of("\\$argon2id\\$v=19\\$m=19456,t=2,p=1\\$[a-zA-Z0-9]{22}\\$[a-zA-Z0-9]{43}");
    let groups = prop_oneof![Just(Vec::new()), texts(line())];
    let second_factor = (any::<bool>(), option::of(0..4_000_000_000_i64));
    (SLUG, option::of(line()), password, groups, second_factor, any::<bool>()).prop_map(
        |(id, name, password, groups, (is_required, since), is_enabled)| User {
            id: UserId::parse(&id).unwrap(),
            name,
            password,
            groups,
            second_factor: SecondFactor { is_required, since: since.map(Timestamp::from_seconds) },
            is_enabled,
            place: Place::default(),
        },
    )
}

fn sign_in() -> impl Strategy<Value = SignIn> {
    let scopes =
        prop_oneof![Just(vec!["profile".to_owned(), "email".to_owned()]), texts("[a-n]{1,8}")];
    // Groups are mapped where a claim has them.
    let groups = option::of(collection::btree_map(line(), line(), 1..4));
    let claims = (option::of(line()), option::of((line(), groups)));
    (line(), line(), option::of(secret_id()), scopes, claims).prop_map(
        |(label, client_id, client_secret, scopes, (name_claim, listed))| {
            let (groups_claim, groups) = listed.unzip();
            let groups = groups.flatten();
            SignIn { label, client_id, client_secret, scopes, name_claim, groups_claim, groups }
        },
    )
}

pub(crate) fn client() -> impl Strategy<Value = Client> {
    let kinds = [ClientKind::Agent, ClientKind::App, ClientKind::Partner, ClientKind::Service];
    let facts = (SLUG, sample::select(kinds.to_vec()), line(), option::of(prose()), any::<bool>());
    (facts, collection::btree_set(SLUG, 0..3)).prop_flat_map(|(facts, names)| {
        let id = ClientId::parse(&facts.0).unwrap();
        let profiles: Vec<_> = names.iter().map(|it| profile(&id, it)).collect();
        (Just(facts), profiles).prop_map(
            |((id, kind, owner, description, is_enabled), profiles)| {
                let (id, place) = (ClientId::parse(&id).unwrap(), Place::default());
                Client { id, kind, owner, description, is_enabled, profiles, place }
            },
        )
    })
}

pub(crate) fn role() -> impl Strategy<Value = Role> {
    let effects = [Effect::Destructive, Effect::Read, Effect::Write];
    let grant = (patterns(1), sample::subsequence(effects.to_vec(), 0..=3))
        .prop_map(|(operations, effects)| Grant { operations, effects });
    (SLUG, option::of(prose()), collection::vec(grant, 0..4)).prop_map(
        |(id, description, grants)| Role {
            id: RoleId::parse(&id).unwrap(),
            description,
            grants,
            place: Place::default(),
        },
    )
}

pub(crate) fn stop() -> impl Strategy<Value = Stop> {
    let of = prop_oneof![
        Just(Stopped::Agents),
        SLUG.prop_map(|it| Stopped::Client(ClientId::parse(&it).unwrap())),
        SLUG.prop_map(|it| Stopped::Collection(CollectionId::parse(&it).unwrap())),
        SLUG.prop_map(|it| Stopped::ClientId(format!("https://{it}.example/client.json"))),
        SLUG.prop_map(|it| Stopped::ClientId(format!("dyn-{it}"))),
        SLUG.prop_map(|it| Stopped::Person(format!("local:{it}"))),
        SLUG.prop_map(|it| Stopped::Person(format!("idp:{it}: å"))),
        SLUG.prop_map(|it| Stopped::Upstream(UpstreamId::parse(&it).unwrap())),
    ];
    (SLUG, of, prose(), option::of(line()), option::of(time())).prop_map(
        |(id, of, because, by, since)| Stop {
            id: StopId::parse(&id).unwrap(),
            of,
            because,
            by,
            since,
            place: Place::default(),
        },
    )
}

pub(crate) fn limit() -> impl Strategy<Value = Limit> {
    let scopes = [
        Scope::All,
        Scope::Client,
        Scope::ClientOperation,
        Scope::Operation,
        Scope::Profile,
        Scope::ProfileOperation,
    ];
    let periods = [Period::Hour, Period::Day, Period::Week, Period::Month];
    let measure = prop_oneof![
        (count(), sample::select(periods.to_vec()))
            .prop_map(|(count, period)| Measure::Quota(Quota { count, period })),
        (count(), sample::select(&[1_u64, 60, 3600][..]), count()).prop_map(
            |(count, per, burst)| {
                Measure::Rate(Rate { count, per: Duration::from_secs(per), burst })
            }
        ),
    ];
    let whom = (option::of(profile_id()), any::<bool>());
    (SLUG, whom, patterns(0), sample::select(scopes.to_vec()), measure).prop_map(
        |(id, (profile, names_client), operations, scope, measure)| Limit {
            id: LimitId::parse(&id).unwrap(),
            client: profile
                .as_ref()
                .filter(|_| names_client)
                .map(|it| ClientId::parse(it.client()).unwrap()),
            profile,
            operations,
            scope,
            measure,
            place: Place::default(),
        },
    )
}

fn key_hash() -> impl Strategy<Value = KeyHash> {
    let pepper = SLUG.prop_map(|it| PepperId::parse(&it).unwrap());
    (pepper, any::<[u8; 32]>()).prop_map(|(pepper, hmac)| KeyHash { pepper, hmac })
}

pub(crate) fn credential() -> impl Strategy<Value = Credential> {
    let states = [
        CredentialState::Active,
        CredentialState::Retiring,
        CredentialState::Retired,
        CredentialState::Revoked,
    ];
    let claims = collection::btree_map(line(), line(), 1..4);
    let proof = prop_oneof![
        key_hash().prop_map(|hash| Proof::ApiKey { hash }),
        key_hash().prop_map(|hash| Proof::ClientSecret { hash }),
        certificate().prop_map(|certificate| Proof::Mtls { certificate }),
        "https://[a-z]{1,8}\\.example/[a-z]{1,8}"
            .prop_map(|url| Proof::PrivateKeyJwt { keys: KeySource::Url(url) }),
        (SLUG, claims).prop_map(|(issuer, claims)| Proof::External {
            issuer: IssuerId::parse(&issuer).unwrap(),
            claims
        }),
    ];
    let life = (option::of(time()), option::of(time()), time()).prop_map(
        |(created, replaced, expires)| (created.filter(|it| *it < expires), replaced, expires),
    );
    (SLUG, profile_id(), proof, sample::select(states.to_vec()), life).prop_map(
        |(id, profile, proof, state, (created, replaced, expires))| Credential {
            id: CredentialId::parse(&id).unwrap(),
            profile,
            proof,
            state,
            created,
            replaced,
            expires,
            place: Place::default(),
        },
    )
}

fn certificate() -> impl Strategy<Value = CertificateMatch> {
    prop_oneof![
        any::<[u8; 32]>().prop_map(CertificateMatch::Thumbprint),
        "[a-z]{1,8}\\.example".prop_map(CertificateMatch::Dns),
        "[a-z]{1,8}@[a-z]{1,8}\\.example".prop_map(CertificateMatch::Email),
        any::<[u8; 4]>().prop_map(|it| CertificateMatch::Ip(it.into())),
        "CN=[a-z]{1,8},O=[a-z]{1,8}".prop_map(CertificateMatch::Subject),
        "spiffe://[a-z]{1,8}\\.example/[a-z]{1,8}".prop_map(CertificateMatch::Uri),
    ]
}

fn texts(text: impl Strategy<Value = String>) -> impl Strategy<Value = Vec<String>> {
    collection::btree_set(text, 1..4).prop_map(|it| it.into_iter().collect())
}

pub(crate) fn issuer() -> impl Strategy<Value = Issuer> {
    let url = "https://[a-z]{1,8}\\.example(:8443)?(/[a-zA-Z0-9_-]{1,8}){0,3}";
    let key = (line(), line()).prop_map(|(kty, x)| serde_json::json!({"kty": kty, "x": x}));
    let keys = prop_oneof![
        Just(KeySource::Discovery),
        url.prop_map(KeySource::Url),
        collection::vec(key, 1..3)
            .prop_map(|it| KeySource::Inline(Arc::new(serde_json::json!({ "keys": it })))),
    ];
    let algorithms = vec!["ES256".to_owned(), "EdDSA".to_owned(), "RS512".to_owned()];
    let types = texts("[a-z+]{1,8}");
    let types = prop_oneof![Just(vec!["at+jwt".to_owned()]), types];
    (
        SLUG,
        url,
        keys,
        texts(line()),
        (sample::subsequence(algorithms, 1..=3), types, option::of(sign_in())),
        (option::of((url, line(), secret_id())), any::<bool>()),
    )
        .prop_map(|(id, issuer, keys, audiences, (algorithms, types, sign_in), more)| Issuer {
            id: IssuerId::parse(&id).unwrap(),
            issuer,
            keys,
            audiences,
            algorithms,
            types,
            introspection: more.0.map(|(url, client_id, client_secret)| Introspection {
                url: Some(url),
                client_id,
                client_secret,
            }),
            sign_in,
            is_enabled: more.1,
            place: Place::default(),
        })
}

pub(crate) fn guard() -> impl Strategy<Value = Guard> {
    (SLUG, option::of(prose()), prose()).prop_map(|(id, description, policy)| Guard {
        id: GuardId::parse(&id).unwrap(),
        description,
        policy,
        place: Place::default(),
    })
}

fn secret_id() -> impl Strategy<Value = SecretId> {
    SLUG.prop_map(|it| SecretId::parse(&it).unwrap())
}

pub(crate) fn secret() -> impl Strategy<Value = DeclaredSecret> {
    let path = "[a-zA-Z0-9_-]{1,8}(/[a-z0-9.]{0,4}[a-z]){0,3}";
    let vault = ("https://[a-z]{1,8}(:8200)?(/v)?", path, path, line(), option::of(path));
    let source = prop_oneof![
        "[A-Z_][A-Z0-9_]{0,12}".prop_map(|variable| SecretSource::Environment { variable }),
        path.prop_map(|it| SecretSource::File { path: format!("/{it}").into() }),
        Just(SecretSource::Store),
        (vault, secret_id()).prop_map(|((address, mount, path, field, namespace), token)| {
            SecretSource::Vault { address, mount, path, field, namespace, token }
        }),
    ];
    (secret_id(), line(), option::of(prose()), source)
        .prop_filter("a token of itself", |(id, _, _, source)| {
            !matches!(source, SecretSource::Vault { token, .. } if token == id)
        })
        .prop_map(|(id, owner, description, source)| DeclaredSecret {
            id,
            owner,
            description,
            source,
            place: Place::default(),
        })
}

fn injection() -> impl Strategy<Value = Injection> {
    let scopes = collection::btree_set("[a-z:.]{1,8}", 0..3);
    let url = "https://[a-z]{1,8}/[a-z]{0,4}";
    let grant = (url, line(), secret_id(), scopes, option::of(url));
    prop_oneof![
        ("[^:\\pC]{0,8}[a-z]", secret_id())
            .prop_map(|(username, password)| Injection::Basic { username, password }),
        secret_id().prop_map(|token| Injection::Bearer { token }),
        secret_id().prop_map(|certificate| Injection::ClientCertificate { certificate }),
        ("x-[a-z-]{1,8}", secret_id()).prop_map(|(name, value)| Injection::Header { name, value }),
        ("[a-zA-Z_.]{1,8}", secret_id()).prop_map(|(name, value)| Injection::Query { name, value }),
        grant.prop_map(|(token_url, client_id, client_secret, scopes, resource)| {
            let scopes = scopes.into_iter().collect();
            Injection::ClientCredentials { token_url, client_id, client_secret, scopes, resource }
        }),
    ]
}

/// An upstream with a name.
pub(crate) fn named_upstream() -> impl Strategy<Value = Upstream> {
    (SLUG, upstream())
        .prop_map(|(id, it)| Upstream { id: Some(UpstreamId::parse(&id).unwrap()), ..it })
}

fn upstream() -> impl Strategy<Value = Upstream> {
    let url =
        "https?://([a-z]{1,8}|192\\.0\\.2\\.1|\\[2001:db8::1\\])(:8080)?(/[a-z0-9]{1,8}){0,2}";
    let timeout = prop_oneof![
        (1..86_400_000_u64).prop_map(Duration::from_millis),
        (1..86_400_u64).prop_map(Duration::from_secs),
        sample::select(&[5_u64, 30, 60][..]).prop_map(Duration::from_secs),
    ];
    let timeouts = (timeout.clone(), timeout.clone(), timeout.clone(), timeout);
    (url, timeouts, 1..=65_536_usize, option::of(injection())).prop_map(
        |(url, timeouts, connections_max, injection)| {
            let (connect_timeout, answer_timeout, idle_timeout, tool_body_timeout) = timeouts;
            let is_certificate = matches!(injection, Some(Injection::ClientCertificate { .. }));
            let url = if is_certificate { url.replace("http:", "https:") } else { url };
            Upstream {
                id: None,
                url,
                connect_timeout,
                answer_timeout,
                idle_timeout,
                tool_body_timeout,
                connections_max,
                injection,
            }
        },
    )
}

fn recording() -> impl Strategy<Value = Recording> {
    let sought = prop_oneof![
        "(/[a-z0-9*é ]{1,5}){1,4}".prop_map(|it| Sought::At(Pointer::parse(&it).unwrap())),
        sample::select(Detector::ALL.to_vec()).prop_map(Sought::Like),
    ];
    let one = (sought, sample::select(Treatment::ALL.to_vec())).prop_filter(
        "more than is allowed",
        |(of, treatment)| match of {
            Sought::At(_) | Sought::Like(Detector::Email) => true,
            Sought::Like(Detector::CardNumber) => *treatment != Treatment::Keep,
            Sought::Like(Detector::Secret) => !treatment.shows(),
        },
    );
    let redaction = |(of, treatment)| Redaction { of, treatment, place: Place::default() };
    let redactions = collection::vec(one.prop_map(redaction), 0..4);
    let levels = option::of(sample::select(Level::ALL.to_vec()));
    (redactions, option::of(body_rule()), levels).prop_map(|(mut redactions, bodies, level)| {
        let mut seen = Vec::new();
        redactions.retain(|it: &Redaction| {
            let key = it.of.to_string();
            let is_new = !seen.contains(&key);
            seen.push(key);
            is_new
        });
        Recording { redactions, bodies, level }
    })
}

fn body_rule() -> impl Strategy<Value = BodyRule> {
    let subject =
        (SLUG, NAME).prop_filter("of who calls", |it| it.0 != "user" && it.0 != "profile");
    let subject = subject
        .prop_map(|(kind, argument)| SubjectRule { kind: kind.into(), argument: argument.into() });
    let range = sample::select(&["*/*", "text/*", "application/json", "image/*+xml"][..]);
    let ranges = prop_oneof![
        Just(BodyRule::usual_content_types()),
        range.prop_map(|it| vec![MediaRange::parse(it).unwrap()]),
    ];
    let (request, response) = (any::<bool>(), any::<bool>());
    (request, response, 1..=BodyRule::BYTES_MAX, ranges, option::of(subject)).prop_map(
        |(request, response, bytes_max, content_types, subject)| BodyRule {
            request,
            response,
            bytes_max,
            content_types,
            subject,
            place: Place::default(),
        },
    )
}

fn override_() -> impl Strategy<Value = Override> {
    let effects =
        option::of(sample::select(&[Effect::Destructive, Effect::Read, Effect::Write][..]));
    let names = (option::of(NAME), option::of(prose()));
    (names, any::<bool>(), effects, any::<bool>(), recording()).prop_map(
        |((name, description), is_hidden, effect, is_public, recording)| Override {
            name,
            description,
            is_hidden,
            effect,
            is_public,
            recording,
            place: Place::default(),
        },
    )
}

pub(crate) fn collection_() -> impl Strategy<Value = Collection> {
    let states = [Lifecycle::Draft, Lifecycle::Published, Lifecycle::Retired];
    let id = SLUG.prop_filter("reserved", |it| it != "mcp" && it != "onedoor");
    let facts = (id, option::of(line()), line(), sample::select(states.to_vec()));
    let base = option::of("/|(/api[a-z0-9]{0,6}){1,3}");
    let select = option::of(texts(NAME));
    let overrides = collection::btree_map(NAME, override_(), 0..4);
    let document = (object(json()), any::<bool>());
    (facts, base, upstream(), document, (select, overrides, recording())).prop_map(
        |(
            (id, title, owner, state),
            base,
            upstream,
            (document, is_inline),
            (select, overrides, recording),
        )| {
            let file =
                if is_inline { format!("collections/{id}.yaml") } else { "documents/a".into() };
            Collection {
                base: base.unwrap_or_else(|| format!("/{id}")),
                id: CollectionId::parse(&id).unwrap(),
                title,
                owner,
                state,
                upstream,
                document: Arc::new(Value::Object(document)),
                document_place: Place::new(&file.into(), 0),
                select: select.map(|it| it.into_iter().map(|it| (it, Place::default())).collect()),
                overrides,
                recording,
                place: Place::default(),
            }
        },
    )
}
