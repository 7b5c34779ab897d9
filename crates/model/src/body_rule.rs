//! Which bodies of calls are kept, as it is declared.

use std::fmt;

use crate::Place;

/// What a collection, or one of its operations, says about bodies. Where nobody says anything, none is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BodyRule {
    /// Whether bodies of requests are kept.
    pub request: bool,
    /// Whether bodies of answers are kept.
    pub response: bool,
    /// How much of each. What is longer is cut off.
    pub bytes_max: usize,
    /// Of which types.
    pub content_types: Vec<MediaRange>,
    /// Whom they are about; who calls, where it is not said.
    pub subject: Option<SubjectRule>,
    /// Where it is declared.
    pub place: Place,
}

/// Whom the bodies of a call are about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectRule {
    /// What sort of subject: `customer`.
    pub kind: Box<str>,
    /// The argument that says which of them.
    pub argument: Box<str>,
}

/// Types of content: `text/*`, `application/*+json`, or one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaRange(Box<str>);

impl BodyRule {
    /// Most that can be kept of one body.
    pub const BYTES_MAX: usize = 1 << 20;
    /// How much is kept where it is not said.
    pub const BYTES_USUAL: usize = 64 << 10;

    /// The types that are kept where it is not said: what people and programs write to each other, and no
    /// pictures, uploads or archives.
    #[must_use]
    pub fn usual_content_types() -> Vec<MediaRange> {
        let text = [
            "application/json",
            "application/*+json",
            "application/x-www-form-urlencoded",
            "application/xml",
            "text/*",
        ];
        text.into_iter().map(|it| MediaRange(it.into())).collect()
    }

    /// Whether any is kept.
    #[must_use]
    pub fn keeps_any(&self) -> bool {
        self.request || self.response
    }

    /// Whether a body of this type is kept. One that does not say what it is is kept by `*/*` alone.
    #[must_use]
    pub fn keeps_type(&self, content_type: Option<&str>) -> bool {
        let essence = content_type.and_then(|it| it.split(';').next()).unwrap_or_default();
        let essence = essence.trim().to_ascii_lowercase();
        self.content_types.iter().any(|it| it.has(&essence))
    }
}

impl MediaRange {
    /// Reads `text/*`.
    ///
    /// # Errors
    /// A sentence: what is wrong, a colon, what to write.
    pub fn parse(text: &str) -> Result<Self, String> {
        let is_part = |it: &str| {
            let mut bytes = it.bytes();
            !it.is_empty()
                && bytes.all(|it| it.is_ascii_alphanumeric() || b"!#$&^_.+-*".contains(&it))
        };
        let is_range = text == "*/*"
            || text.split_once('/').is_some_and(|(kind, subtype)| {
                let stars = text.bytes().filter(|it| *it == b'*').count();
                is_part(kind) && is_part(subtype) && !kind.contains('*') && stars <= 1
            });
        if is_range && text.len() <= 100 {
            return Ok(Self(text.to_ascii_lowercase().into()));
        }
        let shown = text.escape_debug();
        Err(format!("\"{shown}\" is no content type: write application/json, text/* or */*"))
    }

    fn has(&self, essence: &str) -> bool {
        match self.0.split_once('*') {
            Some(_) if &*self.0 == "*/*" => true,
            Some((begin, end)) => {
                let rest = essence.strip_prefix(begin);
                rest.is_some_and(|it| !it.is_empty() && it.ends_with(end))
            }
            None => *self.0 == *essence,
        }
    }
}

impl fmt::Display for MediaRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(content_types: Vec<MediaRange>) -> BodyRule {
        BodyRule {
            request: true,
            response: true,
            bytes_max: 1,
            content_types,
            subject: None,
            place: Place::default(),
        }
    }

    #[test]
    fn text_and_data_are_kept_and_pictures_and_uploads_are_not() {
        let rule = rule(BodyRule::usual_content_types());
        for kept in ["application/json", "Application/JSON; charset=utf-8", "text/event-stream"] {
            assert!(rule.keeps_type(Some(kept)), "{kept}");
        }
        assert!(rule.keeps_type(Some("application/problem+json")));
        for not_kept in ["image/png", "multipart/form-data; boundary=x", "application/x+jsonx", ""]
        {
            assert!(!rule.keeps_type(Some(not_kept)), "{not_kept}");
        }
        assert!(!rule.keeps_type(None));
    }

    #[test]
    fn all_is_all_and_a_beginning_is_not_a_type() {
        let range = |it| vec![MediaRange::parse(it).unwrap()];
        assert!(rule(range("*/*")).keeps_type(None));
        assert!(rule(range("image/*")).keeps_type(Some("image/png")));
        assert!(!rule(range("image/*")).keeps_type(Some("image/")));
        assert!(!rule(range("text/csv")).keeps_type(Some("text/csv-schema")));
        for text in ["", "json", "*", "*/json", "a/b/c", "a/**", "/json", "text/", "te xt/a"] {
            let error = MediaRange::parse(text).unwrap_err();
            assert!(error.contains(": write "), "{error}");
        }
    }
}
