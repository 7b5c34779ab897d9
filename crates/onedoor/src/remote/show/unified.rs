//! Two texts as a unified diff.

use std::{fmt::Write as _, ops::Range};

/// Lines around a change that are shown with it.
const CONTEXT: usize = 3;
/// Most comparisons of lines: beyond, all lines in between count as changed.
const WORK_MAX: usize = 4_000_000;

/// What is different, with a head that `patch` understands; none where a text is missing.
pub(super) fn diff(path: &str, before: Option<&str>, after: Option<&str>) -> String {
    let name = |side: &str, is_there: bool| match is_there {
        true => format!("{side}/{path}"),
        false => "/dev/null".to_owned(),
    };
    let (old, new) = (name("a", before.is_some()), name("b", after.is_some()));
    let mut text = format!("--- {old}\n+++ {new}\n");
    let (old, new) = (lines(before), lines(after));
    let script = script(&old, &new);
    for hunk in hunks(&script) {
        write_hunk(
            &mut text,
            script.get(..hunk.start).unwrap_or_default(),
            script.get(hunk).unwrap_or_default(),
        );
    }
    text
}

/// One step on the way from the old text to the new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step<'a> {
    Add(&'a str),
    Keep(&'a str),
    Remove(&'a str),
}

/// The lines, each with its end, so that a missing one shows.
fn lines(text: Option<&str>) -> Vec<&str> {
    text.unwrap_or_default().split_inclusive('\n').collect()
}

fn script<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<Step<'a>> {
    let start = old.iter().zip(new).take_while(|(old, new)| old == new).count();
    let (old_rest, new_rest) =
        (old.get(start..).unwrap_or_default(), new.get(start..).unwrap_or_default());
    let pairs = old_rest.iter().rev().zip(new_rest.iter().rev());
    let end = pairs.take_while(|(old, new)| old == new).count();
    let old_middle = old_rest.get(..old_rest.len().saturating_sub(end)).unwrap_or_default();
    let new_middle = new_rest.get(..new_rest.len().saturating_sub(end)).unwrap_or_default();
    let mut script: Vec<Step<'a>> = old.iter().take(start).map(|it| Step::Keep(it)).collect();
    script.extend(middle(old_middle, new_middle));
    script.extend(old_rest.iter().skip(old_middle.len()).map(|it| Step::Keep(it)));
    script
}

/// The longest common subsequence, where that is not too much work.
fn middle<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<Step<'a>> {
    let width = new.len().saturating_add(1);
    if old.len().saturating_add(1).saturating_mul(width) > WORK_MAX {
        let removed = old.iter().map(|it| Step::Remove(it));
        return removed.chain(new.iter().map(|it| Step::Add(it))).collect();
    }
    // Row by row from the end: how many lines the rests have in common.
    let mut table: Vec<Vec<u32>> = vec![vec![0; width]];
    for line in old.iter().rev() {
        let below = table.last().map(Vec::as_slice).unwrap_or_default();
        let mut row = vec![0_u32; width];
        let mut right = 0;
        for (column, other) in new.iter().enumerate().rev() {
            let at = |column: usize| below.get(column).copied().unwrap_or(0);
            right = if line == other {
                at(column.saturating_add(1)).saturating_add(1)
            } else {
                right.max(at(column))
            };
            if let Some(place) = row.get_mut(column) {
                *place = right;
            }
        }
        table.push(row);
    }
    walk(old, new, &table)
}

fn walk<'a>(old: &[&'a str], new: &[&'a str], table: &[Vec<u32>]) -> Vec<Step<'a>> {
    let common = |row: usize, column: usize| {
        let row = table.get(old.len().saturating_sub(row));
        row.and_then(|it| it.get(column)).copied().unwrap_or(0)
    };
    let (mut row, mut column) = (0_usize, 0_usize);
    let mut script = Vec::new();
    loop {
        let (below, right) = (row.saturating_add(1), column.saturating_add(1));
        match (old.get(row), new.get(column)) {
            (None, None) => return script,
            (Some(line), Some(other)) if line == other => {
                script.push(Step::Keep(line));
                (row, column) = (below, right);
            }
            (Some(line), other)
                if other.is_none() || common(below, column) >= common(row, right) =>
            {
                script.push(Step::Remove(line));
                row = below;
            }
            (_, Some(other)) => {
                script.push(Step::Add(other));
                column = right;
            }
            (Some(line), None) => {
                script.push(Step::Remove(line));
                row = below;
            }
        }
    }
}

/// The parts of the script that are shown.
fn hunks(script: &[Step<'_>]) -> Vec<Range<usize>> {
    let mut hunks: Vec<Range<usize>> = Vec::new();
    for (at, step) in script.iter().enumerate() {
        if matches!(step, Step::Keep(_)) {
            continue;
        }
        let start = at.saturating_sub(CONTEXT);
        let end = at.saturating_add(CONTEXT).saturating_add(1).min(script.len());
        match hunks.last_mut() {
            Some(last) if last.end >= start => last.end = end,
            _ => hunks.push(start..end),
        }
    }
    hunks
}

fn write_hunk(text: &mut String, before: &[Step<'_>], hunk: &[Step<'_>]) {
    let olds = |steps: &[Step<'_>]| steps.iter().filter(|it| !matches!(it, Step::Add(_))).count();
    let news =
        |steps: &[Step<'_>]| steps.iter().filter(|it| !matches!(it, Step::Remove(_))).count();
    // An empty side begins where the line before it stands, and that may be line 0.
    let start =
        |before: usize, count: usize| if count == 0 { before } else { before.saturating_add(1) };
    let (old, new) = (olds(hunk), news(hunk));
    let (old_start, new_start) = (start(olds(before), old), start(news(before), new));
    // The text grows in memory: it cannot fail.
    let _ = writeln!(text, "@@ -{old_start},{old} +{new_start},{new} @@");
    for step in hunk {
        let (sign, line) = match step {
            Step::Add(line) => ('+', line),
            Step::Keep(line) => (' ', line),
            Step::Remove(line) => ('-', line),
        };
        text.push(sign);
        text.push_str(line);
        if !line.ends_with('\n') {
            text.push_str("\n\\ No newline at end of file\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop, proptest};

    use super::*;

    #[test]
    fn a_change_is_shown_with_the_lines_around_it() {
        let old = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
        let new = "1\n2\n3\n4\nfive\n6\n7\n8\n9\n10";
        insta::assert_snapshot!(diff("clients/a.yaml", Some(old), Some(new)), @r"
        --- a/clients/a.yaml
        +++ b/clients/a.yaml
        @@ -2,8 +2,9 @@
         2
         3
         4
        -5
        +five
         6
         7
         8
         9
        +10
        \ No newline at end of file
        ");
    }

    #[test]
    fn what_is_new_or_gone_is_shown_whole() {
        insta::assert_snapshot!(diff("roles/a.yaml", None, Some("allow: []\n")), @"
        --- /dev/null
        +++ b/roles/a.yaml
        @@ -0,0 +1,1 @@
        +allow: []
        ");
        insta::assert_snapshot!(diff("roles/a.yaml", Some("allow: []\n"), None), @"
        --- a/roles/a.yaml
        +++ /dev/null
        @@ -1,1 +0,0 @@
        -allow: []
        ");
    }

    #[test]
    fn too_much_work_is_not_done() {
        let many = |word: &str| (0..3000).map(|it| format!("{word}{it}\n")).collect::<String>();
        let (old, new) = (many("a"), many("b"));
        assert_eq!(diff("x", Some(&old), Some(&new)).lines().count(), 6003);
    }

    proptest! {
        #[test]
        fn the_script_leads_from_the_old_text_to_the_new_one(
            old in prop::collection::vec(0_u8..4, 0..20),
            new in prop::collection::vec(0_u8..4, 0..20),
        ) {
            let text = |it: &[u8]| it.iter().map(|it| format!("{it}\n")).collect::<String>();
            let (old, new) = (text(&old), text(&new));
            let script = script(&lines(Some(&old)), &lines(Some(&new)));
            let side = |leave: fn(&Step<'_>) -> Option<String>| {
                script.iter().filter_map(leave).collect::<String>()
            };
            let before = side(|it| match it {
                Step::Keep(line) | Step::Remove(line) => Some((*line).to_owned()),
                Step::Add(_) => None,
            });
            let after = side(|it| match it {
                Step::Keep(line) | Step::Add(line) => Some((*line).to_owned()),
                Step::Remove(_) => None,
            });
            assert_eq!((before, after), (old, new));
        }
    }
}
