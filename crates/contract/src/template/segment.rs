//! What stands between two slashes of a template, and what may fill it.

use model::{Ambiguity, Path};

use super::InvalidTemplate;

/// What stands between two slashes. A parameter is an index into the template's names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Segment {
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
pub(super) enum Part {
    Parameter(usize),
    Text(Box<str>),
}

/// Why values do not make a path: which parameter, where it is one, and what is wrong.
pub(crate) type Unfit = (Option<usize>, Ambiguity);

/// The value of a parameter that is a whole segment.
pub(super) fn checked(index: usize, values: &[String]) -> Result<&str, Unfit> {
    let value = values.get(index).map_or("", String::as_str);
    Path::from_segments([value]).map_err(|it| (Some(index), it))?;
    Ok(value)
}

/// A segment of texts and values. A value must not hold the text behind it, or the upstream would
/// find the border elsewhere.
pub(super) fn mix(parts: &[Part], values: &[String]) -> Result<String, Unfit> {
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

/// What stands in the holes of a mixed segment, if `text` is one: something in each hole.
///
/// A hole ends at the first place where the text behind it begins; the last text is at the end.
pub(super) fn split(parts: &[Part], text: &str) -> Option<Vec<(usize, String)>> {
    let mut values = Vec::new();
    let mut rest = text;
    let mut hole = None;
    for (position, part) in parts.iter().enumerate() {
        let wanted = match part {
            Part::Parameter(index) => {
                hole = Some(*index);
                continue;
            }
            Part::Text(wanted) => &**wanted,
        };
        let is_last = position.saturating_add(1) == parts.len();
        let (before, behind) = match (hole, is_last) {
            (None, _) => ("", rest.strip_prefix(wanted)?),
            (Some(_), true) => (rest.strip_suffix(wanted)?, ""),
            (Some(_), false) => rest.split_once(wanted)?,
        };
        if let Some(index) = hole.take() {
            if before.is_empty() {
                return None;
            }
            values.push((index, before.to_owned()));
        }
        rest = behind;
    }
    match hole {
        Some(index) if !rest.is_empty() => values.push((index, rest.to_owned())),
        Some(_) => return None,
        None if rest.is_empty() => {}
        None => return None,
    }
    Some(values)
}

pub(super) fn literal(text: &str) -> Result<Segment, InvalidTemplate> {
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
