//! All sources in memory. The vault answers as its documentation says.

use std::{
    collections::BTreeMap,
    io,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use model::{Clock, DeclaredSecret, Place, Secret, SecretId, SecretSource, Timestamp};
use secrets::{
    Environment, Error, Fetch, Fetched, Files, Keyring, Pending, Resolver, Sealed, Sources, Stored,
    UPSTREAM_PURPOSE, seal,
};

pub(crate) const CANARY: &str = "canary-77aa";

/// A world with a variable, some files, a store and a vault.
#[derive(Default)]
pub(crate) struct World {
    variables: BTreeMap<String, String>,
    files: BTreeMap<String, Vec<u8>>,
    stored: BTreeMap<SecretId, (u32, Sealed)>,
    answer: Mutex<Option<(u16, String)>>,
    asked: Mutex<Vec<String>>,
}

impl World {
    /// A world with these variables and nothing else.
    pub(crate) fn with(variables: &[(&str, &str)]) -> Arc<Self> {
        let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        Arc::new(Self { variables: variables.collect(), ..Self::default() })
    }
}

impl Environment for World {
    fn variable(&self, name: &str) -> Option<Secret<String>> {
        self.variables.get(name).cloned().map(Secret::new)
    }
}

impl Files for World {
    fn read(&self, path: &Path) -> io::Result<Secret<Vec<u8>>> {
        let file = self.files.get(path.to_str().unwrap());
        file.cloned().map(Secret::new).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Stored for World {
    fn active<'a>(
        &'a self,
        secret: &'a SecretId,
    ) -> Pending<'a, Result<Option<(u32, Sealed)>, String>> {
        Box::pin(async { Ok(self.stored.get(secret).cloned()) })
    }
}

impl Fetch for World {
    fn get<'a>(
        &'a self,
        url: &'a str,
        headers: &'a [(&'static str, Secret<String>)],
    ) -> Pending<'a, Result<Fetched, String>> {
        let headers = headers.iter().map(|(name, value)| format!(" {name}={}", value.expose()));
        self.asked.lock().unwrap().push(format!("{url}{}", headers.collect::<String>()));
        let answer = self.answer.lock().unwrap().clone();
        Box::pin(async {
            let (status, body) = answer.ok_or("no connection")?;
            Ok(Fetched { status, body: Secret::new(body.into_bytes()) })
        })
    }
}

pub(crate) fn id(text: &str) -> SecretId {
    SecretId::parse(text).unwrap()
}

pub(crate) fn declared(name: &str, source: SecretSource) -> DeclaredSecret {
    let place = Place::default();
    DeclaredSecret { id: id(name), owner: "team".to_owned(), description: None, source, place }
}

pub(crate) fn resolver(
    world: &Arc<World>,
    fetch: Arc<dyn Fetch>,
    keyring: Option<Keyring>,
) -> (Resolver, Clock) {
    let clock = Clock::fake(Timestamp::parse("2026-01-01T00:00:00Z").unwrap());
    let sources = Sources {
        environment: Arc::clone(world) as _,
        files: Arc::clone(world) as _,
        stored: Arc::clone(world) as _,
        fetch,
        keyring: keyring.map(Arc::new),
    };
    (Resolver::new(sources, clock.clone()), clock)
}

pub(crate) fn variable(name: &str) -> SecretSource {
    SecretSource::Environment { variable: name.to_owned() }
}

fn file(path: &str) -> SecretSource {
    SecretSource::File { path: path.into() }
}

fn vault() -> [DeclaredSecret; 2] {
    let source = SecretSource::Vault {
        address: "https://vault.example:8200".to_owned(),
        mount: "kv/team".to_owned(),
        path: "crm key".to_owned(),
        field: "password".to_owned(),
        namespace: Some("ns1".to_owned()),
        token: id("token"),
    };
    [declared("crm", source), declared("token", variable("VAULT_TOKEN"))]
}

fn vault_world() -> Arc<World> {
    World::with(&[("VAULT_TOKEN", "hvs.1")])
}

/// As in the documentation of the engine, "Read secret version".
fn entry(value: &str, lease: u64) -> (u16, String) {
    let text = format!(
        r#"{{"request_id":"9","lease_id":"","renewable":false,"lease_duration":{lease},
        "data":{{"data":{{"password":{value},"other":1}},"metadata":{{"version":2,"destroyed":false}}}},
        "wrap_info":null,"warnings":null,"auth":null}}"#
    );
    (200, text)
}

#[tokio::test]
async fn a_value_is_found_in_the_environment_and_in_files() {
    let variables = [("KEY".to_owned(), " as is ".to_owned()), ("EMPTY".to_owned(), String::new())];
    let files = [("/a", "v\n"), ("/b", "v\r\n"), ("/c", "v\n\n"), ("/d", "v"), ("/e", "\n")];
    let mut files: BTreeMap<_, _> =
        files.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec())).into();
    files.insert("/long".to_owned(), vec![b'x'; 64 * 1024 + 1]);
    let world = Arc::new(World { variables: variables.into(), files, ..World::default() });
    let (resolver, _) = resolver(&world, world.clone(), None);
    for (source, want) in [
        (variable("KEY"), Ok(" as is ")),
        (variable("EMPTY"), Err("secret \"s\": environment variable EMPTY: is empty")),
        (variable("NONE"), Err("secret \"s\": environment variable NONE: is not set")),
        (file("/a"), Ok("v")),
        (file("/b"), Ok("v")),
        (file("/c"), Ok("v\n")),
        (file("/d"), Ok("v")),
        (file("/e"), Err("secret \"s\": file /e: is empty")),
        (file("/f"), Err("secret \"s\": file /f: entity not found")),
        (file("/long"), Err("secret \"s\": file /long: is longer than 64 KiB")),
    ] {
        let got = resolver.resolve(&declared("s", source), &[]).await;
        let got = got.map(|it| String::from_utf8(it.value.expose().clone()).unwrap());
        assert_eq!(
            got.map_err(|it| it.to_string()),
            want.map(str::to_owned).map_err(str::to_owned)
        );
    }
}

#[tokio::test]
async fn a_stored_value_opens_with_the_keyring_alone() {
    let (keyring, _) = Keyring::generate("k1").unwrap();
    let value = Secret::new(CANARY.as_bytes().to_vec());
    let sealed = seal(&keyring, &id("s"), 4, UPSTREAM_PURPOSE, &value).unwrap();
    let stored = [(id("s"), (4, sealed.clone())), (id("moved"), (4, sealed))].into();
    let world = Arc::new(World { stored, ..World::default() });
    let (open, _) = resolver(&world, world.clone(), Some(keyring));
    let found = open.resolve(&declared("s", SecretSource::Store), &[]).await.unwrap();
    assert_eq!((found.value.expose().as_slice(), found.version), (CANARY.as_bytes(), Some(4)));
    let error = open.resolve(&declared("moved", SecretSource::Store), &[]).await.unwrap_err();
    assert!(matches!(error, Error::Tampered { .. }), "{error}");
    let error = open.resolve(&declared("none", SecretSource::Store), &[]).await.unwrap_err();
    assert!(error.to_string().contains("no version is active"), "{error}");
    let (closed, _) = resolver(&world, world.clone(), None);
    let error = closed.resolve(&declared("s", SecretSource::Store), &[]).await.unwrap_err();
    assert!(error.to_string().contains("no key-encryption keys"), "{error}");
}

#[tokio::test]
async fn a_vault_is_asked_with_its_token_and_its_value_is_kept_while_it_fails() {
    let world = vault_world();
    let (resolver, clock) = resolver(&world, world.clone(), None);
    let all = vault();
    let [crm, _] = &all;
    let error = resolver.resolve(crm, &all).await.unwrap_err().to_string();
    assert!(
        error.contains("secret \"crm\": vault https://vault.example:8200, kv/team/crm key"),
        "{error}"
    );
    for (lease, fresh) in [(0, 300), (3600, 300), (60, 60)] {
        *world.answer.lock().unwrap() = Some(entry(&format!("\"{CANARY}\""), lease));
        let found = resolver.resolve(crm, &all).await.unwrap();
        assert_eq!(found.value.expose(), CANARY.as_bytes());
        assert_eq!(found.fresh_for, Some(Duration::from_secs(fresh)));
    }
    assert_eq!(
        world.asked.lock().unwrap().last().unwrap(),
        "https://vault.example:8200/v1/kv/team/data/crm%20key x-vault-token=hvs.1 x-vault-namespace=ns1"
    );
    for answer in
        [None, Some((403, String::new())), Some((404, String::new())), Some((503, String::new()))]
    {
        *world.answer.lock().unwrap() = answer;
        let held = resolver.resolve(crm, &all).await.unwrap();
        assert_eq!(held.value.expose(), CANARY.as_bytes());
        assert_eq!(held.fresh_for, Some(Duration::from_secs(10)));
    }
    clock.advance(Duration::from_secs(60));
    let error = resolver.resolve(crm, &all).await.unwrap_err().to_string();
    assert!(error.contains("503") && !error.contains("hvs.1"), "{error}");
}

#[tokio::test]
async fn what_a_vault_says_wrongly_is_no_value_and_is_not_repeated() {
    let world = vault_world();
    let (resolver, _) = resolver(&world, world.clone(), None);
    let all = vault();
    let [crm, _] = &all;
    for ((status, body), want) in [
        ((403, CANARY.to_owned()), "may not read it (403)"),
        ((404, CANARY.to_owned()), "no such entry, or it was deleted (404)"),
        ((500, CANARY.to_owned()), "status 500 instead of 200"),
        ((200, CANARY.to_owned()), "not that of a key-value engine"),
        (
            (200, format!(r#"{{"data":{{"password":"{CANARY}"}}}}"#)),
            "not that of a key-value engine",
        ),
        ((200, format!(r#"{{"data":{{"data":{{"x":"{CANARY}"}}}}}}"#)), "no such field"),
        (entry("77", 0), "the field is no text"),
        (entry("\"\"", 0), "is empty"),
    ] {
        *world.answer.lock().unwrap() = Some((status, body));
        let error = resolver.resolve(crm, &all).await.unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(text.contains(want) && !text.contains(CANARY) && !text.contains("hvs.1"), "{text}");
    }
}

#[tokio::test]
async fn a_vaults_token_is_another_secret_that_is_not_in_a_vault() {
    let world = vault_world();
    let (resolver, _) = resolver(&world, world.clone(), None);
    let [crm, token] = vault();
    let error = resolver.resolve(&crm, &[]).await.unwrap_err();
    assert!(error.to_string().contains("token \"token\": there is no such secret"), "{error}");
    let circular = DeclaredSecret { source: crm.source.clone(), ..token };
    let error = resolver.resolve(&crm, &[circular]).await.unwrap_err();
    assert!(error.to_string().contains("must not be in a vault itself"), "{error}");
    assert!(world.asked.lock().unwrap().is_empty());
}
