//! Accepts connections, bounded in number, until it is told to stop; then lets them end.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use audit::EventId;
use model::{Refusal, RefusalKind};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::{
    Forwarding, Tls, connection,
    connection::Ends,
    forwarded, proxy_protocol,
    refused::{self, Refused},
    secure,
};
use crate::{Entrance, Gateway};

/// How often it is looked for floods of wrong credentials that are over.
const FLOODS_EVERY: Duration = Duration::from_secs(10);

/// Serves connections of `listener` until `stop`, then lets open calls end.
pub(crate) async fn serve(
    gateway: Arc<Gateway>,
    (listener, tls): (TcpListener, Option<Arc<Tls>>),
    entrance: Entrance,
    stop: CancellationToken,
) -> io::Result<()> {
    let local = listener.local_addr()?;
    let door = Door { listener, tls, local, entrance };
    tokio::select! {
        () = accept(&gateway, &door, &stop) => {}
        () = tell_guesses(&gateway) => {}
        () = stop.cancelled() => {}
    }
    // No new ones from here on: the port is free for who comes after.
    drop(door);
    gateway.tasks.close();
    drain(&gateway).await;
    gateway.live.tell_guesses(None);
    info!("{} is closed", local);
    Ok(())
}

/// A listener and what its connections have in common.
struct Door {
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
    /// What the listener is bound to.
    local: SocketAddr,
    entrance: Entrance,
}

/// For ever: a flood that ends has to be told too.
async fn tell_guesses(gateway: &Gateway) {
    loop {
        sleep(FLOODS_EVERY).await;
        gateway.live.tell_guesses(Some(gateway.live.clock.elapsed()));
    }
}

async fn drain(gateway: &Gateway) {
    if timeout(gateway.settings.drain_timeout, gateway.tasks.wait()).await.is_err() {
        warn!("{} tasks were still open at the end of the drain", gateway.tasks.len());
    }
}

async fn accept(gateway: &Arc<Gateway>, door: &Door, stop: &CancellationToken) {
    let Door { listener, tls, local, entrance } = door;
    let places = Arc::new(Semaphore::new(gateway.settings.connections_max));
    // A place first: what we cannot serve waits in the kernel's queue, not in our memory.
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        let (stream, peer) = next(listener, *local).await;
        // What the caller connected to, which is more than what the listener is bound to.
        let local = stream.local_addr().unwrap_or(*local);
        let ends = Ends { local, peer, entrance: *entrance, encryption: None };
        let (shared, stop) = (Arc::clone(gateway), stop.clone());
        let tls = tls.clone();
        gateway.tasks.spawn(async move {
            begin(shared, (stream, tls), ends, stop).await;
            drop(place);
        });
    }
}

/// Serves one connection to its end, once it is known whose it is.
async fn begin(
    gateway: Arc<Gateway>,
    (mut stream, tls): (TcpStream, Option<Arc<Tls>>),
    ends: Ends,
    stop: CancellationToken,
) {
    let is_introduced = gateway.settings.forwarding == Forwarding::ProxyProtocol
        && forwarded::is_proxy(&gateway.settings, &ends);
    let ends = match is_introduced {
        false => ends,
        true => {
            let introduced = introduced(&gateway, &mut stream, (ends, &stop));
            let introduced = tokio::select! {
                introduced = introduced => introduced,
                () = stop.cancelled() => None,
            };
            match introduced {
                Some(ends) => ends,
                None => return,
            }
        }
    };
    match tls {
        None => connection::serve(gateway, stream, ends, stop).await,
        Some(tls) => secure::serve(gateway, (stream, tls), ends, stop).await,
    }
}

/// Reads for whom a trusted proxy has connected; nothing where it does not say so.
async fn introduced(
    gateway: &Arc<Gateway>,
    stream: &mut TcpStream,
    (ends, stop): (Ends, &CancellationToken),
) -> Option<Ends> {
    let wait = gateway.settings.header_timeout;
    match timeout(wait, stream.peek(&mut [0])).await {
        Ok(Ok(count)) if count > 0 => {}
        Ok(_) | Err(_) => {
            debug!(peer = %ends.peer, "{} connected and sent nothing in time", ends.peer);
            return None;
        }
    }
    match proxy_protocol::read(stream, wait).await {
        Ok(Some(peer)) => Some(Ends { peer, ..ends }),
        Ok(None) => Some(ends),
        Err(why) => {
            let detail = "a trusted proxy does not say for whom it has connected";
            let refusal = Refusal::new(RefusalKind::Malformed, detail).because(why);
            let event = EventId::ConnectionProxyRefused;
            refused::record(gateway, &ends, Refused { event, status: None, refusal }, stop);
            None
        }
    }
}

/// The next connection, however long that takes.
async fn next(listener: &TcpListener, local: SocketAddr) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                without_delay(&stream, peer);
                return (stream, peer);
            }
            Err(error) => {
                // Out of file descriptors, most often: others end, so try again shortly.
                warn!("cannot accept a connection on {local}: {error}");
                sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// Answers are written whole; waiting for more to send only delays them.
fn without_delay(stream: &TcpStream, peer: SocketAddr) {
    if let Err(error) = stream.set_nodelay(true) {
        warn!(%peer, "no TCP_NODELAY for {peer}: {error}");
    }
}
