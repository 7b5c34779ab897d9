//! Where a role holds.

use std::sync::Arc;

use model::{Effect, Reach, Surface};
use policy::{Reason, Rules, Sources};

use crate::shop::{assigned, caller, collection, decide, grant, operations, reach, role};

#[test]
fn a_role_holds_only_within_its_reach() {
    let operations = operations(&[
        ("orders:get", Effect::Read),
        ("stock:get", Effect::Read),
        ("bills:get", Effect::Read),
    ]);
    let roles = [role("all", vec![grant(&["*:*"], &[])])];
    let clients = [
        assigned("a/x", &[("all", reach(&["orders"], &[]))]),
        assigned("b/x", &[("all", reach(&[], &["store-team"]))]),
        assigned("c/x", &[("all", reach(&["bills"], &["shop-team"]))]),
        assigned("d/x", &[("all", reach(&["gone"], &["nobody"]))]),
        assigned("e/x", &[("all", Reach::default())]),
        assigned("f/x", &[("all", reach(&["gone"], &[])), ("all", reach(&["stock"], &[]))]),
    ]
    .map(Arc::new);
    let (orders, stock) = (collection("orders"), collection("stock"));
    let owners = [(&orders, "shop-team"), (&stock, "store-team")];
    let rules = Rules::compile(Sources {
        roles: &roles,
        clients: &clients,
        owners: &owners,
        operations: &operations,
    });
    for (profile, want) in [
        ("a/x", [true, false, false]),
        ("b/x", [false, true, false]),
        ("c/x", [true, false, true]),
        ("d/x", [false, false, false]),
        ("e/x", [true, true, true]),
        ("f/x", [false, true, false]),
    ] {
        for (operation, want) in operations.iter().zip(want) {
            let got = decide(&rules, &caller(profile), operation, Surface::Rest);
            let got = got.map(|it| it.reach().clone()).map_err(|it| it.reason);
            let want = if want { Ok(Reach::default()) } else { Err(Reason::NoRole) };
            assert_eq!(got, want, "{profile} {:?}", operation.id);
        }
    }
}

#[test]
fn management_is_allowed_with_the_reach_of_all_roles_that_allow_it() {
    let operations = operations(&[
        ("onedoor:put_role", Effect::Write),
        ("orders:get", Effect::Read),
        ("onedoor:get_role", Effect::Read),
    ]);
    let roles = [
        role("viewer", vec![grant(&["onedoor:*"], &[Effect::Read])]),
        role("editor", vec![grant(&["onedoor:*"], &[])]),
        role("consumer", vec![grant(&["orders:*"], &[])]),
    ];
    let team = || reach(&["orders"], &["shop-team"]);
    let clients = [
        assigned("a/x", &[("viewer", Reach::default()), ("editor", team())]),
        assigned("b/x", &[("viewer", reach(&["stock"], &["shop-team"])), ("editor", team())]),
        assigned("c/x", &[("viewer", team()), ("consumer", Reach::default())]),
    ]
    .map(Arc::new);
    let rules = Rules::compile(Sources {
        roles: &roles,
        clients: &clients,
        owners: &[],
        operations: &operations,
    });
    let [put, order, get] = operations.as_slice() else { panic!("three") };
    for (profile, operation, want) in [
        ("a/x", put, Ok(team())),
        ("a/x", get, Ok(Reach::default())),
        ("b/x", put, Ok(team())),
        ("b/x", get, Ok(reach(&["orders", "stock"], &["shop-team"]))),
        ("c/x", put, Err(Reason::NoRole)),
        ("c/x", get, Ok(team())),
        ("c/x", order, Ok(Reach::default())),
    ] {
        let got = decide(&rules, &caller(profile), operation, Surface::Rest);
        let got = got.map(|it| it.reach().clone()).map_err(|it| it.reason);
        assert_eq!(got, want, "{profile} {:?}", operation.id);
    }
}

#[test]
fn nothing_of_management_is_public() {
    let mut operations = operations(&[("onedoor:put_role", Effect::Write)]);
    operations[0].is_public = true;
    let rules =
        Rules::compile(Sources { roles: &[], clients: &[], owners: &[], operations: &operations });
    let denial = decide(&rules, &model::Caller::anonymous(), &operations[0], Surface::Rest);
    assert_eq!(denial.unwrap_err().reason, Reason::Anonymous);
}
