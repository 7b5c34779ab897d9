//! `onedoor serve`: serves what is in the store, or a state folder, until it is told to stop.

use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    sync::{Arc, OnceLock},
};

use anyhow::{Context as _, anyhow};
use gateway::{Entrance, Gateway};
use tokio::{
    net::{TcpListener, TcpSocket},
    task::{JoinSet, block_in_place},
};
use tokio_util::sync::CancellationToken;

use super::Failure;
use crate::{
    cli,
    config::Config,
    folder::Watch,
    logging, management,
    serving::{
        self, Certificates, Hangup, Look, Managed, Metrics, Places, Quotas, Served, Sinks, Stop,
    },
    socket::Socket,
};

/// So many connections may wait to be taken, if Linux allows as many (`net.core.somaxconn`).
const WAITING_MAX: u32 = 4096;

/// Serves until SIGTERM or SIGINT, then lets open calls end.
pub(super) fn run(arguments: &cli::Serve) -> Result<(), Failure> {
    let (places, mut config) = Places::of(&arguments.folders)?;
    config.store.or_environment()?;
    config.listen.address = arguments.listen.unwrap_or(config.listen.address);
    config.management.address = arguments.management.unwrap_or(config.management.address);
    logging::start(config.log.level);
    let is_folder = arguments.folders.state.is_some() || config.folders.state.is_some();
    let (runtime, log) = (serving::runtime()?, Log::new());
    let served = runtime.block_on(async {
        if is_folder {
            return Box::pin(serve_folder(config, &places, &log)).await;
        }
        let data = Places::data_alone(arguments.folders.data.as_ref(), &config);
        Box::pin(serve_store(config, &data, &log)).await
    });
    // What is open even now is broken off with its task, and leaves its record. The end of the log stays
    // its last word.
    drop(runtime);
    if let Some(log) = log.get() {
        log.end();
    }
    served
}

/// The log of what is served, from when on it is.
type Log = OnceLock<Arc<audit::Journal>>;

async fn serve_store(mut config: Config, data: &std::path::Path, log: &Log) -> Result<(), Failure> {
    let (hangup, stop) = (Hangup::new()?, Stop::new()?);
    let (listeners, metrics) = bind(&mut config).await?;
    let certificates = Certificates::open(&config, hangup)?;
    let mut managed = Managed::open(&config, data).await?;
    let sinks = managed.take_sinks();
    let (collections, operations) = managed.gateway().snapshot().counts();
    let revision = managed.revision();
    tracing::info!(revision, "in force: {collections} collections, {operations} operations");
    let (gateway, socket) = (Arc::clone(managed.gateway()), managed.socket(data));
    let quotas = managed.quotas();
    let parts = Parts { listeners, metrics, gateway, certificates, socket, sinks, quotas };
    log.get_or_init(|| Arc::clone(&parts.gateway.live().log));
    serve(&config, parts, Box::pin(managed.keep_current()), stop).await
}

async fn serve_folder(mut config: Config, places: &Places, log: &Log) -> Result<(), Failure> {
    // First of all: a signal that comes early must not be lost.
    let (hangup, stop) = (Hangup::new()?, Stop::new()?);
    let (listeners, metrics) = bind(&mut config).await?;
    let certificates = Certificates::open(&config, Hangup::new()?)?;
    let mut served = Served::new(&config, places).await?;
    let watch = Watch::new(&places.state);
    if let Look::Swapped(summary) = served.look()? {
        serving::tell_swapped(&summary);
    }
    tracing::info!(state = %places.state.display(), "serving the state folder");
    let gateway = Arc::clone(served.gateway());
    let supply = served.supply().await?;
    let (sinks, quotas) = (served.take_sinks(), served.quotas());
    let current = async {
        tokio::select! {
            never = serving::keep_current(&mut served, watch, hangup) => never,
            () = supply => std::future::pending().await,
        }
    };
    let socket = || None;
    let parts = Parts { listeners, metrics, gateway, certificates, socket, sinks, quotas };
    log.get_or_init(|| Arc::clone(&parts.gateway.live().log));
    Box::pin(serve(&config, parts, current, stop)).await
}

/// What is served, and by what.
struct Parts<S> {
    listeners: Listeners,
    /// Where numbers are read, if anywhere.
    metrics: Option<Metrics>,
    gateway: Arc<Gateway>,
    certificates: Certificates,
    /// Opens the local socket, where there is one.
    socket: S,
    /// Where records are brought to.
    sinks: Option<Sinks>,
    /// What is used of quotas.
    quotas: Quotas,
}

/// Serves both listeners, and the local socket where there is one, while `current` keeps what is in force current.
async fn serve(
    config: &Config,
    parts: Parts<impl FnOnce() -> Option<Socket>>,
    current: impl Future<Output = Infallible>,
    mut stop: Stop,
) -> Result<(), Failure> {
    let Parts { listeners, metrics, gateway, certificates, socket, sinks, quotas } = parts;
    tell_kept_nowhere_else(&gateway.live().log, sinks.as_ref());
    let stopping = CancellationToken::new();
    let mut tasks = JoinSet::new();
    // Only where these are ours: a second door that finds the addresses taken must not take the
    // first one's socket.
    if let Some(socket) = socket() {
        tasks.spawn(socket.serve(stopping.clone()));
    }
    if let Some(metrics) = metrics {
        let of = (Arc::clone(&gateway), sinks.as_ref().map(Sinks::watched));
        tasks.spawn(metrics.serve(of, stopping.clone()));
    }
    for (listener, entrance) in listeners {
        let tls = certificates.of(entrance);
        tell(config, listener.local_addr()?, entrance, tls.is_some());
        let (gateway, stopping) = (Arc::clone(&gateway), stopping.clone());
        match tls {
            None => tasks.spawn(gateway.serve(listener, entrance, stopping)),
            Some(tls) => tasks.spawn(gateway.serve_tls((listener, tls), entrance, stopping)),
        };
    }
    tokio::select! {
        never = current => match never {},
        never = certificates.keep_current(gateway.live()) => match never {},
        () = stop.asked() => {}
        ended = tasks.join_next() => return Err(unasked(ended)),
    }
    stopping.cancel();
    let drained = drain(config, tasks, &mut stop).await;
    block_in_place(|| quotas.end());
    gateway.live().end();
    if let Some(sinks) = sinks {
        // Whoever asks to stop once more waits for no receiver.
        let hurry = async {
            if drained.is_ok() {
                stop.asked().await;
            }
        };
        sinks.end(hurry).await;
        // What they recorded meanwhile stands behind its end: that stays the last word.
        gateway.live().log.end();
    }
    drained
}

/// Lets open calls end, unless somebody asks to stop once more.
async fn drain(
    config: &Config,
    mut tasks: JoinSet<io::Result<()>>,
    stop: &mut Stop,
) -> Result<(), Failure> {
    tell_stopping(config);
    let ended = async { while tasks.join_next().await.is_some() {} };
    tokio::select! {
        () = ended => tell_stopped(),
        () = stop.asked() => return Err(anyhow!("stopped before all calls had ended").into()),
    }
    Ok(())
}

fn tell_stopping(config: &Config) {
    tracing::info!("stopping: open calls may go on for {:?}", config.listen.drain_timeout);
}

fn tell_stopped() {
    tracing::info!("stopped");
}

fn entrances(config: &Config) -> [(SocketAddr, Entrance); 2] {
    let is_published = config.management.is_published;
    let public = if is_published { Entrance::Everything } else { Entrance::Public };
    [(config.listen.address, public), (config.management.address, Entrance::Management)]
}

/// Listeners, and what each leads to.
type Listeners = Vec<(TcpListener, Entrance)>;

/// Takes the addresses, first of all: what the door is reached by stands in all that it says of itself.
async fn bind(config: &mut Config) -> anyhow::Result<(Listeners, Option<Metrics>)> {
    let mut listeners = Vec::new();
    for (address, entrance) in entrances(config) {
        let bound = listen(address);
        let listener = bound.with_context(|| format!("cannot listen on {address}"))?;
        let address = listener.local_addr()?;
        match entrance {
            Entrance::Management => config.managed_at(address),
            Entrance::Everything | Entrance::Public => config.reached_at(address),
        }
        listeners.push((listener, entrance));
    }
    Ok((listeners, Metrics::bind(config.metrics.as_ref()).await?))
}

/// Listens on an address. Who finds no room among those that wait asks again only after a second.
fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A door that starts anew has its address back at once.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(WAITING_MAX)
}

fn tell(config: &Config, address: SocketAddr, entrance: Entrance, is_tls: bool) {
    let public_url = match entrance {
        Entrance::Management => config.management.public_url.clone(),
        Entrance::Everything | Entrance::Public => config.listen.public_url.clone(),
    };
    let url = public_url.clone().unwrap_or_else(|| {
        let scheme = if is_tls { "https" } else { "http" };
        format!("{scheme}://{address}")
    });
    let served = match entrance {
        Entrance::Management => format!("management at {url}{}", management::BASE),
        Entrance::Everything | Entrance::Public => format!("serving {url}"),
    };
    tracing::info!(%address, "{served}, with MCP at {url}/mcp");
    if public_url.is_none() && config.listen.allowed_hosts.is_empty() {
        tell_nameless(address);
    }
    if !is_tls && !address.ip().is_loopback() && !url.starts_with("https://") {
        warn_plain(address);
    }
}

/// A listener on loopback has a URL by now.
fn tell_nameless(address: SocketAddr) {
    tracing::info!(
        "{address} is reached by the machine's addresses and by localhost alone: name public_url or allowed_hosts in onedoor.toml to be reached by a name"
    );
}

fn tell_kept_nowhere_else(log: &audit::Journal, sinks: Option<&Sinks>) {
    if let Some(why) = sinks.and_then(|it| it.watched().kept_nowhere_else(log)) {
        tracing::warn!("the audit log stays here: {why}");
    }
}

fn warn_plain(address: SocketAddr) {
    tracing::warn!(
        "keys come in on {address} without TLS: name a certificate in onedoor.toml, or put a TLS proxy in front and set public_url and trusted_proxies"
    );
}

fn unasked(ended: Option<Result<io::Result<()>, tokio::task::JoinError>>) -> Failure {
    match ended {
        Some(Ok(Err(error))) => anyhow!(error).context("the listener ended").into(),
        Some(Err(error)) => anyhow!(error).context("the listener ended").into(),
        Some(Ok(Ok(()))) | None => anyhow!("the listener ended").into(),
    }
}
