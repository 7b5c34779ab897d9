//! `onedoor credential rotate --wait`: makes the successor, and ends the old one when nobody uses it any
//! more. What it waits for is kept by the door: broken off, it goes on where it was.

use std::time::Duration;

use admin::About;
use anyhow::anyhow;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use http::StatusCode;
use model::{LastUse, Timestamp, quantity::parse_duration};
use serde_json::Value;

use super::{
    Ended, Failure,
    door::Door,
    failure::visible,
    field::{Field, Place, fields},
    input::Input,
    wire::Wire,
};
use crate::{logging, terminal::Terminal};

const HEADING: &str = "The end of the old one";

/// `base`, where the command can wait.
pub(super) fn command(base: Command) -> Command {
    let wait = Arg::new("wait").long("wait").action(ArgAction::SetTrue);
    let unused = Arg::new("unused-for").long("unused-for").value_name("TIME").requires("wait");
    let every = Arg::new("every").long("every").value_name("SECONDS").default_value("60");
    let arguments = [
        wait.help("Wait until nobody uses the old one, and retire it then; the same command goes on where it was broken off"),
        unused
            .value_parser(unused_for)
            .help("For how long it must not have been used (2h, 7d) [default: as its profile's rotation says, else a day]"),
        every
            .value_parser(value_parser!(u64).range(1..=3600))
            .help("How often the door is asked"),
    ];
    let arguments = arguments.map(|it| it.help_heading(HEADING));
    base.mut_subcommand("credential", |it| it.mut_subcommand("rotate", |it| it.args(arguments)))
}

/// For how long a credential must not have been used: long enough that the door knows of it.
fn unused_for(text: &str) -> Result<Duration, String> {
    let (least, duration) = (LastUse::KNOWN_AFTER, parse_duration(text)?);
    if duration < least {
        let least = least.as_secs();
        return Err(format!(
            "every replica has told of a use after {least} s: write {least}s or more"
        ));
    }
    Ok(duration)
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
    let line = old.line()?;
    match (line.state(), line.text("replaced")) {
        ("retiring", Some(since)) => {
            let since = visible(since);
            logging::tell(format_args!("{} has had a successor since {since}", old.id));
        }
        _ => drop(rotate(terminal)?),
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
    unused_for: Option<Duration>,
    every: Duration,
}

/// What the door knows of it.
struct Line(Value);

impl<'a> Old<'a> {
    fn read(about: &About, matches: &'a ArgMatches) -> Result<Self, Failure> {
        let fields = fields(about);
        let id = fields.iter().find(|it| it.place == Place::Path).map(Field::id);
        let id = id.and_then(|it| matches.get_one::<String>(&it));
        let id = id.ok_or_else(|| anyhow!("no credential is named"))?;
        let url = matches.get_one::<String>("url").map(String::as_str);
        let shown = Door::find(url)?.send_to("get_credential", Some(id), &[])?;
        let profile = shown.pointer("/document/profile").and_then(Value::as_str);
        let client = profile.and_then(|it| it.split_once('/')).map(|it| it.0.to_owned());
        Ok(Self {
            id,
            client: client.ok_or_else(|| anyhow!("{id} leads to no profile"))?,
            url,
            unused_for: matches.get_one::<Duration>("unused-for").copied(),
            every: Duration::from_secs(matches.get_one::<u64>("every").copied().unwrap_or(60)),
        })
    }

    /// What is known of its age and its use. The door is found anew each time: who signed in has a token
    /// for minutes.
    fn line(&self) -> Result<Line, Failure> {
        let door = Door::find(self.url)?;
        let mut query = vec![("client", self.client.clone()), ("limit", "1000".to_owned())];
        loop {
            let mut page = door.send_to("list_credential_ages", None, &query)?;
            let items = page.get_mut("items").and_then(Value::as_array_mut);
            let found = items.and_then(|it| {
                let position =
                    it.iter().position(|it| it.get("id").is_some_and(|id| id == self.id));
                position.map(|position| it.swap_remove(position))
            });
            match (found, page.get("next").and_then(Value::as_str)) {
                (Some(line), _) => return Ok(Line(line)),
                (None, Some(next)) => {
                    query.retain(|it| it.0 != "cursor");
                    query.push(("cursor", next.to_owned()));
                }
                (None, None) => {
                    return Err(Failure::Unclear(format!("{} is not there any more", self.id)));
                }
            }
        }
    }

    fn see_to_its_end(&self) -> Result<(), Failure> {
        let wire = Wire::new()?;
        let mut told = String::new();
        loop {
            match self.look(&wire) {
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
    fn look(&self, wire: &Wire) -> Result<Option<String>, Failure> {
        let (id, line) = (self.id, self.line()?);
        match line.state() {
            "active" | "retiring" => {}
            ended => {
                logging::tell(format_args!("{id} is {}: its successor took over", visible(ended)));
                return Ok(None);
            }
        }
        if line.state() == "active" || line.text("replaced").is_none() {
            // Another replica, which is not that far yet; or the rotation was rolled back.
            return Ok(Some(format!("{id} has no successor as this door knows")));
        }
        if let Some(unused_for) = self.unused_for
            && line.last().is_some_and(|it| wire.clock().now().since(it) < unused_for)
        {
            return Ok(Some(line.use_of(id)));
        }
        let force = self.unused_for.map(|_| ("force", "true".to_owned()));
        let retired =
            Door::find(self.url)?.send_to("retire_credential", Some(id), force.as_slice());
        match retired {
            Ok(_) => {
                logging::tell(format_args!("{id} is retired: its successor took over"));
                Ok(None)
            }
            // The door says when and how it was used, or that somebody has ended it just now.
            Err(Failure::Refused(it)) if it.status == StatusCode::CONFLICT => {
                Ok(Some(line.use_of(id)))
            }
            Err(failure) => Err(failure),
        }
    }
}

impl Line {
    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    fn state(&self) -> &str {
        self.text("state").unwrap_or_default()
    }

    /// When it was last used, or when its successor was made, whichever was later.
    fn last(&self) -> Option<Timestamp> {
        let times = ["last_used", "replaced"].into_iter().filter_map(|it| self.text(it));
        times.filter_map(|it| Timestamp::parse(it).ok()).max()
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
    fn send_to(
        &self,
        name: &str,
        id: Option<&str>,
        query: &[(&str, String)],
    ) -> Result<Value, Failure> {
        let about = admin::operations().into_iter().find(|it| it.name == name);
        let about = about.ok_or_else(|| anyhow!("there is no operation {name}"))?;
        let mut input = Input::plain(&about, None);
        if let Some(id) = id {
            input.path = input.path.replace("{id}", id);
        }
        query.iter().for_each(|(name, value)| input.set(name, value.clone()));
        Ok(self.send(&about, &input)?.value)
    }
}
