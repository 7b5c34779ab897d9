//! A body that is needed whole, within its bounds.

use std::time::Duration;

use bytes::Bytes;
use http_body::Body as _;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use model::{Refusal, RefusalKind};
use tokio::time::timeout;
use upstream::{BodyError, RequestBody};

/// Longest wait for all of it.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The body, if it has at most `bytes_max` and is within the bound that it already has.
///
/// # Errors
/// `TooLarge`; `Malformed` where it breaks off or does not arrive in time.
pub(super) async fn whole(body: RequestBody, bytes_max: usize) -> Result<Bytes, Refusal> {
    let too_large = || {
        let detail = format!("the body is larger than {bytes_max} bytes");
        Refusal::new(RefusalKind::TooLarge, detail)
    };
    // What says itself that it is too large is not begun.
    if body.size_hint().lower() > u64::try_from(bytes_max).unwrap_or(u64::MAX) {
        return Err(too_large());
    }
    let collected = timeout(TIMEOUT, Limited::new(body, bytes_max).collect()).await;
    let error = match collected {
        Ok(Ok(collected)) => return Ok(collected.to_bytes()),
        Ok(Err(error)) => error,
        Err(_) => return Err(malformed("the body did not arrive in time")),
    };
    if error.is::<LengthLimitError>() {
        return Err(too_large());
    }
    Err(match error.downcast::<BodyError>() {
        Ok(error) => broken(*error),
        Err(error) => malformed("the body broke off").because(error),
    })
}

/// What is said of a body that cannot be read to its end.
pub(super) fn broken(error: BodyError) -> Refusal {
    let detail = format!("the body {error}");
    match error {
        BodyError::TooLarge { .. } => Refusal::new(RefusalKind::TooLarge, detail),
        BodyError::Broken(_) => malformed(detail).because(error),
    }
}

fn malformed(detail: impl Into<std::borrow::Cow<'static, str>>) -> Refusal {
    Refusal::new(RefusalKind::Malformed, detail)
}
