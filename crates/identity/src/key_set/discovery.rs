//! Finds what an issuer says about itself, and keeps it as long as keys are kept.

use std::{fmt, sync::Arc, time::Duration};

use arc_swap::ArcSwapOption;
use model::Clock;
use tokio::{sync::Mutex, time::timeout};

use super::{
    FRESH, Fetch, STALE_MAX,
    flight::{FLIGHT_MAX, PAUSE},
    metadata::ProviderMetadata,
};

/// An issuer that can be asked about itself. Live: it outlasts the directories that name it.
pub struct Provider {
    issuer: Box<str>,
    fetch: Arc<dyn Fetch>,
    clock: Clock,
    current: ArcSwapOption<Known>,
    /// Held by the one who fetches.
    flight: Mutex<Option<Failed>>,
}

struct Known {
    metadata: Arc<ProviderMetadata>,
    /// On the clock's elapsed time, as that of the failure.
    fetched: Duration,
}

struct Failed {
    at: Duration,
    why: String,
}

impl Provider {
    pub(super) fn new(issuer: &str, fetch: Arc<dyn Fetch>, clock: Clock) -> Self {
        Self {
            issuer: issuer.into(),
            fetch,
            clock,
            current: ArcSwapOption::empty(),
            flight: Mutex::new(None),
        }
    }

    /// The exact `iss` of its tokens.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// What it says about itself: fetched where nothing fresh is known, once for all who ask.
    ///
    /// # Errors
    /// Why there is nothing that may be used. After a failure it is not asked again for half a minute.
    pub async fn metadata(&self) -> Result<Arc<ProviderMetadata>, String> {
        if let Some(fresh) = self.known(FRESH) {
            return Ok(fresh);
        }
        let mut failed = self.flight.lock().await;
        if let Some(fresh) = self.known(FRESH) {
            return Ok(fresh);
        }
        let now = self.clock.elapsed();
        let is_too_soon = |it: &&Failed| now.saturating_sub(it.at) < PAUSE;
        if let Some(Failed { at: _, why }) = failed.as_ref().filter(is_too_soon) {
            return self.known(STALE_MAX).ok_or_else(|| why.clone());
        }
        let answer = timeout(FLIGHT_MAX, self.discover()).await;
        match answer.unwrap_or_else(|_| Err(format!("no answer in {FLIGHT_MAX:?}"))) {
            Ok(metadata) => {
                let metadata = Arc::new(metadata);
                let known = Known { metadata: Arc::clone(&metadata), fetched: now };
                self.current.store(Some(Arc::new(known)));
                *failed = None;
                Ok(metadata)
            }
            Err(why) => {
                *failed = Some(Failed { at: now, why: why.clone() });
                self.known(STALE_MAX).ok_or(why)
            }
        }
    }

    fn known(&self, age_max: Duration) -> Option<Arc<ProviderMetadata>> {
        let known = self.current.load();
        let known = known.as_ref()?;
        let age = self.clock.elapsed().saturating_sub(known.fetched);
        (age <= age_max).then(|| Arc::clone(&known.metadata))
    }

    /// Asks at one place, and at the other where there is nothing. A document that is wrong is not made up for by another.
    async fn discover(&self) -> Result<ProviderMetadata, String> {
        let (openid, oauth) = places(&self.issuer)
            .ok_or("an issuer with a query has no metadata: write jwks_url instead")?;
        let found = match self.fetch.get(&openid).await {
            Ok(found) => found,
            Err(first) => self.fetch.get(&oauth).await.map_err(|second| {
                format!("no metadata at {openid}: {first}; nor at {oauth}: {second}")
            })?,
        };
        ProviderMetadata::read(&found.body, &self.issuer)
    }
}

/// OIDC Discovery section 4 appends to the issuer; RFC 8414 section 3.1 inserts before its path.
fn places(issuer: &str) -> Option<(String, String)> {
    if issuer.contains(['?', '#']) {
        return None;
    }
    let issuer = issuer.strip_suffix('/').unwrap_or(issuer);
    let (scheme, rest) = issuer.split_once("://")?;
    let (host, path) = match rest.split_once('/') {
        Some((host, path)) => (host, format!("/{path}")),
        None => (rest, String::new()),
    };
    Some((
        format!("{issuer}/.well-known/openid-configuration"),
        format!("{scheme}://{host}/.well-known/oauth-authorization-server{path}"),
    ))
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_asked_where_the_standards_say() {
        for (issuer, openid, oauth) in [
            (
                "https://a.example",
                "https://a.example/.well-known/openid-configuration",
                "https://a.example/.well-known/oauth-authorization-server",
            ),
            (
                "https://a.example/",
                "https://a.example/.well-known/openid-configuration",
                "https://a.example/.well-known/oauth-authorization-server",
            ),
            (
                "https://a.example:8443/realms/x/",
                "https://a.example:8443/realms/x/.well-known/openid-configuration",
                "https://a.example:8443/.well-known/oauth-authorization-server/realms/x",
            ),
        ] {
            assert_eq!(places(issuer), Some((openid.to_owned(), oauth.to_owned())));
        }
        assert_eq!(places("https://a.example/?tenant=x"), None);
    }
}
