//! What a door takes by itself: memory, and the time from its start to its first answer.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::{
    client::Client,
    door::Home,
    process::Server,
    report::median,
    site::{Site, free_address},
    state::State,
};
use crate::run;

/// So many connections are open at once, each of which has had an answer.
const CONNECTIONS: usize = 1_000;
/// A door whose memory is read has done nothing for so long.
const QUIET: Duration = Duration::from_secs(1);

/// Something that has a target by itself, and not next to something else.
#[derive(Debug)]
pub(super) struct Amount {
    pub(super) name: &'static str,
    pub(super) unit: &'static str,
    /// The most that it may be.
    pub(super) target: f64,
    /// What each round gave.
    pub(super) rounds: Vec<f64>,
}

impl Amount {
    fn new(name: &'static str, unit: &'static str, target: f64) -> Self {
        Self { name, unit, target, rounds: Vec::new() }
    }

    pub(super) fn median(&self) -> f64 {
        median(self.rounds.clone())
    }
}

/// Memory that is resident: idle, with connections, and with many credentials.
pub(super) fn memory(site: &Site, rounds: u32) -> Result<Vec<Amount>> {
    let mut idle = Amount::new("RSS idle, the demo's state", "MB", 25.0);
    let mut connected = Amount::new("RSS with 1,000 open connections", "MB", 40.0);
    let mut large = Amount::new("RSS idle, 100,000 credentials", "MB", 150.0);
    let (demo, crowd) = (site.home(State::Demo, "")?, site.home(State::CREDENTIALS, "")?);
    for round in 1..=rounds {
        let (server, _) = answering(&demo)?;
        run::rest(QUIET);
        idle.rounds.push(resident_mb(&server)?);
        let open = |_| {
            let mut client = Client::connect(server.address)?;
            answered(&mut client, &demo)?;
            anyhow::Ok(client)
        };
        let clients = (0..CONNECTIONS).map(open).collect::<Result<Vec<_>>>()?;
        connected.rounds.push(resident_mb(&server)?);
        drop((clients, server));
        let (server, _) = answering(&crowd)?;
        run::rest(QUIET);
        large.rounds.push(resident_mb(&server)?);
        println!("round {round}/{rounds}");
    }
    Ok(vec![idle, connected, large])
}

/// From the start of the process to the first answer to a call.
pub(super) fn start(site: &Site, rounds: u32) -> Result<Vec<Amount>> {
    let mut small = Amount::new("start to first answer, the demo's state", "ms", 100.0);
    let mut large = Amount::new("start to first answer, 100,000 credentials", "ms", 2_000.0);
    let (demo, crowd) = (site.home(State::Demo, "")?, site.home(State::CREDENTIALS, "")?);
    for round in 1..=rounds {
        for (home, amount) in [(&demo, &mut small), (&crowd, &mut large)] {
            let (_server, time) = answering(home)?;
            amount.rounds.push(time.as_secs_f64() * 1e3);
        }
        println!("round {round}/{rounds}");
    }
    Ok(vec![small, large])
}

/// Serves, and waits for the answer to a call: when that was there.
fn answering(home: &Home) -> Result<(Server, Duration)> {
    let server = home.serve(free_address()?)?;
    answered(&mut Client::connect(server.address)?, home)?;
    let time = server.since_start();
    Ok((server, time))
}

fn answered(client: &mut Client, home: &Home) -> Result<()> {
    let (status, body) = client.exchange(home.rest_request().bytes())?;
    ensure!(status == 200, "expected 200, got {status}: {}", String::from_utf8_lossy(&body));
    Ok(())
}

fn resident_mb(server: &Server) -> Result<f64> {
    let kib = u32::try_from(server.usage()?.resident_kib).context("more than memory can be")?;
    Ok(f64::from(kib) * 1024.0 / 1e6)
}
