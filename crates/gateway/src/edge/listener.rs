//! Accepts connections, bounded in number, until it is told to stop; then lets them end.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{Tls, connection, connection::Ends, secure};
use crate::{Entrance, Gateway};

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
        () = stop.cancelled() => {}
    }
    // No new ones from here on: the port is free for who comes after.
    drop(door);
    gateway.tasks.close();
    drain(&gateway).await;
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
        match tls.clone() {
            None => gateway.tasks.spawn(async move {
                connection::serve(shared, stream, ends, stop).await;
                drop(place);
            }),
            Some(tls) => gateway.tasks.spawn(async move {
                secure::serve(shared, (stream, tls), ends, stop).await;
                drop(place);
            }),
        };
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
