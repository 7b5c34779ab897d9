//! Sees to it that whatever begins leaves a record, before anything is answered.

use std::{future::poll_fn, net::IpAddr, task::Poll};

use audit::{Entry, Kind, Outcome, Receipt, Record, Recorded};
use http::{Response, StatusCode};
use model::{Refusal, RefusalKind, Surface};

use super::{Encryption, Facts, unrecorded, withheld};
use crate::{
    Live,
    guesses::{Counting, Flood, Of, Weighed},
};

/// Holds the facts of a call until they are recorded: once, however it ends.
#[derive(Debug)]
pub(crate) struct Ledger<'a> {
    live: &'a Live,
    facts: Facts,
    is_closed: bool,
    /// Whether an answer waits for its record.
    is_answering: bool,
}

impl<'a> Ledger<'a> {
    /// Begins. From here on something is recorded, even if nothing else is called.
    pub(crate) fn open(live: &'a Live, facts: Facts) -> Self {
        Self { live, facts, is_closed: false, is_answering: false }
    }

    /// What is known so far, to be added to.
    pub(crate) fn facts(&mut self) -> &mut Facts {
        &mut self.facts
    }

    /// Records how a call ended: `Unrecorded` is in place of everything that cannot be recorded. `failure`
    /// is why there is no more than the beginning of an answer, where its upstream failed behind that.
    pub(super) async fn close<B>(
        mut self,
        outcome: Result<Response<B>, Refusal>,
        failure: Option<Refusal>,
    ) -> Recorded<Result<Response<B>, Refusal>> {
        let outcome = match outcome.map_err(|it| self.weigh(it)) {
            Ok(answer) => Ok(answer),
            Err(Weighed::Told(refusal)) => Err(refusal),
            Err(Weighed::Counted(refusal, counting)) => {
                return count(self.live, refusal, &counting).await.map(Err);
            }
        };
        let (end, status) = match &outcome {
            Ok(answer) => {
                let end = failure.as_ref().map_or(Outcome::Answered, Outcome::Refused);
                (end, answer.status().as_u16())
            }
            Err(refusal) => (Outcome::Refused(refusal), refusal.kind().status().as_u16()),
        };
        self.is_answering = outcome.is_ok();
        let written = self.write(end, Some(status)).await;
        self.is_answering = false;
        match written {
            Ok(receipt) => receipt.behind(outcome),
            Err(error) => {
                tell(self.live, &error);
                let refusal = match self.facts.was_sent {
                    true => withheld(&error),
                    false => unrecorded(&error),
                };
                Recorded::instead(&error, Err(refusal))
            }
        }
    }

    /// Records that what was asked was given: a list, a session. Where that fails it must not be given,
    /// and there is `Unrecorded` instead.
    pub(crate) async fn note(mut self) -> Recorded<Result<(), Refusal>> {
        match self.write(Outcome::Answered, None).await {
            Ok(receipt) => receipt.behind(Ok(())),
            Err(error) => Recorded::instead(&error, Err(unrecorded(&error))),
        }
    }

    /// Records a refusal, and gives back what the caller is to be told.
    pub(crate) async fn refuse(self, refusal: Refusal) -> Recorded<Refusal> {
        let status = refusal.kind().status();
        self.refuse_as(status, refusal).await
    }

    /// The same where the answer has another status than such a refusal usually has.
    pub(crate) async fn refuse_as(
        mut self,
        status: StatusCode,
        refusal: Refusal,
    ) -> Recorded<Refusal> {
        let refusal = match self.weigh(refusal) {
            Weighed::Told(refusal) => refusal,
            Weighed::Counted(refusal, counting) => {
                return count(self.live, refusal, &counting).await;
            }
        };
        match self.write(Outcome::Refused(&refusal), Some(status.as_u16())).await {
            Ok(receipt) => receipt.behind(refusal),
            Err(error) => Recorded::instead(&error, unrecorded(&error)),
        }
    }

    /// Counts a refusal of whom nobody knows, if it is one. One of a flood has no record of its own.
    fn weigh(&mut self, refusal: Refusal) -> Weighed {
        let of = Of::refused(&refusal, self.facts.caller.as_deref());
        // Where the intent is told the outcome is told as well.
        let Some(of) = of.filter(|_| !self.facts.alike.is_begun()) else {
            return Weighed::Told(refusal);
        };
        let weighed = weigh(self.live, (refusal, of), self.facts.arrival.peer.ip());
        self.is_closed = matches!(weighed, Weighed::Counted(..));
        weighed
    }

    /// Records a refusal for which there is no answer: what was answered already breaks off.
    pub(crate) async fn break_off(mut self, refusal: &Refusal) {
        if let Err(error) = self.write(Outcome::Refused(refusal), None).await {
            tracing::error!("a call that was cut off could not be recorded: {error}");
        }
    }

    /// Records what a protocol below refuses by itself, with the status where it answers by one. Nobody
    /// can wait for the disk there: it is about to go out, or has.
    pub(crate) fn pass(mut self, status: Option<StatusCode>, refusal: &Refusal) {
        let entry = self.enter(Outcome::Refused(refusal), status.map(|it| it.as_u16()));
        if let Err(error) = entry.and_then(Entry::written) {
            tracing::error!("a connection that was refused could not be recorded: {error}");
        }
    }

    /// Ends without a record: what follows keeps its own.
    pub(crate) fn withdraw(mut self) {
        self.is_closed = true;
    }

    async fn write(
        &mut self,
        outcome: Outcome<'_>,
        status: Option<u16>,
    ) -> Result<Receipt, audit::Error> {
        store(self.enter(outcome, status)?).await
    }

    fn enter(
        &mut self,
        outcome: Outcome<'_>,
        status: Option<u16>,
    ) -> Result<Entry<'a>, audit::Error> {
        self.is_closed = true;
        self.facts.enter(self.live, (self.facts.kind, outcome), status)
    }
}

/// What a record says of what is left of a limit.
fn recorded(balance: &limits::Balance) -> audit::Balance<'_> {
    let limits::Balance { limit, left, count, window } = balance;
    audit::Balance { limit: limit.as_str(), left: *left, count: *count, window: *window }
}

/// Counts a refusal of a stranger whose record somebody else writes; none where it is to have one.
pub(crate) async fn counted(
    live: &Live,
    refusal: Refusal,
    peer: IpAddr,
) -> Option<Recorded<Refusal>> {
    match weigh(live, (refusal, Of::Strangers), peer) {
        Weighed::Told(_) => None,
        Weighed::Counted(refusal, counting) => Some(count(live, refusal, &counting).await),
    }
}

/// Counts a refusal, and tells of floods that are over: what is counted from now on is another one.
fn weigh(live: &Live, refused: (Refusal, Of), peer: IpAddr) -> Weighed {
    let now = live.clock.elapsed();
    live.tell_guesses(Some(now));
    live.guesses.weigh(refused, peer, now)
}

/// Lets one of a flood be answered without a record of its own: behind the one that says that they are
/// counted, so that none is covered by what lies in memory alone.
async fn count(live: &Live, refusal: Refusal, counting: &Counting) -> Recorded<Refusal> {
    match counting.begun(|| begin(live, counting.flood)).await {
        Ok(receipt) => Recorded::counted(receipt, refusal),
        Err(error) => Recorded::instead(&error, unrecorded(&error)),
    }
}

/// Records that those of `flood` are counted from now on.
async fn begin(live: &Live, flood: Flood) -> Result<Receipt, audit::Error> {
    store(live.enter_flood(flood, &flood.note())?).await
}

/// Says that calls are refused: once each time that the log closes, and not for every call.
fn tell(live: &Live, error: &audit::Error) {
    if live.log.take_closing() || matches!(error, audit::Error::Serialize { .. }) {
        tracing::error!("a record could not be written, so calls are refused: {error}");
    }
}

/// Waits until `entry` is as safe as its level asks.
async fn store(entry: Entry<'_>) -> Result<Receipt, audit::Error> {
    // All who are ready enter too before the first of them writes: one system call for all.
    after_the_others().await;
    entry.stored().await
}

impl Facts {
    /// Records that the call is about to be carried out. It must not be before this is done.
    ///
    /// # Errors
    /// `Unrecorded`, and then nothing may be carried out.
    pub(super) async fn intend(&self, live: &Live) -> Result<(), Refusal> {
        let stored = match self.enter(live, (Kind::Intent, Outcome::Begun), None) {
            Ok(entry) => store(entry).await,
            Err(error) => Err(error),
        };
        stored.map(drop).map_err(|error| unrecorded(&error))
    }

    fn enter<'a>(
        &self,
        live: &'a Live,
        (kind, outcome): (Kind, Outcome<'_>),
        status: Option<u16>,
    ) -> Result<Entry<'a>, audit::Error> {
        let Self {
            kind: _,
            event,
            arrival,
            revision,
            caller,
            route,
            request,
            rule,
            balance,
            was_sent,
            reached,
            upstream_status,
            answered,
            upstream_time,
            bytes_out,
            is_truncated,
            bodies,
            subject,
            alike,
        } = self;
        let tool = route.as_ref().filter(|_| arrival.surface == Surface::Mcp);
        // Path and query as they were decided on, without their secrets. Bodies are kept beside, if at all.
        let by = (&*live.salt, arrival.at);
        let arguments = request.as_ref().zip(route.as_ref());
        let arguments = arguments.and_then(|(request, route)| request.arguments(route, by));
        let upstream = route.as_ref().filter(|_| *was_sent).map(|it| it.destination.name());
        // Behind an upstream's answer comes its record, with nothing to wait for: one look at the clock does.
        let ended = || answered.unwrap_or_else(|| live.clock.elapsed());
        let total = (kind != Kind::Intent).then(|| ended().saturating_sub(arrival.started));
        live.log.enter(&Record {
            id: Some(arrival.id),
            trace: arrival.trace,
            event: *event,
            surface: Some(arrival.surface),
            entrance: Some(arrival.entrance.as_str()),
            protocol: Some(arrival.protocol),
            peer: Some(arrival.peer.ip().to_canonical()),
            // A proxy may name the address alone.
            peer_port: Some(arrival.peer.port()).filter(|it| *it > 0),
            tls: arrival.encryption.as_deref().map(Encryption::recorded),
            revision: Some(*revision),
            caller: caller.as_deref(),
            operation: route.as_ref().map(|it| &it.operation),
            method: request.as_ref().map(|it| it.method.as_str()),
            path: route.as_ref().map(|it| &*it.template),
            rpc: tool.map(|_| "tools/call"),
            tool: tool.map(|it| &*it.tool_name),
            tool_digest: tool.map(|it| &*it.tool_digest),
            note: subject.as_deref(),
            arguments,
            bytes_in: request.as_ref().and_then(|it| it.body_bytes),
            rule: rule.as_deref(),
            balance: balance.as_ref().map(recorded),
            status,
            bytes_out: *bytes_out,
            is_truncated: *is_truncated,
            bodies: bodies.as_deref(),
            upstream,
            upstream_address: reached.address,
            upstream_secret: reached.secret.as_ref().map(|it| it.id.as_str()),
            upstream_secret_version: reached.secret.as_ref().and_then(|it| it.version),
            upstream_status: upstream_status.map(|it| it.as_u16()),
            upstream_time: *upstream_time,
            total_time: total,
            alike: Some(alike),
            ..Record::new(arrival.at, kind, outcome)
        })
    }
}

impl Drop for Ledger<'_> {
    /// The caller went away, or the connection broke: that is an end like any other.
    fn drop(&mut self) {
        if self.is_answering {
            // Its record says that it was answered, and nobody is there to have it.
            self.facts.kind = Kind::Cut;
        } else if self.is_closed {
            return;
        }
        // Written here and not handed over: a queue could lose it. Nobody waits for the disk.
        let panicked = Refusal::new(RefusalKind::Internal, "the request could not be answered");
        let outcome =
            if std::thread::panicking() { Outcome::Refused(&panicked) } else { Outcome::Cancelled };
        if let Err(error) = self.enter(outcome, None).and_then(Entry::written) {
            tracing::error!("a call that ended early could not be recorded: {error}");
        }
    }
}

/// Goes on when all tasks that are ready now had their turn.
// Not tokio's yield_now: that waits for the network as well, which costs a system call.
async fn after_the_others() {
    let mut is_first = true;
    poll_fn(|context| {
        if std::mem::take(&mut is_first) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    })
    .await;
}
