//! A door that gives no tokens itself: a provider of others does, and its tokens get in.

use std::{fs, net::SocketAddr};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::{
    Done,
    client::Client,
    door::{Door, Home},
    property::Setting,
    strangers::Strangers,
    upstream::Upstream,
    world,
};

/// As the provider has it.
const CLIENT: &str = "machine";
const SECRET: &str = "only-for-this-proof";
/// What is there where the door gives tokens itself, and not here.
const ENDPOINTS: [&str; 5] = [
    "/oauth/authorize",
    "/oauth/jwks",
    "/oauth/account",
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
];

pub(super) fn prove(setting: &Setting<'_>) -> Result<Done> {
    // Nobody signs in by the provider, so it need not know where the door is.
    let strangers = Strangers::start("http://127.0.0.1")?;
    let mut home = Home::new(setting.program, setting.folder.join("door"));
    let config = setting.folder.join("onedoor.toml");
    fs::write(&config, "[oauth]\nenabled = \"no\"\n")?;
    home.config = Some(config);
    let operator = home.init()?;
    let door = home.serve()?;
    let (upstream, resource) = (Upstream::start()?.address, format!("http://{}/mcp", door.public));
    let mut files = world::files(upstream);
    // No other gives tokens here.
    files.remove("issuers/spare.yaml");
    files.extend(trust(&strangers.issuer, &resource));
    files.insert("upstreams/stock.yaml".to_owned(), format!("url: http://{upstream}\n"));
    world::apply(&door.client(&operator), &files)?;

    shows(&door, &strangers.issuer, &resource)?;
    let token = token(&strangers.issuer, &resource)?;
    let caller = door.caller(&token);
    let rest = caller.send("GET", "/shop/orders/1", &Value::Null)?;
    ensure!(rest.status == 200, "over REST: {rest:?}");
    let tool = caller.call_tool("shop_get_order", &json!({"id": 1}))?;
    ensure!(tool.status == 200 && tool.json().get("result").is_some(), "as a tool: {tool:?}");
    let elsewhere = self::token(&strangers.issuer, "http://elsewhere.example")?;
    let refused = door.caller(&elsewhere).send("GET", "/shop/orders/1", &Value::Null)?;
    ensure!(refused.status == 401, "a token for elsewhere: {refused:?}");
    for path in ENDPOINTS {
        let answer = caller.send("GET", path, &Value::Null)?;
        ensure!(answer.status == 404, "{path} is there: {answer:?}");
    }
    let given = caller.post_form("/oauth/token", "grant_type=client_credentials")?;
    ensure!(given.status == 404, "/oauth/token is there: {given:?}");
    let figure = format!(
        "its token got in on both surfaces; /oauth/token and {} other addresses are not there",
        ENDPOINTS.len(),
    );
    Ok(Done::Held(figure))
}

/// The door sends who has no token to the provider, and nowhere else.
fn shows(door: &Door, issuer: &str, resource: &str) -> Result<()> {
    let path = "/.well-known/oauth-protected-resource/mcp";
    let shown = door.caller("").send("GET", path, &Value::Null)?.done("metadata")?;
    ensure!(shown.get("resource") == Some(&json!(resource)), "{shown}");
    ensure!(shown.get("authorization_servers") == Some(&json!([issuer])), "{shown}");
    Ok(())
}

/// An access token of the provider for `resource`.
fn token(issuer: &str, resource: &str) -> Result<String> {
    let address: SocketAddr = issuer.trim_start_matches("http://").parse()?;
    let form = format!(
        "grant_type=client_credentials&client_id={CLIENT}&client_secret={SECRET}&resource={resource}&scope=role:reader"
    );
    let answer = Client::new(address, "").post_form("/token", &form)?.done("token")?;
    let token = answer.get("access_token").and_then(Value::as_str);
    Ok(token.context("the provider gives no token")?.to_owned())
}

/// The provider, and the credential that its tokens lead to.
fn trust(issuer: &str, resource: &str) -> [(String, String); 2] {
    let issuer = json!({
        "issuer": issuer, "discovery": true, "audiences": [resource], "algorithms": ["RS256"],
    });
    let credential = json!({
        "profile": "app/default",
        "kind": "external",
        "issuer": "provider",
        "claims": {"client_id": CLIENT},
        "expires": "2039-01-01",
    });
    [("issuers/provider.yaml", issuer), ("credentials/provider.yaml", credential)]
        .map(|(path, document)| (path.to_owned(), document.to_string()))
}
