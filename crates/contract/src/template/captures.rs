//! A path back into the parameters that it was made of.

use model::Path;

use super::{
    Template,
    segment::{Segment, split},
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
        let mut rest = Some(path.strip_prefix('/').unwrap_or(path));
        for segment in &self.segments {
            let Some(left) = rest else { break };
            let (text, behind) = match left.split_once('/') {
                Some((text, behind)) => (text, Some(behind)),
                None => (left, None),
            };
            match segment {
                Segment::Literal { .. } => {}
                Segment::Mixed(parts) => {
                    let values = split(parts, &Path::decode(text)).unwrap_or_default();
                    values.iter().for_each(|(index, value)| add(*index, value));
                }
                Segment::Parameter(index) => add(*index, &Path::decode(text)),
                Segment::Rest(index) => add(*index, &Path::decode(left)),
            }
            rest = behind;
        }
        captures
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
        let mut rest = Template::parse("/f/{path}").unwrap();
        rest.take_rest("path");
        assert_eq!(rest.captures("/f/a/b%20c"), [("path".to_owned(), "a/b c".to_owned())]);
    }
}
