//! Calls under way: whoever began one has to stand, and may call the operation, to its last byte.

use std::{
    fmt,
    future::poll_fn,
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
    time::Duration,
};

use audit::Kind;
use identity::{Kept, Presented};
use model::{Caller, Refusal, RefusalKind};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use super::{Answer, Arrival, Facts, Held, Ledger, authorize};
use crate::{Body, Gateway, Snapshot, snapshot::Route};

/// Longest time between two looks. An issuer's key can end without any news.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Shortest time between two looks, where much is news at once.
const PAUSE: Duration = Duration::from_millis(100);

/// Longest wait for an issuer behind news. One look may be under way and one follows: together with
/// the pause these are less than a second.
const CONFIRMED_IN: Duration = Duration::from_millis(400);

/// What a call under way stands on: who began it, and for which operation. It keeps no tables: it may go on
/// for long, and others come.
#[derive(Clone)]
pub(crate) struct Standing {
    gateway: Arc<Gateway>,
    news: watch::Receiver<u64>,
    /// By which it was looked at last.
    pub(super) revision: u64,
    arrival: Arrival,
    caller: Arc<Caller>,
    route: Arc<Route>,
}

/// Records that the rest of an answer does not come, and then says why.
pub(super) type Cut = Pin<Box<dyn Future<Output = Refusal> + Send>>;

/// What is in force as a call begins: heard of from here on, whatever the call waits for.
pub(super) struct Begun<'a> {
    pub(super) gateway: &'a Arc<Gateway>,
    pub(super) snapshot: &'a Arc<Snapshot>,
    news: watch::Receiver<u64>,
}

impl<'a> Begun<'a> {
    pub(super) fn now(gateway: &'a Arc<Gateway>, snapshot: &'a Arc<Snapshot>) -> Self {
        Self { gateway, snapshot, news: gateway.news() }
    }

    /// The call of `caller` that began then.
    pub(super) fn standing(
        self,
        arrival: &Arrival,
        caller: &Arc<Caller>,
        route: &Arc<Route>,
    ) -> Standing {
        Standing {
            gateway: Arc::clone(self.gateway),
            news: self.news,
            revision: self.snapshot.revision,
            arrival: arrival.clone(),
            caller: Arc::clone(caller),
            route: Arc::clone(route),
        }
    }
}

impl Standing {
    /// Longest wait for all of the body of its answer, where a tool gets it.
    pub(super) fn tool_body_timeout(&self) -> Duration {
        self.route.destination.tool_body_timeout()
    }

    /// Looks again where something is news since the call was found good by `snapshot`.
    ///
    /// # Errors
    /// Why it may not go on.
    pub(super) async fn confirm(
        &mut self,
        presented: &Presented<'_>,
        snapshot: &Arc<Snapshot>,
    ) -> Result<(), Refusal> {
        let is_news = self.news.has_changed().unwrap_or(true);
        if is_news || !self.gateway.is_in_force(snapshot) {
            // Boxed: rare, and each call would be moved at its size.
            Box::pin(self.look(presented)).await?;
        }
        Ok(())
    }

    /// Does the work of the call for as long as it may go on. Then the work is dropped where it is.
    ///
    /// # Errors
    /// Those of the work, or why it may not go on.
    pub(super) async fn during<T>(
        &mut self,
        presented: &Presented<'_>,
        work: Pin<&mut impl Future<Output = Result<T, Refusal>>>,
    ) -> Result<T, Refusal> {
        tokio::select! {
            biased;
            outcome = work => outcome,
            refusal = self.lost(presented) => Err(refusal),
        }
    }

    /// Waits until the call may not go on, and says why.
    async fn lost(&mut self, presented: &Presented<'_>) -> Refusal {
        let mut is_news = first_look(&self.gateway, &self.news).await;
        loop {
            let wait = match Box::pin(self.look_in_time(presented, is_news)).await {
                Ok(good_for) => good_for,
                Err(refusal) => return refusal,
            };
            sleep(PAUSE).await;
            // No end of the news: the gateway that tells them is held here.
            is_news = tokio::select! {
                _ = self.news.changed() => true,
                () = sleep(wait) => false,
            };
        }
    }

    /// Looks, and where something is news does not wait long for an issuer: what cannot be confirmed
    /// in time is over.
    async fn look_in_time(
        &mut self,
        presented: &Presented<'_>,
        is_news: bool,
    ) -> Result<Duration, Refusal> {
        let mut news = self.news.clone();
        let mut look = pin!(self.look(presented));
        if !is_news {
            tokio::select! {
                biased;
                found = look.as_mut() => return found,
                _ = news.changed() => {}
            }
        }
        timeout(CONFIRMED_IN, look).await.unwrap_or_else(|_| {
            let detail = "the issuer of the token does not say in time whether it is still good";
            Err(Refusal::new(RefusalKind::IssuerUnavailable, detail))
        })
    }

    /// Asks the tables in force, and says for how long their answer is good at most.
    async fn look(&mut self, presented: &Presented<'_>) -> Result<Duration, Refusal> {
        // First, so that what is news meanwhile is looked at as well.
        self.news.mark_unchanged();
        let (snapshot, now) = (self.gateway.snapshot(), self.gateway.live.clock.now());
        self.revision = snapshot.revision;
        let sender = self.arrival.sender();
        // A connection can outlive its certificate, and so can a call on it.
        let certificate = sender.certificate.map(|it| it.expires);
        if certificate.is_some_and(|it| now >= it) {
            let detail = "the client certificate of this connection has expired";
            return Err(Refusal::new(RefusalKind::Unauthenticated, detail));
        }
        let (caller, until) = snapshot.directory.stands(presented, &sender, now).await?;
        if caller.profile != self.caller.profile {
            let detail = "the credential is another profile's now";
            return Err(Refusal::new(RefusalKind::Unauthenticated, detail));
        }
        authorize::confirm(&snapshot, &self.arrival, &caller, &self.route)?;
        let until = until.into_iter().chain(certificate).min();
        Ok(until.map_or(LOOK_EVERY, |it| it.since(now)).clamp(PAUSE, LOOK_EVERY))
    }

    /// Holds the rest of an answer to what its call stands on, where there is more to come.
    pub(super) fn hold(self, presented: &Presented<'_>, answer: Answer) -> Answer {
        if http_body::Body::is_end_stream(answer.body()) {
            return answer;
        }
        // HTTP/1 takes what is here with the head. A stream of HTTP/2 waits until its caller has room for it.
        let is_taken_at_once = self.arrival.protocol.starts_with("HTTP/1.");
        answer.map(|body| match body {
            Body::Upstream(body) if is_taken_at_once && body.has_come() => Body::Upstream(body),
            Body::Upstream(body) => Body::Held(Box::new(Held::new(body, self, presented.keep()))),
            Body::Held(_) | Body::Whole(_) => body,
        })
    }

    /// Waits until the rest of an answer may not go out, and says why, and by which revision.
    pub(super) async fn end(mut self, credential: Kept) -> (Refusal, u64) {
        let presented = credential.presented();
        (self.lost(&presented).await, self.revision)
    }

    /// Cuts an answer whose head is out.
    pub(super) fn cut(&self, refusal: Refusal) -> Cut {
        let (gateway, facts) = (Arc::clone(&self.gateway), self.rest());
        Box::pin(async move {
            Ledger::open(&gateway.live, facts).break_off(&refusal).await;
            refusal
        })
    }

    /// Records that nobody is there any more who takes the rest of an answer.
    pub(super) fn leave(&self) {
        // As it does with every call: by being dropped, without a wait for the disk.
        drop(Ledger::open(&self.gateway.live, self.rest()));
    }

    /// What is known of the rest of an answer that does not come.
    fn rest(&self) -> Facts {
        let mut facts = Facts::new(Kind::Cut, self.arrival.clone(), self.revision);
        facts.set_caller(&self.caller);
        facts.set_route(&self.route);
        facts
    }
}

/// Waits until a call is looked at for the first time: behind news, which is told, or before it is a
/// second old. Most calls are over before that.
async fn first_look(gateway: &Gateway, news: &watch::Receiver<u64>) -> bool {
    let is_news = || news.has_changed().unwrap_or(true);
    let mut called = pin!(gateway.called());
    poll_fn(|context| {
        let is_called = called.as_mut().poll(context).is_ready();
        // Behind that: what comes later calls, and what came before is seen here.
        if is_called || is_news() { Poll::Ready(is_news()) } else { Poll::Pending }
    })
    .await
}

/// Without the gateway, which holds everything.
impl fmt::Debug for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Standing")
            .field("caller", &self.caller)
            .field("operation", &self.route.operation.id)
            .finish_non_exhaustive()
    }
}
