//! `onedoor audit tail`: the last records, and then each as it comes.

use std::{thread, time::Duration};

use admin::About;
use clap::{Arg, ArgMatches, Command, value_parser};
use serde_json::Value;

use super::{Asked, Ended, Failure, filters, one_line, tree, write};
use crate::remote::failure::visible;

/// What asks for records has one itself. It is shown where it is asked for.
const OWN_OPERATION: &str = "onedoor.query_audit";

const EXAMPLES: &str = "\
Examples:
  onedoor audit tail
  onedoor audit tail --client shop-agent --decision deny --lines 50
  onedoor audit tail --json | jq .operation

Goes on until it is stopped, or the door refuses or is not there. It asks by itself, and each
question has its record: those are left out, but for --operation onedoor.query_audit.";

/// The members of a line for people, in their order.
const SHOWN: [&str; 9] =
    ["time", "surface", "client", "operation", "event", "path", "decision", "status", "reason"];

pub(super) fn command(about: &About) -> Command {
    let lines = Arg::new("lines").long("lines").value_name("N").default_value("10");
    let lines = lines.value_parser(value_parser!(u64).range(0..=1000));
    let every = Arg::new("every").long("every").value_name("SECONDS").default_value("2");
    let every = every.value_parser(value_parser!(u64).range(1..=3600));
    Command::new("tail")
        .about("Show the last records, and then each as it comes")
        .after_help(EXAMPLES)
        .args(filters(about).iter().filter_map(tree::argument))
        .arg(lines.help("So many of the last ones first"))
        .arg(every.help("How often the door is asked"))
        .args(tree::connection())
}

pub(super) fn run(about: &About, matches: &ArgMatches) -> Result<Ended, Failure> {
    let number = |name: &str| matches.get_one::<u64>(name).copied().unwrap_or_default();
    let (lines, every) = (number("lines"), Duration::from_secs(number("every").max(1)));
    let mut asked = Asked::read(about, matches)?;
    let is_own_wanted = asked
        .input
        .query
        .iter()
        .any(|it| *it == ("operation".to_owned(), OWN_OPERATION.to_owned()));
    let show = |record: &Value| -> Result<bool, Failure> {
        let is_own = record.get("operation").is_some_and(|it| it == OWN_OPERATION);
        if is_own && !is_own_wanted {
            return Ok(true);
        }
        let line = match matches.get_flag("json") {
            true => one_line(record)?,
            false => line(record).into_bytes(),
        };
        Ok(write(&line)?)
    };
    let mut last = last(&mut asked, lines)?;
    loop {
        for record in &last.items {
            if !show(record)? {
                return Ok(Ended::Done);
            }
        }
        if last.next.is_none() {
            thread::park_timeout(every);
        }
        last = asked.from(last.next.unwrap_or(last.reached))?;
    }
}

/// The last records, in their order, and where it goes on behind them.
fn last(asked: &mut Asked<'_>, lines: u64) -> Result<super::Page, Failure> {
    asked.input.set("limit", lines.max(1).to_string());
    let mut page = asked.page()?;
    page.items.truncate(usize::try_from(lines).unwrap_or(usize::MAX));
    page.items.reverse();
    // What is older is not wanted.
    page.next = None;
    Ok(page)
}

/// A record as a line for people.
fn line(record: &Value) -> String {
    let cells = SHOWN.iter().filter_map(|name| match record.get(name)? {
        Value::String(text) => Some(visible(text)),
        other => Some(other.to_string()),
    });
    cells.collect::<Vec<_>>().join("  ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_shows_what_matters_and_nothing_that_steers_a_terminal() {
        let record = json!({
            "seq": 3, "time": "2027-01-31T12:00:00Z", "kind": "call", "client": "shop\u{1b}[2J",
            "surface": "mcp", "operation": "orders.get_order", "decision": "allow", "status": 200,
        });
        let line = line(&record);
        assert!(!line.contains('\u{1b}'), "{line}");
        assert!(line.starts_with("2027-01-31T12:00:00Z  mcp  shop"), "{line}");
        assert!(line.ends_with("orders.get_order  allow  200"), "{line}");
    }
}
