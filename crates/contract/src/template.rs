//! The path of an operation, with holes for its parameters: `/orders/{id}`.

mod captures;

use std::fmt;

use model::{Ambiguity, Path};

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

/// What stands between two slashes. A parameter is an index into the template's names.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    /// Always the same text.
    Literal { decoded: Box<str>, canonical: Box<str> },
    /// Texts and parameters in turn: `{name}:cancel`, `{base}...{head}`.
    Mixed(Vec<Part>),
    /// One parameter.
    Parameter(usize),
    /// One parameter that is all the rest, slashes included.
    Rest(usize),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Parameter(usize),
    Text(Box<str>),
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

/// Why values do not make a path: which parameter, where it is one, and what is wrong.
pub(crate) type Unfit = (Option<usize>, Ambiguity);

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
                Segment::Mixed(parts) => captures::split(parts, &Path::decode(text)).is_some(),
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

    /// What it matches, whatever its parameters are called: equal texts match the same paths.
    pub(crate) fn shape(&self) -> String {
        self.shown(|_, segment| match segment {
            Segment::Literal { canonical, .. } => canonical.to_string(),
            Segment::Mixed(parts) => parts
                .iter()
                .map(|it| match it {
                    Part::Parameter(_) => "{}",
                    Part::Text(text) => text,
                })
                .collect(),
            Segment::Parameter(_) | Segment::Rest(_) => "{}".to_owned(),
        })
    }

    /// Its shape, if it has several parameters in a segment, were each such segment one parameter.
    pub(crate) fn plain_shape(&self) -> Option<String> {
        let is_plural = |segment: &Segment| match segment {
            Segment::Mixed(parts) => {
                parts.iter().filter(|it| matches!(it, Part::Parameter(_))).count() > 1
            }
            Segment::Literal { .. } | Segment::Parameter(_) | Segment::Rest(_) => false,
        };
        self.segments.iter().any(is_plural).then(|| self.plain())
    }

    /// Its shape, were each segment with a parameter one parameter.
    fn plain(&self) -> String {
        self.shown(|_, segment| match segment {
            Segment::Literal { canonical, .. } => canonical.to_string(),
            Segment::Mixed(_) | Segment::Parameter(_) | Segment::Rest(_) => "{}".to_owned(),
        })
    }

    /// The plain shape up to each parameter, to find where a rest would meet a parameter.
    pub(crate) fn parameter_prefixes(&self) -> impl Iterator<Item = String> {
        let mut prefix = String::new();
        self.segments.iter().filter_map(move |segment| {
            let found = match segment {
                Segment::Literal { canonical, .. } => {
                    prefix.push('/');
                    prefix.push_str(canonical);
                    return None;
                }
                Segment::Mixed(_) | Segment::Parameter(_) => Some(prefix.clone()),
                Segment::Rest(_) => None,
            };
            prefix.push_str("/{}");
            found
        })
    }

    /// The plain shape before the parameter that is all the rest, if there is one.
    pub(crate) fn rest_prefix(&self) -> Option<String> {
        let is_rest = matches!(self.segments.last(), Some(Segment::Rest(_)));
        let plain = is_rest.then(|| self.plain())?;
        plain.rsplit_once('/').map(|(prefix, _)| prefix.to_owned())
    }

    /// Lets the last parameter take all the rest of a path, if it is `name` and a whole segment.
    pub(crate) fn take_rest(&mut self, name: &str) {
        let ends_with_slash = self.ends_with_slash;
        if let Some(segment @ Segment::Parameter(_)) = self.segments.last_mut()
            && let Segment::Parameter(index) = *segment
            && !ends_with_slash
            && self.parameters.get(index).is_some_and(|it| **it == *name)
        {
            *segment = Segment::Rest(index);
        }
    }

    /// Takes [`Self::take_rest`] back.
    pub(crate) fn leave_rest(&mut self) {
        if let Some(segment @ Segment::Rest(_)) = self.segments.last_mut()
            && let Segment::Rest(index) = *segment
        {
            *segment = Segment::Parameter(index);
        }
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

/// The value of a parameter that is a whole segment.
fn checked(index: usize, values: &[String]) -> Result<&str, Unfit> {
    let value = values.get(index).map_or("", String::as_str);
    Path::from_segments([value]).map_err(|it| (Some(index), it))?;
    Ok(value)
}

/// A segment of texts and values. A value must not hold the text behind it, or the upstream would
/// find the border elsewhere.
fn mix(parts: &[Part], values: &[String]) -> Result<String, Unfit> {
    let mut segment = String::new();
    for (position, part) in parts.iter().enumerate() {
        match part {
            Part::Text(text) => segment.push_str(text),
            Part::Parameter(index) => {
                let value = values.get(*index).map_or("", String::as_str);
                let next = parts.get(position.saturating_add(1));
                let is_torn = matches!(next, Some(Part::Text(text)) if value.contains(&**text));
                if value.is_empty() || is_torn {
                    return Err((Some(*index), Ambiguity::EmptySegment));
                }
                segment.push_str(value);
            }
        }
    }
    let culprit = parts.iter().find_map(|it| match it {
        Part::Parameter(index) => Some(*index),
        Part::Text(_) => None,
    });
    Path::from_segments([&segment]).map_err(|it| (culprit, it))?;
    Ok(segment)
}

fn literal(text: &str) -> Result<Segment, InvalidTemplate> {
    // Encoded as it should be, or written as it is meant: documents do both.
    let path = Path::parse(&format!("/{text}"))
        .or_else(|_| Path::from_segments([text]))
        .map_err(InvalidTemplate::Ambiguous)?;
    let canonical = path.as_str().trim_start_matches('/');
    if canonical.is_empty() {
        return Err(InvalidTemplate::Ambiguous(Ambiguity::EmptySegment));
    }
    let decoded = Path::decode(canonical).into();
    Ok(Segment::Literal { decoded, canonical: canonical.into() })
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
