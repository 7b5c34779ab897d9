//! Guards take away what roles allow, and never give.

use model::{
    Argument, ArgumentType, ArgumentValue, Caller, Decimal, Effect, Guard, GuardId, Operation,
    Place, Surface, Timestamp,
};
use policy::{Clearance, Denial, Facts, Guards, Reason, decide, explain};

use crate::shop::{BOTH, caller, client, collection, grant, operations, role};

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
    let owners = [(&orders, "shop-team"), (&stock, "store-team")];
    Guards::compile(&guards, &owners, &shop(), arguments)
}

fn argument(name: &str, is_required: bool, kind: ArgumentType) -> Argument {
    Argument { name: name.into(), is_required, kind: Some(kind) }
}

/// What `orders:put` takes; the others take no arguments but a number of another kind.
fn arguments(operation: &Operation) -> Vec<Argument> {
    use ArgumentType as T;
    if operation.id.as_str() != "orders.put" {
        return vec![argument("id", true, T::Text), argument("size", false, T::Number)];
    }
    vec![
        argument("amount", false, T::Integer),
        argument("price", false, T::Number),
        argument("currency", true, T::Text),
        argument("tags", false, T::List(Box::new(T::Text))),
        argument(
            "card",
            false,
            T::Object(vec![
                argument("country", false, T::Text),
                argument("is_new", true, T::Boolean),
            ]),
        ),
        Argument { name: "either".into(), is_required: false, kind: None },
        Argument { name: "size".into(), is_required: false, kind: None },
    ]
}

/// Sunday, three in the morning.
fn facts() -> Facts {
    let at = Timestamp::parse("2026-11-22T03:00:00Z").unwrap();
    Facts { surface: Surface::Mcp, ip: "10.1.2.3".parse().unwrap(), at }
}

/// What guards say to a call that roles allow, with these arguments.
fn ask(
    guards: &Guards,
    caller: &Caller,
    operation: &Operation,
    arguments: Option<Vec<(Box<str>, ArgumentValue)>>,
) -> Result<(), Denial> {
    let roles = [role("all", vec![grant(&["*:*"], &[])])];
    let clients = [client(caller.profile.as_str(), &["all"], BOTH)];
    let rules = crate::shop::compile(&roles, &clients, &shop());
    decide(&rules, guards, caller, operation, &facts())?.settle(arguments).map(|_| ())
}

/// Which of get, put and stock are forbidden.
fn forbidden(policy: &str, caller: &Caller) -> [bool; 3] {
    let guards = compile(&[policy]).unwrap();
    let shop = shop();
    [0_usize, 1, 2].map(|it| ask(&guards, caller, shop.get(it).unwrap(), None).is_err())
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
    let touched =
        |guards: &Guards| shop().iter().map(|it| guards.conditions(it).len()).collect::<Vec<_>>();
    assert_eq!(touched(&guards), [1, 1, 0]);
    assert_eq!(touched(&compile(&[]).unwrap()), [0, 0, 0]);
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
        let denial = ask(&guards, &caller("a/x"), &shop()[0], None).unwrap_err();
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
        (
            "forbid(principal, action, resource) when { context.arguments has amuont };",
            "no operation that it can touch has an argument \"amuont\"",
        ),
        (
            "forbid(principal, action == Action::\"stock.get\", resource) when { context.arguments has amount };",
            "no operation that it can touch has an argument \"amount\"",
        ),
        (
            "forbid(principal, action, resource) when { context.arguments has either };",
            "the argument \"either\" of orders.put has no form that can be seen",
        ),
        // Where it cannot be seen, the guard would let pass what it forbids elsewhere.
        (
            "forbid(principal, action, resource) when { context.arguments has size };",
            "the argument \"size\" of orders.put has no form that can be seen",
        ),
        // What is said of one operation alone must not hide what is wrong for the others.
        (
            "forbid(principal, action, resource) when { action != Action::\"orders.get\" && context.arguments has id && context.arguments.id == 1000 };",
            "",
        ),
        // All of it, with what cannot be seen.
        (
            "forbid(principal, action == Action::\"orders.put\", resource) unless { context.arguments == {currency: \"x\"} };",
            "no form that can be seen",
        ),
        // Not every operation has it, and where it is optional it has to be asked for.
        ("forbid(principal, action, resource) when { context.arguments.currency == \"x\" };", ""),
        (
            "forbid(principal, action == Action::\"orders.put\", resource) when { context.arguments.amount > 1 };",
            "amount",
        ),
        (
            "forbid(principal, action == Action::\"orders.put\", resource) when { context.arguments has amount && context.arguments.amount == \"1\" };",
            "",
        ),
        (
            "forbid(principal, action == Action::\"orders.put\", resource) when { context.arguments has card && context.arguments.card has contry };",
            "no operation that it can touch has an argument \"card.contry\"",
        ),
    ] {
        let faults = compile(&[policy]).unwrap_err();
        assert_eq!(faults.len(), 1, "{policy}");
        let text = faults[0].to_string();
        assert!(text.starts_with("guards/x.yaml:3: guard g0: ") && text.contains(want), "{text}");
    }
}

#[test]
fn a_guard_sees_the_arguments_of_a_call() {
    use ArgumentValue as V;
    let text = |it: &str| V::Text(it.to_owned());
    let card = |country: &str| {
        V::Object(vec![("country".into(), text(country)), ("is_new".into(), V::Boolean(true))])
    };
    for (condition, name, [forbidden, allowed]) in [
        (
            "has amount && context.arguments.amount > 1000",
            "amount",
            [V::Integer(1001), V::Integer(1000)],
        ),
        (
            "has price && context.arguments.price.greaterThan(decimal(\"0.5\"))",
            "price",
            [5001, 5000].map(|it| V::Number(Decimal::from_ten_thousandths(it))),
        ),
        (".currency != \"EUR\"", "currency", [text("USD"), text("EUR")]),
        (
            "has tags && context.arguments.tags.contains(\"b\")",
            "tags",
            [V::List(vec![text("a"), text("b")]), V::List(vec![text("a")])],
        ),
        (
            "has card && context.arguments.card.is_new && context.arguments.card has country && context.arguments.card.country == \"x\"",
            "card",
            [card("x"), card("y")],
        ),
    ] {
        let arguments =
            if condition.starts_with('.') { "context.arguments" } else { "context.arguments " };
        let policy = format!(
            "forbid(principal, action == Action::\"orders.put\", resource) when {{ {arguments}{condition} }};"
        );
        let guards = compile(&[&policy]).unwrap_or_else(|it| panic!("{policy}: {it:?}"));
        let put = &shop()[1];
        assert_eq!(guards.reads(put), [name.into()], "{policy}");
        let ask = |value: Option<V>| {
            let arguments = value.map(|it| (name.into(), it)).into_iter().collect();
            ask(&guards, &caller("a/x"), put, Some(arguments)).map_err(|it| it.rule)
        };
        assert_eq!(ask(Some(forbidden)), Err(Some("guard g0".into())), "{policy}");
        assert_eq!(ask(Some(allowed)), Ok(()), "{policy}");
        // Without it a guard that asks first has nothing to say, and the others fail.
        assert_eq!(ask(None).is_ok(), condition.starts_with("has"), "{policy}");
    }
}

#[test]
fn a_guard_that_reads_arguments_is_asked_of_no_list_and_of_every_call() {
    let guards = compile(&[
        "forbid(principal, action, resource) when { context.arguments has amount };",
        "forbid(principal, action == Action::\"stock.get\", resource) when { context.arguments has size || true };",
    ])
    .unwrap();
    let shop = shop();
    let [get, put, stock] = shop.as_slice() else { panic!("three") };
    let roles = [role("all", vec![grant(&["*:*"], &[])])];
    let rules = crate::shop::compile(&roles, &[client("a/x", &["all"], BOTH)], &shop);
    let caller = caller("a/x");
    let clear = |operation| decide(&rules, &guards, &caller, operation, &facts()).unwrap();
    // An operation without the argument need not show any.
    assert_eq!([get, put, stock].map(|it| clear(it).reads_arguments()), [false, true, true]);
    assert_eq!([get, put, stock].map(|it| guards.reads(it).len()), [0, 1, 1]);
    let reason =
        |it: Clearance<'_>, arguments| it.settle(arguments).map(|_| ()).map_err(|it| it.reason);
    assert_eq!(reason(clear(get), None), Ok(()));
    assert_eq!(reason(clear(put), None), Err(Reason::Guard), "whoever shows none does not pass");
    assert_eq!(reason(clear(put), Some(Vec::new())), Ok(()));
    assert_eq!(reason(clear(stock), Some(Vec::new())), Err(Reason::Guard));

    let explained = explain(&rules, &guards, &caller.profile, put);
    let told: Vec<_> =
        explained.conditions.iter().map(|it| (it.guard.as_str(), it.arguments.clone())).collect();
    assert_eq!(told, [("g0", vec!["amount".into()])]);
}

#[test]
fn a_guard_that_takes_all_arguments_together_reads_all_that_can_be_seen() {
    let guards = compile(&[
        "forbid(principal, action == Action::\"stock.get\", resource) when { context.arguments == context.arguments };",
    ])
    .unwrap();
    let stock = &shop()[2];
    assert_eq!(guards.reads(stock), ["id".into(), "size".into()]);
    let id = vec![("id".into(), ArgumentValue::Text("7".to_owned()))];
    assert!(ask(&guards, &caller("a/x"), stock, Some(id)).is_err());
}
