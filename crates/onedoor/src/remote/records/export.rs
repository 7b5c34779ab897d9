//! `onedoor audit export` without a folder: all records of the running door that fit, a line each.

use admin::About;
use anyhow::anyhow;
use clap::{Arg, ArgMatches, Command, ValueEnum as _};
use serde_json::Value;

use super::{Asked, Ended, Failure, filters, one_line, tree, write};
use crate::{cli, logging, terminal::counted};

/// What the options are called that only a running door takes.
const HEADING: &str = "From a running door";

pub(super) fn command(base: Command, about: &About) -> Command {
    let before = Arg::new("before").long("before").value_name("TIME");
    let before = before.help("Before this time (RFC 3339)");
    let filters: Vec<Arg> = filters(about).iter().filter_map(tree::argument).collect();
    let more = filters.into_iter().chain([before, tree::url()]);
    base.args(more.map(|it| it.help_heading(HEADING).conflicts_with("folder")))
}

pub(super) fn run(about: &About, matches: &ArgMatches) -> Result<Ended, Failure> {
    let format = matches.get_one::<cli::Format>("format").copied();
    if let Some(format) = format.filter(|it| *it != cli::Format::Native) {
        let name = format.to_possible_value().map(|it| it.get_name().to_owned());
        let name = name.unwrap_or_default();
        return Err(Failure::Unclear(format!(
            "--format {name} needs the folder of the log: a running door gives records as they are"
        )));
    }
    let number = |name: &str| matches.get_one::<u64>(name).copied().unwrap_or_default();
    let (mut cursor, mut until) = (number("from"), number("until"));
    let mut asked = Asked::read(about, matches)?;
    if let Some(before) = matches.get_one::<String>("before") {
        asked.input.set("until", before.clone());
    }
    let (mut count, mut unreadable) = (0_usize, 0_u64);
    loop {
        let page = asked.from(cursor)?;
        // What is recorded meanwhile, this among it, is not waited for.
        until = until.min(page.reached);
        unreadable = unreadable.saturating_add(page.unreadable);
        for record in &page.items {
            let is_beyond = record.get("seq").and_then(Value::as_u64).is_none_or(|it| it >= until);
            if is_beyond {
                break;
            }
            if !write(&one_line(record)?)? {
                return Ok(Ended::Done);
            }
            count = count.saturating_add(1);
        }
        match page.next.filter(|it| *it < until) {
            // It may be where it was: then the door made some of its index meanwhile.
            Some(next) => cursor = next,
            None => break,
        }
    }
    logging::tell(counted(count, "record"));
    match unreadable {
        0 => Ok(Ended::Done),
        lines => Err(anyhow!(
            "{lines} lines of the log could not be read: check it with onedoor audit verify"
        )
        .into()),
    }
}
