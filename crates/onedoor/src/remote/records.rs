//! Records of a running door, one behind the other: all that fit, or those that come.

mod export;
mod tail;

use std::io::{self, ErrorKind, Write as _};

use admin::About;
use clap::{ArgMatches, Command};
use serde_json::Value;

use super::{
    Ended, Failure,
    door::Door,
    field::{Field, fields},
    input::{self, Input},
    tree,
};

/// Records of a page.
const PAGE_RECORDS: u16 = 1000;
/// What these commands set by themselves.
const OWN: [&str; 4] = ["cursor", "limit", "order", "until"];

/// `base`, with what goes on from record to record.
pub(super) fn command(base: Command, operations: &[About]) -> Command {
    let Some(about) = about(operations) else { return base };
    base.mut_subcommand("audit", |audit| {
        let audit = audit.subcommand(tail::command(about));
        audit.mut_subcommand("export", |it| export::command(it, about))
    })
}

/// Runs what was typed, if it is one of these.
pub(super) fn run(verb: &str, matches: &ArgMatches) -> Option<Result<Ended, Failure>> {
    let operations = admin::operations();
    let about = about(&operations)?;
    match verb {
        "tail" => Some(tail::run(about, matches)),
        "export" if !matches.contains_id("folder") => Some(export::run(about, matches)),
        _ => None,
    }
}

fn about(operations: &[About]) -> Option<&About> {
    operations.iter().find(|it| it.command == ["audit", "query"])
}

/// What narrows down which records are shown.
fn filters(about: &About) -> Vec<Field> {
    fields(about).into_iter().filter(|it| !OWN.contains(&it.name.as_str())).collect()
}

/// A running door that is asked for records.
struct Asked<'a> {
    door: Door,
    about: &'a About,
    input: Input,
}

/// A page of records.
struct Page {
    items: Vec<Value>,
    next: Option<u64>,
    reached: u64,
    unreadable: u64,
}

impl<'a> Asked<'a> {
    /// The door and the filters that were typed.
    fn read(about: &'a About, matches: &ArgMatches) -> Result<Self, Failure> {
        let input = input::read(about, &filters(about), matches, &mut io::empty())?;
        let door = Door::find(matches.get_one::<String>("url").map(String::as_str))?;
        Ok(Self { door, about, input })
    }

    /// The records from a number on, the oldest first.
    fn from(&mut self, cursor: u64) -> Result<Page, Failure> {
        self.input.set("order", "oldest".to_owned());
        self.input.set("limit", PAGE_RECORDS.to_string());
        self.input.set("cursor", cursor.to_string());
        self.page()
    }

    fn page(&self) -> Result<Page, Failure> {
        let mut value = self.door.send(self.about, &self.input)?.value;
        let number = |name: &str| value.get(name).and_then(Value::as_u64);
        let (next, reached) = (number("next"), number("reached"));
        let unreadable = number("unreadable").unwrap_or(0);
        let (Some(reached), Some(Value::Array(items))) = (reached, value.get_mut("items")) else {
            return Err(anyhow::anyhow!("the door's answer holds no records: is it older?").into());
        };
        Ok(Page { items: std::mem::take(items), next, reached, unreadable })
    }
}

/// Writes a line; whether somebody reads on.
fn write(line: &[u8]) -> io::Result<bool> {
    let mut out = io::stdout().lock();
    let written =
        out.write_all(line).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        other => other.map(|()| true),
    }
}

/// A record on one line, escaped as the log has it.
fn one_line(record: &Value) -> Result<Vec<u8>, Failure> {
    Ok(audit::record::one_line(record).map_err(anyhow::Error::from)?)
}
