//! Opaque access tokens: what one says is in the store, under what it hashes to, and nobody who holds
//! it can read that.

use std::{pin::Pin, sync::Arc};

use identity::{
    api_key::SystemRandom,
    reference::{self, ReferenceStore},
};
use model::Timestamp;
use serde_json::{Map, Value};
use store::{Digest, Handle, Store, Taken};

use crate::{
    Server,
    error::{Code, Denied},
    ticket,
};

/// The kind that the store knows them by.
const KIND: &str = "access";

/// The store as `identity` wants it: the floor between them is crossed here.
struct Stored(Store);

impl ReferenceStore for Stored {
    fn find(
        &self,
        digest: Digest,
        now: Timestamp,
    ) -> Pin<Box<dyn Future<Output = Result<Option<Map<String, Value>>, String>> + Send + '_>> {
        Box::pin(async move {
            let found = self.0.peek_handle(&digest, KIND, now).await;
            match found.map_err(|it| it.to_string())? {
                // The parser's own words could repeat what it read.
                Taken::First(handle) => serde_json::from_str(&handle.body)
                    .map(Some)
                    .map_err(|_| "what is kept of it is broken".to_owned()),
                Taken::Again(_) | Taken::Expired | Taken::Revoked(_) | Taken::Unknown => Ok(None),
            }
        })
    }
}

/// References as `store` has them.
pub(crate) fn stored(store: Store) -> Arc<dyn ReferenceStore> {
    Arc::new(Stored(store))
}

/// A reference that stands for `claims` until `expires`, and ends with `grant` where the store has
/// that. It is kept before anybody gets it.
pub(crate) async fn keep(
    server: &Server,
    claims: &Map<String, Value>,
    grant: Option<&str>,
    (now, expires): (Timestamp, Timestamp),
) -> Result<String, Denied> {
    let random = |it| Denied::new(Code::ServerError, "no token can be made now").because(it);
    let token = reference::make(&SystemRandom::new()).map_err(random)?;
    // What was exchanged for a token without a grant ends with that token, by its id alone.
    let grant = match grant {
        Some(id) => server.store.grant(id).await?.map(|it| it.id),
        None => None,
    };
    let handle = Handle {
        digest: ticket::digest(&token),
        kind: KIND.to_owned(),
        grant,
        body: Value::Object(claims.clone()).to_string(),
        created: now,
        expires,
    };
    server.store.put_handle(&handle).await?;
    server.issuer.know_reference(&token, claims.clone());
    Ok(token)
}

/// Forgets a reference, here and in the store.
pub(crate) async fn forget(server: &Server, token: &str) -> Result<(), Denied> {
    if token.starts_with(reference::PREFIX) {
        server.store.drop_handle(&ticket::digest(token), KIND).await?;
        server.issuer.forget_reference(token);
    }
    Ok(())
}
