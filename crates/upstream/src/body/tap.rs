//! Somebody who sees what passes of a body.

use std::fmt;

use bytes::Bytes;
use http_body::Frame;

/// Sees what passes of a body, and never holds it up. Dropped where no more comes.
pub trait Tap: fmt::Debug + Send + Sync {
    /// These bytes pass.
    fn pass(&mut self, data: &[u8]);

    /// All of the body has passed.
    fn end(&mut self);
}

/// Shows a frame; whoever reads a body may not ask again behind the last one.
pub(super) fn see(tap: &mut dyn Tap, frame: &Frame<Bytes>, is_last: bool) {
    if let Some(data) = frame.data_ref() {
        tap.pass(data);
    }
    if is_last {
        tap.end();
    }
}
