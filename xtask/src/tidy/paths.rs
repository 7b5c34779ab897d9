//! Every path that a Rust source mentions, with its imports resolved.
//!
//! No parser: words and signs are enough to follow `use` and `a::b`, and what is new in the
//! language cannot make it fail.

mod tokens;

use std::collections::BTreeMap;

use tokens::{Token, tokens};

/// A path that a source mentions.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mention {
    /// From the crate's root or another crate: `crate::surface::rest`; `.expose` for a method.
    pub(crate) path: String,
    /// On which line.
    pub(crate) line: usize,
    /// Whether it is an import.
    pub(crate) is_import: bool,
}

/// The paths that `code` mentions, which is the module `module`.
pub(crate) fn mentions(code: &str, module: &[String]) -> Vec<Mention> {
    let mut reader = Reader {
        tokens: tokens(code),
        next: 0,
        module,
        imports: BTreeMap::new(),
        mentions: Vec::new(),
    };
    reader.imports();
    reader.next = 0;
    reader.paths();
    reader.mentions
}

struct Reader<'a> {
    tokens: Vec<Token<'a>>,
    next: usize,
    module: &'a [String],
    /// What a word stands for after the imports.
    imports: BTreeMap<String, Vec<String>>,
    mentions: Vec<Mention>,
}

impl<'a> Reader<'a> {
    /// Reads every `use`, wherever it stands.
    fn imports(&mut self) {
        while let Some(token) = self.take() {
            if token.text == "use" && self.peek().is_some_and(|it| it != "<") {
                self.import(&[]);
            }
        }
    }

    /// Reads one branch of a `use`, below `prefix`.
    fn import(&mut self, prefix: &[String]) {
        let mut path = prefix.to_vec();
        let line = loop {
            let Some(Token { text, line }) = self.take() else { return };
            match text {
                "::" => continue,
                "{" => return self.branches(&path),
                // `a::{self}` is `a` itself.
                "self" if !prefix.is_empty() => {}
                _ if tokens::is_word(text) || text == "*" => path.push(text.to_owned()),
                _ => return,
            }
            if self.peek() != Some("::") {
                break line;
            }
        };
        let path = self.resolve(path);
        let mut name = path.last().cloned().unwrap_or_default();
        if self.skip("as") {
            name = self.take().map(|it| it.text.to_owned()).unwrap_or_default();
        }
        self.mentions.push(Mention { path: path.join("::"), line, is_import: true });
        self.imports.insert(name, path);
    }

    fn branches(&mut self, prefix: &[String]) {
        while self.peek().is_some_and(|it| it != "}") {
            self.import(prefix);
            self.skip(",");
        }
        self.skip("}");
    }

    /// Reads every path and method that is not in a `use`.
    fn paths(&mut self) {
        while let Some(Token { text, line }) = self.take() {
            match text {
                "use" => while self.take().is_some_and(|it| it.text != ";") {},
                "." => self.method(line),
                _ if tokens::is_word(text) => {
                    let path = self.path(text).join("::");
                    self.mentions.push(Mention { path, line, is_import: false });
                }
                _ => {}
            }
        }
    }

    fn method(&mut self, line: usize) {
        if let Some(name) = self.peek().filter(|it| tokens::is_word(it)) {
            let path = format!(".{name}");
            self.mentions.push(Mention { path, line, is_import: false });
            self.next = self.next.saturating_add(1);
        }
    }

    /// A path that begins with `first`, its first word resolved.
    fn path(&mut self, first: &'a str) -> Vec<String> {
        let mut path = vec![first.to_owned()];
        while self.skip("::") {
            let Some(word) = self.peek().filter(|it| tokens::is_word(it)) else { break };
            path.push(word.to_owned());
            self.next = self.next.saturating_add(1);
        }
        match self.imports.get(first) {
            Some(import) => import.iter().cloned().chain(path.into_iter().skip(1)).collect(),
            None => self.resolve(path),
        }
    }

    /// `self` and `super` taken for what they stand for.
    fn resolve(&self, path: Vec<String>) -> Vec<String> {
        let mut words = path.into_iter().peekable();
        let mut root = match words.peek().map(String::as_str) {
            Some("self" | "super") => self.module.to_vec(),
            _ => Vec::new(),
        };
        while let Some(word) = words.next_if(|it| it == "self" || it == "super") {
            if word == "super" {
                root.pop();
            }
        }
        root.extend(words);
        root
    }

    fn take(&mut self) -> Option<Token<'a>> {
        let token = self.tokens.get(self.next).copied();
        self.next = self.next.saturating_add(1);
        token
    }

    fn peek(&self) -> Option<&'a str> {
        self.tokens.get(self.next).map(|it| it.text)
    }

    fn skip(&mut self, text: &str) -> bool {
        let is_there = self.peek() == Some(text);
        self.next = self.next.saturating_add(usize::from(is_there));
        is_there
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(code: &str, want: &[&str]) {
        let module = ["crate", "pipeline", "meter"].map(str::to_owned);
        let found: Vec<_> = mentions(code, &module).into_iter().map(|it| it.path).collect();
        for path in want {
            assert!(found.iter().any(|it| it == path), "{code}: {path} not in {found:?}");
        }
    }

    #[test]
    fn a_path_is_found_whichever_way_it_is_imported() {
        check("use std::env;", &["std::env"]);
        check("use std::{fs, env::{self, var}};", &["std::fs", "std::env", "std::env::var"]);
        check("fn f() { use std::env as e; e::var(\"X\") }", &["std::env::var"]);
        check("use std::{env::{self}}; fn f() { env::args(); }", &["std::env::args"]);
        check("use std::time; fn f() { time::Instant::now() }", &["std::time::Instant::now"]);
        check("use std::time::Instant as I; fn f() { I::now() }", &["std::time::Instant::now"]);
        check("use super::super::surface::Rest;", &["crate::surface::Rest"]);
        check("fn f() { super::super::surface::f() }", &["crate::surface::f"]);
        check("use super::{stage, super::edge};", &["crate::pipeline::stage"]);
        check("use self::inner::x;", &["crate::pipeline::meter::inner::x"]);
        check("fn f() { key.expose().len() }", &[".expose"]);
        check("use std::time::*;", &["std::time::*"]);
        check("pub use policy::{Permit, decide};", &["policy::Permit", "policy::decide"]);
    }

    #[test]
    fn what_tokio_calls_an_instant_is_not_the_systems() {
        let found = mentions("use tokio::time::Instant; fn f() { Instant::now() }", &[]);
        assert!(found.iter().any(|it| it.path == "tokio::time::Instant::now"));
        assert!(!found.iter().any(|it| it.path.starts_with("std")));
    }

    #[test]
    fn comments_and_texts_mention_nothing() {
        let code = r##"// std::env
            /* std::env /* std::env */ std::env */
            const A: &str = "std::env \" std::env"; const B: &str = r#"std::env " x"#;
            const C: char = '"'; fn f<'a>(x: &'a str) { b"std::env"; '\''; }"##;
        let found = mentions(code, &[]);
        assert!(!found.iter().any(|it| it.path.contains("env")), "{found:?}");
        assert!(found.iter().any(|it| it.path == "x"), "the code between them is still seen");
    }

    #[test]
    fn a_mention_knows_its_line() {
        let found = mentions("fn f() {\n    \"a\nb\";\n    std::env::var()\n}", &[]);
        let line = found.iter().find(|it| it.path == "std::env::var").map(|it| it.line);
        assert_eq!(line, Some(4));
    }
}
