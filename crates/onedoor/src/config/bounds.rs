//! `[bounds]`: how large a call may be.

use std::time::Duration;

use model::quantity::{parse_bytes, parse_duration};

use super::Reader;

/// How large a call may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// Longest body of a request.
    pub(crate) request_body_bytes_max: usize,
    /// Longest message on the MCP surface.
    pub(crate) message_bytes_max: usize,
    /// Longest answer of a tool; what is over is cut, and a marker says so.
    pub(crate) tool_answer_bytes_max: usize,
    /// Most tools on one page of a list.
    pub(crate) tools_page_max: usize,
    /// Longest head of a request: its line and all headers.
    pub(crate) header_bytes_max: usize,
    /// Most headers of a request.
    pub(crate) headers_max: usize,
}

impl Bounds {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let mut table = reader.table("bounds");
        let bounds = Self {
            request_body_bytes_max: table
                .take(reader, "request_body_bytes_max", |it| bytes(it, 1, 1 << 30))
                .unwrap_or(10 << 20),
            message_bytes_max: table
                .take(reader, "message_bytes_max", |it| bytes(it, 4 << 10, 64 << 20))
                .unwrap_or(4 << 20),
            tool_answer_bytes_max: table
                .take(reader, "tool_answer_bytes_max", |it| bytes(it, 1 << 10, 16 << 20))
                .unwrap_or(64 << 10),
            tools_page_max: table
                .take(reader, "tools_page_max", |it| count(it, 1, 10_000))
                .unwrap_or(500),
            header_bytes_max: table
                .take(reader, "header_bytes_max", |it| bytes(it, 8 << 10, 1 << 20))
                .unwrap_or(64 << 10),
            headers_max: table.take(reader, "headers_max", |it| count(it, 16, 1000)).unwrap_or(100),
        };
        table.finish(reader);
        bounds
    }
}

fn bytes(text: &str, least: usize, most: usize) -> Result<usize, String> {
    within(parse_bytes(text)?, text, least, most)
}

/// Reads a whole number within bounds.
pub(super) fn count(text: &str, least: usize, most: usize) -> Result<usize, String> {
    let number = text.parse().map_err(|_| format!("\"{text}\" is not a whole number"))?;
    within(number, text, least, most)
}

/// Reads a duration within bounds of seconds.
pub(super) fn duration(text: &str, least: u64, most: u64) -> Result<Duration, String> {
    let duration = parse_duration(text)?;
    if (Duration::from_secs(least)..=Duration::from_secs(most)).contains(&duration) {
        Ok(duration)
    } else {
        Err(format!("{text} is out of bounds: write {least}s to {most}s"))
    }
}

fn within(number: usize, text: &str, least: usize, most: usize) -> Result<usize, String> {
    if (least..=most).contains(&number) {
        Ok(number)
    } else {
        Err(format!("{text} is out of bounds: write {least} to {most}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_has_bounds() {
        assert_eq!(bytes("64KiB", 1024, 1 << 20), Ok(64 << 10));
        assert!(bytes("1023", 1024, 1 << 20).is_err());
        assert!(bytes("2GiB", 1, 1 << 30).unwrap_err().contains("2GiB is out of bounds"));
        assert!(count("-1", 0, 5).is_err());
    }
}
