//! How victims are made: what they are in the state, and how each gets what it shows.

use std::{collections::BTreeMap, io::Write as _, net::Ipv4Addr, path::Path, process::Stdio};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    super::{client::Client, door::Addresses, world},
    ASKING, AUDIENCE, Counts, End, Stopped, Victim,
    shown::{self, BROKER, Desk, LIFETIME, Shown, WAYS},
};
use crate::{install, run};

const PROGRAM: &str = "tests/identity/issued.py";
/// A client that registers itself, in the words of the program.
const ITSELF: &str = "-";
/// Clients of many: an app, and one of the kind `agent`. Each has a profile for each way to show who calls.
const SHARED: &str = "till";
const AGENT: &str = "robot";
/// Those of the ways to be put out for whom a credential is issued by an operator.
const ISSUED: usize = 7;
const PASSWORD: &str = "the password of a proof";
/// The first address of this machine from which tokens are asked for, one for each turn: one source that
/// signs much would be slowed down.
const TURNS: u32 = 0x7f03_0001;

/// Somebody for whom a credential is issued.
#[derive(Debug)]
struct Holder {
    client: String,
    shown: Shown,
    /// How that ends; none where it does by the credential.
    end: Option<End>,
}

#[derive(Debug, Deserialize)]
struct OfIssuer {
    issuer: String,
    jwks: Value,
    tokens: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct OfPerson {
    token: String,
    refresh: String,
    client: String,
}

/// At which of two doors the one of this sort ends in this turn: at the other one in each turn, and where it
/// shows the same again.
const fn door(sort: usize, turn: usize) -> usize {
    (sort % 2) ^ (turn % 2) ^ (turn / WAYS % 2)
}

/// So many of each sort, in turns. The state that they are in is applied.
pub(in super::super) fn prepare(
    program: &Path,
    door: Addresses,
    operator: &Client,
    counts: Counts,
) -> Result<Vec<Victim>> {
    let Counts { revocations, stops } = counts;
    let python = install::token_makers()?;
    let mut command = run::program(&python, Path::new("."));
    command.args([PROGRAM, "issuers", &revocations.to_string(), AUDIENCE]);
    let mut issuers: Vec<OfIssuer> =
        serde_json::from_str(&run::output(&mut command)?).context("the issuers")?;
    let [granting, ending] = ["granting", "ending"].map(|it| names(it, revocations));
    let [stopped, asking] = ["stopped", "asking"].map(|it| names(it, stops));
    let all = [&*granting, &*ending, &*stopped, &*asking].concat();
    world::apply(operator, &files(&issuers, &all, &hash(program)?, counts))?;

    let sign_in = |client: &str, names: &[String]| signed_in(&python, door, client, names);
    let shared = issuers.pop().context("there is an issuer of many")?;
    let of_issuers = issuers.into_iter().flat_map(|it| it.tokens).enumerate();
    let of_issuers = of_issuers.map(|(turn, it)| Victim::new(it, End::Issuer(format!("i{turn}"))));
    let external = shared.tokens.into_iter().enumerate();
    let external = external.map(|(turn, it)| Victim::new(it, End::External(format!("e{turn}"))));
    let grants = sign_in(ASKING, &granting)?.into_iter().map(|it| {
        let end = End::Grant(it.refresh.clone());
        Victim { refresh: Some(it.refresh), ..Victim::new(it.token, end) }
    });
    let users = sign_in(ASKING, &ending)?.into_iter().zip(ending).map(|(it, name)| Victim {
        refresh: Some(it.refresh),
        ..Victim::new(it.token, End::User(name))
    });
    let people = sign_in(ASKING, &stopped)?.into_iter().zip(stopped).map(|(it, name)| {
        Victim::new(it.token, End::Stop(Stopped::Person(format!("local:{name}"))))
    });
    let programs = sign_in(ITSELF, &asking)?.into_iter();
    let programs = programs.map(|it| Victim::new(it.token, End::Stop(Stopped::Program(it.client))));
    let mut sorts: Vec<Vec<Victim>> = vec![
        of_issuers.collect(),
        external.collect(),
        grants.collect(),
        users.collect(),
        people.collect(),
        programs.collect(),
    ];
    sorts.extend(issued(&Desk::open(door, operator)?, counts)?);
    Ok(in_turns(sorts))
}

fn names(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{prefix}-{number}")).collect()
}

/// Those for whom a credential is issued, by sort.
fn issued(desk: &Desk<'_>, counts: Counts) -> Result<[Vec<Victim>; ISSUED]> {
    let mut sorts: [Vec<Victim>; ISSUED] = Default::default();
    for (turn, from) in (0..counts.revocations).zip(TURNS..) {
        for (sort, holder) in sorts.iter_mut().zip(holders(turn)) {
            if !holder.is_there(turn, counts) {
                continue;
            }
            let Holder { client, shown, end } = holder;
            let begun = shown.begin(desk, &client, Ipv4Addr::from(from))?;
            let end = end.unwrap_or(End::Credential(begun.credential));
            sort.push(Victim { key: begun.key, ..Victim::new(begun.bearer, end) });
        }
    }
    Ok(sorts)
}

/// One of each sort, and again, as long as there are any.
fn in_turns(sorts: Vec<Vec<Victim>>) -> Vec<Victim> {
    let turns = sorts.iter().map(Vec::len).max().unwrap_or_default();
    let mut sorts: Vec<_> = sorts.into_iter().map(Vec::into_iter).collect();
    let mut victims = Vec::new();
    for turn in 0..turns {
        for (sort, list) in sorts.iter_mut().enumerate() {
            victims.extend(list.next().map(|it| Victim { door: door(sort, turn), ..it }));
        }
    }
    victims
}

/// For whom a credential is issued in a turn, one of each sort.
fn holders(turn: usize) -> [Holder; ISSUED] {
    let own = |it: &str| format!("{it}{turn}");
    let shared = || SHARED.to_owned();
    let stop = |it| Some(End::Stop(it));
    // In three turns each is shown, and in six each of the first three sorts has shown each.
    let shown = [0_usize, 3, 0, 3, 0, 3, 0].map(|it| Shown::of(turn.saturating_add(it)));
    let [of_shared, of_client, of_profile, of_agent, of_stopped, of_collection, of_upstream] =
        shown;
    let holder = |client, shown, end| Holder { client, shown, end };
    [
        holder(shared(), of_shared, None),
        holder(own("c"), of_client, Some(End::Client(own("c")))),
        holder(own("p"), of_profile, Some(End::Profile(own("p"), of_profile.as_str()))),
        holder(AGENT.to_owned(), of_agent, stop(Stopped::Agents)),
        holder(own("s"), of_stopped, stop(Stopped::Client(own("s")))),
        holder(shared(), of_collection, stop(Stopped::Collection)),
        holder(shared(), of_upstream, stop(Stopped::Upstream)),
    ]
}

/// Signs these people in, one after the other, at what `client` asks in their names.
fn signed_in(
    python: &Path,
    door: Addresses,
    client: &str,
    names: &[String],
) -> Result<Vec<OfPerson>> {
    let url = format!("http://{}", door.public);
    let mut command = run::program(python, Path::new("."));
    command.args([PROGRAM, "people", &url, AUDIENCE, client, PASSWORD]).args(names);
    serde_json::from_str(&run::output(&mut command)?).context("the people")
}

/// The documents of all that are put out. The last of the issuers is of many.
fn files(
    issuers: &[OfIssuer],
    names: &[String],
    hash: &str,
    counts: Counts,
) -> BTreeMap<String, String> {
    let terms = json!({
        "grants": ["authorization_code", "refresh_token"],
        "redirect_uris": ["https://app.example/back"],
        "public": true,
        "lifetime": LIFETIME,
    });
    let asking = json!({"app": {"roles": ["reader"], "tokens": terms}});
    let asking = json!({"kind": "app", "owner": "shop-team", "profiles": asking});
    let admission = json!({"profile": ASKING, "registrations": ["dynamic"]});
    let mut files = vec![
        ("admissions/itself".to_owned(), admission),
        ("clients/web".to_owned(), asking),
        (format!("clients/{BROKER}"), shown::broker()),
        (format!("clients/{AGENT}"), client("agent", &Shown::ALL)),
        (format!("clients/{SHARED}"), client("app", &Shown::ALL)),
    ];
    let person = |name: &String| (format!("users/{name}"), json!({"name": name, "password": hash}));
    files.extend(names.iter().map(person));
    let external = |issuer: usize, robot: &str| {
        json!({
            "profile": "app/default", "kind": "external", "issuer": format!("i{issuer}"),
            "claims": {"client_id": robot}, "expires": "2039-01-01",
        })
    };
    for (number, OfIssuer { issuer, jwks, tokens: _ }) in issuers.iter().enumerate() {
        let trusted = json!({
            "issuer": issuer, "audiences": [AUDIENCE], "algorithms": ["ES256"], "jwks": jwks,
        });
        files.push((format!("issuers/i{number}"), trusted));
    }
    for turn in 0..counts.revocations {
        files.push((format!("credentials/i{turn}"), external(turn, "robot")));
        let robot = format!("robot-{turn}");
        files.push((format!("credentials/e{turn}"), external(counts.revocations, &robot)));
        let own = holders(turn).into_iter().filter(|it| it.is_own() && it.is_there(turn, counts));
        files.extend(own.map(|it| {
            let document = client("app", &[it.shown]);
            (format!("clients/{}", it.client), document)
        }));
    }
    files.into_iter().map(|(path, it)| (format!("{path}.yaml"), it.to_string())).collect()
}

/// A client with a profile for each of these.
pub(super) fn client(kind: &str, shown: &[Shown]) -> Value {
    let profiles = shown.iter().map(|it| (it.as_str().to_owned(), it.document()));
    let profiles: Map<_, _> = profiles.collect();
    json!({"kind": kind, "owner": "shop-team", "profiles": profiles})
}

/// The hash of the password that all have.
fn hash(program: &Path) -> Result<String> {
    let mut command = run::program(program, Path::new("/"));
    let mut child = command.arg("password").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    child.stdin.take().context("it has no input")?.write_all(PASSWORD.as_bytes())?;
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "onedoor password failed");
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

impl Holder {
    /// Whether there is one in this turn.
    fn is_there(&self, turn: usize, counts: Counts) -> bool {
        !matches!(self.end, Some(End::Stop(_))) || turn < counts.stops
    }

    /// Whether its client is its own.
    fn is_own(&self) -> bool {
        self.client != SHARED && self.client != AGENT
    }
}

#[cfg(test)]
mod tests {
    use super::super::{SORTS, end::put_out};
    use super::*;

    const COUNTS: Counts = Counts { revocations: 7, stops: 2 };

    fn of(end: &End, count: usize) -> Vec<Victim> {
        (0..count).map(|_| Victim::new(String::new(), end.clone())).collect()
    }

    #[test]
    fn each_sort_ends_at_one_door_and_then_at_the_other() {
        for sort in 0..SORTS {
            assert_ne!(door(sort, 0), door(sort, 1), "{sort}");
            // What shows the same ends at each of them.
            assert_ne!(door(sort, 0), door(sort, Shown::ALL.len()), "{sort}");
        }
    }

    #[test]
    fn who_is_stopped_comes_between_those_who_are_revoked_as_long_as_there_are_any() {
        let (issuer, stop) = (End::Issuer("i".to_owned()), End::Stop(Stopped::Agents));
        let victims = in_turns(vec![of(&issuer, 3), of(&stop, 1)]);
        let names: Vec<_> = victims.iter().map(|it| (it.end.name(), it.door)).collect();
        let want = [("issuer", 0), ("stop of agents", 1), ("issuer", 1), ("issuer", 0)];
        assert_eq!(names, want);
    }

    #[test]
    fn all_is_shown_in_three_turns_and_stopped_are_only_so_many() {
        for it in Shown::ALL {
            let mut shown = (0..3).flat_map(holders).map(|holder| holder.shown);
            assert!(shown.any(|other| other == it), "{it:?}");
        }
        for (turn, want) in [(1, ISSUED), (2, 3)] {
            let there = holders(turn).into_iter().filter(|it| it.is_there(turn, COUNTS));
            assert_eq!(there.count(), want);
        }
    }

    #[test]
    fn the_profile_that_is_put_out_is_the_one_that_its_client_has() {
        for turn in 0..Shown::ALL.len() {
            let [_, _, holder, ..] = holders(turn);
            let Some(End::Profile(of, profile)) = holder.end else { panic!() };
            assert_eq!(holder.client, of);
            let mut document = client("app", &[holder.shown]);
            put_out(&mut document, &format!("/profiles/{profile}"));
            let enabled = document.pointer(&format!("/profiles/{profile}/enabled"));
            assert_eq!(enabled, Some(&json!(false)));
        }
    }
}
