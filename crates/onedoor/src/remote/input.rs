//! From what was typed to what is sent.

use std::{fs, io::Read, path::Path};

use admin::About;
use anyhow::{Context as _, anyhow};
use clap::ArgMatches;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

use super::{
    Failure,
    field::{Field, Form, Place},
};

/// What is left as it is in a path and in a query.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// Largest file or standard input that becomes a body, or a part of one.
const CONTENT_BYTES_MAX: usize = 32 << 20;

/// What is sent to the door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Input {
    /// The path below the base, encoded.
    pub(super) path: String,
    /// Names and values, not encoded.
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Option<Value>,
}

impl Input {
    /// For an operation that takes nothing but this body.
    pub(super) fn plain(about: &About, body: Option<Value>) -> Self {
        Self { path: about.path.to_owned(), query: Vec::new(), headers: Vec::new(), body }
    }

    /// Path and query.
    pub(super) fn target(&self) -> String {
        let encoded = |text: &str| utf8_percent_encode(text, ENCODED).to_string();
        let pairs =
            self.query.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
        let pairs: Vec<String> = pairs.collect();
        if pairs.is_empty() {
            return self.path.clone();
        }
        format!("{}?{}", self.path, pairs.join("&"))
    }

    /// Replaces a pair of the query, or adds it.
    pub(super) fn set(&mut self, name: &str, value: String) {
        self.query.retain(|it| it.0 != name);
        self.query.push((name.to_owned(), value));
    }
}

/// `onedoor client list`.
pub(super) fn command(about: &About) -> String {
    let [noun, verb] = about.command;
    format!("onedoor {noun} {verb}").trim_end().to_owned()
}

/// Reads what was typed for `about`. `stdin` is read where `-` is given, or a secret needs a value.
///
/// # Errors
/// Where a file cannot be read, or something is missing.
pub(super) fn read(
    about: &About,
    fields: &[Field],
    matches: &ArgMatches,
    stdin: &mut dyn Read,
) -> Result<Input, Failure> {
    let mut path = about.path.to_owned();
    let (mut query, mut headers) = (Vec::new(), Vec::new());
    for field in fields {
        let Some(text) = text(field, matches) else { continue };
        match field.place {
            Place::Path => {
                let encoded = utf8_percent_encode(&text, ENCODED).to_string();
                path = path.replace(&format!("{{{}}}", field.name), &encoded);
            }
            Place::Query => query.push((field.name.clone(), text)),
            Place::Header if field.name == "If-Match" => headers.push(("if-match", quoted(text))),
            Place::Header => headers.push(("if-none-match", text)),
            Place::Body => {}
        }
    }
    let body = match about.body {
        Some(_) => Some(body(fields, matches, stdin)?),
        None => None,
    };
    Ok(Input { path, query, headers, body })
}

/// The value of a parameter, as text.
fn text(field: &Field, matches: &ArgMatches) -> Option<String> {
    if field.place == Place::Body {
        return None;
    }
    let id = field.id();
    match field.form {
        Form::Flag => matches.get_one::<bool>(&id).map(ToString::to_string),
        Form::Number => matches.get_one::<u64>(&id).map(ToString::to_string),
        Form::Choice(_) | Form::Text => matches.get_one::<String>(&id).cloned(),
        Form::Content | Form::Texts | Form::Within => None,
    }
}

/// The file, and over it what is given by options.
fn body(fields: &[Field], matches: &ArgMatches, stdin: &mut dyn Read) -> Result<Value, Failure> {
    let file = matches.get_one::<String>("file");
    let whole = match file {
        Some(name) => {
            let is_shown = fields.iter().all(|it| it.form != Form::Content);
            parse(&content(name, stdin)?, name, is_shown)?
        }
        None => Value::Object(Map::new()),
    };
    let mut body = match whole {
        Value::Object(members) => members,
        other => {
            let given = fields.iter().any(|it| it.place == Place::Body && is_given(it, matches));
            if given {
                let text = "the file holds no object, and options cannot add to it";
                return Err(Failure::Unclear(text.to_owned()));
            }
            return Ok(other);
        }
    };
    for field in fields.iter().filter(|it| it.place == Place::Body) {
        let value = match (member(field, matches, stdin)?, field.form == Form::Content) {
            // A value that must not be seen comes by the standard input where no file has it.
            (None, true) if file.is_none() => Some(Value::from(line(content("-", stdin)?))),
            (value, _) => value,
        };
        if let Some(value) = value {
            body.insert(field.name.clone(), value);
        }
    }
    Ok(Value::Object(body))
}

/// For what the standard input is needed, because no file has what must not be typed.
pub(super) fn waits_for_stdin<'a>(fields: &'a [Field], matches: &ArgMatches) -> Option<&'a Field> {
    let contents = fields.iter().filter(|it| it.form == Form::Content);
    let mut missing = contents.filter(|it| !is_given(it, matches));
    missing.next().filter(|_| !matches.contains_id("file"))
}

fn is_given(field: &Field, matches: &ArgMatches) -> bool {
    field.form != Form::Within && matches.contains_id(&field.id())
}

/// The value of a body's member, where it is given.
fn member(
    field: &Field,
    matches: &ArgMatches,
    stdin: &mut dyn Read,
) -> Result<Option<Value>, Failure> {
    let id = field.id();
    Ok(match field.form {
        Form::Flag => matches.get_one::<bool>(&id).copied().map(Value::from),
        Form::Number => matches.get_one::<u64>(&id).copied().map(Value::from),
        Form::Choice(_) | Form::Text => matches.get_one::<String>(&id).cloned().map(Value::from),
        Form::Texts => {
            let texts = matches.get_many::<String>(&id);
            texts.map(|it| it.cloned().map(Value::from).collect())
        }
        Form::Content => match matches.get_one::<String>(&id) {
            Some(name) => Some(Value::from(line(content(name, stdin)?))),
            None => None,
        },
        Form::Within => None,
    })
}

/// The text without one line end: editors and `echo` put it there.
fn line(mut text: String) -> String {
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    text
}

/// What the file `name` holds, or the standard input for `-`.
fn content(name: &str, stdin: &mut dyn Read) -> Result<String, Failure> {
    let shown = if name == "-" { "the standard input" } else { name };
    let mut source: Box<dyn Read + '_> = match name {
        "-" => Box::new(stdin),
        name => Box::new(
            fs::File::open(Path::new(name)).with_context(|| format!("cannot read {name}"))?,
        ),
    };
    let bytes_max = u64::try_from(CONTENT_BYTES_MAX).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    let taken = (&mut source).take(bytes_max.saturating_add(1)).read_to_end(&mut bytes);
    taken.with_context(|| format!("cannot read {shown}"))?;
    if bytes.len() > CONTENT_BYTES_MAX {
        return Err(anyhow!("{shown} has more than {bytes_max} bytes").into());
    }
    // What it holds may be a secret: the error must not show it.
    String::from_utf8(bytes).map_err(|_| anyhow!("{shown} is not UTF-8 text").into())
}

/// Reads a body. Why it cannot be read may quote it: that is told only where `is_shown`.
fn parse(text: &str, name: &str, is_shown: bool) -> Result<Value, Failure> {
    let shown = if name == "-" { "the standard input" } else { name };
    state::parse_document(text).map_err(|(line, message)| {
        let message = if is_shown { message } else { "cannot be read".to_owned() };
        Failure::Stopped(anyhow!("{shown}:{line}: {message}; write YAML or JSON"))
    })
}

/// A version with its quotes, which a shell may have taken away.
fn quoted(etag: String) -> String {
    let is_whole = etag == "*" || etag.contains('"');
    if is_whole { etag } else { format!("\"{etag}\"") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::remote::{field::fields, tree};

    fn input(arguments: &[&str], stdin: &str) -> Result<Input, Failure> {
        let command = tree::command(clap::Command::new("onedoor"), &admin::operations());
        let matches = command.try_get_matches_from([&["onedoor"], arguments].concat()).unwrap();
        let (noun, matches) = matches.subcommand().unwrap();
        let (verb, matches) = matches.subcommand().unwrap_or(("", matches));
        let about = admin::operations().into_iter().find(|it| it.command == [noun, verb]).unwrap();
        read(&about, &fields(&about), matches, &mut stdin.as_bytes())
    }

    #[test]
    fn what_is_typed_is_sent_where_it_belongs() {
        for (arguments, target) in [
            (&["whoami"][..], "/whoami"),
            (&["client", "get", "shop-agent"], "/clients/shop-agent"),
            (&["operation", "get", "orders.get order/1"], "/operations/orders.get%20order%2F1"),
            (
                &["client", "list", "--filter", "kind=agent,a=ü&b", "--limit", "5"],
                "/clients?limit=5&filter=kind%3Dagent%2Ca%3D%C3%BC%26b",
            ),
            (&["revision", "compare", "--from", "0", "--to", "3"], "/comparison?from=0&to=3"),
        ] {
            let input = input(arguments, "").unwrap();
            assert_eq!((input.target().as_str(), &input.body), (target, &None));
        }
    }

    #[test]
    fn versions_get_their_quotes_back() {
        for (given, want) in [("abc", "\"abc\""), ("\"abc\"", "\"abc\""), ("*", "*")] {
            let input = input(&["client", "delete", "a", "--if-match", given], "").unwrap();
            assert_eq!(input.headers, [("if-match", want.to_owned())]);
        }
    }

    #[test]
    fn options_go_over_what_the_file_says() {
        let body = |arguments: &[&str], stdin| input(arguments, stdin).unwrap().body.unwrap();
        let issue = ["credential", "issue", "--profile", "shop/default", "--expires", "90d"];
        assert_eq!(body(&issue, ""), json!({"profile": "shop/default", "expires": "90d"}));
        let put = ["client", "put", "shop", "-f", "-", "--enabled=false"];
        assert_eq!(
            body(
                &put,
                "kind: app\nowner: me\nenabled: true\nprofiles: {a: {expires: 2030-12-31}}\n"
            ),
            json!({
                "kind": "app", "owner": "me", "enabled": false,
                "profiles": {"a": {"expires": "2030-12-31"}},
            })
        );
        let put =
            ["limit", "put", "x", "--rate", "50/s", "--operations", "a:b", "--operations", "c:*"];
        assert_eq!(body(&put, ""), json!({"rate": "50/s", "operations": ["a:b", "c:*"]}));
        assert_eq!(body(&["revision", "rollback", "3"], ""), json!({}));
    }

    #[test]
    fn a_value_comes_by_the_standard_input_or_a_file_and_loses_one_line_end() {
        let body = |arguments: &[&str], stdin| input(arguments, stdin).unwrap().body.unwrap();
        assert_eq!(body(&["secret", "set", "k"], "s3cret\n\n"), json!({"value": "s3cret\n"}));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("value");
        fs::write(&path, "s3cret\r\n").unwrap();
        let file = ["secret", "set", "k", "--value-file", path.to_str().unwrap(), "--pending"];
        assert_eq!(body(&file, "not this"), json!({"value": "s3cret", "pending": true}));
        let found = ["credential", "report", "--reason", "a paste"];
        assert_eq!(body(&found, "odk_x\n"), json!({"key": "odk_x", "reason": "a paste"}));
        let whole = ["secret", "set", "k", "-f", "-"];
        assert_eq!(body(&whole, "{\"value\": \"a\\n\"}"), json!({"value": "a\n"}));
    }

    #[test]
    fn what_cannot_be_read_is_told_without_showing_it() {
        let failure = input(&["client", "put", "a", "-f", "-"], "{hunter2").unwrap_err();
        assert!(failure.to_string().contains("the standard input:1"), "{failure}");
        for text in ["{hunter2", "value: *hunter2", "{\"hunter2\": 1, \"hunter2\": 1}"] {
            let failure = input(&["secret", "set", "a", "-f", "-"], text).unwrap_err().to_string();
            assert!(
                failure.contains("cannot be read") && !failure.contains("hunter2"),
                "{failure}"
            );
        }
        let failure =
            input(&["client", "put", "a", "-f", "-", "--kind", "app"], "[1]").unwrap_err();
        assert_eq!(failure.code(), 2);
        let failure = input(&["client", "put", "a", "-f", "nowhere.yaml"], "").unwrap_err();
        assert!(failure.to_string().contains("cannot read nowhere.yaml"), "{failure}");
    }
}
