//! A proof of a key (`DPoP`) counts once, whichever of two replicas it is shown to first.

use std::{sync::Barrier, thread};

use anyhow::{Context as _, Result, anyhow, ensure};
use serde_json::{Value, json};
use testkit::{ClientKey, Postgres};

use super::{
    Done,
    client::{Answer, Client},
    door::{Addresses, Door},
    property::Setting,
    site::{self, wait_for},
    upstream::Upstream,
    victims::AUDIENCE,
    world,
};

const PROFILE: &str = "bound/default";
const OPERATION: &str = "/shop/orders/1";
const TOKEN: &str = "/oauth/token";
/// How the door says that a proof was shown before.
const AGAIN: &str = "the dpop proof was used before";

/// A client that holds a key, and asks for tokens that are bound to it.
#[derive(Debug)]
struct Holder {
    key: ClientKey,
    /// What it asks for a token with.
    form: String,
}

/// What a proof is shown with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Token,
    Rest,
    Mcp,
}

pub(super) fn prove(setting: &Setting<'_>) -> Result<Done> {
    let rounds: usize = if setting.is_full { 500 } else { 20 };
    let (postgres, upstream) = (Postgres::start(), Upstream::start()?);
    let (_homes, doors, operator) = site::replicas(setting, &postgres)?;
    let holder = settle(&doors, &operator, &upstream)?;
    let [one, other] = doors.each_ref().map(Door::addresses);
    for number in 0..rounds {
        let (here, there) = if number % 2 == 0 { (one, other) } else { (other, one) };
        round(&holder, (here, there)).with_context(|| format!("round {number}"))?;
    }
    let each = rounds.saturating_mul(Way::ALL.len());
    Ok(Done::Held(format!(
        "{each} proofs let in by one of 2 replicas and refused by the other a moment later, and {each} \
         that both got at the same moment let in by one, to get a token and over REST and MCP; as \
         many new ones with the same token let in where one was refused"
    )))
}

/// Puts the state in force that this needs, and waits until both replicas know the client.
fn settle(doors: &[Door; 2], operator: &str, upstream: &Upstream) -> Result<Holder> {
    let [first, _] = doors;
    let manager = first.client(operator);
    let terms = json!({"grants": ["client_credentials"], "bound_by": "dpop"});
    let profile = json!({"roles": ["reader"], "tokens": terms});
    let client = json!({"kind": "app", "owner": "shop-team", "profiles": {"default": profile}});
    let mut files = world::files(upstream.address);
    files.insert("clients/bound.yaml".to_owned(), client.to_string());
    world::apply(&manager, &files)?;
    world::set_secret(&manager, "stock-key", "the-first-value")?;
    let wish = json!({"profile": PROFILE, "kind": "client_secret"});
    let issued = manager.manage("POST", "/credentials", &wish)?.done("issue_credential")?;
    let text = |name: &str| issued.get(name).and_then(Value::as_str).context("it is not shown");
    let (path, secret) = (format!("/credentials/{}", text("id")?), text("secret")?);
    // Whoever asks for a token before the client is known is slowed down.
    let is_known = |door: &Door| {
        let answer = door.client(operator).manage("GET", &path, &Value::Null);
        answer.is_ok_and(|it| it.status == 200)
    };
    wait_for(|| doors.iter().all(is_known)).context("the client is not known everywhere")?;
    let client = PROFILE.replace('/', "%2F");
    let form = format!("grant_type=client_credentials&client_id={client}&client_secret={secret}");
    let holder = Holder { key: ClientKey::new(), form };
    let token = holder.token(first.addresses())?;
    let is_good = |door: &Door| {
        let answer = holder.ask(Way::Rest, door.addresses(), &token);
        answer.is_ok_and(|it| is_let_in(&it))
    };
    wait_for(|| doors.iter().all(is_good)).context("its token is not good everywhere")?;
    Ok(holder)
}

/// Shows a proof of each way at both, one after the other and at the same moment.
fn round(holder: &Holder, (here, there): (Addresses, Addresses)) -> Result<()> {
    let token = holder.token(here)?;
    for way in Way::ALL {
        let proof = holder.proof(way, &token);
        let [first, again] = [here, there].map(|door| holder.show(way, door, (&token, &proof)));
        let (first, again) = (first?, again?);
        ensure!(is_let_in(&first), "{way:?}: not let in: {} {}", first.status, first.text);
        ensure!(is_again(&again), "{way:?}: shown again: {} {}", again.status, again.text);
        // It was the proof that was refused, and nothing else.
        let new = holder.ask(way, there, &token)?;
        ensure!(is_let_in(&new), "{way:?}: a new one: {} {}", new.status, new.text);
        let proof = holder.proof(way, &token);
        let [one, other] = at_once([here, there], |door| holder.show(way, door, (&token, &proof)))?;
        let is_one = is_let_in(&one) && is_again(&other) || is_let_in(&other) && is_again(&one);
        let (one, other) = (one.text, other.text);
        ensure!(is_one, "{way:?}: at the same moment: {one} and {other}");
    }
    Ok(())
}

/// Does something at both doors at the same moment.
fn at_once(
    doors: [Addresses; 2],
    work: impl Fn(Addresses) -> Result<Answer> + Sync,
) -> Result<[Answer; 2]> {
    let begun = Barrier::new(doors.len());
    let at = |door: Addresses| {
        begun.wait();
        work(door)
    };
    let [one, other] = doors;
    thread::scope(|scope| {
        let other = scope.spawn(|| at(other));
        let one = at(one);
        let other = other.join().map_err(|_| anyhow!("a caller panicked"))?;
        Ok([one?, other?])
    })
}

/// Whether the door did what it was asked for, on whichever surface.
fn is_let_in(answer: &Answer) -> bool {
    let said = answer.json();
    let is_error =
        said.get("error").is_some() || said.pointer("/result/isError") == Some(&json!(true));
    answer.status == 200 && !is_error
}

/// Whether the door refused a proof because it was shown before.
fn is_again(answer: &Answer) -> bool {
    matches!(answer.status, 400 | 401) && answer.text.contains(AGAIN)
}

impl Way {
    const ALL: [Self; 3] = [Self::Token, Self::Rest, Self::Mcp];

    /// Method and path of the request.
    const fn target(self) -> (&'static str, &'static str) {
        match self {
            Self::Token => ("POST", TOKEN),
            Self::Rest => ("GET", OPERATION),
            Self::Mcp => ("POST", "/mcp"),
        }
    }
}

impl Holder {
    /// A new proof, for `token` where that is shown with it.
    fn proof(&self, way: Way, token: &str) -> String {
        let (method, path) = way.target();
        let token = (way != Way::Token).then_some(token);
        self.key.proof(method, &format!("{AUDIENCE}{path}"), token)
    }

    /// Shows a proof, with `token` where one is shown, at a door.
    fn show(&self, way: Way, door: Addresses, (token, proof): (&str, &str)) -> Result<Answer> {
        let with = |token: &str| -> Client { door.caller(token).proving(proof) };
        match way {
            Way::Token => with("").post_form(TOKEN, &self.form),
            Way::Rest => with(token).send("GET", OPERATION, &Value::Null),
            Way::Mcp => with(token).call_tool("shop_get_order", &json!({"id": 1})),
        }
    }

    /// The same with a new proof.
    fn ask(&self, way: Way, door: Addresses, token: &str) -> Result<Answer> {
        self.show(way, door, (token, &self.proof(way, token)))
    }

    /// A token that is bound to the key.
    fn token(&self, door: Addresses) -> Result<String> {
        let given = self.ask(Way::Token, door, "")?.done("a token")?;
        ensure!(given.get("token_type") == Some(&json!("DPoP")), "it is not bound: {given}");
        let token = given.get("access_token").and_then(Value::as_str).context("no token")?;
        Ok(token.to_owned())
    }
}
