//! What operators and auditors are told.

use std::sync::Arc;

use model::{Effect, ProfileId, Reach, Surface};
use policy::{Guards, Reason, Rules, Sources, explain, who_can};

use crate::shop::{BOTH, assigned, client, grant, operations, reach, role};

#[test]
fn who_may_and_why_is_told() {
    let mut operations = operations(&[
        ("orders:get", Effect::Read),
        ("onedoor:get_role", Effect::Read),
        ("orders:health", Effect::Read),
    ]);
    operations[2].is_public = true;
    let roles = [
        role("reader", vec![grant(&["*:*", "onedoor:*"], &[Effect::Read])]),
        role("one", vec![grant(&["orders:get"], &[])]),
    ];
    let team = reach(&["orders"], &[]);
    let clients = [
        client("b/x", &["one", "reader"], BOTH),
        assigned("a/x", &[("reader", team.clone())]),
        client("c/x", &["one"], &[]),
        client("d/x", &[], &[Surface::Mcp]),
    ]
    .map(Arc::new);
    let sources =
        Sources { roles: &roles, clients: &clients, owners: &[], operations: &operations };
    let rules = Rules::compile(sources);
    let [get, get_role, health] = operations.as_slice() else { panic!("three") };
    let names = |it| who_can(&rules, it).iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(names(get), ["a/x", "b/x"]);
    assert_eq!(names(get_role), ["a/x", "b/x"]);
    assert_eq!(names(health), ["a/x", "b/x", "c/x", "d/x"]);

    let told = |profile: &str, operation| {
        let told =
            explain(&rules, &Guards::default(), &ProfileId::parse(profile).unwrap(), operation);
        let allowing = told.verdict.map_err(|it| it.reason);
        (allowing.map(|it| it.iter().map(ToString::to_string).collect::<Vec<_>>()), told.reach)
    };
    let rule = |it: &[&str]| Ok(it.iter().map(|it| (*it).to_owned()).collect());
    assert_eq!(told("b/x", get), (rule(&["role one: orders:get", "role reader: *:*"]), None));
    assert_eq!(told("a/x", get_role), (rule(&["role reader: onedoor:*"]), Some(team)));
    assert_eq!(told("b/x", get_role), (rule(&["role reader: onedoor:*"]), Some(Reach::default())));
    assert_eq!(told("d/x", get), (Err(Reason::NoRole), None));
    assert_eq!(told("e/x", get), (Err(Reason::UnknownProfile), None));
    assert_eq!(told("e/x", health), (rule(&["anonymous"]), None));
}
