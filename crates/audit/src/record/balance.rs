//! How a limit stands behind a call, as its records tell it.

use std::time::Duration;

use model::LimitState;

use super::Line;

/// What a call left of the limit that will be reached first, or which limit refused it.
#[derive(Debug, Clone, Copy)]
pub struct Balance<'a> {
    /// The limit's id.
    pub limit: &'a str,
    /// How many calls fit at once behind it.
    pub left: u32,
    /// How many fit into its window.
    pub count: u32,
    /// How long its window is.
    pub window: Duration,
}

impl<'a> From<&'a LimitState> for Balance<'a> {
    /// A limit that refused has nothing left, as its caller is told.
    fn from(state: &'a LimitState) -> Self {
        let LimitState { limit, count, window, retry_after: _ } = state;
        Self { limit, left: 0, count: *count, window: *window }
    }
}

impl Balance<'_> {
    pub(super) fn write(&self, line: &mut Line) -> Result<(), serde_json::Error> {
        let Self { limit, left, count, window } = *self;
        line.cut("limit", Some(limit))?;
        line.put("limit_left", &left)?;
        line.put("limit_count", &count)?;
        // Never none, as in the fields of an answer.
        line.put("limit_window_s", &window.as_secs().max(1))
    }
}
