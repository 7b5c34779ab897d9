//! Accepts connections, bounded in number, until it is told to stop; then lets them end.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    net::TcpListener,
    sync::Semaphore,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::connection;
use crate::Gateway;

/// Serves connections of `listener` until `stop`, then lets open calls end.
pub(crate) async fn serve(
    gateway: Arc<Gateway>,
    listener: TcpListener,
    stop: CancellationToken,
) -> io::Result<()> {
    let local = listener.local_addr()?;
    tokio::select! {
        () = accept(&gateway, &listener, local, &stop) => {}
        () = stop.cancelled() => {}
    }
    // No new ones from here on: the port is free for who comes after.
    drop(listener);
    gateway.tasks.close();
    if timeout(gateway.settings.drain_timeout, gateway.tasks.wait()).await.is_err() {
        warn!("{} tasks were still open at the end of the drain", gateway.tasks.len());
    }
    info!("{local} is closed");
    Ok(())
}

async fn accept(
    gateway: &Arc<Gateway>,
    listener: &TcpListener,
    local: SocketAddr,
    stop: &CancellationToken,
) {
    let places = Arc::new(Semaphore::new(gateway.settings.connections_max));
    // A place first: what we cannot serve waits in the kernel's queue, not in our memory.
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, most often: others end, so try again shortly.
                warn!("cannot accept a connection on {local}: {error}");
                sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        // Answers are written whole; waiting for more to send only delays them.
        if let Err(error) = stream.set_nodelay(true) {
            warn!(%peer, "no TCP_NODELAY for {peer}: {error}");
        }
        let (shared, stop) = (Arc::clone(gateway), stop.clone());
        gateway.tasks.spawn(async move {
            connection::serve(shared, stream, peer, local, stop).await;
            drop(place);
        });
    }
}
