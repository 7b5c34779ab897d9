//! The Merkle tree over all records, as RFC 6962 and RFC 9162 hash it. Pure.

mod proof;

use crate::Hash;

pub(crate) use proof::Paths;
pub use proof::includes;

/// The right edge of a tree: enough to add leaves and to know the root, whatever its size.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Edge {
    size: u64,
    /// The roots of the whole subtrees, the largest first: one for each bit of the size.
    subtrees: Vec<Hash>,
}

impl Edge {
    /// The edge of a tree of `size` leaves; `None` where so many subtrees do not make such a tree.
    #[must_use]
    pub fn new(size: u64, subtrees: Vec<Hash>) -> Option<Self> {
        let is_whole = u32::try_from(subtrees.len()).is_ok_and(|it| it == size.count_ones());
        is_whole.then_some(Self { size, subtrees })
    }

    /// How many leaves there are.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The roots of the whole subtrees, the largest first.
    #[must_use]
    pub fn subtrees(&self) -> &[Hash] {
        &self.subtrees
    }

    /// The root of the whole subtree of so many leaves from `start` on; `None` where it has none such.
    pub(crate) fn subtree(&self, start: u64, leaves: u64) -> Option<Hash> {
        // One for each bit of the size, the largest first: each begins where those before it end.
        let is_first = self.size & leaves != 0 && leaves.is_power_of_two();
        let before = self.size & !leaves.checked_mul(2)?.checked_sub(1)?;
        let larger = usize::try_from(before.count_ones()).ok()?;
        self.subtrees.get(larger).copied().filter(|_| is_first && before == start)
    }

    /// Adds a leaf.
    pub fn push(&mut self, leaf: Hash) {
        self.push_noting(leaf, |_, _| {});
    }

    /// Adds a leaf, and tells the root of each whole subtree that ends with it, by how many leaves that has.
    pub(crate) fn push_noting(&mut self, leaf: Hash, mut note: impl FnMut(u64, Hash)) {
        let (mut node, mut leaves) = (leaf, 1_u64);
        let mut size = self.size;
        note(leaves, node);
        while size & 1 == 1 {
            // One subtree for each bit that is set, so there is one to take.
            node = self.subtrees.pop().map_or(node, |left| Hash::of_nodes(left, node));
            (size, leaves) = (size >> 1, leaves << 1);
            note(leaves, node);
        }
        self.subtrees.push(node);
        self.size = self.size.saturating_add(1);
    }

    /// The root of the tree.
    #[must_use]
    pub fn root(&self) -> Hash {
        let root = self.subtrees.iter().rev().copied();
        root.reduce(|right, left| Hash::of_nodes(left, right)).unwrap_or_else(Hash::of_nothing)
    }
}

impl FromIterator<Hash> for Edge {
    fn from_iter<T: IntoIterator<Item = Hash>>(leaves: T) -> Self {
        let mut edge = Self::default();
        leaves.into_iter().for_each(|it| edge.push(it));
        edge
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_without_leaves_has_the_root_of_the_rfc() {
        assert_eq!(Edge::default().root(), Hash::of_nothing());
    }

    #[test]
    fn an_edge_is_whole_or_none() {
        let leaf = Hash::of_nothing();
        assert!(Edge::new(3, vec![leaf, leaf]).is_some());
        assert!(Edge::new(4, vec![leaf, leaf]).is_none());
        let edge: Edge = [leaf; 5].into_iter().collect();
        assert_eq!(Edge::new(5, edge.subtrees().to_vec()), Some(edge));
    }
}
