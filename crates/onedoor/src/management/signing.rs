//! The authorization server's signing keys, as management sees them.

use std::{sync::Arc, time::Duration};

use admin::{KeyWork, SigningFault, SigningKeyView, SigningKeys, SigningStage};
use model::Clock;
use oauth::{KeyError, KeyStage, PublishedKey, Server};

/// The keys of this server.
#[derive(Debug)]
pub(super) struct Signing(pub(super) Arc<Server>);

impl SigningKeys for Signing {
    fn list(&self) -> KeyWork<'_, Vec<SigningKeyView>> {
        Box::pin(async {
            let keys = self.0.signing_keys().await;
            keys.map(|it| it.into_iter().map(view).collect()).map_err(|it| fault(&it))
        })
    }

    fn rotate(&self, ahead: Option<Duration>) -> KeyWork<'_, SigningKeyView> {
        Box::pin(async move {
            let made = self.0.rotate_signing_key(ahead).await;
            made.map(view).map_err(|it| fault(&it))
        })
    }

    fn withdraw<'a>(&'a self, id: &'a str) -> KeyWork<'a, bool> {
        Box::pin(async move { self.0.withdraw_signing_key(id).await.map_err(|it| fault(&it)) })
    }
}

fn fault(error: &KeyError) -> SigningFault {
    let told = error.to_string();
    match error {
        KeyError::UnderWay { .. } | KeyError::Full(_) => SigningFault::Conflict(told),
        KeyError::Ahead(_) => SigningFault::Invalid(told),
        KeyError::Failed(_) => SigningFault::Unavailable(told),
    }
}

fn view(key: PublishedKey) -> SigningKeyView {
    let PublishedKey { id, algorithm, stage, sealed_under, created, activates, ends } = key;
    SigningKeyView {
        id,
        algorithm,
        state: match stage {
            KeyStage::Next => SigningStage::Next,
            KeyStage::Signing => SigningStage::Signing,
            KeyStage::Verifying => SigningStage::Verifying,
        },
        age_seconds: Clock::system().now().since(created).as_secs(),
        sealed_under,
        created: created.to_string(),
        signs_from: activates.to_string(),
        deleted: ends.map(|it| it.to_string()),
    }
}
