//! An answer that is read before its record says how it ended: a tool's, of which all is shown at once.

use std::time::Duration;

use http::Response;
use http_body_util::BodyExt as _;
use model::{Refusal, RefusalKind};
use tokio::time::timeout;

use super::Answer;
use crate::Body;

/// As much of the body of an answer as is shown, and how much more there is.
#[derive(Debug)]
pub struct Taken {
    /// All of it, or its beginning: as many bytes as are shown at most, and some behind them.
    pub bytes: Vec<u8>,
    /// Whether that is all of it.
    pub is_whole: bool,
    /// How long all of it is, where that is known.
    pub length: Option<u64>,
    /// That its end did not come in time, where that is so: a failure, whatever the status.
    pub late: Option<Refusal>,
}

impl Taken {
    /// Reads the body of an answer to its end, up to more than `bytes_max`, for `time_max` at most: an
    /// upstream that sends a little now and then would be read for ever, with nobody there to leave.
    ///
    /// # Errors
    /// Why it broke off.
    pub(super) async fn of(
        answer: Answer,
        (bytes_max, time_max): (usize, Duration),
    ) -> Result<Response<Self>, Refusal> {
        let (parts, mut body) = answer.into_parts();
        let announced = http_body::Body::size_hint(&body).exact();
        let mut bytes = Vec::new();
        let (is_whole, late) = match timeout(time_max, read(&mut body, &mut bytes, bytes_max)).await
        {
            Ok(read) => (read?, None),
            Err(_) => (false, Some(late(time_max))),
        };
        let length = if is_whole { u64::try_from(bytes.len()).ok() } else { announced };
        // The rest is not waited for; dropping the body tells the upstream so.
        Ok(Response::from_parts(parts, Self { bytes, is_whole, length, late }))
    }
}

fn late(time_max: Duration) -> Refusal {
    let detail = format!("the answer had not come to its end after {time_max:?}");
    Refusal::new(RefusalKind::UpstreamTimeout, detail)
}

/// Reads on until there is nothing more, or more than `bytes_max`: whether that was all.
async fn read(body: &mut Body, bytes: &mut Vec<u8>, bytes_max: usize) -> Result<bool, Refusal> {
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        bytes.extend_from_slice(&data);
        if bytes.len() > bytes_max {
            return Ok(false);
        }
    }
    Ok(true)
}
