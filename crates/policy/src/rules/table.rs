//! What one role allows within one reach, by operation.

use std::sync::Arc;

use model::{Catalogue, Operation, Role};

/// What one role allows.
#[derive(Debug)]
pub(super) struct Table {
    /// The texts of its rules.
    rules: Arc<[Arc<str>]>,
    numbers: Numbers,
}

/// The number in `rules` of the first rule that allows an operation, from 1; 0 for none.
#[derive(Debug)]
enum Numbers {
    /// By the operation's position.
    // Four bytes: this is the one table that grows with roles times operations.
    All(Box<[u32]>),
    /// Sorted by position; what is not there has none. A team's reach is small, and there are many.
    Some(Box<[(usize, u32)]>),
}

impl Table {
    /// What `role` allows where it has no bound.
    pub(super) fn compile(role: &Role, catalogue: &Catalogue<'_>, operations: usize) -> Self {
        let mut rules = Vec::new();
        let mut numbers: Box<[u32]> = vec![0; operations].into();
        let granted =
            role.grants.iter().flat_map(|grant| grant.operations.iter().map(move |it| (grant, it)));
        for (grant, pattern) in granted {
            rules.push(format!("role {}: {pattern}", role.id).into());
            // Past four billion rules of one role a number would lie: those grant nothing.
            let number = u32::try_from(rules.len()).unwrap_or(0);
            let has_effect =
                |it: &Operation| grant.effects.is_empty() || grant.effects.contains(&it.effect);
            for (index, _) in catalogue.matching(pattern).filter(|(_, it)| has_effect(it)) {
                fill(&mut numbers, index, number);
            }
        }
        Self { rules: rules.into(), numbers: Numbers::All(numbers) }
    }

    /// The same, for the operations at `positions` only. These are sorted.
    pub(super) fn within(&self, positions: &[usize]) -> Self {
        let numbered = positions.iter().map(|it| (*it, self.number(*it)));
        let numbers = numbered.filter(|(_, number)| *number != 0).collect();
        Self { rules: Arc::clone(&self.rules), numbers: Numbers::Some(numbers) }
    }

    /// The rule that allows the operation at `position`.
    pub(super) fn rule(&self, position: usize) -> Option<&Arc<str>> {
        let number = usize::try_from(self.number(position)).ok()?;
        self.rules.get(number.checked_sub(1)?)
    }

    fn number(&self, position: usize) -> u32 {
        match &self.numbers {
            Numbers::All(numbers) => numbers.get(position).copied().unwrap_or(0),
            Numbers::Some(numbers) => numbers
                .binary_search_by_key(&position, |(it, _)| *it)
                .ok()
                .and_then(|it| numbers.get(it))
                .map_or(0, |(_, number)| *number),
        }
    }
}

/// The first rule that allows an operation stays the one that counts.
fn fill(numbers: &mut [u32], index: usize, number: u32) {
    if let Some(slot) = numbers.get_mut(index).filter(|it| **it == 0) {
        *slot = number;
    }
}
