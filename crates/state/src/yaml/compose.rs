//! Puts the events of the parser together to a tree, without recursion and within bounds.
//!
//! Not by way of serde: its calls within calls took 40 KiB of stack for each level of a text.

use std::collections::{BTreeMap, BTreeSet};

use serde_saphyr::granit_parser::{Event, Marker, Parser, ScalarStyle, Tag};

use super::{Bounds, Flaw, scalar};
use crate::node::{Content, Entry, Node};

/// Reads the one document in `text`.
pub(super) fn compose(text: &str, bounds: Bounds) -> Result<Node, Flaw> {
    let options = serde_saphyr::granit_parser::options! {
        emit_comments: false,
        // One more than is accepted: the fault is told below, with the line.
        flow_nesting_limit: bounds.depth.saturating_add(1),
        block_nesting_limit: bounds.depth.saturating_add(1),
    };
    let mut composer = Composer::new(bounds);
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| {
            let message: String = error.info().chars().take(300).collect();
            (line(*error.marker()), message.replace("recursion limit exceeded", TOO_DEEP))
        })?;
        composer.event(event, line(span.start))?;
    }
    Ok(composer.root.unwrap_or(Node { line: 0, content: Content::Null }))
}

const TOO_DEEP: &str = "nested too deep";
const TOO_MANY: &str = "more values, or more aliases, than are accepted";
const NO_TEXT: &str = "a key that is not text";

fn line(marker: Marker) -> u32 {
    u32::try_from(marker.line()).unwrap_or(u32::MAX)
}

/// A node with what it takes to copy it.
#[derive(Clone)]
struct Measured {
    node: Node,
    /// Values, and text in pieces of 32 bytes.
    units: usize,
    /// Lists and mappings within each other.
    height: usize,
}

/// A list or a mapping that has begun.
struct Open {
    line: u32,
    /// 0 where nothing refers to it.
    anchor: usize,
    units: usize,
    height: usize,
    content: OpenContent,
}

enum OpenContent {
    List(Vec<Node>),
    Mapping { entries: Vec<Entry>, merged: Vec<Entry>, key: Option<Key> },
}

struct Key {
    text: String,
    line: u32,
    is_merge: bool,
}

struct Composer {
    bounds: Bounds,
    nodes: usize,
    copies: usize,
    open: Vec<Open>,
    anchors: BTreeMap<usize, Measured>,
    documents: usize,
    root: Option<Node>,
}

impl Composer {
    fn new(bounds: Bounds) -> Self {
        let (open, anchors) = (Vec::new(), BTreeMap::new());
        Self { bounds, nodes: 0, copies: 0, open, anchors, documents: 0, root: None }
    }

    fn event(&mut self, event: Event<'_>, line: u32) -> Result<(), Flaw> {
        match event {
            Event::DocumentStart(..) => {
                self.documents = self.documents.saturating_add(1);
                if self.documents > 1 {
                    return Err((line, "more than one document in a file".to_owned()));
                }
                Ok(())
            }
            Event::Scalar(text, style, anchor, tag) => {
                check_tag(tag.as_deref(), "str", line)?;
                let is_word = style == ScalarStyle::Plain && tag.is_none();
                self.scalar(&text, is_word, anchor, line)
            }
            Event::SequenceStart(_, anchor, tag) => {
                check_tag(tag.as_deref(), "seq", line)?;
                self.begin(OpenContent::List(Vec::new()), anchor, line)
            }
            Event::MappingStart(_, anchor, tag) => {
                check_tag(tag.as_deref(), "map", line)?;
                let (entries, merged) = (Vec::new(), Vec::new());
                self.begin(OpenContent::Mapping { entries, merged, key: None }, anchor, line)
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Alias(anchor) => self.alias(anchor, line),
            // The beginning and the end of streams, and what is not asked for.
            _ => Ok(()),
        }
    }

    /// Counts a value of the text.
    fn count(&mut self, line: u32) -> Result<(), Flaw> {
        self.nodes = self.nodes.saturating_add(1);
        if self.nodes > self.bounds.nodes { Err((line, TOO_MANY.to_owned())) } else { Ok(()) }
    }

    /// Counts a copy of a value.
    fn copy(&mut self, units: usize, line: u32) -> Result<(), Flaw> {
        self.copies = self.copies.saturating_add(units);
        if self.copies > self.bounds.copies { Err((line, TOO_MANY.to_owned())) } else { Ok(()) }
    }

    /// The mapping that waits for a key, if that is what is open.
    fn waits_for_key(&mut self) -> Option<&mut Option<Key>> {
        match &mut self.open.last_mut()?.content {
            OpenContent::Mapping { key: key @ None, .. } => Some(key),
            OpenContent::Mapping { .. } | OpenContent::List(_) => None,
        }
    }

    fn scalar(&mut self, text: &str, is_word: bool, anchor: usize, line: u32) -> Result<(), Flaw> {
        self.count(line)?;
        if let Some(key) = self.waits_for_key() {
            if is_word && scalar::resolve(text) == Ok(Content::Null) {
                return Err((line, NO_TEXT.to_owned()));
            }
            *key = Some(Key { text: text.to_owned(), line, is_merge: is_word && text == "<<" });
            return Ok(());
        }
        let content = if is_word {
            scalar::resolve(text).map_err(|it| (line, it.to_owned()))?
        } else {
            Content::Text(text.to_owned())
        };
        let units = (text.len() / 32).saturating_add(1);
        self.put(Measured { node: Node { line, content }, units, height: 0 }, anchor)
    }

    fn begin(&mut self, content: OpenContent, anchor: usize, line: u32) -> Result<(), Flaw> {
        self.count(line)?;
        if self.waits_for_key().is_some() {
            return Err((line, NO_TEXT.to_owned()));
        }
        if self.open.len() >= self.bounds.depth {
            return Err((line, TOO_DEEP.to_owned()));
        }
        self.open.push(Open { line, anchor, units: 1, height: 1, content });
        Ok(())
    }

    fn end(&mut self) -> Result<(), Flaw> {
        let Some(Open { line, anchor, units, height, content }) = self.open.pop() else {
            return Ok(());
        };
        let content = match content {
            OpenContent::List(items) => Content::List(items),
            OpenContent::Mapping { mut entries, merged, key: _ } => {
                // What stands here itself is stronger than what is merged in, and the first of that.
                let mut keys: BTreeSet<String> = entries.iter().map(|it| it.key.clone()).collect();
                entries.extend(merged.into_iter().filter(|it| keys.insert(it.key.clone())));
                Content::Mapping(entries)
            }
        };
        self.put(Measured { node: Node { line, content }, units, height }, anchor)
    }

    fn alias(&mut self, anchor: usize, line: u32) -> Result<(), Flaw> {
        if self.waits_for_key().is_some() {
            return Err((line, NO_TEXT.to_owned()));
        }
        let Some(original) = self.anchors.get(&anchor) else {
            return Err((line, "an alias of what it stands in".to_owned()));
        };
        let (units, height) = (original.units, original.height);
        if self.open.len().saturating_add(height) > self.bounds.depth {
            return Err((line, TOO_DEEP.to_owned()));
        }
        self.copy(units, line)?;
        match self.anchors.get(&anchor).cloned() {
            Some(copy) => self.put(copy, 0),
            None => Ok(()),
        }
    }

    /// Puts a whole value where it belongs.
    fn put(&mut self, value: Measured, anchor: usize) -> Result<(), Flaw> {
        if anchor > 0 {
            self.copy(value.units, value.node.line)?;
            self.anchors.insert(anchor, value.clone());
        }
        let Measured { node, units, height } = value;
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        open.units = open.units.saturating_add(units);
        open.height = open.height.max(height.saturating_add(1));
        match &mut open.content {
            OpenContent::List(items) => items.push(node),
            OpenContent::Mapping { entries, merged, key } => match key.take() {
                Some(Key { is_merge: true, line, .. }) => merge(node, line, merged)?,
                Some(Key { text, line, .. }) => {
                    open.units = open.units.saturating_add(text.len() / 32);
                    entries.push(Entry { key: text, line, value: node });
                }
                // The parser gives a key before each value.
                None => {}
            },
        }
        Ok(())
    }
}

/// Takes the entries of what `<<` names: a mapping, or a list of mappings.
fn merge(node: Node, line: u32, merged: &mut Vec<Entry>) -> Result<(), Flaw> {
    let sources = match node.content {
        Content::List(items) => items,
        Content::Mapping(_)
        | Content::Bool(_)
        | Content::Null
        | Content::Number(_)
        | Content::Text(_) => vec![node],
    };
    for source in sources {
        let Content::Mapping(entries) = source.content else {
            return Err((line, "<< takes a mapping, or a list of mappings".to_owned()));
        };
        merged.extend(entries);
    }
    Ok(())
}

/// Tags that say what is the case already are read; all others would change a meaning unseen.
fn check_tag(tag: Option<&Tag>, expected: &str, line: u32) -> Result<(), Flaw> {
    match tag {
        Some(tag) if !tag.is_yaml_core_schema_tag(expected) => {
            Err((line, format!("a tag: only !!{expected} may stand here")))
        }
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{super::STATE, *};

    fn value(text: &str) -> Result<Value, Flaw> {
        compose(text, STATE)?.into_value()
    }

    #[test]
    fn every_value_and_key_knows_its_line() {
        let text = "# first\na: 1\n\nb:\n  - x\n  - {c: [y,\n    z]}\n";
        let Content::Mapping(entries) = compose(text, STATE).unwrap().content else { panic!() };
        assert_eq!((entries[0].line, entries[0].value.line), (2, 2));
        assert_eq!((entries[1].line, entries[1].value.line), (4, 5));
        let Content::List(items) = &entries[1].value.content else { panic!() };
        assert_eq!((items[0].line, items[1].line), (5, 6));
        let Content::Mapping(inner) = &items[1].content else { panic!() };
        let Content::List(items) = &inner[0].value.content else { panic!() };
        assert_eq!((items[0].line, items[1].line), (6, 7));
    }

    #[test]
    fn an_alias_stands_for_a_copy_with_the_lines_of_the_original() {
        let text = "a: &a\n  x: 1\nb: *a\nc: [*a, *a]\n";
        let one = json!({"x": 1});
        assert_eq!(value(text), Ok(json!({"a": one, "b": one, "c": [one, one]})));
        let Content::Mapping(entries) = compose(text, STATE).unwrap().content else { panic!() };
        assert_eq!((entries[1].line, entries[1].value.line), (3, 2));
    }

    #[test]
    fn what_is_merged_in_is_weaker_than_what_stands_there() {
        let text = "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\n\
                    c: {<<: [*a, *b], x: 3}\nd:\n  <<: *b\n\"<<\": 4\n";
        assert_eq!(
            value(text),
            Ok(json!({
                "a": {"x": 1, "y": 1},
                "b": {"y": 2, "z": 2},
                "c": {"x": 3, "y": 1, "z": 2},
                "d": {"y": 2, "z": 2},
                "<<": 4,
            }))
        );
        assert_eq!(value("a: 1\n<<: x\n").unwrap_err().0, 2);
    }

    #[test]
    fn a_tag_is_read_only_where_it_changes_nothing_unseen() {
        assert_eq!(value("a: !!str 1\nb: !!seq [!!map {}]\n"), Ok(json!({"a": "1", "b": [{}]})));
        for text in ["a: !x 1", "a: !!int \"1\"", "a: !!str []", "a: !!binary AA==", "!x a: 1"] {
            assert!(value(text).unwrap_err().1.starts_with("a tag: "), "{text}");
        }
    }

    #[test]
    fn nothing_is_an_empty_document() {
        for text in ["", "\n\n", "# nothing\n", "---\n", "---\n...\n", "\u{feff}"] {
            assert_eq!(value(text), Ok(Value::Null), "{text:?}");
        }
    }
}
