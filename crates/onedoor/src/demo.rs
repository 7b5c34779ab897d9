//! `onedoor demo`: a sample API, the door in front of it, two clients, and a guided run through both surfaces.

mod print;
mod records;
mod sample_api;
mod tour;
mod visitor;
mod world;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use anyhow::Context as _;
use gateway::Entrance;
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::Level;

use self::{sample_api::SampleApi, world::World};
use crate::{
    cli,
    command::Failure,
    config::Config,
    folder::Watch,
    logging,
    serving::{self, Hangup, Served, Stop},
    terminal::{Look, Terminal},
};

/// The door's port, if it is free and no other is asked for.
const PORT: u16 = 8080;

/// Runs the demo until Ctrl-C, or to the end of the guided run.
pub(crate) fn run(terminal: Terminal, arguments: &cli::Demo) -> Result<(), Failure> {
    // A person who edits the state wants to be told; the guided run speaks for itself.
    logging::start(if arguments.once { Level::WARN } else { Level::INFO });
    let tasks = TaskTracker::new();
    serving::runtime()?.block_on(demo(terminal, arguments, &tasks))
}

async fn demo(
    terminal: Terminal,
    arguments: &cli::Demo,
    tasks: &TaskTracker,
) -> Result<(), Failure> {
    let (hangup, mut stop) = (Hangup::new()?, Stop::new()?);
    let sample = SampleApi::start(tasks).await.context("cannot start the sample API")?;
    let world = World::make(&sample.url())?;
    let listener = listen(arguments.port).await?;
    let door = listener.local_addr()?;
    let mut config = Config::read(None)?;
    config.reached_at(door);
    let mut served = Served::new(&config, &world.places).await?;
    let watch = Watch::new(&world.places.state);
    served.look()?;
    let supply = served.supply().await?;

    let stopping = CancellationToken::new();
    let mut serving = JoinSet::new();
    serving.spawn(Arc::clone(served.gateway()).serve(listener, Entrance::Public, stopping.clone()));
    print::opening(terminal, door, &sample, &world)?;

    let shown = async {
        let went_well = tour::run(terminal, door, &world).await?;
        if !arguments.once {
            terminal.line(terminal.paint(
                Look::Dim,
                "\nup until Ctrl-C, which removes its folder; edit the state in it and it reloads",
            ))?;
            stop.asked().await;
        }
        Ok::<_, anyhow::Error>(went_well)
    };
    let shown = tokio::select! {
        never = serving::keep_current(&mut served, watch, hangup) => match never {},
        () = supply => return Err(Failure::Told),
        shown = shown => shown?,
    };
    stopping.cancel();
    // Whoever still holds a stream of the sample API open must not keep us up.
    drop(sample);
    drop(serving.join_next().await);
    // First: it writes there.
    drop(served);
    let folder = world.root.path().display().to_string();
    drop(world);
    if !arguments.once {
        terminal.line(terminal.paint(Look::Dim, format_args!("{folder} is removed")))?;
    }
    if shown { Ok(()) } else { Err(Failure::Told) }
}

async fn listen(port: Option<u16>) -> anyhow::Result<TcpListener> {
    let bind = |port| TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    let bound = match bind(port.unwrap_or(PORT)).await {
        Err(error) if port.is_none() && error.kind() == io::ErrorKind::AddrInUse => bind(0).await,
        other => other,
    };
    bound.with_context(|| format!("cannot listen on port {}", port.unwrap_or(PORT)))
}
