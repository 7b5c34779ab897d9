//! Did you mean …? The nearest of the known words, where one is near.

/// Longest word that is compared, in characters.
const CHARACTERS_MAX: usize = 64;
/// Most words that are compared with.
const CANDIDATES_MAX: usize = 2_000;

/// The candidate with the fewest typing errors between it and `text`, where those are few.
#[must_use]
pub fn nearest<'a>(text: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let text: Vec<char> = text.chars().flat_map(char::to_lowercase).collect();
    if text.len() > CHARACTERS_MAX {
        return None;
    }
    let errors_max = (text.len() / 3).clamp(1, 3);
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates.into_iter().take(CANDIDATES_MAX) {
        let word: Vec<char> = candidate.chars().flat_map(char::to_lowercase).collect();
        if word.len().abs_diff(text.len()) > errors_max {
            continue;
        }
        let errors = distance(&text, &word);
        if errors <= errors_max && best.is_none_or(|(least, _)| errors < least) {
            best = Some((errors, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// How many characters were left out, put in, changed, or swapped with their neighbour.
fn distance(left: &[char], right: &[char]) -> usize {
    let first_row: Vec<usize> = (0..=right.len()).collect();
    let (mut row_before, mut row) = (first_row.clone(), first_row);
    let mut left_before = None;
    for (index, a) in left.iter().enumerate() {
        let mut next = vec![index.saturating_add(1)];
        let mut right_before = None;
        for (column, b) in right.iter().enumerate() {
            let at = |row: &[usize], back: usize| {
                let column = column.saturating_add(1).saturating_sub(back);
                row.get(column).copied().unwrap_or(usize::MAX)
            };
            let changed = at(&row, 1).saturating_add(usize::from(a != b));
            let put_in = at(&next, 1).saturating_add(1);
            let left_out = at(&row, 0).saturating_add(1);
            let mut least = changed.min(put_in).min(left_out);
            if left_before == Some(b) && right_before == Some(a) {
                least = least.min(at(&row_before, 2).saturating_add(1));
            }
            next.push(least);
            right_before = Some(b);
        }
        row_before = std::mem::replace(&mut row, next);
        left_before = Some(a);
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_finds_its_word() {
        let words = ["clients", "collections", "credentials", "limits", "owner"];
        for (typed, want) in [
            ("clinets", Some("clients")),
            ("client", Some("clients")),
            ("Owner", Some("owner")),
            ("onwer", Some("owner")),
            ("colections", Some("collections")),
            ("roles", None),
            ("", None),
            ("x", None),
        ] {
            assert_eq!(nearest(typed, words), want, "{typed}");
        }
        assert_eq!(nearest(&"x".repeat(100_000), words), None);
    }

    #[test]
    fn the_distance_counts_typing_errors() {
        let count = |a: &str, b: &str| {
            distance(&a.chars().collect::<Vec<_>>(), &b.chars().collect::<Vec<_>>())
        };
        assert_eq!(count("owner", "owner"), 0);
        assert_eq!(count("onwer", "owner"), 1);
        assert_eq!(count("ownr", "owner"), 1);
        assert_eq!(count("ownerr", "owner"), 1);
        assert_eq!(count("", "owner"), 5);
        assert_eq!(count("kitten", "sitting"), 3);
    }
}
