//! Asks an issuer whether an opaque token is good (RFC 7662): few at once, by turns for all who show
//! one, and not an issuer that fails.

mod breaker;
mod lines;

use std::{fmt, future::Future, net::IpAddr, pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use model::{Clock, SecretId};
use tokio::time::timeout;

use self::{breaker::Breaker, lines::Lines};
use crate::{
    key_set::Provider,
    sources::{Budget, Sources},
    token::{Claims, Unasked, object},
};

/// The longest a call waits for its turn, and then for an answer.
const WAIT: Duration = Duration::from_secs(5);

/// How many tokens from one source the issuer may not know, before it is not asked about others of
/// that source for a while.
const UNKNOWN: Budget = Budget { burst: 50, every: Duration::from_millis(500) };
/// The same of all sources together.
const UNKNOWN_OF_ALL: Budget = Budget { burst: 1000, every: Duration::from_millis(50) };

/// Asks issuers about tokens. Implemented above, where the egress client and the secrets are.
pub trait Introspect: Send + Sync {
    /// Posts the question as a form, with the secret as `Basic` (RFC 6749 section 2.3.1). The
    /// answer, of any status, bounded in size and time; else why there is none.
    fn ask<'a>(
        &'a self,
        question: Question<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<Reply, String>> + Send + 'a>>;
}

/// Is this token good?
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// Who is asked.
    pub url: &'a str,
    /// This door's client id there.
    pub client_id: &'a str,
    /// This door's secret there.
    pub client_secret: &'a SecretId,
    /// The token as it was shown.
    pub token: &'a str,
}

impl fmt::Debug for Question<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never the token.
        f.debug_struct("Question").field("url", &self.url).finish_non_exhaustive()
    }
}

/// What the issuer said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Bytes,
}

/// An issuer that is asked. Live: it outlasts the directories that name it.
pub(crate) struct Introspector {
    place: Place,
    client_id: Box<str>,
    client_secret: SecretId,
    introspect: Arc<dyn Introspect>,
    clock: Clock,
    wait: Duration,
    lines: Lines,
    breaker: Breaker,
    unknown: Sources,
}

/// Who says where to ask.
pub(crate) enum Place {
    /// The declaration of the issuer.
    Url(Box<str>),
    /// The issuer itself.
    Provider(Arc<Provider>),
}

/// What is known of a token once its issuer was asked.
pub(crate) enum Word {
    /// It is good, and this is what it says.
    Active(Claims),
    /// It is not.
    Inactive,
}

/// Why nothing is known of a token.
pub(crate) enum Silence {
    /// The issuer does not answer, or was not asked because it did not answer before.
    NoAnswer,
    /// It is not asked, because of what came from the same source.
    TooMany(Unasked),
}

impl Introspector {
    pub(crate) fn new(
        place: Place,
        declared: &model::Introspection,
        introspect: Arc<dyn Introspect>,
        clock: Clock,
        wait: Duration,
    ) -> Self {
        Self {
            place,
            client_id: declared.client_id.as_str().into(),
            client_secret: declared.client_secret.clone(),
            introspect,
            clock,
            wait: wait.min(WAIT),
            lines: Lines::default(),
            breaker: Breaker::default(),
            unknown: Sources::new(UNKNOWN, UNKNOWN_OF_ALL),
        }
    }

    /// What the issuer says of `token`, which came from `source`.
    ///
    /// # Errors
    /// Why it says nothing that can be understood.
    pub(crate) async fn ask(&self, token: &str, source: IpAddr) -> Result<Word, Silence> {
        self.may_ask(source)?;
        if !self.breaker.lets_through(self.clock.elapsed()) {
            return Err(Silence::NoAnswer);
        }
        // Whoever waits for a turn in vain has asked nobody: that tells nothing of the issuer.
        let turn = timeout(self.wait, self.lines.turn(source)).await;
        let Some(_turn) = turn.ok().flatten() else { return Err(Silence::NoAnswer) };
        // Those before it in its line may have used up what there is.
        self.may_ask(source)?;
        let asked = timeout(self.wait, self.question(token)).await;
        match asked.unwrap_or_else(|_| Err(format!("no answer in {:?}", self.wait))) {
            Ok(word) => {
                self.breaker.closes();
                Ok(word)
            }
            Err(why) => {
                self.failed(&why);
                Err(Silence::NoAnswer)
            }
        }
    }

    /// Counts a token that the issuer does not know, and never did.
    pub(crate) fn count_unknown(&self, source: IpAddr) {
        self.unknown.count(source, self.clock.elapsed());
    }

    fn may_ask(&self, source: IpAddr) -> Result<(), Silence> {
        let wait = self.unknown.wait(source, self.clock.elapsed());
        if wait.is_zero() {
            return Ok(());
        }
        let (count, window) = (UNKNOWN.burst, UNKNOWN.whole());
        Err(Silence::TooMany(Unasked { count, window, wait }))
    }

    async fn question(&self, token: &str) -> Result<Word, String> {
        let discovered;
        let url = match &self.place {
            Place::Url(url) => url,
            Place::Provider(provider) => {
                discovered = provider.metadata().await?;
                let found = discovered.introspection_endpoint.as_deref();
                found.ok_or_else(|| "the metadata has no introspection_endpoint".to_owned())?
            }
        };
        let Self { client_id, client_secret, .. } = self;
        let question = Question { url, client_id, client_secret, token };
        read(&self.introspect.ask(question).await?)
    }

    fn failed(&self, why: &str) {
        if self.breaker.fails(self.clock.elapsed()) {
            warn(self.name(), why);
        }
    }

    fn name(&self) -> &str {
        match &self.place {
            Place::Url(url) => url,
            Place::Provider(provider) => provider.issuer(),
        }
    }
}

fn warn(source: &str, why: &str) {
    tracing::warn!(%source, "opaque tokens are refused for now, {source} does not answer: {why}");
}

/// Reads an answer (RFC 7662 section 2.2).
fn read(reply: &Reply) -> Result<Word, String> {
    match reply.status {
        200 => {}
        // About this token: else whoever sends nonsense could shut the others out.
        400 | 413 | 414 | 422 | 431 => return Ok(Word::Inactive),
        status => return Err(format!("status {status} instead of 200")),
    }
    let members = object(&reply.body).ok_or("the answer is not an object in strict json")?;
    match members.get("active").and_then(serde_json::Value::as_bool) {
        Some(true) => Ok(Word::Active(Claims::new(members))),
        Some(false) => Ok(Word::Inactive),
        None => Err("the answer does not say whether the token is active".to_owned()),
    }
}
