//! Tells webhooks what happened to credentials: at least once, each in order, whichever replica sends.

#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use admin::CredentialEvent;
use anyhow::Context as _;
use bytes::Bytes;
use futures_util::future::join_all;
use http::{HeaderValue, Method, Request, header::CONTENT_TYPE};
use model::Clock;
use sinks::{shown, signature::sign};
use store::{Delivery, Message, Next, Store};
use tokio::time::{MissedTickBehavior, interval, sleep};
use upstream::{Egress, Fleet, Trust};
use uuid::Uuid;

use crate::config;

/// How often it is looked for something to send.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Largest answer. Nothing is done with it.
const ANSWER_BYTES_MAX: usize = 64 << 10;
/// So long one replica has a message: longer than it takes to send, by what clocks may differ.
const HELD: Duration = Duration::from_secs(40);
/// The first wait after a failure; each is twice as long as the one before.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest, to which up to half of it is added.
const LAST_WAIT: Duration = Duration::from_secs(200);
/// So long a message is tried.
const TRIED_FOR: Duration = Duration::from_secs(24 * 3600);
/// So long one waits for a replica that has its webhook.
const UNSENT_FOR: Duration = Duration::from_secs(25 * 3600);
/// So long it is shown what was never delivered.
const DEAD_FOR: Duration = Duration::from_secs(31 * 24 * 3600);
/// How often what is old is forgotten, and how much at once.
const PURGE: (Duration, u32) = (Duration::from_secs(10 * 60), 1_000);

/// Sends what is in the line of each webhook.
pub(super) struct Webhooks {
    hooks: Vec<config::Webhook>,
    store: Store,
    fleet: Arc<Fleet>,
    egress: Egress,
    clock: Clock,
    /// Which process this is.
    holder: String,
    patience: Duration,
}

/// What management has to know of them.
pub(super) fn told(hooks: &[config::Webhook]) -> Vec<admin::Webhook> {
    let of = |it: &config::Webhook| admin::Webhook {
        name: it.name.clone(),
        events: Vec::<CredentialEvent>::clone(&it.events),
    };
    hooks.iter().map(of).collect()
}

/// The webhooks that this process sends to. Without a store there are none: what is not sent at once
/// could be kept nowhere.
///
/// # Errors
/// Where a URL is none that may be asked for.
pub(super) fn open(
    hooks: &[config::Webhook],
    store: Option<&Store>,
    (fleet, clock): (&Arc<Fleet>, &Clock),
) -> anyhow::Result<Option<Webhooks>> {
    let egress = fleet.egress(Trust::Operator);
    for hook in hooks {
        let name = &hook.name;
        egress.check(&hook.url).with_context(|| format!("the URL of the webhook \"{name}\""))?;
    }
    let Some(store) = store else {
        if !hooks.is_empty() {
            tell_folder();
        }
        return Ok(None);
    };
    Ok(Some(Webhooks {
        hooks: hooks.to_vec(),
        store: store.clone(),
        fleet: Arc::clone(fleet),
        egress,
        clock: clock.clone(),
        holder: Uuid::new_v4().simple().to_string(),
        patience: PATIENCE,
    }))
}

impl Webhooks {
    /// Sends, for ever. A webhook that does not answer holds up its own line alone.
    pub(super) async fn run(self) {
        let lines = self.hooks.iter().map(|it| self.serve(it));
        tokio::join!(join_all(lines), self.purge());
    }

    async fn serve(&self, hook: &config::Webhook) {
        let mut is_working = true;
        loop {
            let sent = Box::pin(self.send_next(hook)).await;
            if let Err(error) = &sent
                && is_working
            {
                tell_stuck(hook, error);
            }
            is_working = sent.is_ok();
            if !matches!(sent, Ok(true)) {
                sleep(LOOK_EVERY).await;
            }
        }
    }

    /// Sends the first message in the line of a webhook. Says whether there may be another to send.
    async fn send_next(&self, hook: &config::Webhook) -> Result<bool, store::Error> {
        let (name, holder, now) = (&hook.name, &self.holder, self.clock.now());
        let taken = self.store.take_delivery(name, holder, (now, now.plus(HELD))).await?;
        let Some(delivery) = taken else { return Ok(false) };
        let Delivery { number, message, attempts, .. } = delivery;
        let Err(error) = self.send(hook, &message).await else {
            self.store.delivered(number, holder).await?;
            return Ok(true);
        };
        let now = self.clock.now();
        let is_over = now.since(message.created) >= TRIED_FOR;
        let chance = u16::try_from(Uuid::new_v4().as_u128() % 1000).unwrap_or_default();
        let next = match is_over {
            true => Next::Dead(now),
            false => Next::Again(now.plus(wait(attempts, chance))),
        };
        self.store.not_delivered(number, holder, (next, &error)).await?;
        if is_over {
            tell_dead(&message, &error);
        } else if attempts == 0 {
            tell_failed(&message, &error);
        }
        Ok(is_over)
    }

    /// # Errors
    /// Why it does not count as told. Shown to people: not the URL, and not what was answered.
    async fn send(&self, hook: &config::Webhook, message: &Message) -> Result<(), String> {
        let request = self.request(hook, message)?;
        let answer = self.egress.send(request, ANSWER_BYTES_MAX, self.patience).await;
        let status = answer.map_err(|error| shown(&error))?.status();
        if status.is_success() { Ok(()) } else { Err(format!("status {}", status.as_u16())) }
    }

    fn request(&self, hook: &config::Webhook, message: &Message) -> Result<Request<Bytes>, String> {
        let config::Webhook { name: _, url, secret, events: _ } = hook;
        let value = self.fleet.secrets().value(secret);
        let value = value.ok_or_else(|| format!("the secret {secret} has no value"))?;
        // Signed anew at each try: whoever checks it looks at how old it is.
        let timestamp = self.clock.now().as_seconds().to_string();
        let signature = sign(&value, (&message.id, &timestamp, &message.body))
            .map_err(|why| format!("the secret {secret} {why}"))?;
        let mut request = Request::new(Bytes::from(message.body.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = url.parse().map_err(|_| "its URL cannot be read".to_owned())?;
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in [
            ("webhook-id", &message.id),
            ("webhook-timestamp", &timestamp),
            ("webhook-signature", &signature),
        ] {
            let value = HeaderValue::from_str(value).map_err(|_| format!("{name} is no header"))?;
            headers.insert(name, value);
        }
        Ok(request)
    }

    async fn purge(&self) {
        let (every, limit) = PURGE;
        let mut ticks = interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let now = self.clock.now();
            let until = (now.minus(UNSENT_FOR), now.minus(DEAD_FOR));
            if let Err(error) = self.store.purge_deliveries(now, until, limit).await {
                tell_unpurged(&error);
            }
        }
    }
}

/// How long to wait after so many failures before this one; `chance` is 0 to 999.
fn wait(attempts: u32, chance: u16) -> Duration {
    let doubled = FIRST_WAIT.saturating_mul(2_u32.saturating_pow(attempts));
    let least = doubled.min(LAST_WAIT);
    least.saturating_add(least.mul_f64(f64::from(chance) / 2_000.0))
}

fn tell_failed(message: &Message, error: &str) {
    let Message { id, webhook, event, .. } = message;
    tracing::warn!(%webhook, %event, %id, "the webhook {webhook} is told later: {error}");
}

fn tell_dead(message: &Message, error: &str) {
    let Message { id, webhook, event, .. } = message;
    tracing::error!(%webhook, %event, %id, "the webhook {webhook} was not told for a day: {error}");
}

fn tell_stuck(hook: &config::Webhook, error: &store::Error) {
    tracing::warn!("the webhook {} is told nothing for now: {error}", hook.name);
}

fn tell_unpurged(error: &store::Error) {
    tracing::warn!("what webhooks were never told stays in the store for now: {error}");
}

fn tell_folder() {
    tracing::warn!("a folder is served: webhooks are told nothing, and the log is told all");
}
