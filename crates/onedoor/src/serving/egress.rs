//! Fetches the key sets of issuers through the one egress client.

use std::{future::Future, pin::Pin, time::Duration};

use bytes::Bytes;
use upstream::Egress;

/// Largest key set.
const KEY_SET_BYTES_MAX: usize = 256 << 10;
/// Longest wait for one.
const KEY_SET_TIMEOUT: Duration = Duration::from_secs(5);

/// The egress client as `identity` wants it: the floor between them is crossed here.
pub(super) struct KeySetEgress(pub(super) Egress);

impl identity::Fetch for KeySetEgress {
    fn get<'a>(
        &'a self,
        url: &'a str,
    ) -> Pin<Box<dyn Future<Output = Result<Bytes, String>> + Send + 'a>> {
        Box::pin(async move {
            let fetched = self.0.get(url, KEY_SET_BYTES_MAX, KEY_SET_TIMEOUT).await;
            fetched.map_err(|it| it.to_string())
        })
    }
}
