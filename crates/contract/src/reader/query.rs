//! Does a query hold only what the document describes?

use model::Query;

use crate::{
    ArgumentFault,
    bind::{Parameter, Plan, Shape, Style},
};

/// Refuses what a tool could not have sent: some servers take `Amount` or `amount[]` for `amount`,
/// and a name in the query for one in the body.
pub(super) fn check(plan: &Plan, query: &Query) -> Result<(), ArgumentFault> {
    let is_open = plan.query.iter().any(takes_any_name);
    for (name, _) in query.pairs() {
        let is_known = plan.query.iter().any(|it| is_named(it, name));
        if !is_known && (!is_open || is_like_an_argument(plan, name)) {
            return Err(ArgumentFault::unknown(name, &plan.keys));
        }
    }
    Ok(())
}

/// Whether members of its value are parameters of their own.
pub(crate) fn takes_any_name(parameter: &Parameter) -> bool {
    let is_object = matches!(parameter.shape, Shape::Any | Shape::Object);
    is_object && parameter.is_exploded && !matches!(parameter.style, Style::Deep | Style::Json)
}

/// Whether a name in the query is of it.
pub(crate) fn is_named(parameter: &Parameter, name: &str) -> bool {
    match parameter.style {
        Style::Deep => name.strip_prefix(&*parameter.name).is_some_and(|it| it.starts_with('[')),
        Style::Form | Style::Json | Style::Pipe | Style::Simple | Style::Space => {
            *parameter.name == *name
        }
    }
}

fn is_like_an_argument(plan: &Plan, name: &str) -> bool {
    let name = folded(name);
    let parameters = plan.path.iter().chain(&plan.query).map(|it| &it.name);
    plan.keys.iter().chain(parameters).any(|it| folded(it) == name)
}

/// A name without what some servers overlook in it: case, separators, brackets and what is in them.
fn folded(name: &str) -> String {
    let name = name.split('[').next().unwrap_or_default();
    let kept = name.chars().filter(|it| it.is_alphanumeric());
    kept.flat_map(char::to_lowercase).collect()
}
