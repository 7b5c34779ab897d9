//! The guided run: one read, one refusal and one quota, each on both surfaces, and the records of all.

use std::net::SocketAddr;

use http::Method;
use model::Surface::{self, Mcp, Rest};

use super::{
    print::{self, Step},
    records,
    visitor::{Errand, Made, Visitor},
    world::{QUOTA, World},
};
use crate::terminal::Terminal;

const READ: Errand = Errand {
    method: &Method::GET,
    path: "/shop/orders",
    tool: "orders_get_order",
    order: Some(1001),
};
const DELETE: Errand = Errand { method: &Method::DELETE, tool: "orders_delete_order", ..READ };
const LIST: Errand = Errand {
    method: &Method::GET,
    path: "/crm/customers",
    tool: "customers_list_customers",
    order: None,
};

/// Runs it as `shop-agent` and prints each step. True if every step went as it should.
///
/// # Errors
/// Where a call got no answer, or the records cannot be read.
pub(super) async fn run(
    terminal: Terminal,
    door: SocketAddr,
    world: &World,
) -> anyhow::Result<bool> {
    print::heading(terminal, "Guided run, as shop-agent")?;
    let agent = Visitor { door, key: &world.agent_key };
    let mut expected = Vec::new();
    let mut went_well = true;
    for stop in [Stop::Read, Stop::Delete, Stop::Quota] {
        let step = stop.make(&agent, &mut expected).await?;
        print::step(terminal, &step)?;
        went_well &= step.went_well;
    }
    let found = records::read(&world.audit)?;
    let step = records::compare(&found, &expected);
    print::step(terminal, &step)?;
    print::records(terminal, &found)?;
    Ok(went_well && step.went_well)
}

/// A stop of the guided run.
enum Stop {
    Delete,
    Quota,
    Read,
}

impl Stop {
    async fn make(
        &self,
        agent: &Visitor<'_>,
        expected: &mut Vec<records::Expected>,
    ) -> anyhow::Result<Step> {
        let both = [(Rest, "allow"), (Mcp, "allow")];
        match self {
            Self::Read => {
                let made = calls(agent, READ, "orders.get_order", &both, expected).await?;
                let is_same = made.windows(2).all(|it| match it {
                    [a, b] => a.content == b.content && !a.content.is_null(),
                    _ => true,
                });
                let note = if is_same { "the same answer" } else { "two different answers" };
                Ok(Step::new("reads order 1001", &made, is_same && all(&made, false), note))
            }
            Self::Delete => {
                let both = both.map(|(surface, _)| (surface, "deny"));
                let made = calls(agent, DELETE, "orders.delete_order", &both, expected).await?;
                let is_one = is_one_refusal(&made);
                let note = if is_one { "the same refusal" } else { "not one refusal for both" };
                Ok(Step::new("may not delete it", &made, is_one, note))
            }
            Self::Quota => {
                let plan: Vec<_> = (0..QUOTA.saturating_add(2)).map(quota_call).collect();
                let made = calls(agent, LIST, "customers.list_customers", &plan, expected).await?;
                let as_planned = made
                    .iter()
                    .zip(&plan)
                    .all(|(made, plan)| made.is_refused == (plan.1 == "limit"));
                let title = format!("lists customers, {QUOTA} a day");
                Ok(Step::new(&title, &made, as_planned, "one quota for both"))
            }
        }
    }
}

/// By turns over both surfaces, until nothing is left, and once more on each.
fn quota_call(number: u32) -> (Surface, &'static str) {
    let surface = if number.is_multiple_of(2) { Rest } else { Mcp };
    (surface, if number < QUOTA { "allow" } else { "limit" })
}

fn all(made: &[Made], is_refused: bool) -> bool {
    made.iter().all(|it| it.is_refused == is_refused)
}

/// Whether all were refused, and for one reason.
fn is_one_refusal(made: &[Made]) -> bool {
    let mut reasons = made.iter().map(|it| it.reason.as_deref());
    let first = reasons.next().flatten();
    all(made, true) && first.is_some() && reasons.all(|it| it == first)
}

async fn calls(
    agent: &Visitor<'_>,
    errand: Errand,
    operation: &'static str,
    plan: &[(Surface, &'static str)],
    expected: &mut Vec<records::Expected>,
) -> anyhow::Result<Vec<Made>> {
    let mut made = Vec::new();
    for (surface, decision) in plan {
        made.push(agent.call(*surface, errand).await?);
        expected.push(records::Expected { surface: *surface, operation, decision });
    }
    Ok(made)
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use serde_json::Value;

    use super::*;

    #[test]
    fn one_refusal_is_refused_on_both_surfaces_for_one_reason() {
        let made = |surface, reason: Option<&str>| Made {
            surface,
            status: StatusCode::OK,
            is_refused: reason != Some("none"),
            reason: reason.filter(|it| *it != "none").map(str::to_owned),
            content: Value::Null,
        };
        for (rest, mcp, want) in [
            (Some("forbidden"), Some("forbidden"), true),
            (Some("forbidden"), Some("stopped"), false),
            (Some("forbidden"), Some("none"), false),
            (Some("none"), Some("none"), false),
            // Refused by another than the door.
            (Some("forbidden"), None, false),
            (None, None, false),
        ] {
            assert_eq!(
                is_one_refusal(&[made(Rest, rest), made(Mcp, mcp)]),
                want,
                "{rest:?} {mcp:?}"
            );
        }
    }
}
