//! That a record is in a log: made from all leaves, checked from few hashes.

use super::Edge;
use crate::Hash;

/// The hashes beside the way from leaf `index` to the root (RFC 9162, section 2.1.3.1).
///
/// `None` where there is no such leaf.
#[must_use]
pub fn inclusion(leaves: &[Hash], index: usize) -> Option<Vec<Hash>> {
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

/// The hashes beside the way from leaf `index` to the root of a tree of `size`, where the first leaves
/// are known by the tree that they made alone, and `leaves` are those behind.
///
/// `None` where the leaf is none of those behind, or there are fewer.
#[must_use]
pub fn inclusion_behind(
    edge: &Edge,
    leaves: &[Hash],
    (index, size): (u64, u64),
) -> Option<Vec<Hash>> {
    if index < edge.size() || index >= size {
        return None;
    }
    let (mut start, mut length, mut path) = (0_u64, size, Vec::new());
    while length > 1 {
        let left = split_at(length);
        let (middle, right) = (start.saturating_add(left), length.saturating_sub(left));
        if index < middle {
            path.push(root_of(edge, leaves, (middle, right))?);
            length = left;
        } else {
            path.push(root_of(edge, leaves, (start, left))?);
            (start, length) = (middle, right);
        }
    }
    path.reverse();
    Some(path)
}

/// The root over so many leaves from `start` on.
fn root_of(edge: &Edge, leaves: &[Hash], (start, length): (u64, u64)) -> Option<Hash> {
    let end = start.saturating_add(length);
    if let Some(from) = start.checked_sub(edge.size()) {
        let (from, until) = (usize::try_from(from).ok()?, end.checked_sub(edge.size())?);
        return leaves.get(from..usize::try_from(until).ok()?).map(root);
    }
    if end <= edge.size() {
        return edge.subtree(start, length);
    }
    let left = split_at(length);
    let (middle, right) = (start.saturating_add(left), length.saturating_sub(left));
    let left = root_of(edge, leaves, (start, left))?;
    Some(Hash::of_nodes(left, root_of(edge, leaves, (middle, right))?))
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

/// The same as [`split`].
fn split_at(leaves: u64) -> u64 {
    leaves.div_ceil(2).next_power_of_two()
}

/// Where a tree of so many leaves is split: at the largest power of two below.
fn split(leaves: usize) -> usize {
    leaves.div_ceil(2).next_power_of_two()
}

fn root(leaves: &[Hash]) -> Hash {
    leaves.iter().copied().collect::<Edge>().root()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

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
        for index in 0..leaves.len() {
            let want = inclusion(leaves, index).filter(|_| index >= gone);
            let path = inclusion_behind(&edge, behind, (at(index), size(leaves)));
            assert_eq!(path, want, "{index} of {}, {gone} gone", leaves.len());
        }
        assert_eq!(inclusion_behind(&edge, behind, (at(gone), 64)), None);
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
