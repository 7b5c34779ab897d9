//! Nobody can grant what they do not hold.

use std::sync::Arc;

use model::{Client, CollectionId, Effect, Operation, ProfileId, Reach, Role};
use policy::{Rules, Sources, covers};
use proptest::{prelude::*, sample::select};

use crate::shop::{assigned, collection, grant, operations, reach, role};

const OWNERS: [(&str, &str); 3] = [("a", "red"), ("b", "blue"), ("c", "red")];

fn compile(roles: &[Role], clients: &[Client], operations: &[Operation]) -> Rules {
    let clients: Vec<_> = clients.iter().cloned().map(Arc::new).collect();
    let owners = OWNERS.map(|(id, owner)| (collection(id), owner));
    let owners: Vec<_> = owners.iter().map(|(id, owner)| (id, *owner)).collect();
    Rules::compile(Sources { roles, clients: &clients, owners: &owners, operations })
}

fn holder() -> ProfileId {
    ProfileId::parse("h/x").unwrap()
}

fn check(held: &[(&str, &[Effect], Reach)], given: &str, within: &Reach, want: bool) {
    let today = operations(&[("onedoor:put_collection", Effect::Write), ("a:x", Effect::Read)]);
    let names: Vec<_> = (0..held.len()).map(|it| format!("r{it}")).collect();
    let roles: Vec<_> = names
        .iter()
        .zip(held)
        .map(|(name, (pattern, effects, _))| role(name, vec![grant(&[pattern], effects)]))
        .collect();
    let assignments: Vec<_> =
        names.iter().zip(held).map(|(name, (.., reach))| (name.as_str(), reach.clone())).collect();
    let rules = compile(&roles, &[assigned("h/x", &assignments)], &today);
    let given = role("given", vec![grant(&[given], &[])]);
    let got = covers(&rules, &holder(), &given, within);
    assert_eq!(got.is_ok(), want, "{held:?} {:?} {within:?} {got:?}", given.grants);
}

#[test]
fn a_wider_pattern_effect_or_reach_than_what_is_held_cannot_be_granted() {
    let (all, a, red) = (Reach::default(), reach(&["a"], &[]), reach(&[], &["red"]));
    for (held, given, within, want) in [
        (vec![("a:x", &[][..], all.clone())], "a:x", &all, true),
        (vec![("a:x", &[], all.clone())], "a:*", &all, false),
        (vec![("a:x", &[Effect::Read], all.clone())], "a:x", &all, false),
        (vec![("a:*", &[], all.clone())], "a:later", &all, true),
        (vec![("a:*", &[], all.clone())], "*:*", &all, false),
        (vec![("onedoor:*", &[], all.clone())], "*:*", &all, true),
        (vec![("onedoor:get_role", &[], all.clone())], "*:*", &all, false),
        (vec![("*:*", &[], all.clone())], "onedoor:*", &all, false),
        (vec![("*:*", &[], all.clone())], "onedoor:get_role", &all, false),
        (vec![("*:*", &[], a.clone())], "*:*", &all, false),
        (vec![("*:*", &[], a.clone())], "*:*", &a, true),
        (vec![("*:*", &[], a.clone())], "*:*", &red, false),
        (vec![("*:*", &[], red.clone())], "*:*", &a, true),
        (vec![("*:*", &[], red.clone())], "b:x", &red, true),
        (vec![("*:*", &[], red.clone())], "b:x", &all, false),
        (vec![("onedoor:*", &[], red.clone())], "a:*", &all, true),
        (vec![("onedoor:*", &[], red.clone())], "b:*", &all, false),
        (vec![("onedoor:put_collection", &[Effect::Read], all.clone())], "a:x", &all, false),
        (vec![("onedoor:get_role", &[], red.clone())], "onedoor:get_role", &all, false),
        (vec![("onedoor:get_role", &[], red.clone())], "onedoor:get_role", &a, true),
        (
            vec![("onedoor:*", &[], a.clone()), ("onedoor:*", &[], red.clone())],
            "onedoor:*",
            &reach(&["a"], &["red"]),
            true,
        ),
        (
            vec![("onedoor:*", &[], a.clone()), ("onedoor:get_role", &[], red.clone())],
            "onedoor:*",
            &reach(&["a"], &["red"]),
            false,
        ),
    ] {
        check(&held, given, within, want);
    }
}

#[test]
fn who_is_unknown_can_grant_nothing() {
    let rules = compile(&[], &[], &[]);
    let missing = covers(&rules, &holder(), &role("given", vec![]), &Reach::default());
    assert_eq!(missing.unwrap_err(), "the profile h/x is unknown or disabled");
}

/// What roles allow, read as they stand: for an ordinary operation everywhere or nothing.
fn reaches<'a>(
    roles: &'a [(Role, Reach)],
    operation: &'a Operation,
) -> impl Iterator<Item = &'a Reach> {
    let owner = owner(&operation.collection);
    roles.iter().filter_map(move |(role, reach)| {
        let allowed = role.grants.iter().any(|it| it.allows(operation).is_some());
        let within = operation.collection.is_own() || reach.has(Some(&operation.collection), owner);
        (allowed && within).then_some(reach)
    })
}

fn owner(collection: &CollectionId) -> Option<&'static str> {
    OWNERS.iter().find(|(id, _)| *id == collection.as_str()).map(|(_, owner)| *owner)
}

fn any_reach() -> impl Strategy<Value = Reach> {
    let collections = prop::collection::vec(select(vec!["a", "b", "c", "later"]), 0..3);
    let owners = prop::collection::vec(select(vec!["red", "blue"]), 0..2);
    (collections, owners).prop_map(|(collections, owners)| reach(&collections, &owners))
}

fn any_role(id: &'static str) -> impl Strategy<Value = (Role, Reach)> {
    let patterns = vec![
        "*:*",
        "a:*",
        "b:*",
        "later:*",
        "onedoor:*",
        "a:x",
        "b:x",
        "c:x",
        "a:later",
        "onedoor:put_collection",
        "onedoor:get_role",
    ];
    let effects = select(vec![vec![], vec![Effect::Read], vec![Effect::Read, Effect::Write]]);
    let any_grant = (prop::collection::vec(select(patterns), 1..3), effects)
        .prop_map(|(patterns, effects)| grant(&patterns, &effects));
    (prop::collection::vec(any_grant, 1..3), any_reach())
        .prop_map(move |(grants, reach)| (role(id, grants), reach))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn what_may_be_granted_is_held_today_and_tomorrow(
        held in (any_role("r0"), any_role("r1")),
        given in any_role("given"),
        effects in prop::collection::vec(select(vec![Effect::Read, Effect::Write, Effect::Destructive]), 10),
    ) {
        let held = [held.0, held.1];
        let roles: Vec<_> = held.iter().map(|(role, _)| role.clone()).collect();
        let assignments: Vec<_> =
            held.iter().map(|(role, reach)| (role.id.as_str(), reach.clone())).collect();
        let names = [
            "onedoor:put_collection", "a:x", "b:x", "c:x", "onedoor:get_role", "onedoor:later",
            "a:later", "b:later", "later:x", "later:y",
        ];
        let mut named: Vec<_> = names.into_iter().zip(effects).collect();
        named[0].1 = Effect::Write;
        let tomorrow = operations(&named);
        // Rules know today's operations only; what was granted must still be held tomorrow.
        let rules = compile(&roles, &[assigned("h/x", &assignments)], &tomorrow[..5]);
        if covers(&rules, &holder(), &given.0, &given.1).is_err() {
            return Ok(());
        }
        for operation in &tomorrow {
            for reach in reaches(std::slice::from_ref(&given), operation) {
                if operation.collection.is_own() {
                    let has = |collection: Option<&CollectionId>, owner| {
                        reaches(&held, operation).any(|it| it.has(collection, owner))
                    };
                    if reach.is_everywhere() {
                        prop_assert!(reaches(&held, operation).any(Reach::is_everywhere));
                    }
                    for it in &reach.collections {
                        prop_assert!(has(Some(it), owner(it)), "{:?} {it}", operation.id);
                    }
                    for it in &reach.owners {
                        prop_assert!(has(None, Some(it)), "{:?} {it}", operation.id);
                    }
                } else {
                    let id = &operation.collection;
                    let may_put =
                        reaches(&held, &tomorrow[0]).any(|it| it.has(Some(id), owner(id)));
                    let is_held = reaches(&held, operation).next().is_some();
                    prop_assert!(is_held || may_put, "{:?}", operation.id);
                }
            }
        }
    }
}
