//! `onedoor init`: a store with its first operator, made on the machine and nowhere else.

use std::path::Path;

use anyhow::anyhow;
use audit::{EventId, Happened};
use model::{ClientId, Clock, Refusal, RefusalKind, RequestId, Secret};
use store::Store;

use super::Failure;
use crate::{
    cli,
    config::Config,
    data::DataFolder,
    first::{First, Made},
    logging, remote,
    serving::{self, Alone, Places},
    socket,
    terminal::Terminal,
};

/// Makes the store and its first operator. Only the key goes to the standard output.
pub(super) fn run(terminal: Terminal, arguments: &cli::Init) -> Result<(), Failure> {
    let mut config = Config::read(arguments.folders.config.as_deref())?;
    config.store.or_environment()?;
    let data = Places::data_alone(arguments.folders.data.as_ref(), &config);
    let cli::Init { client, owner, expires, folders: _ } = arguments;
    let expires = expires.end(Clock::system().now()).map_err(anyhow::Error::msg)?;
    let first = First { client: ClientId::clone(client), owner: owner.clone(), expires };
    let (key, is_served) = serving::runtime()?.block_on(init(&config, &data, &first))?;
    let scheme = if config.management_tls.is_some() { "https" } else { "http" };
    let url = format!("{scheme}://{}", config.management.address);
    logging::tell(format_args!("the store is ready, and {client} is its first operator"));
    if !is_served {
        logging::tell(format_args!("next: onedoor serve --data {}", data.display()));
    }
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

/// The first operator's key, and whether a door serves the store already.
async fn init(
    config: &Config,
    data: &Path,
    first: &First,
) -> anyhow::Result<(Secret<String>, bool)> {
    // A door that runs does it itself: then it is in force at once, and recorded.
    match socket::ask(data, first).await? {
        Some(key) => Ok((key, true)),
        None => Ok((without_door(config, data, first).await?, false)),
    }
}

/// Makes the first operator where no door serves the store.
async fn without_door(
    config: &Config,
    data: &Path,
    first: &First,
) -> anyhow::Result<Secret<String>> {
    let folder = DataFolder::open(data)?;
    let pepper = folder.pepper()?;
    folder.keyring(true)?;
    let id = RequestId::new(uuid::Uuid::now_v7());
    let made = first.make(&pepper, Clock::system().now(), id.to_string())?;
    // Before the log: a door that starts now waits for that, and not long.
    let store = serving::open_store(config, data).await?;
    let stored = match Alone::open(config, &folder, "onedoor init") {
        Ok(Some(alone)) => recorded(alone, &store, (&made, id)).await,
        // That one would not see what is stored here, or take it for another replica's.
        Ok(None) => Err(anyhow!(
            "another process has the audit log of {}, and no door answers by the socket there: try again when it has started or ended; where it is a door without a socket, stop it meanwhile",
            data.display()
        )),
        Err(error) => Err(error),
    };
    store.close().await;
    stored.map(|()| made.key)
}

/// Stores the first revision, and records that before and behind it.
async fn recorded(
    alone: Alone,
    store: &Store,
    (made, id): (&Made, RequestId),
) -> anyhow::Result<()> {
    let note = format!("{}, {}", made.profile, alone.by());
    let deed = Happened { id: Some(id), ..Happened::new(EventId::OperatorFirst, &note) };
    alone.begin(&deed)?;
    let stored = match store.commit(&made.commit).await {
        Ok(revision) => Ok(revision.number),
        Err(store::Error::Conflict { .. }) => {
            Err(Refusal::new(RefusalKind::Forbidden, admin::Error::InUse.to_string()))
        }
        Err(error) => Err(Refusal::new(RefusalKind::Internal, error.to_string())),
    };
    let revision = stored.as_ref().ok().copied();
    alone.end(&Happened { revision, ..deed }, stored).map(drop)
}
