//! The table of OWASP ASVS 5.0, chapter 10: each item has a test or a reason, and each test that is named
//! there is run and passes.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use super::{
    Done,
    tested::{WORKSPACE, nextest},
};
use crate::{run, tidy::named_tests};

const TABLE: &str = "docs/security/asvs-oauth.md";
/// How each row of an item begins.
const ROW: &str = "| 10.";
/// So many items has the chapter.
const ITEMS: usize = 36;

/// The names of tests, by the package and the module that they are in.
type Places = BTreeMap<(String, String), BTreeSet<String>>;

/// What cargo-nextest lists.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct List {
    rust_suites: BTreeMap<String, Suite>,
}

/// The tests of one program.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Suite {
    package_name: String,
    testcases: BTreeMap<String, Case>,
}

#[derive(Debug, Deserialize)]
struct Case {
    ignored: bool,
}

pub(super) fn prove() -> Result<Done> {
    let text = fs::read_to_string(TABLE).with_context(|| format!("{TABLE} cannot be read"))?;
    let rows = text.lines().filter(|it| it.starts_with(ROW));
    let items: BTreeMap<_, _> = rows.filter_map(|it| Some((it.split('|').nth(1)?, it))).collect();
    ensure!(items.len() == ITEMS, "it has {} of the {ITEMS} items", items.len());
    let is_shown = |row: &&&str| named_tests(row).next().is_some();
    let shown = items.values().filter(is_shown).count();
    let empty = items.values().find(|row| row.trim_end_matches(['|', ' ']).split('|').count() < 5);
    ensure!(empty.is_none(), "an item has neither tests nor a reason: {empty:?}");
    let mut places = Places::new();
    for (path, test) in items.values().flat_map(|row| named_tests(row)) {
        let place = place(path).with_context(|| format!("{path} is no place of tests"))?;
        places.entry(place).or_default().insert(test.to_owned());
    }
    let filter = filter(&places);
    let list =
        run::output(&mut nextest(&["list", "--message-format", "json"], WORKSPACE, &filter)?)?;
    let list: List = serde_json::from_str(&list).context("the list of tests")?;
    list.check(&places)?;
    run::output(&mut nextest(&["run"], WORKSPACE, &filter)?)?;
    Ok(Done::Held(format!(
        "{ITEMS} items: {shown} shown by {} tests, which pass; {} by a reason alone",
        places.values().map(BTreeSet::len).sum::<usize>(),
        ITEMS.saturating_sub(shown),
    )))
}

/// The package and the module of a file, which the table names without its end.
fn place(path: &str) -> Option<(String, String)> {
    let (package, file) = path.split_once('/')?;
    let module = match file.strip_prefix("tests/") {
        // The folder is the program.
        Some(file) => file.split_once('/')?.1,
        None => file.strip_prefix("src/")?,
    };
    Some((package.to_owned(), module.replace('/', "::")))
}

/// What means all of them and nothing else, in the language of cargo-nextest. A test may stand in a
/// module within its file.
fn filter(places: &Places) -> String {
    let each = places.iter().map(|((package, module), names)| {
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let names = names.join("|");
        format!("(package(={package}) and test(/^{module}::(.*::)?({names})$/))")
    });
    each.collect::<Vec<_>>().join(" or ")
}

impl List {
    /// Whether each of these is there and not left out.
    fn check(&self, places: &Places) -> Result<()> {
        for ((package, module), names) in places {
            let suites = self.rust_suites.values().filter(|it| it.package_name == *package);
            let cases = suites.flat_map(|it| &it.testcases).filter(|(_, case)| !case.ignored);
            let within: Vec<_> = cases
                .filter_map(|(name, _)| name.strip_prefix(module.as_str())?.strip_prefix("::"))
                .collect();
            let is_there =
                |name: &str| within.iter().any(|it| it.rsplit("::").next() == Some(name));
            let missing = names.iter().find(|it| !is_there(it));
            ensure!(missing.is_none(), "{package}: {module} has no test {missing:?} that is run");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places() -> Places {
        let named = ["oauth/tests/oauth/a/b", "oauth/src/c"].map(|it| place(it).unwrap());
        named.into_iter().map(|it| (it, BTreeSet::from(["x".to_owned(), "y".to_owned()]))).collect()
    }

    #[test]
    fn tests_are_meant_by_their_package_module_and_name() {
        assert_eq!(
            filter(&places()),
            "(package(=oauth) and test(/^a::b::(.*::)?(x|y)$/)) \
             or (package(=oauth) and test(/^c::(.*::)?(x|y)$/))"
        );
        assert_eq!(place("oauth/benches/c"), None);
    }

    #[test]
    fn a_test_that_is_missing_elsewhere_or_left_out_is_found() {
        let list = |c: &str, ignored: bool| -> List {
            let case = |ignored: bool| serde_json::json!({"ignored": ignored});
            let lib = serde_json::json!({"c::tests::x": case(false), c: case(ignored)});
            let program = serde_json::json!({"a::b::x": case(false), "a::b::y": case(false)});
            let suites = serde_json::json!({
                "oauth": {"package-name": "oauth", "testcases": lib},
                "oauth::oauth": {"package-name": "oauth", "testcases": program},
            });
            serde_json::from_value(serde_json::json!({"rust-suites": suites})).unwrap()
        };
        assert!(list("c::tests::y", false).check(&places()).is_ok());
        for (name, ignored) in [("c::tests::y", true), ("c::tests::yy", false), ("d::y", false)] {
            assert!(list(name, ignored).check(&places()).is_err(), "{name} {ignored}");
        }
    }
}
