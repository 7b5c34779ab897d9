//! A path back into the parameters that it was made of.

use model::Path;

use super::{
    Template,
    segment::{Part, Segment, split},
};

impl Template {
    /// The parameters of a path that fits, decoded, in the order in which they stand in it.
    ///
    /// `path` is in canonical form; of one that does not fit, only what comes before the difference.
    #[must_use]
    pub fn captures(&self, path: &str) -> Vec<(String, String)> {
        let mut captures = Vec::new();
        let mut add = |index: usize, value: &str| {
            let name = self.parameters.get(index).map_or("", |it| &**it);
            captures.push((name.to_owned(), value.to_owned()));
        };
        self.walk(path, |segment, text, left| match segment {
            Segment::Literal { .. } => {}
            Segment::Mixed(parts) => {
                let values = split(parts, &Path::decode(text)).unwrap_or_default();
                values.iter().for_each(|(index, value)| add(*index, value));
            }
            Segment::Parameter(index) => add(*index, &Path::decode(text)),
            Segment::Rest(index) => add(*index, &Path::decode(left)),
        });
        captures
    }

    /// Whether a value of `path` holds a text that divides the values of its segment: then another
    /// reader may find the border elsewhere.
    pub(crate) fn is_torn(&self, path: &str) -> bool {
        let mut is_torn = false;
        self.walk(path, |segment, text, _| {
            let Segment::Mixed(parts) = segment else { return };
            let values = split(parts, &Path::decode(text)).unwrap_or_default();
            let divides = |part: &Part| match part {
                Part::Text(it) => values.iter().any(|(_, value)| value.contains(&**it)),
                Part::Parameter(_) => false,
            };
            is_torn |= values.len() > 1 && parts.iter().any(divides);
        });
        is_torn
    }

    /// Visits each segment with what stands there in `path`, and with all from there on.
    fn walk(&self, path: &str, mut visit: impl FnMut(&Segment, &str, &str)) {
        let mut rest = Some(path.strip_prefix('/').unwrap_or(path));
        for segment in &self.segments {
            let Some(left) = rest else { break };
            let (text, behind) = match left.split_once('/') {
                Some((text, behind)) => (text, Some(behind)),
                None => (left, None),
            };
            visit(segment, text, left);
            rest = behind;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_gives_back_what_it_was_made_of() {
        for (template, path, want) in [
            ("/a/{x}/b/{y}", "/a/1/b/2%20c", &[("x", "1"), ("y", "2 c")][..]),
            ("/{base}...{head}", "/main...dev", &[("base", "main"), ("head", "dev")]),
            ("/{name}:cancel", "/job%3A7:cancel", &[("name", "job:7")]),
            ("/a", "/a", &[]),
            ("/{x}/", "/1/", &[("x", "1")]),
        ] {
            let captures = Template::parse(template).unwrap().captures(path);
            let want: Vec<_> = want
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect();
            assert_eq!(captures, want, "{template} {path}");
        }
        let pair = Template::parse("/{base}...{head}").unwrap();
        assert!(!pair.is_torn("/main...dev") && pair.is_torn("/main...x...dev"));
        assert!(!Template::parse("/{name}:cancel").unwrap().is_torn("/job:cancel:cancel"));
        let mut rest = Template::parse("/f/{path}").unwrap();
        rest.take_rest("path");
        assert_eq!(rest.captures("/f/a/b%20c"), [("path".to_owned(), "a/b c".to_owned())]);
    }
}
