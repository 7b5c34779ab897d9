//! An answer that is read before its record says how it ended: a tool's, of which all is shown at once.

use http::Response;
use http_body_util::BodyExt as _;
use model::Refusal;

use super::Answer;

/// As much of the body of an answer as is shown, and how much more there is.
#[derive(Debug)]
pub struct Taken {
    /// All of it, or its beginning: as many bytes as are shown at most, and some behind them.
    pub bytes: Vec<u8>,
    /// Whether that is all of it.
    pub is_whole: bool,
    /// How long all of it is, where that is known.
    pub length: Option<u64>,
}

impl Taken {
    /// Reads the body of an answer to its end, or up to more than `bytes_max`.
    ///
    /// # Errors
    /// Why it broke off.
    pub(super) async fn of(answer: Answer, bytes_max: usize) -> Result<Response<Self>, Refusal> {
        let (parts, mut body) = answer.into_parts();
        let announced = http_body::Body::size_hint(&body).exact();
        let mut bytes = Vec::new();
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame?.into_data() else { continue };
            bytes.extend_from_slice(&data);
            if bytes.len() > bytes_max {
                // The rest is not waited for; dropping the body tells the upstream so.
                let taken = Self { bytes, is_whole: false, length: announced };
                return Ok(Response::from_parts(parts, taken));
            }
        }
        let length = u64::try_from(bytes.len()).ok();
        Ok(Response::from_parts(parts, Self { bytes, is_whole: true, length }))
    }
}
