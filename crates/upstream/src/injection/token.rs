//! Access tokens by client credentials: fetched once for all who wait, kept until shortly before they end.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use http::{
    HeaderValue, Method, Request, StatusCode,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE},
};
use model::Clock;
use serde::Deserialize;
use tokio::{sync::Mutex, time::timeout};
use zeroize::Zeroizing;

use super::form;
use crate::Egress;

/// Longest answer of a token endpoint.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// How long a token is kept whose end is not said.
const LIFE_UNSAID: Duration = Duration::from_secs(60);

/// Longest a token is kept, whatever is said.
const LIFE_MAX: Duration = Duration::from_secs(24 * 3600);

/// How long before its end a token is not used any more, where a tenth of its life is longer than that.
const MARGIN_MAX: Duration = Duration::from_secs(30);

/// How long after a refused token was dropped no other is: else a caller who gets 401s would make as many fetches.
const DROP_AGAIN: Duration = Duration::from_secs(30);

/// Whom to ask for tokens, and how.
pub(super) struct Endpoint {
    pub(super) url: String,
    pub(super) authorization: HeaderValue,
    pub(super) form: String,
    pub(super) egress: Egress,
    pub(super) wait: Duration,
    pub(super) clock: Clock,
}

/// A token in the form in which it is shown.
pub(super) struct Token {
    pub(super) header: HeaderValue,
    /// When it is not used any more, on the clock's elapsed time.
    until: Duration,
}

/// The tokens of one client at one endpoint.
pub(super) struct Tokens {
    endpoint: Endpoint,
    current: ArcSwapOption<Token>,
    /// Held by the one who fetches.
    flight: Mutex<Option<Failed>>,
    /// How many fetches have ended.
    ended: AtomicU64,
    /// Milliseconds from the clock's start to when a token may be dropped again.
    droppable: AtomicU64,
}

/// How the fetch of this number failed.
struct Failed {
    number: u64,
    reason: Arc<str>,
}

#[derive(Deserialize)]
struct Answer {
    access_token: String,
    token_type: String,
    expires_in: Option<Life>,
}

/// Seconds; some servers write them as text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Life {
    Number(u64),
    Text(String),
}

impl Tokens {
    pub(super) fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            current: ArcSwapOption::empty(),
            flight: Mutex::new(None),
            ended: AtomicU64::new(0),
            droppable: AtomicU64::new(0),
        }
    }

    /// The token at hand, where there is one that lasts.
    pub(super) fn current(&self) -> Option<Arc<Token>> {
        self.current.load_full().filter(|it| self.endpoint.clock.elapsed() < it.until)
    }

    /// A token, fetched where nobody else does so already. Who waited for a fetch that failed, fails with it.
    pub(super) async fn fetched(&self) -> Result<Arc<Token>, Arc<str>> {
        let wait = self.endpoint.wait;
        match timeout(wait, self.fetched_in_turn()).await {
            Ok(fetched) => fetched,
            Err(_) => Err(format!("none came within {wait:?}").into()),
        }
    }

    async fn fetched_in_turn(&self) -> Result<Arc<Token>, Arc<str>> {
        let seen = self.ended.load(Ordering::Acquire);
        let mut last = self.flight.lock().await;
        if let Some(token) = self.current() {
            return Ok(token);
        }
        if let Some(failed) = last.as_ref().filter(|it| it.number > seen) {
            return Err(Arc::clone(&failed.reason));
        }
        let fetched = self.endpoint.fetch().await.map(Arc::new);
        let number = self.ended.fetch_add(1, Ordering::AcqRel).saturating_add(1);
        match fetched {
            Ok(token) => {
                self.current.store(Some(Arc::clone(&token)));
                *last = None;
                Ok(token)
            }
            Err(reason) => {
                let reason: Arc<str> = reason.into();
                *last = Some(Failed { number, reason: Arc::clone(&reason) });
                Err(reason)
            }
        }
    }

    /// The upstream refused `token`: the next request fetches another.
    pub(super) fn refused(&self, token: &Arc<Token>) {
        let is_current =
            |it: Option<&Arc<Token>>| it.is_some_and(|current| Arc::ptr_eq(current, token));
        if !is_current(self.current.load().as_ref()) {
            return;
        }
        let now = self.endpoint.clock.elapsed();
        let droppable = self.droppable.load(Ordering::Acquire);
        if millis(now) < droppable {
            return;
        }
        let next = millis(now.saturating_add(DROP_AGAIN));
        // Whoever wins drops it, once.
        let won =
            self.droppable.compare_exchange(droppable, next, Ordering::AcqRel, Ordering::Acquire);
        if won.is_ok() {
            self.current.rcu(|it| if is_current(it.as_ref()) { None } else { it.clone() });
        }
    }
}

impl Endpoint {
    async fn fetch(&self) -> Result<Token, String> {
        let mut request = Request::new(Bytes::from(self.form.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() =
            self.url.parse().map_err(|_| "its token endpoint is no URL".to_owned())?;
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, self.authorization.clone());
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(CONTENT_TYPE, form);
        let asked = self.clock.elapsed();
        let answer = self.egress.send(request, ANSWER_BYTES_MAX, self.wait).await;
        let answer = answer.map_err(|it| it.to_string())?;
        if answer.status() != StatusCode::OK {
            return Err(format!(
                "the token endpoint answered with status {} instead of 200",
                answer.status().as_u16()
            ));
        }
        Token::read(answer.body(), asked).map_err(str::to_owned)
    }
}

impl Token {
    fn read(answer: &[u8], asked: Duration) -> Result<Self, &'static str> {
        // The parser's own words could repeat what it read.
        let Answer { access_token, token_type, expires_in } = serde_json::from_slice(answer)
            .map_err(|_| "the token endpoint's answer holds no access_token and token_type")?;
        let access_token = Zeroizing::new(access_token);
        if !token_type.eq_ignore_ascii_case("bearer") {
            return Err("the token endpoint gave a token of another type than bearer");
        }
        let life = match expires_in {
            None => LIFE_UNSAID,
            Some(Life::Number(seconds)) => Duration::from_secs(seconds),
            Some(Life::Text(text)) => Duration::from_secs(
                text.parse().map_err(|_| "the token endpoint's expires_in is no number")?,
            ),
        };
        let life = life.min(LIFE_MAX);
        let margin = life.checked_div(10).unwrap_or_default().min(MARGIN_MAX);
        let header = form::bearer(access_token.as_bytes())
            .map_err(|_| "the token endpoint gave a token that cannot stand in a header")?;
        Ok(Self { header, until: asked.saturating_add(life.saturating_sub(margin)) })
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(answer: &str, want: Result<u64, &str>) {
        let got = Token::read(answer.as_bytes(), Duration::from_secs(100));
        match (got, want) {
            (Ok(token), Ok(until)) => assert_eq!(token.until, Duration::from_secs(until)),
            (Err(got), Err(want)) => assert!(got.contains(want), "{got}"),
            (got, want) => panic!("{answer}: {:?} instead of {want:?}", got.map(|it| it.until)),
        }
    }

    #[test]
    fn a_token_is_used_until_shortly_before_its_end() {
        check(r#"{"access_token":"t","token_type":"Bearer","expires_in":3600}"#, Ok(3670));
        check(r#"{"access_token":"t","token_type":"bearer","expires_in":"60","x":1}"#, Ok(154));
        check(r#"{"access_token":"t","token_type":"bearer"}"#, Ok(154));
        check(r#"{"access_token":"t","token_type":"bearer","expires_in":99999999999}"#, Ok(86_470));
        check(r#"{"access_token":"t","token_type":"bearer","expires_in":0}"#, Ok(100));
    }

    #[test]
    fn an_answer_without_a_bearer_token_is_no_token() {
        check(r#"{"access_token":"t","token_type":"DPoP"}"#, Err("another type"));
        check(r#"{"access_token":"t"}"#, Err("no access_token"));
        check(r#"{"access_token":"a\nb","token_type":"bearer"}"#, Err("cannot stand"));
        check(
            r#"{"access_token":"t","token_type":"bearer","expires_in":"soon"}"#,
            Err("no number"),
        );
        check("<html>", Err("no access_token"));
    }
}
