//! `onedoor credential rotate --wait`: makes the successor, and ends the old one when that is used and
//! nobody uses the old one any more. What it waits for is kept by the door: broken off, it goes on where
//! it was.

use std::time::Duration;

use admin::About;
use anyhow::anyhow;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use http::StatusCode;
use model::LastUse;
use serde_json::Value;

use super::{
    Ended, Failure,
    door::Door,
    failure::visible,
    field::{Field, Place, fields},
    input::Input,
    paging,
    wire::Wire,
};
use crate::{logging, terminal::Terminal};

const HEADING: &str = "The end of the old one";

/// `base`, where the command can wait.
pub(super) fn command(base: Command) -> Command {
    let wait = Arg::new("wait").long("wait").action(ArgAction::SetTrue);
    let unused = Arg::new("unused-for").long("unused-for").value_name("TIME").requires("wait");
    let every = Arg::new("every").long("every").value_name("SECONDS").default_value("60");
    let flag =
        |name: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue).requires("wait");
    let arguments = [
        wait.help("Wait until the new one is used and nobody uses the old one, and retire it then; the same command goes on where it was broken off"),
        unused
            .value_parser(unused_for)
            .help("For how long it must not have been used (2h, 7d) [default: as its profile's rotation says, else a day]"),
        every
            .value_parser(value_parser!(u64).range(1..=3600))
            .help("How often the door is asked"),
        flag("again").help("Make another where nobody has what an earlier run printed: the one of that run, which was never used, is retired"),
        flag("force").help("Retire the old one even where the new one was never used"),
    ];
    let arguments = arguments.map(|it| it.help_heading(HEADING));
    base.mut_subcommand("credential", |it| it.mut_subcommand("rotate", |it| it.args(arguments)))
}

/// For how long a credential must not have been used, as it is typed: the door reads it again, after it
/// has made the successor.
fn unused_for(text: &str) -> Result<String, String> {
    LastUse::parse_unused_for(text).map(|_| text.to_owned())
}

/// Whether that was typed.
pub(super) fn is_meant(about: &About, matches: &ArgMatches) -> bool {
    about.name == "rotate_credential" && matches.get_flag("wait")
}

/// Rotates by `rotate` unless that was done before, and sees the old one to its end.
///
/// # Errors
/// What the door refused.
pub(super) fn run(
    terminal: Terminal,
    (about, matches): (&About, &ArgMatches),
    rotate: impl FnOnce(Terminal) -> Result<Ended, Failure>,
) -> Result<Ended, Failure> {
    let old = Old::read(about, matches)?;
    let Known { line, successor } = old.known()?;
    let since = line.text("replaced").filter(|_| line.state() == "retiring");
    match since {
        Some(since) if !matches.get_flag("again") => tell_made(old.id, since, successor.as_ref()),
        since => {
            if since.is_some() {
                old.give_up(successor)?;
            }
            rotate(terminal)?;
        }
    }
    logging::tell(format_args!("waiting until nobody uses {} any more", old.id));
    old.see_to_its_end()?;
    Ok(Ended::Done)
}

/// The credential that has a successor.
struct Old<'a> {
    id: &'a str,
    client: String,
    url: Option<&'a str>,
    /// For how long it must not have been used; as the door says where none.
    unused_for: Option<&'a String>,
    every: Duration,
    /// Whether it goes where its successor was never used, too.
    is_forced: bool,
}

/// What the door knows of it, and of its successor.
struct Known {
    line: Line,
    /// One that is not good is none: it lets nobody in where the old one goes.
    successor: Option<Line>,
}

/// What the door knows of a credential.
struct Line(Value);

impl<'a> Old<'a> {
    fn read(about: &About, matches: &'a ArgMatches) -> Result<Self, Failure> {
        let fields = fields(about);
        let id = fields.iter().find(|it| it.place == Place::Path).map(Field::id);
        let id = id.and_then(|it| matches.get_one::<String>(&it));
        let id = id.ok_or_else(|| anyhow!("no credential is named"))?;
        let url = matches.get_one::<String>("url").map(String::as_str);
        let shown = Door::find(url)?.send_to("get_credential", id, &[])?;
        let profile = shown.pointer("/document/profile").and_then(Value::as_str);
        let client = profile.and_then(|it| it.split_once('/')).map(|it| it.0.to_owned());
        Ok(Self {
            id,
            client: client.ok_or_else(|| anyhow!("{id} leads to no profile"))?,
            url,
            unused_for: matches.get_one::<String>("unused-for"),
            every: Duration::from_secs(matches.get_one::<u64>("every").copied().unwrap_or(60)),
            is_forced: matches.get_flag("force"),
        })
    }

    /// What is known of their age and their use. The door is found anew each time: who signed in has a
    /// token for minutes.
    fn known(&self) -> Result<Known, Failure> {
        let about = named("list_credential_ages")?;
        let mut input = Input::plain(&about, None);
        input.set("client", self.client.clone());
        let mut answer = paging::all(&Door::find(self.url)?, &about, input)?.value;
        let mut lines: Vec<Line> = match answer.get_mut("items").map(Value::take) {
            Some(Value::Array(items)) => items.into_iter().map(Line).collect(),
            _ => Vec::new(),
        };
        let position = lines.iter().position(|it| it.text("id") == Some(self.id));
        let gone = || Failure::Unclear(format!("{} is not there any more", self.id));
        let line = lines.swap_remove(position.ok_or_else(gone)?);
        let successor = lines.into_iter().find(|it| it.is_good() && it.succeeds(&line));
        Ok(Known { line, successor })
    }

    /// Ends the successor that nobody has, so that another takes its place.
    fn give_up(&self, mut successor: Option<Line>) -> Result<(), Failure> {
        let wire = Wire::new()?;
        while let Some(line) = successor {
            let id = line.id();
            if line.is_used() {
                let old = self.id;
                return Err(Failure::Unclear(format!(
                    "somebody has the successor of {old}: {}; without --again the command goes on",
                    line.use_of(&id)
                )));
            }
            // Not forced: the door knows where it was used since.
            match Door::find(self.url)?.send_to("retire_credential", &id, &[]) {
                Ok(_) => {
                    logging::tell(format_args!("{id} is retired: nobody has it"));
                    return Ok(());
                }
                // Not known yet, where it is as new as that; or it was used since it was looked at.
                Err(failure) if is_in_the_way(&failure) => {
                    logging::tell(format_args!("{failure}; asking again"));
                }
                Err(failure) => return Err(failure),
            }
            wire.pause(self.every);
            successor = self.known()?.successor;
        }
        Ok(())
    }

    fn see_to_its_end(&self) -> Result<(), Failure> {
        let wire = Wire::new()?;
        let mut told = String::new();
        loop {
            match self.look() {
                Ok(None) => return Ok(()),
                Ok(Some(why)) if why != told => {
                    logging::tell(&why);
                    told = why;
                }
                Ok(Some(_)) => {}
                Err(failure) if is_passing(&failure) => {
                    logging::tell(format_args!("{failure}; asking again"));
                }
                Err(failure) => return Err(failure),
            }
            wire.pause(self.every);
        }
    }

    /// Why it has not ended; nothing where it has.
    fn look(&self) -> Result<Option<String>, Failure> {
        let Known { line, successor } = self.known()?;
        let (id, successor) = (self.id, successor.as_ref());
        if !line.is_good() {
            tell_ended(id, line.state(), successor);
            return Ok(None);
        }
        if line.state() == "active" || line.text("replaced").is_none() {
            // Another replica, which is not that far yet; or the rotation was rolled back.
            return Ok(Some(format!("{id} has no successor as this door knows")));
        }
        let Some(new) = successor else {
            // Nor is it forced: its client would be left with nothing.
            return Ok(Some(format!(
                "{id} is kept, since its successor is not good any more; run this with --again, which makes another"
            )));
        };
        if !new.is_used() && !self.is_forced {
            // Unused both are where its holder is idle, and where nobody ever got the new one.
            let new = new.id();
            return Ok(Some(format!(
                "{id} is kept, since {new} was never used; --force retires it all the same"
            )));
        }
        // By the clock of the door, which knows what is stored since.
        let time = self.unused_for.map(|it| ("unused_for", it.clone()));
        match Door::find(self.url)?.send_to("retire_credential", id, time.as_slice()) {
            Ok(_) => {
                tell_ended(id, "retired", successor);
                Ok(None)
            }
            // The door says when and how it was used, or that somebody has ended it just now.
            Err(failure) if is_in_the_way(&failure) => Ok(Some(line.use_of(id))),
            Err(failure) => Err(failure),
        }
    }
}

impl Line {
    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    fn id(&self) -> String {
        visible(self.text("id").unwrap_or_default())
    }

    fn state(&self) -> &str {
        self.text("state").unwrap_or_default()
    }

    fn is_good(&self) -> bool {
        matches!(self.state(), "active" | "retiring")
    }

    fn is_used(&self) -> bool {
        self.text("last_used").is_some()
    }

    /// Whether it was made as the successor of `other`: for the same profile, by the same change.
    fn succeeds(&self, other: &Self) -> bool {
        let created = self.text("created");
        let is_of_profile = self.text("profile") == other.text("profile");
        is_of_profile && created.is_some() && created == other.text("replaced")
    }

    fn use_of(&self, id: &str) -> String {
        let shown = |name| self.text(name).map(visible);
        match (shown("last_used"), shown("used_by"), shown("used_from")) {
            (Some(at), Some(how), Some(from)) => {
                format!("{id} was last used at {at}, by a {how} from {from}")
            }
            (Some(at), _, _) => format!("{id} was last used at {at}"),
            (None, _, _) => format!("{id} has not been used, and is too young to be retired"),
        }
    }
}

/// Tells of a successor that an earlier run made.
fn tell_made(id: &str, since: &str, successor: Option<&Line>) {
    let Some(new) = successor else { return };
    logging::tell(format_args!("{id} has had a successor since {}", visible(since)));
    if !new.is_used() {
        let new = new.id();
        logging::tell(format_args!(
            "{new} was never used, and its secret was printed by an earlier run alone: if nobody has that, run this with --again, which makes another"
        ));
    }
}

fn tell_ended(id: &str, state: &str, successor: Option<&Line>) {
    let what = match successor.map(Line::is_used) {
        Some(true) => ": its successor took over",
        Some(false) => ", and its successor was never used",
        None => ", and has no successor that is good",
    };
    logging::tell(format_args!("{id} is {}{what}", visible(state)));
}

/// Whether the door kept the credential, for it is used or may be.
fn is_in_the_way(failure: &Failure) -> bool {
    matches!(failure, Failure::Refused(it) if it.status == StatusCode::CONFLICT)
}

/// Whether it may be otherwise in a while: a door that restarts comes back, as a network does.
fn is_passing(failure: &Failure) -> bool {
    match failure {
        Failure::Refused(it) => it.status.as_u16() == 429 || it.status.is_server_error(),
        Failure::Unreached(_) => true,
        Failure::Faults(_)
        | Failure::NoCredential(_)
        | Failure::Stopped(_)
        | Failure::Unclear(_) => false,
    }
}

impl Door {
    /// Carries out the operation of this name, on the thing with this id.
    fn send_to(&self, name: &str, id: &str, query: &[(&str, String)]) -> Result<Value, Failure> {
        let about = named(name)?;
        let mut input = Input::plain(&about, None);
        input.path = input.path.replace("{id}", id);
        query.iter().for_each(|(name, value)| input.set(name, value.clone()));
        Ok(self.send(&about, &input)?.value)
    }
}

fn named(name: &str) -> Result<About, Failure> {
    let about = admin::operations().into_iter().find(|it| it.name == name);
    Ok(about.ok_or_else(|| anyhow!("there is no operation {name}"))?)
}
