//! Two replicas, the lines that call them, and what they stand on.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use anyhow::Result;
use testkit::{Authority, Postgres};

use super::{
    super::{
        door::{Door, Home},
        upstream::Upstream,
        victims::AUDIENCE,
        world,
    },
    held::Kind,
    line::{self, Line},
    makers::Makers,
    pair::in_force,
};

/// What runs. The doors end before what they stand on.
pub(super) struct Ground {
    pub(super) doors: [Door; 2],
    pub(super) homes: [Home; 2],
    /// The first operator's key.
    pub(super) operator: String,
    pub(super) lines: Vec<Line>,
    pub(super) makers: Makers,
    _postgres: Postgres,
}

impl Ground {
    /// Starts two doors, and so many lines of each kind, which are good at both when this returns. The
    /// doors serve over TLS where one of the kinds is `mtls`.
    pub(super) fn start(
        program: &Path,
        folder: &Path,
        (kinds, lines): (&[Kind], usize),
    ) -> Result<Self> {
        let (postgres, upstream) = (Postgres::start(), Upstream::start()?);
        fs::create_dir_all(folder)?;
        let makers = Makers::new(kinds);
        let config = folder.join("onedoor.toml");
        // One URL for both, so that each takes the tokens that the other gave.
        let listen = format!("[listen]\npublic_url = \"{AUDIENCE}\"\n");
        let tls = makers.authority.as_ref().map(tls).transpose()?.unwrap_or_default();
        let hosts = "allowed_hosts = [\"127.0.0.1\", \"localhost\"]\n";
        fs::write(&config, format!("{listen}{hosts}{tls}"))?;
        let mut home = Home::new(program, folder.join("one"));
        (home.store, home.config) = (Some(postgres.url().to_owned()), Some(config));
        let (homes, doors, operator) = home.pair()?;
        let [first, _] = &doors;
        let manager = first.client(&operator);
        let mut files = world::files(upstream.address);
        files.extend(makers.files());
        files.insert("clients/rotated.yaml".to_owned(), line::client(kinds, lines));
        // Without a credential of its own, which would be one more thing to wait for.
        let stock = format!("url: http://{}\n", upstream.address);
        files.insert("upstreams/stock.yaml".to_owned(), stock);
        // Nobody has the keys of these, so they would be under the first pepper for ever.
        files.retain(|path, _| !path.starts_with("credentials/"));
        world::apply(&manager, &files)?;
        world::set_secret(&manager, "stock-key", "the-first-value")?;
        let all = kinds.iter().flat_map(|kind| (0..lines).map(|number| (*kind, number)));
        let begun = all.map(|which| Line::begin(which, &manager, &makers));
        let lines = begun.collect::<Result<Vec<_>>>()?;
        for line in &lines {
            in_force(&doors, |door| line.held().is_good(door))?;
        }
        Ok(Self { doors, homes, operator, lines, makers, _postgres: postgres })
    }
}

/// The TLS of both doors.
fn tls(authority: &Authority) -> Result<String> {
    authority.issue("door", "/CN=door", "DNS:localhost,IP:127.0.0.1");
    let path = |file: &str| authority.path(file).display().to_string();
    let (certificate, key, ca) = (path("door.pem"), path("door.key"), path("ca.pem"));
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600))?;
    Ok(format!("[tls]\ncertificate = \"{certificate}\"\nkey = \"{key}\"\nclient_ca = \"{ca}\"\n"))
}
