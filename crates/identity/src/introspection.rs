//! Asks an issuer whether an opaque token is good (RFC 7662): few at once, and not one that fails.

mod breaker;

use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use model::{Clock, SecretId};
use tokio::{sync::Semaphore, time::timeout};

use self::breaker::Breaker;
use crate::{
    key_set::Provider,
    token::{Claims, object},
};

/// The longest a call waits for an answer, its turn included.
const WAIT: Duration = Duration::from_secs(5);

/// Questions that one issuer is asked at once. Whoever floods the door with tokens does not flood
/// the issuer.
const AT_ONCE: usize = 16;

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
    turns: Semaphore,
    breaker: Breaker,
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
            turns: Semaphore::new(AT_ONCE),
            breaker: Breaker::default(),
        }
    }

    /// What the issuer says of `token`; none where it says nothing that can be understood.
    pub(crate) async fn ask(&self, token: &str) -> Option<Word> {
        let Ok(asked) = timeout(self.wait, self.in_turn(token)).await else {
            // The question may have waited for its turn alone: others that were asked tell more.
            self.failed(&format!("no answer in {:?}", self.wait));
            return None;
        };
        match asked {
            Ok(word) => {
                self.breaker.closes();
                Some(word)
            }
            Err(Failed::Shut) => None,
            Err(Failed::Said(why)) => {
                self.failed(&why);
                None
            }
        }
    }

    async fn in_turn(&self, token: &str) -> Result<Word, Failed> {
        if !self.breaker.lets_through(self.clock.elapsed()) {
            return Err(Failed::Shut);
        }
        let _turn = self.turns.acquire().await.map_err(|_| Failed::Shut)?;
        let discovered;
        let url = match &self.place {
            Place::Url(url) => url,
            Place::Provider(provider) => {
                discovered = provider.metadata().await.map_err(Failed::Said)?;
                let found = discovered.introspection_endpoint.as_deref();
                found.ok_or_else(|| {
                    Failed::Said("the metadata has no introspection_endpoint".to_owned())
                })?
            }
        };
        let Self { client_id, client_secret, .. } = self;
        let question = Question { url, client_id, client_secret, token };
        let reply = self.introspect.ask(question).await.map_err(Failed::Said)?;
        read(&reply).map_err(Failed::Said)
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

enum Failed {
    /// It failed before, and is left alone.
    Shut,
    Said(String),
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
