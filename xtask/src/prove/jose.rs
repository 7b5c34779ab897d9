//! Tokens of four independent libraries, good and bad, on both surfaces.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::Ipv4Addr,
    path::Path,
};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Done,
    client::{Answer, Client},
    door::Home,
    property::Setting,
    upstream::Upstream,
    world,
};
use crate::{install, run};

const MAKER: &str = "tests/identity/jose.py";
const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "https://door.example";
/// Each library makes good tokens of so many algorithms and forms, or the proof says nothing.
const GOOD_MIN: usize = 15;
/// Most differences that are told.
const TOLD_MAX: usize = 20;

/// What the maker prints.
#[derive(Debug, Deserialize)]
struct Made {
    jwks: Value,
    tokens: Vec<Token>,
}

#[derive(Debug, Deserialize)]
struct Token {
    maker: String,
    what: String,
    good: bool,
    /// None where the library itself refuses to make it.
    token: Option<String>,
}

pub(super) fn prove(setting: &Setting<'_>) -> Result<Done> {
    let mut maker = run::program(install::token_makers()?, Path::new("."));
    let made = run::output(maker.args([MAKER, ISSUER, AUDIENCE]))?;
    let Made { jwks, tokens } = serde_json::from_str(&made).context("the maker's list")?;
    let home = Home::new(setting.program, setting.folder.join("door"));
    let first = home.init()?;
    let door = home.serve()?;
    let upstream = Upstream::start()?.address;
    let mut files = world::files(upstream);
    files.extend(trust(&jwks));
    // Without a credential of its own, which would be one more thing to wait for.
    files.insert("upstreams/stock.yaml".to_owned(), format!("url: http://{upstream}\n"));
    world::apply(&door.client(&first), &files)?;

    // Each from an address of its own: who shows many wrong ones is slowed down.
    let mut sources = (0..=u8::MAX).flat_map(|it| (1..=u8::MAX).map(move |last| (it, last)));
    let (mut good, mut bad, mut differences) = (BTreeMap::<_, usize>::new(), 0_usize, Vec::new());
    for it in &tokens {
        let Some(token) = &it.token else { continue };
        let (part, last) = sources.next().context("there are too many tokens")?;
        let caller = door.caller(token).from(Ipv4Addr::new(127, 1, part, last));
        let called = [
            ("rest", over_rest(&caller)?),
            ("mcp", caller.call_tool("shop_get_order", &json!({"id": 1}))?),
        ];
        let wrong = called.iter().filter(|(_, answer)| !is_as_wanted(answer, it.good));
        differences.extend(wrong.map(|(surface, answer)| {
            let Answer { status, text } = answer;
            format!("{}, {}, over {surface}: {status} {text}", it.maker, it.what)
        }));
        if it.good {
            let count = good.entry(&it.maker).or_default();
            *count = count.saturating_add(1);
        } else {
            bad = bad.saturating_add(1);
        }
    }
    differences.truncate(TOLD_MAX);
    ensure!(differences.is_empty(), "not as wanted:\n{}", differences.join("\n"));
    let makers: BTreeSet<_> = tokens.iter().map(|it| &it.maker).collect();
    ensure!(makers.len() == install::TOKEN_MAKERS.len(), "only {makers:?} made tokens");
    let least = makers.iter().map(|it| good.get(it).copied().unwrap_or(0)).min().unwrap_or(0);
    ensure!(least >= GOOD_MIN, "a library made only {least} good tokens");
    let accepted: usize = good.values().sum();
    Ok(Done::Held(format!(
        "{accepted} good tokens of {} libraries accepted, {bad} bad ones refused, on both surfaces",
        makers.len()
    )))
}

fn over_rest(caller: &Client) -> Result<Answer> {
    caller.send("GET", "/shop/orders/1", &Value::Null)
}

/// A bad token is refused as one, and not for anything else.
fn is_as_wanted(answer: &Answer, is_good: bool) -> bool {
    if is_good {
        answer.status == 200
            && answer.text.contains("\"ok\"")
            && !answer.text.contains("isError\":true")
    } else {
        answer.status == 401
    }
}

/// An issuer with these keys, and the credential that its tokens lead to.
fn trust(jwks: &Value) -> [(String, String); 2] {
    let issuer = json!({
        "issuer": ISSUER,
        "audiences": [AUDIENCE],
        "algorithms": [
            "EdDSA", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512",
        ],
        "jwks": jwks,
    });
    let credential = json!({
        "profile": "app/default",
        "kind": "external",
        "issuer": "makers",
        "claims": {"client_id": "proof"},
        "expires": "2039-01-01",
    });
    [("issuers/makers.yaml", issuer), ("credentials/makers.yaml", credential)]
        .map(|(path, document)| (path.to_owned(), document.to_string()))
}
