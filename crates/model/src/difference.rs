//! What is other between two sorted lists whose nouns are shared where they are the same.

use std::{cmp::Ordering, iter::Peekable, slice, sync::Arc};

/// One noun that is other: before, after, or both; never neither.
#[derive(Debug)]
pub struct Change<'a, T> {
    /// As it was; none where it is new.
    pub before: Option<&'a Arc<T>>,
    /// As it is; none where it is gone.
    pub after: Option<&'a Arc<T>>,
}

/// The nouns that are not one and the same in both lists, in the order of their ids.
///
/// Both lists are sorted by `id`. A noun that was read anew counts as other even where it says the
/// same. Costs a comparison of pointers for each noun that is the same.
pub fn difference<'a, T, I: Ord + ?Sized>(
    before: &'a [Arc<T>],
    after: &'a [Arc<T>],
    id: fn(&T) -> &I,
) -> impl Iterator<Item = Change<'a, T>> {
    let (mut before, mut after) = (before.iter().peekable(), after.iter().peekable());
    std::iter::from_fn(move || {
        skip_same(&mut before, &mut after);
        let order = match (before.peek(), after.peek()) {
            (Some(was), Some(is)) => id(was).cmp(id(is)),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return None,
        };
        Some(Change {
            before: before.next_if(|_| order.is_le()),
            after: after.next_if(|_| order.is_ge()),
        })
    })
}

type Nouns<'a, T> = Peekable<slice::Iter<'a, Arc<T>>>;

fn skip_same<T>(before: &mut Nouns<'_, T>, after: &mut Nouns<'_, T>) {
    while let (Some(was), Some(is)) = (before.peek(), after.peek())
        && Arc::ptr_eq(was, is)
    {
        before.next();
        after.next();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(before: &[Arc<String>], after: &[Arc<String>]) -> Vec<(Option<char>, Option<char>)> {
        let last = |it: Option<&Arc<String>>| it.and_then(|it| it.chars().last());
        // The first letter is the id, the last the version.
        let changes = difference(before, after, |it| it.get(..1).unwrap());
        changes.map(|it| (last(it.before), last(it.after))).collect()
    }

    fn noun(text: &str) -> Arc<String> {
        Arc::new(text.to_owned())
    }

    #[test]
    fn what_is_shared_is_left_out_and_all_else_is_told() {
        let [a1, b1, b2, c1, d1] = ["a1", "b1", "b2", "c1", "d1"].map(noun);
        let (same, none) = ([Arc::clone(&a1), Arc::clone(&c1)], []);
        assert_eq!(told(&same, &same), []);
        assert_eq!(told(&none, &same), [(None, Some('1')), (None, Some('1'))]);
        assert_eq!(told(&same, &none), [(Some('1'), None), (Some('1'), None)]);
        let (before, after) = ([Arc::clone(&a1), b1, c1], [a1, b2, d1]);
        let changes = [(Some('1'), Some('2')), (Some('1'), None), (None, Some('1'))];
        assert_eq!(told(&before, &after), changes);
    }

    #[test]
    fn a_copy_is_another_noun() {
        assert_eq!(told(&[noun("a1")], &[noun("a1")]), [(Some('1'), Some('1'))]);
    }
}
