//! Calls under way end where what they stand on is revoked, disabled or stopped: on both replicas and
//! both surfaces, whether their answer has begun or not.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, anyhow, ensure};
use model::Clock;
use serde_json::json;

use super::{
    Done,
    client::Answer,
    door::Door,
    property::Setting,
    site::{PATIENCE, Site, Worst, is_refused, wait_for},
    victims::{Counts, SORTS, Victim},
    world,
};

/// What no answer that was cut may end with (RFC 9112 section 7.1).
const LAST_CHUNK: &str = "0\r\n\r\n";

/// One way to call for long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Over REST, with an answer that never ends.
    Stream,
    /// Over REST, never answered.
    Wait,
    /// As a tool whose upstream never ends its answer.
    StreamingTool,
    /// As a tool whose upstream never answers.
    WaitingTool,
}

/// How a call ended.
#[derive(Debug)]
struct Ended {
    way: Way,
    at: Duration,
    /// All that came.
    text: String,
}

pub(super) fn prove(setting: &Setting<'_>) -> Result<Done> {
    let of_each = if setting.is_full { 25 } else { 3 };
    let site = Site::start(setting, Counts { revocations: of_each, stops: of_each })?;
    let mut worst = Worst::default();
    let [first, _] = &site.doors;
    let bystander = world::issue(&first.client(&site.operator), "app/default")?;
    let streams = site.doors.iter().map(|door| Stream::open(door, &bystander));
    let mut streams = streams.collect::<Result<Vec<_>>>()?;
    for (number, victim) in site.victims.iter().enumerate() {
        site.upstream.forget();
        let late =
            round(&site, victim).with_context(|| format!("{} {number}", victim.end.name()))?;
        worst.note(victim.end.name(), late);
        victim.end.lift(first.addresses(), &site.operator)?;
        // Who cuts everybody cuts the right ones too.
        streams.iter_mut().try_for_each(Stream::check)?;
    }
    let (slowest, by_sort) = worst.judged()?;
    Ok(Done::Held(format!(
        "{} calls under way ended in {SORTS} ways, on 2 replicas, as streams and unanswered over REST and MCP; the last was over {slowest:.0?} after the answer at most ({by_sort}); the streams of somebody else went on",
        site.victims.len().saturating_mul(site.doors.len()).saturating_mul(Way::ALL.len()),
    )))
}

/// A stream of somebody whom nothing is taken from.
#[derive(Debug)]
struct Stream(TcpStream);

impl Stream {
    /// Opens it as soon as the credential is known there.
    fn open(door: &Door, bearer: &str) -> Result<Self> {
        let request = door.caller(bearer).get_request("/shop/orders/1000/events");
        let clock = Clock::system();
        loop {
            let mut stream = TcpStream::connect(door.public)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.write_all(request.as_bytes())?;
            let (mut start, want) = ([0; 12], b"HTTP/1.1 200");
            stream.read_exact(&mut start)?;
            if &start == want {
                return Ok(Self(stream));
            }
            ensure!(clock.elapsed() < PATIENCE, "a bystander never got in");
        }
    }

    /// Reads all that has come, and then some more: it goes on.
    fn check(&mut self) -> Result<()> {
        let mut pieces = [0; 64 * 1024];
        let mut read = || {
            let count = self.0.read(&mut pieces).context("the stream of a bystander ended")?;
            ensure!(count > 0, "the stream of a bystander ended");
            Ok(count)
        };
        while read()? >= 1024 {}
        read().map(drop)
    }
}

/// Puts the victim out while it calls in all ways. How long after the answer the last call was over.
fn round(site: &Site, victim: &Victim) -> Result<Duration> {
    let Site { doors, operator, upstream, .. } = site;
    let (clock, streaming) = (Clock::system(), AtomicUsize::new(0));
    // Each calls for an order of its own, by which the upstream knows it.
    let ways: Vec<_> =
        doors.iter().flat_map(|door| Way::ALL.map(|way| (door, way))).enumerate().collect();
    thread::scope(|scope| {
        let calls: Vec<_> = ways
            .iter()
            .map(|(number, (door, way))| {
                let (address, request) = (door.public, way.request(door, victim, *number));
                let (clock, streaming) = (&clock, &streaming);
                scope.spawn(move || follow(address, &request, *way, (clock, streaming)))
            })
            .collect();
        let are_under_way = || {
            let sent =
                ways.iter().all(|(number, (_, way))| upstream.has_seen(&way.target(*number)));
            sent && streaming.load(Ordering::Acquire) == doors.len()
        };
        let begun =
            wait_for(are_under_way).context("not all are under way").map(|()| clock.elapsed());
        let done = begun.and_then(|begun| {
            let door = doors.get(victim.door).context("there are two doors")?;
            victim.end.carry_out(door.addresses(), operator)?;
            Ok((begun, clock.elapsed()))
        });
        let ended =
            calls.into_iter().map(|it| it.join().map_err(|_| anyhow!("a caller panicked"))?);
        let ended = ended.collect::<Result<Vec<_>>>();
        let ((begun, answered), ended) = (done?, ended?);
        for it in &ended {
            it.check().with_context(|| format!("{:?}: {}", it.way, it.text))?;
            ensure!(it.at >= begun, "{:?} was over before: {}", it.way, it.text);
        }
        let last = ended.iter().map(|it| it.at).max().unwrap_or_default();
        Ok(last.saturating_sub(answered))
    })
}

/// Calls, and reads to the end of the connection.
fn follow(
    address: SocketAddr,
    request: &str,
    way: Way,
    (clock, streaming): (&Clock, &AtomicUsize),
) -> Result<Ended> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(request.replacen("\r\n", "\r\nconnection: close\r\n", 1).as_bytes())?;
    let (mut text, mut piece, mut has_begun) = (String::new(), [0; 4096], false);
    loop {
        match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => {
                text.push_str(&String::from_utf8_lossy(piece.get(..count).unwrap_or_default()));
            }
            // As one does who will not send the rest.
            Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
            Err(error) => return Err(error).context("it is not over"),
        }
        if way == Way::Stream && !has_begun && text.contains("data: tick") {
            has_begun = true;
            streaming.fetch_add(1, Ordering::Release);
        }
        ensure!(clock.elapsed() < PATIENCE, "it is not over");
    }
    Ok(Ended { way, at: clock.elapsed(), text })
}

impl Way {
    const ALL: [Self; 4] = [Self::Stream, Self::Wait, Self::StreamingTool, Self::WaitingTool];

    fn request(self, door: &Door, victim: &Victim, number: usize) -> String {
        let (door, arguments) = (door.public, json!({"id": number}));
        match self {
            Self::Stream => victim.get_request(door, &format!("{}/events", victim.path(number))),
            Self::Wait => victim.get_request(door, &format!("{}/wait", victim.path(number))),
            Self::StreamingTool => victim.tool_request(door, "watch_order", &arguments),
            Self::WaitingTool => victim.tool_request(door, "wait_for_order", &arguments),
        }
    }

    /// What the upstream is asked for.
    fn target(self, number: usize) -> String {
        match self {
            Self::Stream | Self::StreamingTool => format!("/orders/{number}/events"),
            Self::Wait | Self::WaitingTool => format!("/orders/{number}/wait"),
        }
    }
}

impl Ended {
    /// Whether it ended as one that is cut.
    fn check(&self) -> Result<()> {
        if self.way == Way::Stream {
            ensure!(!self.text.ends_with(LAST_CHUNK), "it looks whole");
            return Ok(());
        }
        let answer = Answer::read(self.text.as_bytes())?;
        ensure!(is_refused(&answer), "it was answered with {}", answer.status);
        Ok(())
    }
}
