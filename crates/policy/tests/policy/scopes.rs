//! How far a token goes within what its profile may do.

use std::sync::Arc;

use model::{Audience, Caller, Effect, Reach, RefusalKind, Surface, TokenBounds, TokenScopes};
use policy::{Reason, allows};

use crate::shop::{
    BOTH, assigned, caller, client, collection, compile, decide, grant, operations, reach, role,
};

fn with_token(profile: &str, audience: Audience, scopes: Option<&str>) -> Caller {
    let scopes = scopes.map(|it| TokenScopes::parse(it).unwrap());
    Caller { bounds: Some(Arc::new(TokenBounds { audience, scopes })), ..caller(profile) }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn a_token_carries_what_its_scopes_name_and_the_profile_has() {
    let operations = operations(&[
        ("orders:get", Effect::Read),
        ("orders:put", Effect::Write),
        ("bills:get", Effect::Read),
    ]);
    let roles = [
        role("reader", vec![grant(&["*:*"], &[Effect::Read])]),
        role("writer", vec![grant(&["orders:*"], &[])]),
        role("other", vec![grant(&["*:*"], &[])]),
    ];
    let rules = compile(&roles, &[client("a/x", &["reader", "writer"], BOTH)], &operations);
    let orders = || Audience::Collection(collection("orders"));
    for (audience, scopes, want) in [
        (Audience::Door, None, [Ok("reader"), Ok("writer"), Ok("reader")]),
        (
            Audience::Door,
            Some(""),
            [Err("collection:orders"), Err("collection:orders"), Err("collection:bills")],
        ),
        (
            Audience::Door,
            Some("collection:orders"),
            [Ok("reader"), Ok("writer"), Err("collection:bills collection:orders")],
        ),
        (
            Audience::Door,
            Some("role:reader"),
            [Ok("reader"), Err("role:reader role:writer"), Ok("reader")],
        ),
        (
            Audience::Door,
            Some("role:writer"),
            [Ok("writer"), Ok("writer"), Err("role:reader role:writer")],
        ),
        (
            Audience::Door,
            Some("role:reader collection:orders"),
            [Ok("reader"), Ok("writer"), Ok("reader")],
        ),
        // A role that the profile does not have gives nothing.
        (
            Audience::Door,
            Some("role:other"),
            [
                Err("role:other role:reader"),
                Err("role:other role:writer"),
                Err("role:other role:reader"),
            ],
        ),
        (orders(), None, [Ok("reader"), Ok("writer"), Err("")]),
        (
            orders(),
            Some("collection:bills"),
            [
                Err("collection:bills collection:orders"),
                Err("collection:bills collection:orders"),
                Err(""),
            ],
        ),
    ] {
        let caller = with_token("a/x", audience.clone(), scopes);
        for (operation, want) in operations.iter().zip(want) {
            let decided = decide(&rules, &caller, operation, Surface::Rest);
            assert_eq!(allows(&rules, &caller, operation), decided.is_ok());
            let got = match &decided {
                Ok(permit) => Ok(permit.rule().split([' ', ':']).nth(1).unwrap().to_owned()),
                Err(denial) => {
                    Err(denial.scope.as_ref().map(ToString::to_string).unwrap_or_default())
                }
            };
            let got = got.as_deref().map_err(|it| &**it);
            assert_eq!(got, want, "{audience:?} {scopes:?} {:?}", operation.id);
        }
    }
}

#[test]
fn a_token_for_another_resource_is_none_and_a_missing_scope_is_asked_for() {
    let operations = operations(&[("orders:get", Effect::Read)]);
    let roles = [role("reader", vec![grant(&["*:*"], &[])])];
    let rules = compile(&roles, &[client("a/x", &["reader"], BOTH)], &operations);
    let get = operations.first().unwrap();
    let refusal = |caller: &Caller| {
        model::Refusal::from(decide(&rules, caller, get, Surface::Mcp).unwrap_err())
    };
    let other = refusal(&with_token("a/x", Audience::Collection(collection("bills")), None));
    assert_eq!((other.kind(), other.scope()), (RefusalKind::Unauthenticated, None));
    let lacking = refusal(&with_token("a/x", Audience::Door, Some("collection:bills")));
    assert_eq!(lacking.kind(), RefusalKind::Forbidden);
    // Along with what the token has: a client that asks for just this keeps what it could do.
    assert_eq!(lacking.scope().unwrap().to_string(), "collection:bills collection:orders");
    // Who could not do it with any token is not sent to get one.
    let rules = compile(&roles, &[client("a/x", &[], BOTH)], &operations);
    let caller = with_token("a/x", Audience::Door, Some("collection:bills"));
    let denial = decide(&rules, &caller, get, Surface::Mcp).unwrap_err();
    assert_eq!((denial.reason, denial.scope), (Reason::NoRole, None));
}

#[test]
fn a_management_operation_reaches_as_far_as_the_roles_that_are_carried() {
    let operations = operations(&[("onedoor:put_client", Effect::Write)]);
    let roles = [
        role("near", vec![grant(&["onedoor:*"], &[])]),
        role("far", vec![grant(&["onedoor:*"], &[])]),
    ];
    let near = reach(&["orders"], &[]);
    let clients = [assigned("a/x", &[("near", near.clone()), ("far", Reach::default())])];
    let rules = compile(&roles, &clients, &operations);
    let put = operations.first().unwrap();
    for (scopes, want) in [
        (None, Reach::default()),
        (Some("collection:onedoor"), Reach::default()),
        (Some("role:far"), Reach::default()),
        (Some("role:near"), near),
    ] {
        let caller = with_token("a/x", Audience::Door, scopes);
        let permit = decide(&rules, &caller, put, Surface::Rest).unwrap();
        assert_eq!(*permit.reach(), want, "{scopes:?}");
    }
}
