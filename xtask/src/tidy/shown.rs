//! Documents name tests as `crate/path.rs::test`: each of these has to be there.

use std::collections::HashMap;

use model::Fault;

use super::files::File;

/// Where documents are that name tests.
const FOLDER: &str = "docs/security/";

/// The faults of all documents that name tests.
pub(crate) fn check(files: &[File]) -> Vec<Fault> {
    let sources: HashMap<&str, &str> = files.iter().map(|it| (&*it.path, &*it.text)).collect();
    let documents = files.iter().filter(|it| it.path.starts_with(FOLDER));
    let mut faults = Vec::new();
    for file in documents {
        for (index, line) in file.text.lines().enumerate() {
            // Every second piece stands between two backticks.
            let named = line.split('`').skip(1).step_by(2).filter_map(|it| it.split_once(".rs::"));
            for (path, test) in named.filter(|(path, test)| !is_there(&sources, path, test)) {
                let place = file.line(index.saturating_add(1));
                let message = format!("there is no test {path}.rs::{test}");
                let help = "name one that is there, or say what is open";
                faults.push(Fault::new(&place, message, help));
            }
        }
    }
    faults
}

fn is_there(sources: &HashMap<&str, &str>, path: &str, test: &str) -> bool {
    let source = sources.get(format!("crates/{path}.rs").as_str());
    source.is_some_and(|it| it.contains(&format!("fn {test}(")))
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
            file("crates/a/tests/b.rs", "async fn it_is_so() {}"),
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
}
