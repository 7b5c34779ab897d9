//! `secrets/ID.yaml`: a secret by name and source. Its value stands in no document.

use model::{DeclaredSecret, SecretId, SecretSource};
use serde_json::Value;

use crate::{
    address, field::Field, reader::Reader, references::Target, report::shown, writer::Writer,
};

const HELP: &str =
    "write store, {env: VARIABLE}, {file: /path} or {vault: {address: …, mount: …, path: …}}";

/// Reads the secret `id`.
pub(crate) fn read(id: SecretId, root: Field<'_>) -> Option<DeclaredSecret> {
    let place = root.place();
    root.mapping(|it| {
        let owner = it.required("owner", "name the person or team who answers for it");
        let owner = owner.and_then(|it| it.text());
        let description = it.optional("description").and_then(|it| it.prose());
        let source = it.required("source", HELP).and_then(read_source);
        Some(DeclaredSecret {
            owner: owner?.to_owned(),
            description: description.map(str::to_owned),
            source: source?,
            place,
            id,
        })
    })?
}

fn read_source(field: Field<'_>) -> Option<SecretSource> {
    if field.is_text() {
        let is_store = field.text()? == "store";
        if !is_store {
            // Not shown: it may be the secret itself.
            field.fault("not a source", HELP);
        }
        return is_store.then_some(SecretSource::Store);
    }
    field.mapping(|it| match (it.optional("env"), it.optional("file"), it.optional("vault")) {
        (Some(variable), None, None) => read_variable(&variable),
        (None, Some(path), None) => read_file(&path),
        (None, None, Some(vault)) => vault.mapping(read_vault)?,
        (None, None, None) => {
            it.field().fault("no source is named", HELP);
            None
        }
        _ => {
            it.field().fault("more than one source is named", "leave one of them");
            None
        }
    })?
}

fn read_variable(field: &Field<'_>) -> Option<SecretSource> {
    let variable = field.parse(|text| {
        let is_name = text.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_')
            && !text.starts_with(|it: char| it.is_ascii_digit());
        // Not shown: it may be the secret itself.
        is_name
            .then(|| text.to_owned())
            .ok_or("not the name of a variable: use A-Z, a-z, 0-9 and _, as in SHOP_API_KEY")
    })?;
    Some(SecretSource::Environment { variable })
}

fn read_file(field: &Field<'_>) -> Option<SecretSource> {
    let path = field.parse(|text| {
        let is_plain = text.strip_prefix('/').is_some_and(is_plain_path);
        is_plain.then(|| text.to_owned()).ok_or_else(|| {
            let help = "write /path/to/file, without //, . and .. in it";
            format!("{} is not the absolute path of a file: {help}", shown(text))
        })
    })?;
    Some(SecretSource::File { path: path.into() })
}

/// Whether there are parts between slashes, and none of them leads elsewhere.
fn is_plain_path(path: &str) -> bool {
    path.split('/').all(|it| !matches!(it, "" | "." | ".."))
}

fn read_vault(it: &mut Reader<'_>) -> Option<SecretSource> {
    let address = it.required("address", "write https://vault.example.com:8200");
    let address = address.and_then(|it| it.parse(address::trusted_base));
    let mount = it.required("mount", "write where its key-value engine is mounted: secret");
    let mount = mount.and_then(|it| it.parse(parse_vault_path));
    let path = it.required("path", "write the path of the entry: shop/orders");
    let path = path.and_then(|it| it.parse(parse_vault_path));
    let field = it.required("field", "write which field of the entry: api_key");
    let field = field.and_then(|it| it.text());
    let namespace = it.optional("namespace").map(|it| it.parse(parse_vault_path));
    let token = it.required("token", "name the secret that holds the token: secrets/ID.yaml");
    let token = token.and_then(|it| {
        let token = it.parse(SecretId::parse)?;
        it.refer(Target::VaultToken(token.clone()));
        Some(token)
    });
    let namespace = match namespace {
        Some(namespace) => Some(namespace?),
        None => None,
    };
    Some(SecretSource::Vault {
        address: address?,
        mount: mount?,
        path: path?,
        field: field?.to_owned(),
        namespace,
        token: token?,
    })
}

/// A path that means the same in an address.
fn parse_vault_path(text: &str) -> Result<String, String> {
    let is_safe = |it: u8| it.is_ascii_alphanumeric() || b"-_./~+@:".contains(&it);
    if is_plain_path(text) && text.bytes().all(is_safe) {
        Ok(text.to_owned())
    } else {
        let help = "write shop/orders, with no slash at its ends and nothing encoded";
        Err(format!("{} is not a path within a vault: {help}", shown(text)))
    }
}

/// The document of a secret.
#[must_use]
pub fn write_secret(secret: &DeclaredSecret) -> String {
    let DeclaredSecret { id: _, owner, description, source, place: _ } = secret;
    let mut document = Writer::new();
    document.put("owner", owner.as_str());
    document.put_some("description", description.as_deref());
    document.put("source", write_source(source));
    document.text()
}

fn write_source(source: &SecretSource) -> Value {
    let mut written = Writer::new();
    match source {
        SecretSource::Environment { variable } => written.put("env", variable.as_str()),
        SecretSource::File { path } => written.put("file", path.to_string_lossy()),
        SecretSource::Store => return Value::from("store"),
        SecretSource::Vault { address, mount, path, field, namespace, token } => {
            let mut vault = Writer::new();
            vault.put("address", address.as_str());
            vault.put_some("namespace", namespace.as_deref());
            vault.put("mount", mount.as_str());
            vault.put("path", path.as_str());
            vault.put("field", field.as_str());
            vault.put("token", token.as_str());
            written.put("vault", vault.value());
        }
    }
    written.value()
}
