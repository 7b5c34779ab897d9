//! Which arguments does a policy read? Told from its syntax tree, rather too many than too few.

use std::collections::BTreeSet;

use cedar_policy::Policy;
use model::Argument;
use serde_json::{Map, Value};

/// The arguments that a policy reads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Reads {
    /// Each with the members of it that are asked for.
    paths: BTreeSet<Vec<String>>,
    /// Those of them whose value is taken as it is, and not only asked for.
    whole: BTreeSet<Vec<String>>,
    /// It takes all of them together: compares them, or the whole context.
    has_all: bool,
}

impl Reads {
    pub(super) fn of(policy: &Policy) -> Result<Self, String> {
        let tree = policy.to_json().map_err(|it| it.to_string())?;
        let mut reads = Self::default();
        for condition in tree.get("conditions").and_then(Value::as_array).into_iter().flatten() {
            reads.walk(condition);
        }
        Ok(reads)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.paths.is_empty() && !self.has_all
    }

    /// The arguments that are named, each with the members of it that are asked for.
    pub(super) fn paths(&self) -> impl Iterator<Item = &[String]> {
        self.paths.iter().map(Vec::as_slice)
    }

    /// Whether the whole of what is at `path` is taken, with members that have no name here.
    pub(super) fn takes_whole(&self, path: &[String]) -> bool {
        self.whole.contains(path)
    }

    /// Whether it takes all arguments together.
    pub(super) fn has_all(&self) -> bool {
        self.has_all
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.has_all || self.paths.iter().any(|it| it.first().is_some_and(|it| it == name))
    }

    /// Those of an operation's arguments that can be seen and are read, sorted.
    pub(super) fn among(&self, arguments: &[Argument]) -> Vec<Box<str>> {
        let seen = arguments.iter().filter(|it| it.kind.is_some() && self.has(&it.name));
        let mut names: Vec<_> = seen.map(|it| it.name.clone()).collect();
        names.sort_unstable();
        names
    }

    fn walk(&mut self, tree: &Value) {
        match tree {
            Value::Object(node) => self.node(node),
            Value::Array(nodes) => nodes.iter().for_each(|it| self.walk(it)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn node(&mut self, node: &Map<String, Value>) {
        if is_context(node) {
            self.has_all = true;
            return;
        }
        let Some((path, is_test)) = access(node) else {
            node.values().for_each(|it| self.walk(it));
            return;
        };
        match path.as_slice() {
            // Whether there are arguments at all: there always are.
            ["arguments"] if is_test => {}
            ["arguments"] => self.has_all = true,
            ["arguments", path @ ..] => {
                let path: Vec<_> = path.iter().map(|it| (*it).to_owned()).collect();
                if !is_test {
                    self.whole.insert(path.clone());
                }
                self.paths.insert(path);
            }
            [..] => {}
        }
    }
}

/// An access to the context: the attributes from there on, and whether it only asks if the last of
/// them is there.
fn access(node: &Map<String, Value>) -> Option<(Vec<&str>, bool)> {
    let (operator, operands) = node.iter().next().filter(|_| node.len() == 1)?;
    let is_test = operator == "has";
    if !is_test && operator != "." {
        return None;
    }
    let mut own: Vec<&str> = match operands.get("attr")? {
        Value::String(name) => vec![name],
        // `has a.b` asks for one after the other.
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => return None,
    };
    let left = operands.get("left")?.as_object()?;
    if is_context(left) {
        return Some((own, is_test));
    }
    let (mut path, left_is_test) = access(left)?;
    if left_is_test {
        return None;
    }
    path.append(&mut own);
    Some((path, is_test))
}

fn is_context(node: &Map<String, Value>) -> bool {
    node.len() == 1 && node.get("Var").and_then(Value::as_str) == Some("context")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(condition: &str, names: &[&str], has_all: bool) {
        let text = format!("forbid(principal, action, resource) {condition};");
        let reads = Reads::of(&text.parse().unwrap()).unwrap();
        let paths: Vec<_> = reads.paths().map(|it| it.join("/")).collect();
        assert_eq!(paths, names, "{condition}");
        assert_eq!(reads.has_all, has_all, "{condition}");
    }

    #[test]
    fn what_a_policy_reads_is_told_from_its_tree() {
        check("", &[], false);
        check("when { context.hour > 3 && context has user }", &[], false);
        check("when { context has arguments }", &[], false);
        check("when { context.arguments.amount > 1 }", &["amount"], false);
        check("unless { context.arguments has amount }", &["amount"], false);
        check("when { context has arguments.amount }", &["amount"], false);
        check("when { context has arguments.card.id }", &["card/id"], false);
        check("when { context[\"arguments\"][\"X-Trace\"] == \"a\" }", &["X-Trace"], false);
        check(
            "when { context.arguments.a.b.c == 1 || context.arguments.d }",
            &["a/b/c", "d"],
            false,
        );
        check("when { [context.arguments.a].contains(context.arguments.b) }", &["a", "b"], false);
        check("when { {x: context.arguments.a}.x == 1 }", &["a"], false);
        check(
            "when { (if context.arguments.a then context else context).hour == 1 }",
            &["a"],
            true,
        );
        check("when { context.arguments == {a: 1} }", &[], true);
        check("when { context == context }", &[], true);
        check("when { {c: context}.c.arguments.a == 1 }", &[], true);
        check("when { decimal(\"1.0\").lessThan(context.arguments.a) }", &["a"], false);
        check("when { principal has x } unless { context.arguments.t like \"a*\" }", &["t"], false);
        check("when { resource.owner == \"context.arguments.a\" }", &[], false);
    }
}
