//! `onedoor serve`: serves a state folder until it is told to stop.

use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use gateway::Entrance;
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::Failure;
use crate::{
    cli,
    config::Config,
    folder::Watch,
    logging,
    serving::{self, Hangup, Look, Places, Served, Stop},
};

/// Serves until SIGTERM or SIGINT, then lets open calls end.
pub(super) fn run(arguments: &cli::Serve) -> Result<(), Failure> {
    let (places, mut config) = Places::of(&arguments.folders)?;
    config.listen.address = arguments.listen.unwrap_or(config.listen.address);
    logging::start(config.log.level);
    serving::runtime()?.block_on(serve(&config, &places))
}

async fn serve(config: &Config, places: &Places) -> Result<(), Failure> {
    // First of all: a signal that comes early must not be lost.
    let (hangup, mut stop) = (Hangup::new()?, Stop::new()?);
    let mut served = Served::new(config, places)?;
    let watch = Watch::new(&places.state);
    if let Look::Swapped(summary) = served.look()? {
        serving::tell_swapped(&summary);
    }
    let address = config.listen.address;
    let listener =
        TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
    let address = listener.local_addr()?;
    let url = config.listen.public_url.clone().unwrap_or_else(|| format!("http://{address}"));
    tracing::info!(%address, state = %places.state.display(), "serving {url}, with MCP at {url}/mcp");
    if !address.ip().is_loopback() && !url.starts_with("https://") {
        tracing::warn!(
            "keys come in on {address} without TLS: put a TLS proxy in front, and set public_url"
        );
    }

    let stopping = CancellationToken::new();
    let mut tasks = JoinSet::new();
    tasks.spawn(Arc::clone(served.gateway()).serve(listener, Entrance::Public, stopping.clone()));
    tokio::select! {
        never = serving::keep_current(&mut served, watch, hangup) => match never {},
        () = stop.asked() => {}
        ended = tasks.join_next() => return Err(unasked(ended)),
    }
    tracing::info!("stopping: open calls may go on for {:?}", config.listen.drain_timeout);
    stopping.cancel();
    tokio::select! {
        _ = tasks.join_next() => tracing::info!("stopped"),
        () = stop.asked() => return Err(anyhow!("stopped before all calls had ended").into()),
    }
    Ok(())
}

fn unasked(ended: Option<Result<std::io::Result<()>, tokio::task::JoinError>>) -> Failure {
    match ended {
        Some(Ok(Err(error))) => anyhow!(error).context("the listener ended").into(),
        Some(Err(error)) => anyhow!(error).context("the listener ended").into(),
        Some(Ok(Ok(()))) | None => anyhow!("the listener ended").into(),
    }
}
