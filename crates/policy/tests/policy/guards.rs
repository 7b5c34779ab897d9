//! Guards take away what roles allow, and never give.

use model::{Caller, Effect, Guard, GuardId, Operation, Place, Surface};
use policy::{Facts, Guards, Reason};

use crate::shop::{caller, collection, operations};

fn shop() -> Vec<Operation> {
    operations(&[
        ("orders:get", Effect::Read),
        ("orders:put", Effect::Write),
        ("stock:get", Effect::Read),
    ])
}

fn guard(id: &str, policy: &str) -> Guard {
    let place = Place::new(&"guards/x.yaml".into(), 3);
    Guard { id: GuardId::parse(id).unwrap(), description: None, policy: policy.to_owned(), place }
}

fn compile(policies: &[&str]) -> Result<Guards, Vec<model::Fault>> {
    let guards: Vec<_> =
        policies.iter().enumerate().map(|(it, policy)| guard(&format!("g{it}"), policy)).collect();
    let (orders, stock) = (collection("orders"), collection("stock"));
    Guards::compile(&guards, &[(&orders, "shop-team"), (&stock, "store-team")], &shop())
}

fn facts() -> Facts {
    Facts { surface: Surface::Mcp, ip: "10.1.2.3".parse().unwrap(), hour: 3, weekday: "sunday" }
}

/// Which of get, put and stock are forbidden.
fn forbidden(policy: &str, caller: &Caller) -> [bool; 3] {
    let guards = compile(&[policy]).unwrap();
    let shop = shop();
    [0_usize, 1, 2].map(|it| guards.check(caller, shop.get(it).unwrap(), &facts()).is_err())
}

#[test]
fn a_guard_forbids_what_its_conditions_say() {
    let mut caller = caller("a/x");
    caller.actors = vec!["agent".to_owned()];
    for (policy, want) in [
        ("forbid(principal, action, resource);", [true; 3]),
        ("forbid(principal, action == Action::\"orders.put\", resource);", [false, true, false]),
        ("forbid(principal, action in Action::\"orders:*\", resource);", [true, true, false]),
        ("forbid(principal, action, resource == Collection::\"stock\");", [false, false, true]),
        (
            "forbid(principal, action, resource) when { resource.owner == \"store-team\" };",
            [false, false, true],
        ),
        ("forbid(principal in Client::\"a\", action, resource);", [true; 3]),
        ("forbid(principal == Profile::\"a/y\", action, resource);", [false; 3]),
        (
            "forbid(principal, action, resource) when { context.effect == \"write\" };",
            [false, true, false],
        ),
        (
            "forbid(principal, action, resource) unless { context.ip.isInRange(ip(\"10.0.0.0/8\")) };",
            [false; 3],
        ),
        (
            "forbid(principal, action, resource) when { context.hour < 6 && context.weekday == \"sunday\" };",
            [true; 3],
        ),
        ("forbid(principal, action, resource) when { context has user };", [false; 3]),
        (
            "forbid(principal, action, resource) when { context.actors.contains(\"agent\") };",
            [true; 3],
        ),
        ("forbid(principal, action, resource) when { context.surface == \"rest\" };", [false; 3]),
    ] {
        assert_eq!(forbidden(policy, &caller), want, "{policy}");
    }
}

#[test]
fn only_operations_within_a_guards_head_are_touched() {
    let guards = compile(&[
        "forbid(principal, action in Action::\"orders:*\", resource) when { context.hour > 30 };",
    ])
    .unwrap();
    assert_eq!(shop().iter().map(|it| guards.touch(it)).collect::<Vec<_>>(), [true, true, false]);
    assert!(!compile(&[]).unwrap().touch(&shop()[0]));
}

#[test]
fn the_denial_names_the_guard_that_forbids_or_fails() {
    for policy in [
        "forbid(principal, action, resource);",
        // Overflows: what cannot be evaluated refuses.
        "forbid(principal, action, resource) when { context.hour + 9223372036854775807 < 0 };",
    ] {
        let guards =
            compile(&["forbid(principal, action, resource) when { context.hour > 30 };", policy])
                .unwrap();
        let denial = guards.check(&caller("a/x"), &shop()[0], &facts()).unwrap_err();
        assert_eq!((denial.reason, denial.rule.as_deref()), (Reason::Guard, Some("guard g1")));
    }
}

#[test]
fn what_is_wrong_with_a_guard_is_a_fault_at_its_place() {
    let long = format!("forbid(principal, action, resource); //{}", "x".repeat(16 * 1024));
    for (policy, want) in [
        ("permit(principal, action, resource);", "only takes away"),
        ("forbid(principal == ?principal, action, resource);", "slots"),
        ("// nothing", "empty"),
        ("forbid(principal, action", "unexpected"),
        ("forbid(principal, action == Action::\"orders.gt\", resource);", "orders.gt"),
        ("forbid(principal, action, resource == Collection::\"ordres\");", "ordres"),
        ("forbid(principal, action, resource) when { context.surfcae == \"mcp\" };", "surfcae"),
        ("forbid(principal, action, resource) when { context.hour == \"3\" };", ""),
        (&long, "longer than"),
    ] {
        let faults = compile(&[policy]).unwrap_err();
        assert_eq!(faults.len(), 1, "{policy}");
        let text = faults[0].to_string();
        assert!(text.starts_with("guards/x.yaml:3: guard g0: ") && text.contains(want), "{text}");
    }
}
