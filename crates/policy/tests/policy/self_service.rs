//! What clients may do for themselves, by their profile's rotation and nothing else.

use model::{Caller, Effect, RotationPolicy, Surface, role::SELF_SERVICE};
use policy::{Reason, who_can};

use crate::shop::{BOTH, caller, client, compile, decide, grant, operations, role};

#[test]
fn who_renews_its_credentials_is_said_by_the_profile_and_by_no_role() {
    let operations = operations(&[("self:rotate", Effect::Write), ("orders:get", Effect::Read)]);
    let roles = [
        role(SELF_SERVICE, vec![grant(&["self:*"], &[])]),
        role("all", vec![grant(&["*:*"], &[])]),
    ];
    let mut own = client("own/x", &[], BOTH);
    let rotation = RotationPolicy { is_self_service: true, ..RotationPolicy::default() };
    own.profiles.first_mut().unwrap().rotation = rotation;
    let mut by_rest = own.clone();
    by_rest.id = model::ClientId::parse("rest").unwrap();
    let profile = by_rest.profiles.first_mut().unwrap();
    profile.id = model::ProfileId::parse("rest/x").unwrap();
    profile.surfaces = vec![Surface::Rest];
    let others = client("other/x", &["all"], BOTH);
    let rules = compile(&roles, &[own, others, by_rest], &operations);
    let [rotate, get] = operations.as_slice() else { panic!("two operations") };
    let verdict = |who: &Caller, surface| {
        let permit = decide(&rules, who, rotate, surface);
        permit.map(|it| it.rule().to_string()).map_err(|it| it.reason)
    };
    let rule = Ok("role self-service: self:*".to_owned());
    assert_eq!(verdict(&caller("own/x"), Surface::Mcp), rule);
    assert_eq!(verdict(&caller("rest/x"), Surface::Rest), rule);
    assert_eq!(verdict(&caller("rest/x"), Surface::Mcp), Err(Reason::Surface(Surface::Mcp)));
    assert_eq!(verdict(&caller("other/x"), Surface::Rest), Err(Reason::NoRole));
    let for_ann = Caller { user: Some("ann".to_owned()), ..caller("own/x") };
    assert_eq!(verdict(&for_ann, Surface::Rest), Err(Reason::OnBehalf));
    // It gives nothing else.
    let other = decide(&rules, &caller("own/x"), get, Surface::Rest).unwrap_err();
    assert_eq!(other.reason, Reason::NoRole);
    let able: Vec<_> = who_can(&rules, rotate).iter().map(ToString::to_string).collect();
    assert_eq!(able, ["own/x", "rest/x"]);
}
