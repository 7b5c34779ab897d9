//! What is allowed, what is denied, and by which rule.

use model::{Caller, Effect, Refusal, RefusalKind, Surface};
use policy::{Reason, Rules};

use crate::shop::{BOTH, caller, client, compile, decide, grant, operations, role};

fn check(rules: &Rules, caller: &Caller, operation: &model::Operation, want: Result<&str, Reason>) {
    for surface in [Surface::Mcp, Surface::Rest] {
        let got = decide(rules, caller, operation, surface);
        let got = got.as_ref().map(|it| &**it.rule()).map_err(|it| it.reason);
        assert_eq!(got, want, "{:?} {surface:?}", operation.id);
    }
}

#[test]
fn only_what_a_role_names_is_allowed() {
    let operations = operations(&[
        ("orders:get", Effect::Read),
        ("orders:delete", Effect::Destructive),
        ("customers:get", Effect::Read),
    ]);
    let roles = [
        role("reader", vec![grant(&["orders:*"], &[Effect::Read])]),
        role("one", vec![grant(&["customers:get", "customers:put"], &[])]),
        role("all", vec![grant(&["*:*"], &[])]),
        role("empty", vec![]),
    ];
    let clients = [
        client("a/reader", &["empty", "reader", "gone"], BOTH),
        client("b/both", &["one", "reader"], BOTH),
        client("c/all", &["all"], BOTH),
        client("d/none", &[], BOTH),
    ];
    let rules = compile(&roles, &clients, &operations);
    let [get, delete, customer] = operations.as_slice() else { panic!("three") };

    let reader = caller("a/reader");
    check(&rules, &reader, get, Ok("role reader: orders:*"));
    check(&rules, &reader, delete, Err(Reason::NoRole));
    check(&rules, &reader, customer, Err(Reason::NoRole));
    check(&rules, &caller("b/both"), customer, Ok("role one: customers:get"));
    check(&rules, &caller("b/both"), get, Ok("role reader: orders:*"));
    check(&rules, &caller("c/all"), delete, Ok("role all: *:*"));
    check(&rules, &caller("d/none"), get, Err(Reason::NoRole));
    check(&rules, &caller("e/unknown"), get, Err(Reason::UnknownProfile));
    check(&rules, &caller("a/both"), get, Err(Reason::UnknownProfile));
    check(&rules, &Caller::anonymous(), get, Err(Reason::Anonymous));
}

#[test]
fn without_rules_nothing_is_allowed() {
    let operations = operations(&[("orders:get", Effect::Read)]);
    let rules = compile(&[], &[], &operations);
    check(&rules, &caller("a/reader"), &operations[0], Err(Reason::UnknownProfile));
}

#[test]
fn what_is_public_is_for_everybody() {
    let mut operations = operations(&[("orders:get", Effect::Read)]);
    operations[0].is_public = true;
    let clients = [client("a/mcp", &[], &[Surface::Mcp])];
    let rules = compile(&[], &clients, &operations);
    for caller in [Caller::anonymous(), caller("a/mcp"), caller("b/unknown")] {
        check(&rules, &caller, &operations[0], Ok("anonymous"));
    }
}

#[test]
fn a_profile_named_like_the_anonymous_one_gives_callers_without_credential_nothing() {
    let operations = operations(&[("orders:get", Effect::Read)]);
    let roles = [role("all", vec![grant(&["*:*"], &[])])];
    let clients = [client("anonymous/default", &["all"], BOTH)];
    let rules = compile(&roles, &clients, &operations);
    check(&rules, &Caller::anonymous(), &operations[0], Err(Reason::Anonymous));
}

#[test]
fn a_profile_works_only_on_its_surfaces() {
    let operations = operations(&[("orders:get", Effect::Read)]);
    let roles = [role("all", vec![grant(&["*:*"], &[])])];
    let clients = [client("a/mcp", &["all"], &[Surface::Mcp]), client("b/no", &["all"], &[])];
    let rules = compile(&roles, &clients, &operations);
    assert!(decide(&rules, &caller("a/mcp"), &operations[0], Surface::Mcp).is_ok());
    for (profile, surface) in
        [("a/mcp", Surface::Rest), ("b/no", Surface::Mcp), ("b/no", Surface::Rest)]
    {
        let denial = decide(&rules, &caller(profile), &operations[0], surface).unwrap_err();
        assert_eq!(denial.reason, Reason::Surface(surface));
        assert_eq!(denial.rule.as_deref(), Some(&*format!("profile {profile}: surfaces")));
    }
}

#[test]
fn a_disabled_client_or_profile_may_do_nothing() {
    let operations = operations(&[("orders:get", Effect::Read)]);
    let roles = [role("all", vec![grant(&["*:*"], &[])])];
    let mut clients = [client("a/x", &["all"], BOTH), client("b/x", &["all"], BOTH)];
    clients[0].is_enabled = false;
    clients[1].profiles[0].is_enabled = false;
    let rules = compile(&roles, &clients, &operations);
    for profile in ["a/x", "b/x"] {
        check(&rules, &caller(profile), &operations[0], Err(Reason::UnknownProfile));
    }
}

#[test]
fn an_operation_of_another_snapshot_is_denied() {
    let operations = operations(&[("orders:get", Effect::Read), ("orders:put", Effect::Write)]);
    let roles = [role("all", vec![grant(&["*:*"], &[])])];
    let rules = compile(&roles, &[client("a/x", &["all"], BOTH)], &operations[..1]);
    let mut renamed = operations[1].clone();
    renamed.position = 0;
    let mut public = operations[0].clone();
    public.is_public = true;
    let mut far = operations[0].clone();
    far.position = usize::MAX;
    for operation in [&operations[1], &renamed, &public, &far] {
        check(&rules, &caller("a/x"), operation, Err(Reason::UnknownOperation));
    }
}

#[test]
fn a_denial_tells_the_caller_less_than_the_record() {
    let operations = operations(&[("orders:get", Effect::Read)]);
    let clients = [client("a/x", &[], BOTH), client("b/x", &[], &[Surface::Mcp])];
    let rules = compile(&[], &clients, &operations);
    let refuse = |caller: &Caller| {
        Refusal::from(decide(&rules, caller, &operations[0], Surface::Rest).unwrap_err())
    };
    let (known, unknown) = (refuse(&caller("a/x")), refuse(&caller("c/x")));
    assert_eq!(known.kind(), RefusalKind::Forbidden);
    assert_eq!(known.to_string(), unknown.to_string());
    assert_eq!((known.cause(), unknown.cause()), (Some("no_role"), Some("unknown_profile")));
    assert_eq!(known.rule(), None);

    let surface = refuse(&caller("b/x"));
    assert_eq!(surface.to_string(), "forbidden: this profile may not be used over rest");
    assert_eq!(surface.rule(), Some("profile b/x: surfaces"));

    assert_eq!(refuse(&Caller::anonymous()).kind(), RefusalKind::Unauthenticated);
}
