//! When calls under way are looked at for the first time: behind all news, and before they are a second old.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{
    sync::{Notify, futures::Notified, watch},
    task::JoinSet,
    time::interval,
};

/// From one round to the next.
const ROUND_EVERY: Duration = Duration::from_millis(250);

/// How many rounds a call waits: three whole ones, and what is left of the one in which it came. So it is
/// called when it is 0.75 to 1 second old.
const BENCHES: usize = 4;

/// Where calls wait until they are called. One task hears the news and has a timer for all of them: most
/// calls are over before there is anything to hear, and would have to pay for both.
#[derive(Debug, Default)]
pub(crate) struct Rounds {
    benches: Arc<Benches>,
    /// Begins with the first call, as only then there is surely a runtime.
    watchman: OnceLock<JoinSet<()>>,
}

/// A bench for the calls of each round that is not over for those who came in it.
#[derive(Debug, Default)]
struct Benches {
    all: [Notify; BENCHES],
    round: AtomicUsize,
}

impl Rounds {
    /// Ready behind what is news from now on, and a second from now at the latest.
    ///
    /// What was news before is for the caller to see, once this was polled.
    pub(crate) fn called(&self, news: &watch::Sender<u64>) -> Notified<'_> {
        self.watchman.get_or_init(|| {
            let mut tasks = JoinSet::new();
            tasks.spawn(watch(Arc::clone(&self.benches), news.subscribe()));
            tasks
        });
        self.benches.of(self.benches.round.load(Relaxed)).notified()
    }
}

impl Benches {
    fn of(&self, round: usize) -> &Notify {
        let [first, ..] = &self.all;
        self.all.get(round % BENCHES).unwrap_or(first)
    }

    /// Calls those who came longest ago. Their bench is that of the round that begins.
    fn begin_round(&self) {
        let next = self.round.load(Relaxed).wrapping_add(1);
        self.of(next).notify_waiters();
        self.round.store(next, Relaxed);
    }

    fn call_all(&self) {
        self.all.iter().for_each(Notify::notify_waiters);
    }
}

async fn watch(benches: Arc<Benches>, mut news: watch::Receiver<u64>) {
    let mut rounds = interval(ROUND_EVERY);
    loop {
        tokio::select! {
            heard = news.changed() => match heard {
                Ok(()) => benches.call_all(),
                // Whoever tells them is gone, and all calls are.
                Err(_) => return,
            },
            _ = rounds.tick() => benches.begin_round(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use tokio::time::{Instant, sleep, timeout};

    use super::*;

    // The runtime's clock is paused: it jumps when all that is left to do is to wait.
    #[tokio::test(start_paused = true)]
    async fn who_waits_is_called_before_a_second_is_over_and_not_much_earlier() {
        let (rounds, news) = (Rounds::default(), watch::Sender::new(0));
        for pause_ms in [0, 1, 100, 249, 250, 251, 999, 5000] {
            sleep(Duration::from_millis(pause_ms)).await;
            let begun = Instant::now();
            rounds.called(&news).await;
            let waited = begun.elapsed().as_millis();
            assert!((749..=1001).contains(&waited), "{waited} ms after {pause_ms} ms");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn news_call_all_who_wait_whenever_they_came() {
        let (rounds, news) = (Rounds::default(), watch::Sender::new(0));
        let mut first = pin!(rounds.called(&news));
        assert!(timeout(Duration::from_millis(500), first.as_mut()).await.is_err(), "it waits");
        let mut second = pin!(rounds.called(&news));
        assert!(timeout(Duration::from_millis(125), second.as_mut()).await.is_err(), "it waits");
        let begun = Instant::now();
        news.send_modify(|it| *it = it.wrapping_add(1));
        tokio::join!(first, second);
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }
}
