//! The page of a pack: one file without a script, made to be printed.

use std::fmt::Write as _;

use super::table::{Diff, Pack, Table};

/// Rows of a table on the page; the others stand in its CSV.
const ROWS_MAX: usize = 2_000;
/// Characters of a diff on the page; all of it stands in changes.json.
const DIFF_CHARACTERS_MAX: usize = 20_000;

const STYLE: &str = "\
@page{size:A4;margin:16mm}\
body{font:10pt/1.4 system-ui,sans-serif;color:#111;background:#fff;margin:2em auto;max-width:75em;padding:0 1em}\
h1{font-size:18pt}h2{font-size:13pt;margin-top:2em;border-bottom:1px solid #999}h3{font-size:10pt}\
table{border-collapse:collapse;width:100%;font-size:8pt}thead{display:table-header-group}\
th,td{border:1px solid #bbb;padding:2pt 4pt;text-align:left;vertical-align:top;overflow-wrap:anywhere;white-space:pre-wrap}\
th{background:#eee}tr{break-inside:avoid}\
dl{display:grid;grid-template-columns:16em 1fr;gap:.3em 1em}dt{font-weight:600}dd{margin:0;overflow-wrap:anywhere}\
pre{font-size:7.5pt;white-space:pre-wrap;overflow-wrap:anywhere;border:1px solid #ccc;padding:4pt}\
.bad{color:#a00;font-weight:700}\
@media print{body{margin:0;max-width:none;padding:0}h2,h3{break-after:avoid}}";

// Writing to memory does not fail.

/// The whole page.
pub(super) fn page(pack: &Pack) -> String {
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>Evidence</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>Evidence</h1>\n"
    );
    if let Some(fault) = &pack.fault {
        writeln!(html, "<p class=\"bad\">The audit log is damaged: {}</p>", escaped(fault)).ok();
    }
    html.push_str("<dl>\n");
    for (name, value) in &pack.summary {
        writeln!(html, "<dt>{}</dt><dd>{}</dd>", escaped(name), escaped(value)).ok();
    }
    html.push_str("</dl>\n");
    for note in &pack.notes {
        writeln!(html, "<p>{}</p>", escaped(note)).ok();
    }
    pack.tables.iter().for_each(|it| html.push_str(&section(it)));
    html.push_str("<h2>Differences</h2>\n");
    if pack.diffs.is_empty() {
        html.push_str("<p>Nothing was changed.</p>\n");
    }
    pack.diffs.iter().for_each(|it| html.push_str(&difference(it)));
    html.push_str("</body>\n</html>\n");
    html
}

fn section(table: &Table) -> String {
    let Table { name, title, about, columns, rows } = table;
    let (name, title, about) = (escaped(name), escaped(title), escaped(about));
    let mut html = format!("<h2 id=\"{name}\">{title}</h2>\n<p>{about}</p>\n");
    if rows.is_empty() {
        html.push_str("<p>There is none.</p>\n");
        return html;
    }
    html.push_str("<table>\n<thead><tr>");
    let heads: String = columns.iter().map(|it| format!("<th>{}</th>", escaped(it))).collect();
    html.push_str(&heads);
    html.push_str("</tr></thead>\n<tbody>\n");
    for row in rows.iter().take(ROWS_MAX) {
        let cells: String = row.iter().map(|it| format!("<td>{}</td>", escaped(it))).collect();
        writeln!(html, "<tr>{cells}</tr>").ok();
    }
    html.push_str("</tbody>\n</table>\n");
    if let Some(more) = rows.len().checked_sub(ROWS_MAX).filter(|it| *it > 0) {
        writeln!(html, "<p>{more} more rows stand in {name}.csv.</p>").ok();
    }
    html
}

fn difference(diff: &Diff) -> String {
    let Diff { title, text } = diff;
    let shown: String = text.chars().take(DIFF_CHARACTERS_MAX).collect();
    let more = if shown.len() < text.len() { "\n… all of it stands in changes.json" } else { "" };
    format!("<h3>{}</h3>\n<pre>{}{more}</pre>\n", escaped(title), escaped(&shown))
}

/// Text as it may stand in an element or in an attribute in quotes. What would turn the direction of
/// text, or is no character to be seen, is shown by its number.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(character),
            // What a record escapes; and joiners, which are not seen by themselves.
            '\u{200c}' | '\u{200d}' => push_number(&mut out, character),
            _ if character.is_control() || audit::record::is_unsafe(character) => {
                push_number(&mut out, character);
            }
            _ => out.push(character),
        }
    }
    out
}

fn push_number(out: &mut String, character: char) {
    write!(out, "\\u{:04x}", u32::from(character)).ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_caller_wrote_becomes_markup() {
        let hostile = "</td><script>alert(1)</script>\"'&\u{202e}\u{61c}\u{0}";
        let table = Table {
            name: "refusals",
            title: "T",
            about: "",
            columns: &["operation"],
            rows: vec![vec![hostile.to_owned()]; 3],
        };
        let pack = Pack {
            summary: vec![("Made by", hostile.to_owned())],
            tables: vec![table],
            diffs: vec![Diff { title: hostile.to_owned(), text: hostile.to_owned() }],
            fault: Some(hostile.to_owned()),
            notes: vec![hostile.to_owned()],
            ..Pack::default()
        };
        let html = page(&pack);
        assert!(!html.contains("<script") && !html.contains(['\u{202e}', '\u{61c}']), "{html}");
        assert_eq!(
            html.matches(
                "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;\\u202e\\u061c\\u0000"
            )
            .count(),
            8
        );
        assert!(html.contains("default-src 'none'"));
    }

    #[test]
    fn a_long_table_is_cut_on_the_page_and_says_so() {
        let rows = vec![vec!["x".to_owned()]; ROWS_MAX + 5];
        let table = Table { name: "access", title: "A", about: "", columns: &["c"], rows };
        let html = section(&table);
        assert_eq!(html.matches("<td>").count(), ROWS_MAX);
        assert!(html.contains("5 more rows stand in access.csv"));
    }
}
