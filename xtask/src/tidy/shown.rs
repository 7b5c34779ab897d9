//! Documents name tests as `crate/path.rs::test`, or the files of tests: each has to be there, and to be run.

use std::collections::HashMap;

use model::Fault;

use super::files::File;

/// Where documents are that name tests.
const FOLDER: &str = "docs/security/";
/// Where the invariants of the house stand, each with what proves it, and the heading above them.
const INVARIANTS: (&str, &str) = ("ARCHITECTURE.md", "## What holds, and what proves it");
/// How what is named begins that is no test, and proves something all the same.
const CHORE: &str = "cargo xtask ";
/// What makes a function a test.
const MARKS: [&str; 2] = ["#[test]", "#[tokio::test"];
/// What runs the functions that it lists, on every database.
const LIST: &str = "on_every_database!(";

/// The faults of all documents that name tests.
pub(crate) fn check(files: &[File]) -> Vec<Fault> {
    let sources: HashMap<&str, &str> = files.iter().map(|it| (&*it.path, &*it.text)).collect();
    let documents = files.iter().filter(|it| it.path.starts_with(FOLDER));
    let mut faults = Vec::new();
    for file in documents {
        for (index, line) in file.text.lines().enumerate() {
            let named = named_tests(line);
            for (path, test) in named.filter(|(path, test)| !is_there(&sources, path, test)) {
                let place = file.line(index.saturating_add(1));
                let message = format!("there is no test {path}.rs::{test}");
                let help = "name one that is there, or say what is open";
                faults.push(Fault::new(&place, message, help));
            }
        }
    }
    let table = files.iter().filter(|it| *it.path == *INVARIANTS.0);
    faults.extend(table.flat_map(|it| unproved(it, &sources)));
    faults
}

/// The faults of the invariants: each names files, tests in files, or chores.
fn unproved(file: &File, sources: &HashMap<&str, &str>) -> Vec<Fault> {
    let help = "name the file of a test, as crate/path.rs or crate/path.rs::test";
    let section = file.text.lines().enumerate().skip_while(|(_, line)| *line != INVARIANTS.1);
    let section = section.skip(1).take_while(|(_, line)| !line.starts_with("## "));
    // Without the head of the table and the line below it.
    let rows: Vec<_> = section.filter(|(_, line)| line.starts_with('|')).skip(2).collect();
    let mut faults = Vec::new();
    if rows.is_empty() {
        let message = format!("there are no invariants below \"{}\"", INVARIANTS.1);
        faults.push(Fault::new(&file.line(0), message, help));
    }
    for (index, row) in rows {
        let place = file.line(index.saturating_add(1));
        let names: Vec<_> = last_cell(row).split('`').skip(1).step_by(2).collect();
        if names.is_empty() {
            faults.push(Fault::new(&place, "names nothing that proves it", help));
        }
        for name in names.iter().filter(|it| !proves(sources, it)) {
            faults.push(Fault::new(&place, format!("there is no {name}"), help));
        }
    }
    faults
}

fn last_cell(row: &str) -> &str {
    row.trim_end().trim_end_matches('|').rsplit('|').next().unwrap_or_default()
}

/// Whether `name` is that of a file that is there, or of a test in one.
fn proves(sources: &HashMap<&str, &str>, name: &str) -> bool {
    let (path, test) =
        name.split_once("::").map_or((name, None), |(path, test)| (path, Some(test)));
    let source = sources.get(format!("crates/{path}").as_str()).or_else(|| sources.get(path));
    name.starts_with(CHORE) || source.is_some_and(|it| test.is_none_or(|test| runs(it, test)))
}

/// The tests that a line names: the path of the file without its end, and the test.
pub(crate) fn named_tests(line: &str) -> impl Iterator<Item = (&str, &str)> {
    // Every second piece stands between two backticks.
    line.split('`').skip(1).step_by(2).filter_map(|it| it.split_once(".rs::"))
}

pub(super) fn is_there(sources: &HashMap<&str, &str>, path: &str, test: &str) -> bool {
    let source = sources.get(format!("crates/{path}.rs").as_str());
    source.is_some_and(|it| runs(it, test))
}

fn runs(source: &str, test: &str) -> bool {
    is_marked(source, test) || is_listed(source, test)
}

fn is_marked(source: &str, test: &str) -> bool {
    let name = format!("fn {test}(");
    let mut befores = source.match_indices(&name).filter_map(|(at, _)| source.get(..at));
    befores.any(|before| {
        // Up to where something else ends or begins. The first piece is of the function's own line.
        let lines = before.rsplit('\n').skip(1).map(str::trim);
        let mut own = lines.take_while(|it| !it.is_empty() && !it.ends_with(['{', '}', ';']));
        own.any(|line| MARKS.iter().any(|it| line.starts_with(it)))
    })
}

fn is_listed(source: &str, test: &str) -> bool {
    let lists = source.split(LIST).skip(1).filter_map(|it| it.split(')').next());
    lists.flat_map(|it| it.split(',')).any(|it| it.trim() == test)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> File {
        File { path: path.into(), text: text.to_owned() }
    }

    #[test]
    fn a_document_names_only_tests_that_are_there() {
        let files = [
            file("crates/a/tests/b.rs", "#[tokio::test]\nasync fn it_is_so() {}"),
            file(
                "docs/security/c.md",
                "`a/tests/b.rs::it_is_so`\n`a/b.rs::x`, `a/tests/b.rs::it_is`",
            ),
            file("docs/other.md", "`a/tests/b.rs::gone`"),
        ];
        let faults: Vec<_> = check(&files).iter().map(ToString::to_string).collect();
        assert_eq!(faults.len(), 2, "{faults:?}");
        assert!(faults[0].contains("c.md:2") && faults[0].contains("a/b.rs::x"), "{faults:?}");
        assert!(faults[1].contains("a/tests/b.rs::it_is"), "{faults:?}");
    }

    #[test]
    fn what_a_document_names_is_run() {
        let source = r#"
            on_every_database!(
                is_listed,
            );

            async fn is_listed(place: &Place) {}

            #[test]
            #[expect(
                clippy::too_many_lines,
                reason = "a table"
            )]
            fn is_marked() {}

            proptest! {
                #[test]
                fn holds(it in 0..9) {}
            }

            #[tokio::test(start_paused = true)]
            async fn waits() {}
            async fn is_a_helper() {}

            // #[test]
            fn is_off() {}
        "#;
        let sources = HashMap::from([("crates/a/b.rs", source)]);
        for test in ["is_listed", "is_marked", "holds", "waits"] {
            assert!(is_there(&sources, "a/b", test), "{test}");
        }
        for other in ["is_a_helper", "is_off", "is", "gone"] {
            assert!(!is_there(&sources, "a/b", other), "{other}");
        }
    }
}
