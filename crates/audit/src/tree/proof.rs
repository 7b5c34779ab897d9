//! That a record is in a log: made from all leaves, checked from few hashes.

use std::collections::HashMap;

use super::Edge;
use crate::Hash;

/// The ways of some leaves to the root of a tree of `size`, found while leaves are added: what is held does
/// not grow with the tree.
pub(crate) struct Paths {
    size: u64,
    edge: Edge,
    /// The whole subtrees beside the ways, by their first leaf and how many they have.
    roots: HashMap<(u64, u64), Option<Hash>>,
}

impl Paths {
    /// Those of the leaves `indexes`, of which the first ones are known by the tree that they made alone.
    pub(crate) fn new(edge: Edge, size: u64, indexes: &[u64]) -> Self {
        let beside = indexes.iter().filter(|it| **it < size).flat_map(|it| beside(*it, size));
        let roots = beside.flat_map(|(start, leaves)| whole(start, leaves));
        let roots = roots.map(|(start, leaves)| ((start, leaves), edge.subtree(start, leaves)));
        Self { size, roots: roots.collect(), edge }
    }

    /// Adds a leaf.
    pub(crate) fn push(&mut self, leaf: Hash) {
        let (roots, end) = (&mut self.roots, self.edge.size().saturating_add(1));
        self.edge.push_noting(leaf, |leaves, root| {
            if let Some(wanted) = roots.get_mut(&(end.saturating_sub(leaves), leaves)) {
                *wanted = Some(root);
            }
        });
    }

    /// The hashes beside the way of leaf `index`; `None` where it is none of them, or leaves are missing.
    pub(crate) fn of(&self, index: u64) -> Option<Vec<Hash>> {
        let root = |(start, leaves)| {
            let roots: Option<_> =
                whole(start, leaves).map(|it| self.roots.get(&it).copied().flatten()).collect();
            Edge::new(leaves, roots?).map(|it| it.root())
        };
        (index < self.size).then(|| beside(index, self.size).into_iter().map(root).collect())?
    }
}

/// The subtrees beside the way from leaf `index` to the root of a tree of `size`, the nearest first.
fn beside(index: u64, size: u64) -> Vec<(u64, u64)> {
    let (mut start, mut length, mut found) = (0_u64, size, Vec::new());
    while length > 1 {
        let left = split_at(length);
        let (middle, right) = (start.saturating_add(left), length.saturating_sub(left));
        if index < middle {
            found.push((middle, right));
            length = left;
        } else {
            found.push((start, left));
            (start, length) = (middle, right);
        }
    }
    found.reverse();
    found
}

/// The whole subtrees that so many leaves from `start` on are made of, the largest first.
fn whole(start: u64, leaves: u64) -> impl Iterator<Item = (u64, u64)> {
    let bits = (0..u64::BITS).rev().map(|it| 1_u64 << it).filter(move |it| leaves & it != 0);
    bits.scan(start, |next, part| {
        let first = *next;
        *next = first.saturating_add(part);
        Some((first, part))
    })
}

/// Whether `path` leads from `leaf` at `index` to `root` of a tree of `size` (section 2.1.3.2).
#[must_use]
pub fn includes((size, root): (u64, Hash), (index, leaf): (u64, Hash), path: &[Hash]) -> bool {
    if index >= size {
        return false;
    }
    let (mut first, mut last) = (index, size.saturating_sub(1));
    let mut node = leaf;
    for beside in path {
        if last == 0 {
            return false;
        }
        if first & 1 == 1 || first == last {
            node = Hash::of_nodes(*beside, node);
            while first & 1 == 0 && first != 0 {
                (first, last) = (first >> 1, last >> 1);
            }
        } else {
            node = Hash::of_nodes(node, *beside);
        }
        (first, last) = (first >> 1, last >> 1);
    }
    last == 0 && node == root
}

/// Where a tree of so many leaves is split: at the largest power of two below.
fn split_at(leaves: u64) -> u64 {
    leaves.div_ceil(2).next_power_of_two()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same as [`split_at`].
    fn split(leaves: usize) -> usize {
        leaves.div_ceil(2).next_power_of_two()
    }

    fn root(leaves: &[Hash]) -> Hash {
        leaves.iter().copied().collect::<Edge>().root()
    }

    /// The hashes beside the way from leaf `index` to the root (RFC 9162, section 2.1.3.1).
    ///
    /// `None` where there is no such leaf.
    fn inclusion(leaves: &[Hash], index: usize) -> Option<Vec<Hash>> {
        if index >= leaves.len() {
            return None;
        }
        let (mut leaves, mut index) = (leaves, index);
        let mut path = Vec::new();
        while leaves.len() > 1 {
            let (left, right) = leaves.split_at(split(leaves.len()));
            let (inside, beside) = if index < left.len() {
                (left, right)
            } else {
                index = index.saturating_sub(left.len());
                (right, left)
            };
            path.push(root(beside));
            leaves = inside;
        }
        path.reverse();
        Some(path)
    }

    fn leaves(count: usize) -> Vec<Hash> {
        let mut last = Hash::of_origin("test");
        let next = |_| {
            last = Hash::of_record(last, b"");
            last
        };
        (0..count).map(next).collect()
    }

    /// The definition of section 2.1.1, which nothing above uses.
    fn defined(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => Hash::of_nothing(),
            [leaf] => *leaf,
            more => {
                let powers = (0..usize::BITS).map(|it| 1 << it);
                let k = powers.take_while(|it| *it < more.len()).last().unwrap();
                Hash::of_nodes(defined(&more[..k]), defined(&more[k..]))
            }
        }
    }

    fn size(leaves: &[Hash]) -> u64 {
        u64::try_from(leaves.len()).unwrap()
    }

    #[test]
    fn the_root_is_as_defined() {
        for count in 0..70 {
            let leaves = leaves(count);
            assert_eq!(root(&leaves), defined(&leaves), "{count}");
        }
    }

    #[test]
    fn every_leaf_is_included() {
        for count in 1..34 {
            let leaves = leaves(count);
            let tree = (size(&leaves), root(&leaves));
            for index in 0..count {
                let path = inclusion(&leaves, index).unwrap();
                let leaf = (u64::try_from(index).unwrap(), leaves[index]);
                assert!(includes(tree, leaf, &path), "{index} of {count}");
            }
            assert_eq!(inclusion(&leaves, count), None);
        }
    }

    /// Proves each leaf of which the first ones are gone.
    fn prove_behind(leaves: &[Hash], gone: usize) {
        let at = |it: usize| u64::try_from(it).unwrap();
        let (before, behind) = leaves.split_at(gone);
        let edge: Edge = before.iter().copied().collect();
        let all: Vec<_> = (0..=size(leaves)).collect();
        let mut paths = Paths::new(edge, size(leaves), &all);
        behind.iter().for_each(|it| paths.push(*it));
        for index in 0..leaves.len() {
            let want = inclusion(leaves, index).filter(|_| index >= gone);
            // The last of those that are gone may have its way among what is known of them.
            let path = paths.of(at(index)).filter(|_| index >= gone);
            assert_eq!(path, want, "{index} of {}, {gone} gone", leaves.len());
        }
        assert_eq!(paths.of(size(leaves)), None);
        assert_eq!(Paths::new(Edge::default(), 64, &[0]).of(0), None);
    }

    #[test]
    fn a_proof_is_the_same_whatever_is_known_of_the_leaves_before() {
        for count in 1..34 {
            let leaves = leaves(count);
            (0..count).for_each(|gone| prove_behind(&leaves, gone));
        }
    }

    proptest! {
        #[test]
        fn a_proof_of_another_leaf_size_or_root_is_none(
            count in 2..40_usize,
            index in any::<prop::sample::Index>(),
            other in any::<prop::sample::Index>(),
            cut in any::<bool>(),
        ) {
            let leaves = leaves(count);
            let (index, other) = (index.index(count), other.index(count));
            let tree = (size(&leaves), root(&leaves));
            let at = |it: usize| u64::try_from(it).unwrap();
            let path = inclusion(&leaves, index).unwrap();
            if index != other {
                prop_assert!(!includes(tree, (at(other), leaves[index]), &path));
                prop_assert!(!includes(tree, (at(index), leaves[other]), &path));
            }
            let mut changed = path.clone();
            if cut { changed.pop(); } else { changed.push(leaves[0]); }
            prop_assert!(!includes(tree, (at(index), leaves[index]), &changed));
            prop_assert!(!includes((tree.0, leaves[0]), (at(index), leaves[index]), &path));
        }
    }
}
