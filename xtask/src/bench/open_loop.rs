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
        let micros = clock.elapsed().saturating_sub(start).as_micros();
        let mut latencies_us: Vec<u64> = done.into_iter().flatten().collect();
        latencies_us.sort_unstable();
        let summary = Summary {
            requests: u64::try_from(latencies_us.len())?,
            micros: Duration::from_micros(u64::try_from(micros)?).as_secs_f64() * 1e6,
            p50: percentile(&latencies_us, 50),
            p99: percentile(&latencies_us, 99),
            errors: 0,
        };
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

/// The value that `percent` of 100 do not exceed.
fn percentile(sorted: &[u64], percent: usize) -> f64 {
    let rank = sorted.len().saturating_mul(percent).div_ceil(100);
    let value = sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0);
    Duration::from_micros(value).as_secs_f64() * 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_value_that_was_measured() {
        let values: Vec<u64> = (1..=200).collect();
        let found = [50, 99, 100].map(|it| percentile(&values, it).round());
        assert_eq!(found, [100.0, 198.0, 200.0]);
        assert_eq!(percentile(&[7], 99).round(), 7.0);
        assert_eq!(percentile(&[], 50), 0.0);
    }
}
