//! What a template matches, for comparing it with others: which requests two of them share.

use super::{
    Template,
    segment::{Part, Segment},
};

impl Template {
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
}
