//! The path of an operation, with holes for its parameters: `/orders/{id}`.

mod captures;
mod segment;
mod shape;

use std::fmt;

use model::{Ambiguity, Path};

use segment::{Part, Segment, Unfit, checked, literal, mix, split};

/// Longest template, in bytes.
const BYTES_MAX: usize = 2048;
/// Most segments of a template.
const SEGMENTS_MAX: usize = 64;

/// The path of an operation, with holes for its parameters: `/orders/{id}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    text: Box<str>,
    segments: Vec<Segment>,
    /// Each name once, in the order in which they appear.
    parameters: Vec<Box<str>>,
    ends_with_slash: bool,
}

/// Why a text is no template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidTemplate {
    #[error("two parameters touch in one segment of the path")]
    Adjacent,
    #[error("the path is not canonical: {0}")]
    Ambiguous(Ambiguity),
    #[error("the path has a query or a fragment")]
    Query,
    #[error("the path is too long")]
    TooLong,
    #[error("the braces of the path do not match")]
    Unbalanced,
}

impl Template {
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidTemplate> {
        let rest = text.strip_prefix('/').ok_or(InvalidTemplate::Ambiguous(Ambiguity::NoSlash))?;
        if text.len() > BYTES_MAX || rest.split('/').count() > SEGMENTS_MAX {
            return Err(InvalidTemplate::TooLong);
        }
        if text.contains(['?', '#']) {
            return Err(InvalidTemplate::Query);
        }
        let mut template = Self {
            text: text.into(),
            segments: Vec::new(),
            parameters: Vec::new(),
            ends_with_slash: rest.ends_with('/'),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if !rest.is_empty() || template.ends_with_slash {
            for segment in rest.split('/') {
                let segment = template.segment(segment)?;
                template.segments.push(segment);
            }
        }
        Ok(template)
    }

    /// The requests of a path that is no template as it is written, as far as they can be told: for
    /// knowing them, not for calling what is there.
    pub(crate) fn meant(text: &str) -> Option<Self> {
        // They come by the path alone: what is behind it (`?x=1`, `{?x}`) tells none of them apart here.
        let path = text.split(['?', '#']).next()?.trim_end_matches('{');
        let slash = if path.starts_with('/') { "" } else { "/" };
        // Wherever one of two parameters ends that touch: together they are one hole.
        Self::parse(&format!("{slash}{path}").replace("}{", "")).ok()
    }

    fn segment(&mut self, text: &str) -> Result<Segment, InvalidTemplate> {
        let mut parts: Vec<Part> = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').ok_or(InvalidTemplate::Unbalanced)?;
            if before.contains('}') || name.is_empty() || name.contains('{') {
                return Err(InvalidTemplate::Unbalanced);
            }
            if !before.is_empty() {
                parts.push(Part::Text(before.into()));
            } else if !parts.is_empty() {
                return Err(InvalidTemplate::Adjacent);
            }
            parts.push(Part::Parameter(self.parameter(name)));
            rest = after;
        }
        if rest.contains('}') {
            return Err(InvalidTemplate::Unbalanced);
        }
        match parts.as_slice() {
            [] => literal(rest),
            [Part::Parameter(index)] if rest.is_empty() => Ok(Segment::Parameter(*index)),
            _ => {
                if !rest.is_empty() {
                    parts.push(Part::Text(rest.into()));
                }
                Ok(Segment::Mixed(parts))
            }
        }
    }

    fn parameter(&mut self, name: &str) -> usize {
        self.parameters.iter().position(|it| **it == *name).unwrap_or_else(|| {
            self.parameters.push(name.into());
            self.parameters.len().saturating_sub(1)
        })
    }

    /// As it is written in the document: `/orders/{id}`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The names of the parameters, each once, in the order in which they appear.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        self.parameters.iter().map(|it| &**it)
    }

    /// The same in the syntax of the router: `/orders/{p1}`, or `/files/{*p1}` for all the rest.
    ///
    /// Parameters are named for their place, so templates of the same shape have the same text. A
    /// segment with text around its parameters becomes one parameter: ask [`Self::fits`] as well.
    #[must_use]
    pub fn for_router(&self) -> String {
        self.shown(|index, segment| match segment {
            Segment::Literal { canonical, .. } => canonical.to_string(),
            Segment::Mixed(_) | Segment::Parameter(_) => format!("{{p{index}}}"),
            Segment::Rest(_) => format!("{{*p{index}}}"),
        })
    }

    /// Whether `path`, in canonical form, has this shape. Among templates with the same text for the
    /// router, the one that fits and has the most [`Self::literal_bytes`] is meant.
    #[must_use]
    pub fn fits(&self, path: &str) -> bool {
        let path = path.strip_prefix('/').unwrap_or(path);
        let path = if self.ends_with_slash {
            match path.strip_suffix('/') {
                Some(path) => path,
                None => return false,
            }
        } else {
            path
        };
        if self.segments.is_empty() {
            return path.is_empty();
        }
        let mut given = path.split('/');
        for segment in &self.segments {
            let Some(text) = given.next() else { return false };
            let fits = match segment {
                Segment::Literal { canonical, .. } => **canonical == *text,
                Segment::Mixed(parts) => split(parts, &Path::decode(text)).is_some(),
                Segment::Parameter(_) => !text.is_empty(),
                Segment::Rest(_) => return !text.is_empty(),
            };
            if !fits {
                return false;
            }
        }
        given.next().is_none()
    }

    /// Whether the router's syntax says all there is to say, so that [`Self::fits`] need not be asked.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        !self.segments.iter().any(|it| matches!(it, Segment::Mixed(_)))
    }

    /// How many bytes of it are fixed text: the more, the more it says.
    #[must_use]
    pub fn literal_bytes(&self) -> usize {
        let bytes = |segment: &Segment| match segment {
            Segment::Literal { canonical, .. } => canonical.len(),
            Segment::Mixed(parts) => parts
                .iter()
                .map(|it| match it {
                    Part::Parameter(_) => 0,
                    Part::Text(text) => text.len(),
                })
                .sum(),
            Segment::Parameter(_) | Segment::Rest(_) => 0,
        };
        self.segments.iter().map(bytes).sum()
    }

    /// The path with `values` in the holes, one for each of [`Self::parameters`].
    pub(crate) fn path(&self, values: &[String]) -> Result<Path, Unfit> {
        let mut segments: Vec<String> = Vec::with_capacity(self.segments.len());
        for segment in &self.segments {
            match segment {
                Segment::Literal { decoded, .. } => segments.push(decoded.to_string()),
                Segment::Mixed(parts) => segments.push(mix(parts, values)?),
                Segment::Parameter(index) => segments.push(checked(*index, values)?.to_owned()),
                Segment::Rest(index) => {
                    let value = values.get(*index).map_or("", String::as_str);
                    Path::from_segments(value.split('/')).map_err(|it| (Some(*index), it))?;
                    segments.extend(value.split('/').map(str::to_owned));
                }
            }
        }
        let path = Path::from_segments(segments).map_err(|it| (None, it))?;
        Ok(if self.ends_with_slash { path.and_slash() } else { path })
    }

    fn shown(&self, segment_text: impl Fn(usize, &Segment) -> String) -> String {
        let mut text = String::new();
        for (index, segment) in self.segments.iter().enumerate() {
            text.push('/');
            text.push_str(&segment_text(index, segment));
        }
        if text.is_empty() || self.ends_with_slash {
            text.push('/');
        }
        text
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(template: &str, values: &[&str], want: Result<&str, Unfit>) {
        let template = Template::parse(template).unwrap();
        let values: Vec<String> = values.iter().map(|it| (*it).to_owned()).collect();
        let path = template.path(&values);
        assert_eq!(path.as_ref().map(Path::as_str).map_err(|it| *it), want, "{template}");
        if let Ok(path) = path {
            assert!(template.fits(path.as_str()), "{template} does not fit {path}");
        }
    }

    #[test]
    fn values_stand_where_the_template_has_holes() {
        check("/", &[], Ok("/"));
        check("/pets/", &[], Ok("/pets/"));
        check("/orders/{id}", &["42"], Ok("/orders/42"));
        check("/orders/{id}/", &["a b"], Ok("/orders/a%20b/"));
        check("/a%20b/ä", &[], Ok("/a%20b/%C3%A4"));
        check("/{a}/{b}/{a}", &["1", "2"], Ok("/1/2/1"));
        check("/compare/{base}...{head}", &["v1", "v2.0"], Ok("/compare/v1...v2.0"));
        check("/v1/{name}:cancel", &["job"], Ok("/v1/job:cancel"));
    }

    #[test]
    fn a_value_cannot_leave_its_hole() {
        use Ambiguity as A;
        for (value, want) in [
            ("", A::EmptySegment),
            ("..", A::DotSegment),
            (".", A::DotSegment),
            ("a/b", A::EncodedSlash),
            ("../x", A::EncodedSlash),
            ("%2e%2e", A::DoubleEncoding),
            ("a\\b", A::Backslash),
            ("a;b", A::Semicolon),
            ("a\r\nb", A::ControlCharacter),
        ] {
            check("/orders/{id}", &[value], Err((Some(0), want)));
            check("/orders/{id}/x", &[value], Err((Some(0), want)));
        }
        check("/orders/{id}", &["a?b#c&d=e"], Ok("/orders/a%3Fb%23c&d=e"));
        check("/{a}...{b}", &["x...y", "z"], Err((Some(0), Ambiguity::EmptySegment)));
        check("/{a}...{b}", &["x", "y/z"], Err((Some(0), Ambiguity::EncodedSlash)));
    }

    #[test]
    fn a_rest_keeps_its_slashes_and_nothing_worse() {
        let mut template = Template::parse("/contents/{path}").unwrap();
        template.take_rest("path");
        assert_eq!(template.for_router(), "/contents/{*p1}");
        let path = |value: &str| {
            template.path(&[value.to_owned()]).map(|it| it.as_str().to_owned()).map_err(|it| it.1)
        };
        assert_eq!(path("src/a b.rs").unwrap(), "/contents/src/a%20b.rs");
        assert!(template.fits("/contents/src/x") && !template.fits("/contents/"));
        assert_eq!(path("a/../b"), Err(Ambiguity::DotSegment));
        assert_eq!(path("/etc"), Err(Ambiguity::EmptySegment));
        assert_eq!(path("a//b"), Err(Ambiguity::EmptySegment));
        assert_eq!(path(""), Err(Ambiguity::EmptySegment));
    }

    #[test]
    fn the_router_sees_places_and_the_template_sees_the_rest() {
        for (text, router, fitting, unfit) in [
            ("/", "/", "/", "/x"),
            ("/pets/", "/pets/", "/pets/", "/pets"),
            ("/orders/{id}", "/orders/{p1}", "/orders/1", "/orders/1/2"),
            ("/{a}/x/{b}", "/{p0}/x/{p2}", "/1/x/2", "/1/y/2"),
            ("/c/{base}...{head}", "/c/{p1}", "/c/a...b", "/c/a..."),
            ("/v1/{name}:cancel", "/v1/{p1}", "/v1/a:b:cancel", "/v1/a:wait"),
            ("/img-{id}.png", "/{p0}", "/img-1.png", "/img-.png"),
        ] {
            let template = Template::parse(text).unwrap();
            assert_eq!(template.for_router(), router);
            assert!(template.fits(fitting), "{text} {fitting}");
            assert!(!template.fits(unfit), "{text} {unfit}");
        }
    }

    #[test]
    fn what_is_no_template_may_tell_its_requests_even_so() {
        for (text, router) in [
            ("items/secrets", Some("/items/secrets")),
            ("/items/{a}{b}{c}/secrets", Some("/items/{p1}/secrets")),
            ("items/{a}{b}?x={y}", Some("/items/{p1}")),
            ("/items/secrets{?x}", Some("/items/secrets")),
            ("/items/secrets#x", Some("/items/secrets")),
            ("/a//b", None),
            ("/{a", None),
            ("/a}{b}", None),
        ] {
            let meant = Template::meant(text).map(|it| it.for_router());
            assert_eq!(meant.as_deref(), router, "{text}");
        }
    }

    #[test]
    fn what_is_no_path_is_no_template() {
        use InvalidTemplate as I;
        for (text, want) in [
            ("", I::Ambiguous(Ambiguity::NoSlash)),
            ("orders", I::Ambiguous(Ambiguity::NoSlash)),
            ("/a//b", I::Ambiguous(Ambiguity::EmptySegment)),
            ("//", I::Ambiguous(Ambiguity::EmptySegment)),
            ("/a/../b", I::Ambiguous(Ambiguity::DotSegment)),
            ("/a?b={c}", I::Query),
            ("/a#b", I::Query),
            ("/{a", I::Unbalanced),
            ("/a}", I::Unbalanced),
            ("/{}", I::Unbalanced),
            ("/{a/b}", I::Unbalanced),
            ("/{a}{b}", I::Adjacent),
        ] {
            assert_eq!(Template::parse(text), Err(want), "{text}");
        }
        assert_eq!(Template::parse(&"/x".repeat(65)), Err(I::TooLong));
    }
}
