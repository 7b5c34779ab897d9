//! A crowd of clients with profiles and credentials: the large states of proofs and of the bench.

use std::{fmt::Write as _, path::PathBuf};

use anyhow::{Context as _, Result};
use model::Clock;
use store::{Commit, Location, Store};

/// How many profiles each client has.
pub(crate) const PROFILES_PER_CLIENT: usize = 10;

/// So many clients with [`PROFILES_PER_CLIENT`] profiles each, all of the role `reader`, and credentials
/// that nobody has the key to. As files: path and text.
pub(crate) fn files(clients: usize, credentials_per_profile: usize) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut credential = 0_usize;
    for client in 0..clients {
        let mut text = format!("kind: app\nowner: team-{client}\nprofiles:\n");
        for profile in 0..PROFILES_PER_CLIENT {
            let _ = writeln!(text, "  p{profile}: {{roles: [reader]}}");
            for _ in 0..credentials_per_profile {
                credential = credential.saturating_add(1);
                let path = format!("credentials/x{credential}.yaml");
                files.push((
                    path,
                    format!(
                        "profile: c{client}/p{profile}\nkind: api_key\nexpires: 2039-01-01\nhmac: {credential:064x}\n"
                    ),
                ));
            }
        }
        files.push((format!("clients/c{client}.yaml"), text));
    }
    files
}

/// Puts files into a store before anybody serves it.
pub(crate) fn commit(database: PathBuf, files: Vec<(String, String)>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let store = Store::open(&Location::Sqlite(database)).await?;
        let commit = Commit {
            base: None,
            author: "xtask".to_owned(),
            reason: "a large state".to_owned(),
            request_id: String::new(),
            at: Clock::system().now(),
            files: files.into_iter().map(|(path, text)| (path, Some(text))).collect(),
            sealed: Vec::new(),
            lines: Vec::new(),
        };
        store.commit(&commit).await.context("the large state cannot be stored")?;
        store.close().await;
        Ok(())
    })
}
