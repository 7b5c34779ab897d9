//! `onedoor credential new`: makes an API key or client secret, prints it this once, and keeps its HMAC.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use audit::{EventId, Happened};
use model::{Clock, Credential, KeyKind, ProfileId, Refusal, RefusalKind, RequestId};
use state::Desired;

use super::Failure;
use crate::{
    api_key, cli,
    data::DataFolder,
    folder, logging,
    serving::{self, Alone, Places},
    terminal::Terminal,
};

/// Makes a key for the profile. Only the key goes to the standard output.
pub(super) fn new(terminal: Terminal, arguments: &cli::CredentialNew) -> Result<(), Failure> {
    let (places, config) = Places::of(&arguments.folders)?;
    let profile = &arguments.profile;
    let desired = state::read(&folder::load(&places.state)?.folder)?;
    check_known(profile, &desired)?;
    let now = Clock::system().now();
    let expires = arguments.expires.end(now).map_err(anyhow::Error::msg)?;
    let data = DataFolder::open(&places.data)?;
    let pepper = data.pepper()?;
    let kind = arguments.kind.into();
    let (key, credential) = api_key::new(&pepper, (kind, profile), (now, expires))?;
    // The system tells who runs this to a runtime alone.
    let runtime = serving::runtime()?;
    let entered = runtime.enter();
    let file = match Alone::open(&config, &data, "onedoor credential new")? {
        Some(alone) => recorded(alone, &places.state, (&credential, &desired))?,
        // A door that runs records what comes into its folder.
        None => api_key::write(&places.state, &credential)?,
    };
    drop(entered);
    let (id, file) = (&credential.id, file.display());
    let what = match kind {
        KeyKind::ApiKey => "API key",
        KeyKind::ClientSecret => "client secret",
    };
    logging::tell(format_args!("{id} is a new {what} of {profile}, good until {expires}"));
    logging::tell(format_args!("its HMAC is in {file}; the {what} itself is shown this once:"));
    terminal.line(key.expose())?;
    Ok(())
}

/// Writes the credential into the folder `state`, and records that before and behind it.
fn recorded(
    alone: Alone,
    state: &Path,
    (credential, desired): (&Credential, &Desired),
) -> anyhow::Result<PathBuf> {
    let holder = admin::holder(credential, desired);
    let note = format!("ends at {}, {}", credential.expires, alone.by());
    let deed = Happened {
        id: Some(RequestId::new(uuid::Uuid::now_v7())),
        caller: Some(&holder),
        ..Happened::new(EventId::CredentialIssued, &note)
    };
    alone.begin(&deed)?;
    let written = api_key::write(state, credential);
    let failed = |error: anyhow::Error| Refusal::new(RefusalKind::Internal, format!("{error:#}"));
    alone.end(&deed, written.map_err(failed))
}

fn check_known(profile: &ProfileId, desired: &Desired) -> anyhow::Result<()> {
    let profiles = desired.clients.iter().flat_map(|it| &it.profiles);
    let known: Vec<&str> = profiles.map(|it| it.id.as_str()).collect();
    if known.contains(&profile.as_str()) {
        return Ok(());
    }
    let file = state::Kind::Client.path(profile.client());
    let known = if known.is_empty() { "there is none yet".to_owned() } else { known.join(", ") };
    Err(anyhow!(
        "unknown profile \"{profile}\": declare it in {file}, or name a known one: {known}"
    ))
}
