//! Tables of a pack, and how they are written for machines: CSV (RFC 4180) and JSON.

use serde_json::{Map, Value};

use super::proofs::Proofs;

/// What was gathered.
#[derive(Debug, Default)]
pub(super) struct Pack {
    /// What stands on top: names and values.
    pub(super) summary: Vec<(&'static str, String)>,
    pub(super) tables: Vec<Table>,
    /// Each change of configuration with its diff.
    pub(super) diffs: Vec<Diff>,
    /// Revisions with all that they changed, as the door told them.
    pub(super) changes: Value,
    /// What the check of the log told.
    pub(super) log: Value,
    /// Proofs of single records.
    pub(super) proofs: Proofs,
    /// What is wrong with the log, if something is.
    pub(super) fault: Option<String>,
    /// What whoever reads it must know.
    pub(super) notes: Vec<String>,
}

/// What one revision made of one document.
#[derive(Debug)]
pub(super) struct Diff {
    pub(super) title: String,
    pub(super) text: String,
}

/// A table of texts.
#[derive(Debug)]
pub(super) struct Table {
    /// What its files are called, without their ending.
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    /// What it shows, and of when.
    pub(super) about: &'static str,
    pub(super) columns: &'static [&'static str],
    pub(super) rows: Vec<Vec<String>>,
}

impl Table {
    /// For a program that calculates. What it would take for a formula is shown as text.
    pub(super) fn csv(&self) -> String {
        let line = |cells: &mut dyn Iterator<Item = &str>| {
            let cells: Vec<_> = cells.map(cell).collect();
            format!("{}\r\n", cells.join(","))
        };
        let mut text = line(&mut self.columns.iter().copied());
        for row in &self.rows {
            text.push_str(&line(&mut row.iter().map(String::as_str)));
        }
        text
    }

    /// A list of objects.
    pub(super) fn json(&self) -> Value {
        let object = |row: &Vec<String>| {
            let members = self.columns.iter().zip(row);
            let members = members.map(|(name, cell)| ((*name).to_owned(), cell.as_str().into()));
            Value::Object(members.collect::<Map<_, _>>())
        };
        self.rows.iter().map(object).collect()
    }
}

fn cell(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if is_formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\r', '\n', '\'']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text
}

/// The text of a member as a cell: lists with spaces between.
pub(super) fn text(value: &Value, name: &str) -> String {
    shown(value.get(name).unwrap_or(&Value::Null))
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(shown).collect::<Vec<_>>().join(" "),
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| format!("{name}={}", shown(value)));
            members.collect::<Vec<_>>().join(" ")
        }
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_cell_is_text_whatever_a_caller_put_into_it() {
        let row = ["=1+1", "-2", "@x", "a,b", "say \"hi\"", "two\nlines", "plain"];
        let table = Table {
            name: "t",
            title: "T",
            about: "",
            columns: &["a", "b", "c", "d", "e", "f", "g"],
            rows: vec![row.map(str::to_owned).to_vec()],
        };
        let want = "\"'=1+1\",\"'-2\",\"'@x\",\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\",plain\r\n";
        assert_eq!(table.csv(), format!("a,b,c,d,e,f,g\r\n{want}"));
        assert_eq!(table.json()[0]["e"], "say \"hi\"");
    }

    #[test]
    fn what_is_nested_is_told_in_a_cell() {
        let value = json!({"roles": ["a", {"role": "b", "owners": ["x"]}], "n": 7, "none": null});
        assert_eq!(text(&value, "roles"), "a role=b owners=x");
        assert_eq!((text(&value, "n"), text(&value, "none")), ("7".to_owned(), String::new()));
    }
}
