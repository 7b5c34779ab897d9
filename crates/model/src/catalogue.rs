//! Finds the operations that a pattern means without looking at all of them.

use crate::{Operation, Pattern};

/// A snapshot's operations by name. For compiling tables, not for calls.
#[derive(Debug)]
pub struct Catalogue<'a> {
    /// With their index in the snapshot's table, sorted by collection and name.
    sorted: Vec<(usize, &'a Operation)>,
}

impl<'a> Catalogue<'a> {
    /// Sorts `operations`; their index in this slice stays known.
    #[must_use]
    pub fn new(operations: &'a [Operation]) -> Self {
        let mut sorted: Vec<_> = operations.iter().enumerate().collect();
        sorted.sort_by_key(|(_, it)| (it.collection.as_str(), it.id.name()));
        Self { sorted }
    }

    /// The operations that `pattern` means, with their index, sorted by collection and name.
    pub fn matching(&self, pattern: &Pattern) -> impl Iterator<Item = (usize, &'a Operation)> {
        // Narrowed down by the names, then asked one by one: the pattern itself has the last word.
        let narrowed = match (pattern.collection(), pattern.operation()) {
            (None, _) => &self.sorted,
            (Some(collection), None) => self.between(|it| it.collection.as_str().cmp(collection)),
            (Some(collection), Some(name)) => {
                self.between(|it| (it.collection.as_str(), it.id.name()).cmp(&(collection, name)))
            }
        };
        narrowed.iter().copied().filter(|(_, it)| pattern.matches(it))
    }

    fn between(
        &self,
        order: impl Fn(&Operation) -> std::cmp::Ordering,
    ) -> &[(usize, &'a Operation)] {
        let start = self.sorted.partition_point(|(_, it)| order(it).is_lt());
        let end = self.sorted.partition_point(|(_, it)| order(it).is_le());
        self.sorted.get(start..end).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use crate::{CollectionId, Effect, OperationId};

    use super::*;

    fn operations(ids: &[(&str, &str)]) -> Vec<Operation> {
        let operation = |(position, (collection, name)): (usize, &(&str, &str))| {
            let collection = CollectionId::parse(collection).unwrap();
            Operation {
                id: OperationId::new(&collection, name).unwrap(),
                collection,
                effect: Effect::Read,
                is_public: false,
                level: None,
                position,
            }
        };
        ids.iter().enumerate().map(operation).collect()
    }

    #[test]
    fn a_pattern_finds_what_it_matches_and_nothing_else() {
        let all = operations(&[("b", "x"), ("a", "y"), ("a-b", "x"), ("a", "x"), ("a", "X")]);
        let catalogue = Catalogue::new(&all);
        for text in ["*:*", "a:*", "a:x", "a-b:*", "b:x", "c:*", "a:z", "b:y"] {
            let pattern = Pattern::parse(text).unwrap();
            let mut found: Vec<_> = catalogue.matching(&pattern).map(|(index, _)| index).collect();
            found.sort_unstable();
            let matching = |it: &&Operation| pattern.matches(it);
            let want: Vec<_> = all.iter().filter(matching).map(|it| it.position).collect();
            assert_eq!(found, want, "{text}");
        }
    }
}
