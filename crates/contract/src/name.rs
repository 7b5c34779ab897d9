//! Names that every client accepts: sanitised, bounded, unique, and the same in whatever order.

use std::collections::{HashMap, HashSet};

/// Longest name of an operation, a tool or an argument: the shortest bound among model providers.
pub(crate) const BYTES_MAX: usize = 64;

/// The names of tools, `collection_operation`, for `(collection, operation)` pairs, in their order.
///
/// Every name fits `^[a-zA-Z0-9_-]{1,64}$` and is unique. It depends on the set of pairs, not on
/// their order; pass all operations that exist, not those of one caller, so that all see the same.
#[must_use]
pub fn tool_names(ids: &[(&str, &str)]) -> Vec<String> {
    let wish = |(collection, operation): &(&str, &str)| Wish {
        name: sanitize(&format!("{collection}_{operation}"), is_name_character)
            .unwrap_or_else(|| "tool".to_owned()),
        // An id holds no dot, so this is one text for each pair.
        original: format!("{collection}.{operation}"),
        is_exact: false,
    };
    unique(&ids.iter().map(wish).collect::<Vec<_>>())
}

/// A name that something would like to have.
#[derive(Debug)]
pub(crate) struct Wish {
    /// Sanitised; of any length.
    pub(crate) name: String,
    /// All that makes the thing what it is: what the suffix is made of.
    pub(crate) original: String,
    /// Whether the name is what the author wrote, and so has the first claim to it.
    pub(crate) is_exact: bool,
}

/// Gives each wish a name of its own. Those that wish for the same get a suffix, so that none of
/// them changes its name when another appears before it.
pub(crate) fn unique(wishes: &[Wish]) -> Vec<String> {
    let mut claims: HashMap<&str, (usize, usize)> = HashMap::new();
    for wish in wishes {
        let (all, exact) = claims.entry(&wish.name).or_default();
        *all = all.saturating_add(1);
        *exact = exact.saturating_add(usize::from(wish.is_exact));
    }
    let is_first = |wish: &Wish| match claims.get(wish.name.as_str()) {
        _ if wish.name.len() > BYTES_MAX => false,
        Some((1, _)) => true,
        Some((_, 1)) => wish.is_exact,
        _ => false,
    };
    let is_first: Vec<bool> = wishes.iter().map(is_first).collect();
    let mut taken: HashSet<String> = HashSet::new();
    let mut names: Vec<Option<String>> = Vec::new();
    for (wish, is_first) in wishes.iter().zip(is_first) {
        names.push(is_first.then(|| wish.name.clone()));
        if is_first {
            taken.insert(wish.name.clone());
        }
    }
    let mut late: Vec<usize> = (0..wishes.len()).collect();
    late.sort_by_key(|index| wishes.get(*index).map(|it| it.original.as_str()));
    for index in late {
        if let (Some(name @ None), Some(wish)) = (names.get_mut(index), wishes.get(index)) {
            *name = Some(free_name(wish, &mut taken));
        }
    }
    names.into_iter().map(Option::unwrap_or_default).collect()
}

fn free_name(wish: &Wish, taken: &mut HashSet<String>) -> String {
    let mut name = with_suffix(&wish.name, &wish.original);
    // Two hashes may be equal, and an author may have written the name that we made.
    for attempt in 1_u32.. {
        if taken.insert(name.clone()) {
            break;
        }
        name = with_suffix(&wish.name, &format!("{} #{attempt}", wish.original));
    }
    name
}

/// `name`, cut so that it fits, with a suffix made of all of `original`.
pub(crate) fn with_suffix(name: &str, original: &str) -> String {
    let kept: String = name.chars().take(BYTES_MAX.saturating_sub(9)).collect();
    format!("{}_{:08x}", kept.trim_end_matches(['_', '-', '.']), hash(original))
}

/// `text` with everything that `keeps` does not keep, and runs of underscores, made one underscore;
/// nothing where nothing is left.
pub(crate) fn sanitize(text: &str, keeps: fn(char) -> bool) -> Option<String> {
    let mut name = String::with_capacity(text.len());
    for character in text.chars() {
        if keeps(character) && character != '_' {
            name.push(character);
        } else if !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
    }
    name.truncate(name.trim_end_matches('_').len());
    (!name.is_empty()).then_some(name)
}

/// Whether `character` may stand in the name of an operation or a tool.
pub(crate) fn is_name_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '-')
}

/// Whether `character` may stand in the name of an argument.
pub(crate) fn is_key_character(character: char) -> bool {
    is_name_character(character) || character == '.'
}

/// Whether `text` can be the name of an argument or a property.
pub(crate) fn is_key(text: &str) -> bool {
    (1..=BYTES_MAX).contains(&text.len()) && text.chars().all(is_key_character)
}

/// FNV-1a, folded: the same on every machine and in every version, and that is all it is for.
pub(crate) fn hash(text: &str) -> u32 {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    u32::try_from((hash >> 32) ^ (hash & 0xffff_ffff)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_tool_is_named_for_its_collection_and_operation() {
        for (collection, operation, want) in [
            ("orders", "get_order", "orders_get_order"),
            ("a_", "_b", "a_b"),
            ("my-shop", "a__b", "my-shop_a_b"),
        ] {
            assert_eq!(tool_names(&[(collection, operation)]), [want]);
        }
    }

    #[test]
    fn tools_that_would_share_a_name_do_not() {
        let names = tool_names(&[("a_b", "c"), ("a", "b_c")]);
        assert_ne!(names[0], names[1]);
        assert!(names.iter().all(|it| it.starts_with("a_b_c_") && it.len() == 14), "{names:?}");
        let long = "x".repeat(64);
        let name = &tool_names(&[("orders", &long)])[0];
        assert_eq!(name.len(), 64);
    }

    #[test]
    fn what_an_author_wrote_has_the_first_claim() {
        let wish = |name: &str, original: &str, is_exact| Wish {
            name: name.to_owned(),
            original: original.to_owned(),
            is_exact,
        };
        let names = unique(&[wish("a_b", "a/b", false), wish("a_b", "a_b", true)]);
        assert_eq!(names[1], "a_b");
        assert!(names[0].starts_with("a_b_"));
        let forged = with_suffix("a", "a/");
        let names =
            unique(&[wish(&forged, &forged, true), wish("a", "a/", false), wish("a", "a ", false)]);
        assert_eq!(names[0], forged);
        assert_eq!(names.iter().collect::<HashSet<_>>().len(), 3);
    }

    proptest! {
        #[test]
        fn tool_names_are_valid_unique_and_free_of_order(
            ids in prop::collection::btree_set(("[a-c_-]{1,3}", "[A-Ca-c_-]{1,70}"), 1..20),
        ) {
            let ids: Vec<_> = ids.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
            let names = tool_names(&ids);
            prop_assert_eq!(names.iter().collect::<HashSet<_>>().len(), ids.len());
            prop_assert!(names.iter().all(|it| model::id::is_operation_name(it)), "{:?}", names);
            let mut reversed: Vec<_> = ids.clone();
            reversed.reverse();
            let mut again = tool_names(&reversed);
            again.reverse();
            prop_assert_eq!(names, again);
        }
    }
}
