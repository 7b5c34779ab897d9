//! `onedoor credential new`: makes an API key or client secret, prints it this once, and keeps its HMAC.

use anyhow::anyhow;
use model::{Clock, KeyKind, ProfileId};
use state::Desired;

use super::Failure;
use crate::{api_key, cli, data::DataFolder, folder, logging, serving::Places, terminal::Terminal};

/// Makes a key for the profile. Only the key goes to the standard output.
pub(super) fn new(terminal: Terminal, arguments: &cli::CredentialNew) -> Result<(), Failure> {
    let (places, _) = Places::of(&arguments.folders)?;
    let profile = &arguments.profile;
    check_known(profile, &state::read(&folder::load(&places.state)?.folder)?)?;
    let now = Clock::system().now();
    let expires = arguments.expires.end(now).map_err(anyhow::Error::msg)?;
    let pepper = DataFolder::open(&places.data)?.pepper()?;
    let kind = arguments.kind.into();
    let made = api_key::make(&places.state, &pepper, (kind, profile), (now, expires))?;
    let (id, file) = (&made.id, made.file.display());
    let what = match kind {
        KeyKind::ApiKey => "API key",
        KeyKind::ClientSecret => "client secret",
    };
    logging::tell(format_args!("{id} is a new {what} of {profile}, good until {expires}"));
    logging::tell(format_args!("its HMAC is in {file}; the {what} itself is shown this once:"));
    terminal.line(made.key.expose())?;
    Ok(())
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
