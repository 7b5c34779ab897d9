//! Requests at a fixed rate over blocking sockets: Debian has no wrk2.
//!
//! Each connection has its own thread and its own times to send at. What waits because an
//! earlier answer is late counts from the time it should have been sent: an overloaded server
//! cannot slow the question down and so look better.

use std::{fs, net::SocketAddr, path::PathBuf, thread, time::Duration};

use anyhow::{Context, Result, anyhow, ensure};
use clap::Args;
use model::Clock;

use super::{client::Client, load::Summary};
use crate::run;

/// Connections, and so most requests at once.
const CONNECTIONS: u32 = 32;
/// The times begin a little later, when all threads are there.
const LEAD: Duration = Duration::from_millis(50);

/// Sends one request at a fixed rate, and prints one line of JSON.
#[derive(Debug, Args)]
pub(crate) struct Command {
    /// The server.
    #[arg(long)]
    address: SocketAddr,
    /// A file that holds the whole request.
    #[arg(long)]
    request: PathBuf,
    /// Requests per second.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    rate: u32,
    /// For how long.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=600))]
    seconds: u32,
}

impl Command {
    pub(crate) fn run(&self) -> Result<()> {
        let request = fs::read(&self.request).context("no request")?;
        let clock = Clock::system();
        let connections = (0..CONNECTIONS).map(|index| {
            Ok(Connection { index, client: Client::connect(self.address)?, latencies_us: vec![] })
        });
        let connections = connections.collect::<Result<Vec<_>>>()?;
        let start = clock.elapsed().saturating_add(LEAD);
        let done = thread::scope(|scope| {
            let run_one =
                |it: Connection| scope.spawn(|| self.run_one(it, &request, (&clock, start)));
            let threads: Vec<_> = connections.into_iter().map(run_one).collect();
            let join =
                |it: thread::ScopedJoinHandle<'_, _>| it.join().map_err(|_| anyhow!("panic"))?;
            threads.into_iter().map(join).collect::<Result<Vec<_>>>()
        })?;
        let time = clock.elapsed().saturating_sub(start);
        let summary = Summary::new(done.into_iter().flatten().collect(), time)?;
        println!("{}", serde_json::to_string(&summary)?);
        Ok(())
    }

    fn run_one(
        &self,
        mut connection: Connection,
        request: &[u8],
        (clock, start): (&Clock, Duration),
    ) -> Result<Vec<u64>> {
        let requests = |count: u32| {
            Duration::from_secs(count.into()).checked_div(self.rate).unwrap_or(Duration::MAX)
        };
        let (step, offset) = (requests(CONNECTIONS), requests(connection.index));
        let end = start.saturating_add(Duration::from_secs(self.seconds.into()));
        let mut due = start.saturating_add(offset);
        while due < end {
            let mut from = due;
            let mut now = clock.elapsed();
            while now < due {
                run::rest(due.saturating_sub(now));
                now = clock.elapsed();
                // Waking late is our fault and not the server's.
                from = now;
            }
            let status = connection.client.call(request)?;
            ensure!((200..300).contains(&status), "an answer with status {status}");
            let latency = clock.elapsed().saturating_sub(from).as_micros();
            connection.latencies_us.push(u64::try_from(latency)?);
            due = due.saturating_add(step);
        }
        Ok(connection.latencies_us)
    }
}

struct Connection {
    index: u32,
    client: Client,
    latencies_us: Vec<u64>,
}
