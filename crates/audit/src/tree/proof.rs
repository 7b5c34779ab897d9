//! That a record is in a log, and that a log only grew: made from all leaves, checked from few hashes.

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

/// The hashes that show that the first `old` of `leaves` are their beginning (section 2.1.4.1).
///
/// `None` where there are not so many.
#[must_use]
pub fn consistency(leaves: &[Hash], old: usize) -> Option<Vec<Hash>> {
    if old == 0 || old > leaves.len() {
        return (old == 0).then(Vec::new);
    }
    let (mut leaves, mut old) = (leaves, old);
    let mut proof = Vec::new();
    // Whether what is left of the old tree is a whole subtree that its reader knows.
    let mut is_known = true;
    while old < leaves.len() {
        let (left, right) = leaves.split_at(split(leaves.len()));
        if old <= left.len() {
            proof.push(root(right));
            leaves = left;
        } else {
            proof.push(root(left));
            leaves = right;
            old = old.saturating_sub(left.len());
            is_known = false;
        }
    }
    if !is_known {
        proof.push(root(leaves));
    }
    proof.reverse();
    Some(proof)
}

/// Whether the tree `new` began as the tree `old` (section 2.1.4.2).
#[must_use]
pub fn is_consistent(old: (u64, Hash), new: (u64, Hash), proof: &[Hash]) -> bool {
    let ((old_size, old_root), (new_size, new_root)) = (old, new);
    if old_size == 0 {
        return proof.is_empty() && old_root == Hash::of_nothing();
    }
    if old_size >= new_size {
        return proof.is_empty() && old == new;
    }
    let mut proof = proof.iter().copied();
    let begun = if old_size.is_power_of_two() { Some(old_root) } else { proof.next() };
    let Some(begun) = begun else { return false };
    let (mut first, mut last) = (old_size.saturating_sub(1), new_size.saturating_sub(1));
    while first & 1 == 1 {
        (first, last) = (first >> 1, last >> 1);
    }
    let (mut old_node, mut new_node) = (begun, begun);
    for beside in proof {
        if last == 0 {
            return false;
        }
        if first & 1 == 1 || first == last {
            old_node = Hash::of_nodes(beside, old_node);
            new_node = Hash::of_nodes(beside, new_node);
            while first & 1 == 0 && first != 0 {
                (first, last) = (first >> 1, last >> 1);
            }
        } else {
            new_node = Hash::of_nodes(new_node, beside);
        }
        (first, last) = (first >> 1, last >> 1);
    }
    last == 0 && old_node == old_root && new_node == new_root
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
    fn every_leaf_is_included_and_every_beginning_is_consistent() {
        for count in 1..34 {
            let leaves = leaves(count);
            let tree = (size(&leaves), root(&leaves));
            for index in 0..count {
                let path = inclusion(&leaves, index).unwrap();
                let leaf = (u64::try_from(index).unwrap(), leaves[index]);
                assert!(includes(tree, leaf, &path), "{index} of {count}");
            }
            assert_eq!(inclusion(&leaves, count), None);
            for old in 0..=count {
                let proof = consistency(&leaves, old).unwrap();
                let old = (u64::try_from(old).unwrap(), root(&leaves[..old]));
                assert!(is_consistent(old, tree, &proof), "{old:?} of {count}");
            }
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

            let old = other.max(1);
            let proof = consistency(&leaves, old).unwrap();
            let forged: Vec<_> = leaves.iter().rev().copied().collect();
            prop_assert!(is_consistent((at(old), root(&leaves[..old])), tree, &proof));
            prop_assert!(!is_consistent((at(old), root(&forged[..old])), tree, &proof));
            prop_assert!(!is_consistent((at(old), root(&leaves[..old])), (tree.0, root(&forged)), &proof));
        }
    }
}
