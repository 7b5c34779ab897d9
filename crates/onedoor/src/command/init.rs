//! `onedoor init`: a store with its first operator, made on the machine and nowhere else.

use std::path::Path;

use anyhow::{Context as _, anyhow};
use model::{
    Assignment, Client, ClientId, ClientKind, Clock, Credential, Place, Profile, ProfileId, RoleId,
    Secret, Surface, Timestamp,
};
use state::Kind;
use store::{Commit, Store};

use super::Failure;
use crate::{
    api_key, cli,
    config::Config,
    data::DataFolder,
    logging, remote,
    serving::{self, Places},
    terminal::Terminal,
};

/// Makes the store and its first operator. Only the key goes to the standard output.
pub(super) fn run(terminal: Terminal, arguments: &cli::Init) -> Result<(), Failure> {
    let mut config = Config::read(arguments.folders.config.as_deref())?;
    config.store.or_environment()?;
    let data = Places::data_alone(arguments.folders.data.as_ref(), &config);
    let key = serving::runtime()?.block_on(init(&config, &data, arguments))?;
    let url = format!("http://{}", config.management.address);
    let shown = data.display();
    logging::tell(format_args!(
        "the store is ready, and {} is its first operator",
        arguments.client
    ));
    logging::tell(format_args!("next: onedoor serve --data {shown}"));
    let login = remote::client_config_path();
    if login.try_exists()? {
        logging::tell(format_args!("{} is there already and stays as it is", login.display()));
        logging::tell(format_args!("then: ONEDOOR_URL={url} ONEDOOR_TOKEN=… onedoor whoami"));
    } else {
        remote::write_client_config(&login, &url, key.expose())?;
        logging::tell(format_args!("then: onedoor whoami (the key is in {})", login.display()));
    }
    logging::tell(format_args!("the operator's key is shown this once:"));
    terminal.line(key.expose())?;
    Ok(())
}

async fn init(
    config: &Config,
    data: &Path,
    arguments: &cli::Init,
) -> anyhow::Result<Secret<String>> {
    let folder = DataFolder::open(data)?;
    let pepper = folder.pepper()?;
    folder.keyring(true)?;
    let store = serving::open_store(config, data).await?;
    if store.head().await? > 0 {
        return Err(anyhow!(
            "the store is in use already: ask an operator for a key (onedoor credential issue)"
        ));
    }
    let now = Clock::system().now();
    let client = operator(arguments)?;
    let profile = client.profiles.first().context("an operator has a profile")?;
    let expires = arguments.expires.end(now).map_err(anyhow::Error::msg)?;
    let (key, credential) = api_key::new(&pepper, &profile.id, (now, expires))?;
    commit(&store, &client, &credential, now).await?;
    store.close().await;
    Ok(key)
}

fn operator(arguments: &cli::Init) -> anyhow::Result<Client> {
    let cli::Init { client: id, owner, .. } = arguments;
    let profile = Profile {
        id: ProfileId::new(id, "default")?,
        roles: vec![Assignment::everywhere(RoleId::parse("admin")?)],
        surfaces: vec![Surface::Mcp, Surface::Rest],
        networks: Vec::new(),
        expires: None,
        is_enabled: true,
        place: Place::default(),
    };
    Ok(Client {
        id: ClientId::clone(id),
        kind: ClientKind::Service,
        owner: owner.clone(),
        description: Some("The first operator, made by onedoor init.".to_owned()),
        is_enabled: true,
        profiles: vec![profile],
        place: Place::default(),
    })
}

async fn commit(
    store: &Store,
    client: &Client,
    credential: &Credential,
    now: Timestamp,
) -> anyhow::Result<()> {
    let files = vec![
        (Kind::Client.path(client.id.as_str()), Some(state::write_client(client))),
        (Kind::Credential.path(credential.id.as_str()), Some(state::write_credential(credential))),
    ];
    let commit = Commit {
        base: Some(0),
        author: "onedoor init".to_owned(),
        reason: "the first operator".to_owned(),
        request_id: String::new(),
        at: now,
        files,
        sealed: Vec::new(),
        lines: Vec::new(),
    };
    store.commit(&commit).await?;
    Ok(())
}
