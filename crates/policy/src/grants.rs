//! Nobody can grant what they do not hold.
//!
//! Compared are patterns, effects and reach, and not only today's operations: who holds
//! `orders:get` cannot grant `orders:*`, whatever else `orders` has today.

mod held;

use model::{CollectionId, Effect, Grant, Pattern, ProfileId, Reach, Role};

use crate::Rules;
use held::Held;

const EFFECTS: [Effect; 3] = [Effect::Destructive, Effect::Read, Effect::Write];

/// Whether `holder` may give `role` within `reach` to somebody.
///
/// It may give what it is allowed itself, as widely. Of a collection that it may put (by
/// `onedoor:put_collection`, with the collection in its reach) it may give everything.
///
/// # Errors
/// The first thing that is missing, for people.
pub fn covers(rules: &Rules, holder: &ProfileId, role: &Role, reach: &Reach) -> Result<(), String> {
    let held = Held::new(rules, holder)
        .ok_or_else(|| format!("the profile {holder} is unknown or disabled"))?;
    role.grants
        .iter()
        .try_for_each(|it| covers_grant(&held, it, reach))
        .map_err(|missing| format!("{holder} does not hold {missing}"))
}

fn covers_grant(held: &Held<'_>, grant: &Grant, reach: &Reach) -> Result<(), String> {
    let effects = if grant.effects.is_empty() { &EFFECTS[..] } else { &grant.effects };
    let parts = grant.operations.iter().flat_map(|it| effects.iter().map(move |of| (it, *of)));
    for (pattern, effect) in parts {
        let tell = |part| format!("{pattern} with effect {} {part}", effect.as_str());
        covers_one(held, pattern, effect, reach).map_err(tell)?;
    }
    Ok(())
}

/// Says of one pattern and one effect which part of the reach is missing.
fn covers_one(
    held: &Held<'_>,
    pattern: &Pattern,
    effect: Effect,
    reach: &Reach,
) -> Result<(), String> {
    match pattern.collection() {
        Some(collection) if collection == CollectionId::own().as_str() => {
            own(held, pattern, effect, reach)
        }
        Some(collection) => one_collection(held, collection, pattern, effect, reach),
        // Every collection that is yet to come is meant, but never management.
        None if reach.is_everywhere() => {
            let is_held = held.has(pattern, effect, Reach::is_everywhere);
            (is_held || held.may_put(Reach::is_everywhere)).then_some(()).ok_or_else(everywhere)
        }
        None => {
            for collection in &reach.collections {
                point(held, collection.as_str(), &Pattern::all_of(collection), effect)?;
            }
            reach.owners.iter().try_for_each(|it| owned(held, None, pattern, effect, it))
        }
    }
}

/// Management: the reach that goes with the operation must be as wide.
fn own(held: &Held<'_>, pattern: &Pattern, effect: Effect, reach: &Reach) -> Result<(), String> {
    if held.has(pattern, effect, Reach::is_everywhere) {
        return Ok(());
    }
    if reach.is_everywhere() {
        return Err(everywhere());
    }
    for collection in &reach.collections {
        let owner = held.owner(collection.as_str());
        if !held.has(pattern, effect, |it| it.has(Some(collection), owner)) {
            return Err(format!("for the collection {collection}"));
        }
    }
    for owner in &reach.owners {
        if !held.has(pattern, effect, |it| it.has(None, Some(owner))) {
            return Err(format!("for the owner {owner}"));
        }
    }
    Ok(())
}

fn one_collection(
    held: &Held<'_>,
    collection: &str,
    pattern: &Pattern,
    effect: Effect,
    reach: &Reach,
) -> Result<(), String> {
    if reach.is_everywhere() || reach.collections.iter().any(|it| it.as_str() == collection) {
        return point(held, collection, pattern, effect);
    }
    // It holds while the collection has one of these owners, which may be tomorrow.
    reach.owners.iter().try_for_each(|it| owned(held, Some(collection), pattern, effect, it))
}

/// One collection, whoever has it.
fn point(
    held: &Held<'_>,
    collection: &str,
    pattern: &Pattern,
    effect: Effect,
) -> Result<(), String> {
    let owner = held.owner(collection);
    let within = |it: &Reach| has(it, Some(collection), owner);
    if held.has(pattern, effect, within) || held.may_put(within) {
        return Ok(());
    }
    Err(format!("for the collection {collection}"))
}

/// Whatever of it `owner` has.
fn owned(
    held: &Held<'_>,
    collection: Option<&str>,
    pattern: &Pattern,
    effect: Effect,
    owner: &str,
) -> Result<(), String> {
    let within = |it: &Reach| has(it, collection, Some(owner));
    if held.has(pattern, effect, within) || held.may_put(within) {
        return Ok(());
    }
    Err(format!("for the owner {owner}"))
}

fn has(reach: &Reach, collection: Option<&str>, owner: Option<&str>) -> bool {
    // A name that is no id is no collection's.
    let collection = collection.and_then(|it| CollectionId::parse(it).ok());
    reach.has(collection.as_ref(), owner)
}

fn everywhere() -> String {
    "everywhere".to_owned()
}
