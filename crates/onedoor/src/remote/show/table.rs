//! Several things as a table: a line each, cut to the width of the terminal.

use std::fmt::Write as _;

use admin::About;
use serde_json::Value;

use crate::{
    remote::{failure::visible, field::is_short},
    terminal::{Look, Terminal},
};

/// Most columns, but for the id.
const COLUMNS_MAX: usize = 6;
/// Longest text in a cell: a description must not push the rest away.
const CELL_CHARS_MAX: usize = 60;
/// What stands between two columns.
const GAP: &str = "  ";
/// What of a record is shown: a schema does not say what is in one.
const RECORD: [&str; 7] = ["time", "client", "operation", "surface", "decision", "status", "id"];

/// A table, made of text.
#[derive(Debug)]
pub(super) struct Table {
    heads: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// The items of a list, as the operation describes them.
    pub(super) fn new(about: &About, items: &[Value]) -> Self {
        let mut columns = columns(about);
        let rows: Vec<Vec<String>> =
            items.iter().map(|item| columns.iter().map(|it| cell(item, it)).collect()).collect();
        // A column without anything in it says nothing; the first is what names the line.
        let is_used = |column: usize| {
            column == 0 || rows.iter().any(|row| row.get(column).is_some_and(|it| !it.is_empty()))
        };
        let shown: Vec<usize> = (0..columns.len())
            .filter(|it| is_used(*it))
            .take(COLUMNS_MAX.saturating_add(1))
            .collect();
        let kept = |row: &[String]| shown.iter().filter_map(|it| row.get(*it).cloned()).collect();
        let rows = rows.iter().map(|row| kept(row)).collect();
        columns.iter_mut().for_each(|it| *it = it.to_ascii_uppercase().replace('_', " "));
        Self { heads: kept(&columns), rows }
    }

    /// As lines, none of them longer than `width`.
    pub(super) fn text(&self, terminal: Terminal, width: Option<usize>) -> String {
        let widths: Vec<usize> = (0..self.heads.len())
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| row.get(column));
                let cells = cells.chain(self.heads.get(column));
                cells.map(|it| it.chars().count()).max().unwrap_or(0)
            })
            .collect();
        let heads = cut(&line(&self.heads, &widths), width);
        let mut text = format!("{}\n", terminal.paint(Look::Bold, heads));
        for row in &self.rows {
            // The text grows in memory: it cannot fail.
            let _ = writeln!(text, "{}", cut(&line(row, &widths), width));
        }
        text
    }
}

fn line(cells: &[String], widths: &[usize]) -> String {
    let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
    let line = padded.collect::<Vec<_>>().join(GAP);
    line.trim_end().to_owned()
}

fn cut(line: &str, width: Option<usize>) -> String {
    match width {
        Some(width) if line.chars().count() > width => {
            let kept = line.chars().take(width.saturating_sub(1));
            kept.chain(['…']).collect()
        }
        _ => line.to_owned(),
    }
}

/// The members that fit into a line, in the order of the schema: those of the document, too.
fn columns(about: &About) -> Vec<String> {
    let item = about.output.pointer("/properties/items/items");
    let Some(members) = item.and_then(|it| it.get("properties")).and_then(Value::as_object) else {
        return RECORD.map(ToOwned::to_owned).to_vec();
    };
    let document = members.get("document").and_then(|it| it.get("properties"));
    let document = document.and_then(Value::as_object);
    let own = members.iter().filter(|it| !matches!(it.0.as_str(), "etag" | "document"));
    let all = own.chain(document.into_iter().flatten());
    let short = all.filter(|(_, schema)| is_short(schema)).map(|(name, _)| name.clone());
    // What is long is cut first where it stands at the end.
    let (long, mut columns): (Vec<_>, Vec<_>) = short.partition(|it| it == "description");
    columns.extend(long);
    columns
}

/// The member `name` of an item, or of its document.
fn cell(item: &Value, name: &str) -> String {
    let inner = item.get("document").and_then(|it| it.get(name));
    let text = match item.get(name).or(inner) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Object(_)) => "{…}".to_owned(),
        Some(other) => other.to_string(),
    };
    let text = visible(&text.split_whitespace().collect::<Vec<_>>().join(" "));
    if text.chars().count() <= CELL_CHARS_MAX {
        return text;
    }
    cut(&text, Some(CELL_CHARS_MAX))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn table(operation: &str, items: &Value, width: Option<usize>) -> String {
        let about = admin::operations().into_iter().find(|it| it.name == operation).unwrap();
        Table::new(&about, items.as_array().unwrap()).text(Terminal::plain(), width)
    }

    #[test]
    fn a_list_is_a_table_of_what_fits_into_a_line() {
        let client = |id: &str, enabled: Option<bool>| {
            json!({"id": id, "etag": "\"1\"", "document": {
                "kind": "agent", "owner": "support-team", "description": "Answers\nquestions",
                "enabled": enabled, "profiles": {"default": {}},
            }})
        };
        let items = json!([client("shop-agent", Some(false)), client("a", None)]);
        insta::assert_snapshot!(table("list_clients", &items, None), @"
        ID          KIND   OWNER         ENABLED  DESCRIPTION
        shop-agent  agent  support-team  false    Answers questions
        a           agent  support-team           Answers questions
        ");
        insta::assert_snapshot!(table("list_clients", &items, Some(24)), @"
        ID          KIND   OWNE…
        shop-agent  agent  supp…
        a           agent  supp…
        ");
    }

    #[test]
    fn columns_that_nobody_fills_are_left_out() {
        let limit = json!({"id": "day", "etag": "\"1\"", "document": {"quota": "1000/day"}});
        insta::assert_snapshot!(table("list_limits", &json!([limit]), None), @"
        ID   QUOTA
        day  1000/day
        ");
    }

    #[test]
    fn every_list_has_columns() {
        for about in admin::operations() {
            if about.output.pointer("/properties/items").is_some() {
                let columns = columns(&about);
                assert!(columns.len() >= 2, "{}: {columns:?}", about.name);
            }
        }
    }

    #[test]
    fn records_are_shown_by_what_matters() {
        let record = json!({
            "time": "2027-01-31T12:00:00Z", "id": "r1", "kind": "call", "client": "shop",
            "operation": "orders.get_order", "decision": "allow", "status": 200,
        });
        insta::assert_snapshot!(table("query_audit", &json!([record]), None), @"
        TIME                  CLIENT  OPERATION         DECISION  STATUS  ID
        2027-01-31T12:00:00Z  shop    orders.get_order  allow     200     r1
        ");
    }
}
