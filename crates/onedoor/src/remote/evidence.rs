//! `onedoor audit evidence`: what an auditor asks of a period, as a folder that can be read without a door.
//!
//! What is asked of the door? Read `gather`, and the files that it names. What stands in the files? Read `table` and `page`.

mod access;
mod ages;
mod ask;
mod changes;
mod gather;
mod page;
mod proofs;
mod refusals;
mod table;
mod write;

use std::path::PathBuf;

use anyhow::anyhow;
use clap::{Arg, ArgAction, ArgMatches, Command, ValueHint, value_parser};
use model::{Clock, Timestamp};

use self::table::Pack;
use super::{Ended, Failure, door::Door, examples, tree};
use crate::terminal::{Look, Terminal, counted};

/// A span of time: from its first moment up to, and without, its last.
#[derive(Debug, Clone, Copy)]
struct Period {
    from: Timestamp,
    until: Timestamp,
}

impl Period {
    fn contains(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.until
    }
}

/// The command.
pub(super) fn command() -> Command {
    let time = |name: &'static str| Arg::new(name).long(name).value_name("TIME").value_parser(read);
    Command::new("evidence")
        .about("Write what an auditor asks of a period to a folder: access, credentials, refusals, changes, and the log")
        .arg(time("from").required(true).help("Its first moment: 2027-01-01, or with a time of day"))
        .arg(time("until").help("The moment behind its last; now where it is missing"))
        .arg(
            Arg::new("out")
                .long("out")
                .value_name("DIR")
                .value_hint(ValueHint::DirPath)
                .value_parser(value_parser!(PathBuf))
                .required(true)
                .help("The folder, new or empty"),
        )
        .arg(
            Arg::new("record")
                .long("record")
                .value_name("N")
                .value_parser(value_parser!(u64))
                .action(ArgAction::Append)
                .help("Prove this record as well, by its number; may be given several times"),
        )
        .arg(tree::url())
        .after_help(examples::EVIDENCE)
}

fn read(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text)
}

/// Runs it.
///
/// # Errors
/// What the disk or the door says; where the log of the door is damaged, after all was written.
pub(super) fn run(terminal: Terminal, matches: &ArgMatches) -> Result<Ended, Failure> {
    let time = |name: &str| matches.get_one::<Timestamp>(name).copied();
    let now = Clock::system().now();
    let from = time("from").ok_or_else(|| anyhow!("no time is named to begin with"))?;
    let period = Period { from, until: time("until").unwrap_or(now) };
    if period.until <= period.from {
        return Err(Failure::Unclear("--until is not behind --from".to_owned()));
    }
    let out = matches.get_one::<PathBuf>("out").ok_or_else(|| anyhow!("no folder is named"))?;
    write::check_new(out)?;
    let door = Door::find(matches.get_one::<String>("url").map(String::as_str))?;
    let chosen: Vec<_> = matches.get_many("record").into_iter().flatten().copied().collect();
    let pack: Pack = gather::gather(&door, period, (now, &chosen))?;
    let files = write::write(out, &pack)?;
    let (files, shown) = (counted(files, "file"), terminal.paint(Look::Name, out.display()));
    terminal.line(format_args!("{files} in {shown}: begin with index.html"))?;
    for table in &pack.tables {
        let rows = counted(table.rows.len(), "row");
        terminal.line(format_args!("  {}.csv: {rows}", table.name))?;
    }
    match &pack.fault {
        None => Ok(Ended::Done),
        Some(fault) => {
            Err(Failure::Stopped(anyhow!("the audit log is not as it was written: {fault}")))
        }
    }
}
