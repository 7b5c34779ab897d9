//! How the demo looks on the terminal.

use std::{fmt::Write as _, io, net::SocketAddr};

use model::{Secret, Surface};
use serde_json::json;

use super::{records::Record, sample_api::SampleApi, visitor::Made, world::World};
use crate::terminal::{Look, Terminal};

/// One step of the guided run, as it is shown.
pub(super) struct Step {
    pub(super) title: String,
    pub(super) went_well: bool,
    /// Each call, and whether it was refused.
    pub(super) calls: Vec<(String, bool)>,
    pub(super) note: String,
}

impl Step {
    /// What came of some calls.
    pub(super) fn new(title: &str, made: &[Made], went_well: bool, note: &str) -> Self {
        let calls = made.iter().map(|it| {
            let answer = match (it.surface, it.is_refused) {
                (Surface::Rest, _) => format!("REST {}", it.status.as_u16()),
                (Surface::Mcp, false) => "MCP ok".to_owned(),
                (Surface::Mcp, true) => "MCP refused".to_owned(),
            };
            (answer, it.is_refused)
        });
        let calls = calls.collect();
        Self { title: title.to_owned(), went_well, calls, note: note.to_owned() }
    }
}

/// A heading with room above it.
pub(super) fn heading(terminal: Terminal, text: &str) -> io::Result<()> {
    terminal.line(format_args!("\n{}", terminal.paint(Look::Bold, text)))
}

/// Where everything is, and how to try it.
pub(super) fn opening(
    terminal: Terminal,
    door: SocketAddr,
    sample: &SampleApi,
    world: &World,
) -> io::Result<()> {
    terminal.line(terminal.paint(Look::Bold, "Onedoor demo"))?;
    let url = format!("http://{door}");
    for (name, value, about) in [
        ("door", url.clone(), "REST, and MCP at /mcp"),
        ("sample API", sample.url(), "what is behind it"),
        ("state", world.places.state.display().to_string(), "clients, roles, limits, collections"),
        ("records", world.audit.display().to_string(), "one line for each call"),
    ] {
        let (value, about) = (terminal.paint(Look::Name, value), terminal.paint(Look::Dim, about));
        terminal.line(format_args!("  {name:<11} {value}  {about}"))?;
    }
    heading(terminal, "Try it")?;
    for (about, path, key) in [
        ("an app: may do everything", "/shop/orders", &world.app_key),
        ("an AI agent: may read", "/shop/orders/1001", &world.agent_key),
    ] {
        terminal.line(terminal.paint(Look::Dim, format_args!("  # {about}")))?;
        terminal
            .line(format_args!("  curl -H 'Authorization: Bearer {}' {url}{path}", key.expose()))?;
    }
    heading(terminal, "For the configuration of an MCP client")?;
    terminal.line(mcp_entry(&url, &world.agent_key))
}

fn mcp_entry(url: &str, key: &Secret<String>) -> String {
    let entry = json!({ "mcpServers": { "onedoor": {
        "type": "http",
        "url": format!("{url}/mcp"),
        "headers": { "Authorization": format!("Bearer {}", key.expose()) },
    }}});
    format!("{entry:#}")
}

/// One step and how it went.
pub(super) fn step(terminal: Terminal, step: &Step) -> io::Result<()> {
    let Step { title, went_well, calls, note } = step;
    let (look, mark) = if *went_well { (Look::Good, "✓") } else { (Look::Bad, "✗") };
    let mut line = format!("  {} {title:<28}", terminal.paint(look, mark));
    for (call, is_refused) in calls {
        let look = if *is_refused { Look::Bad } else { Look::Good };
        // Writing to a string does not fail.
        let _ = write!(line, " {}", terminal.paint(look, call));
    }
    terminal.line(format_args!("{line}  {}", terminal.paint(Look::Dim, note)))
}

/// The records as a table.
pub(super) fn records(terminal: Terminal, records: &[Record]) -> io::Result<()> {
    let head = format!(
        "    {:<12}  {:<4}  {:<10}  {:<24}  {:<5}  {:>4}  {:>7}  rule",
        "time", "from", "client", "operation", "said", "code", "µs"
    );
    terminal.line(terminal.paint(Look::Dim, head))?;
    for record in records {
        let Record {
            time,
            kind: _,
            surface,
            client,
            operation,
            decision,
            reason,
            rule,
            status,
            total_us,
        } = record;
        let look = if decision == "allow" { Look::Good } else { Look::Bad };
        let time: String = time.chars().skip(11).take(12).collect();
        let decision = terminal.paint(look, format!("{decision:<5}"));
        // No rule decided where none allowed it.
        let rule = if rule.is_empty() { reason } else { rule };
        terminal.line(format_args!(
            "    {time:<12}  {surface:<4}  {client:<10}  {operation:<24}  {decision}  {status:>4}  {total_us:>7}  {rule}"
        ))?;
    }
    Ok(())
}
