//! The compiled rules agree with an evaluator that reads the nouns as they stand.

use model::{Caller, Client, Effect, Operation, Role, Surface};
use policy::Reason;
use proptest::{prelude::*, sample::select};

use crate::shop::{BOTH, caller, client, compile, decide, grant, operations, role};

/// Straight from the words of the state folder: no tables, no sharing.
fn evaluate(
    roles: &[Role],
    clients: &[Client],
    caller: &Caller,
    operation: &Operation,
    surface: Surface,
) -> Result<String, Reason> {
    if operation.is_public {
        return Ok("anonymous".to_owned());
    }
    if caller.credential.is_none() {
        return Err(Reason::Anonymous);
    }
    let client = clients.iter().find(|it| it.id == caller.client && it.is_enabled);
    let profile = client
        .and_then(|it| it.profiles.iter().find(|it| it.id == caller.profile && it.is_enabled))
        .ok_or(Reason::UnknownProfile)?;
    if !profile.surfaces.contains(&surface) {
        return Err(Reason::Surface(surface));
    }
    for id in profile.roles.iter().map(|it| &it.role) {
        let grants = roles.iter().filter(|it| it.id == *id).flat_map(|it| &it.grants);
        if let Some(pattern) = grants.filter_map(|it| it.allows(operation)).next() {
            return Ok(format!("role {id}: {pattern}"));
        }
    }
    Err(Reason::NoRole)
}

const COLLECTIONS: [&str; 3] = ["a", "a-b", "b"];
const NAMES: [&str; 4] = ["x", "X", "y", "x_y"];
const ROLES: [&str; 5] = ["r0", "r1", "r2", "r3", "gone"];
const PROFILES: [&str; 5] = ["c0/p", "c1/p", "c2/p", "c3/p", "c0/q"];

fn any_effect() -> impl Strategy<Value = Effect> {
    select(vec![Effect::Destructive, Effect::Read, Effect::Write])
}

fn any_operations() -> impl Strategy<Value = Vec<Operation>> {
    let names: Vec<_> =
        COLLECTIONS.iter().flat_map(|it| NAMES.map(|name| format!("{it}:{name}"))).collect();
    let length = names.len();
    let chosen = prop::sample::subsequence(names, 0..=length).prop_shuffle();
    let traits = prop::collection::vec((any_effect(), prop::bool::weighted(0.1)), length);
    (chosen, traits).prop_map(|(names, traits)| {
        let named: Vec<_> =
            names.iter().zip(&traits).map(|(name, (effect, _))| (name.as_str(), *effect)).collect();
        let mut operations = operations(&named);
        for (operation, (_, is_public)) in operations.iter_mut().zip(&traits) {
            operation.is_public = *is_public;
        }
        operations
    })
}

fn any_roles() -> impl Strategy<Value = Vec<Role>> {
    let collections = COLLECTIONS.iter().flat_map(|collection| {
        let names = NAMES.iter().chain(["*", "z"].iter());
        names.map(move |name| format!("{collection}:{name}"))
    });
    let patterns: Vec<_> = collections.chain(["*:*".to_owned(), "none:*".to_owned()]).collect();
    let any_grant =
        (prop::collection::vec(select(patterns), 0..4), prop::collection::vec(any_effect(), 0..3))
            .prop_map(|(patterns, effects)| {
                grant(&patterns.iter().map(String::as_str).collect::<Vec<_>>(), &effects)
            });
    let grants = prop::collection::vec(any_grant, 0..4);
    prop::collection::vec(grants, 4).prop_map(|grants| {
        grants.into_iter().zip(ROLES).map(|(grants, id)| role(id, grants)).collect()
    })
}

fn any_clients() -> impl Strategy<Value = Vec<Client>> {
    let surfaces = select(vec![BOTH, &[Surface::Mcp], &[Surface::Rest]]);
    let roles = prop::collection::vec(select(ROLES.to_vec()), 0..4);
    let often = || prop::bool::weighted(0.9);
    let traits = (roles, surfaces, often(), often());
    prop::collection::vec(traits, 3).prop_map(|traits| {
        let with_id = traits.into_iter().zip(PROFILES);
        let made = with_id.map(|((roles, surfaces, is_client_enabled, is_enabled), id)| {
            let mut client = client(id, &roles, surfaces);
            client.is_enabled = is_client_enabled;
            client.profiles.iter_mut().for_each(|it| it.is_enabled = is_enabled);
            client
        });
        made.collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_tables_decide_as_the_words_say(
        operations in any_operations(),
        roles in any_roles(),
        clients in any_clients(),
    ) {
        let rules = compile(&roles, &clients, &operations);
        let callers = PROFILES.iter().map(|it| caller(it)).chain([Caller::anonymous()]);
        for caller in callers {
            for operation in &operations {
                for surface in [Surface::Mcp, Surface::Rest] {
                    let got = decide(&rules, &caller, operation, surface);
                    let got = got.map(|it| it.rule().to_string()).map_err(|it| it.reason);
                    let want = evaluate(&roles, &clients, &caller, operation, surface);
                    prop_assert_eq!(&got, &want, "{:?} {:?}", caller.profile, operation.id);
                }
            }
        }
    }
}
