//! Operations by name, ready to be called, and what is said of all of them.

use std::collections::HashMap;

use http::StatusCode;
use model::{Grant, Pattern, Place, Role, RoleId, role::SELF_SERVICE};
use serde_json::Value;

use crate::{
    About, Admin, Call, failure::Failure, input, list, openapi, operation::AnyOperation,
    reply::Reply, role, schema::Checker,
};

/// Operations by name.
pub(crate) struct Table {
    entries: Vec<Entry>,
    by_name: HashMap<&'static str, usize>,
}

/// An operation, ready to be called.
struct Entry {
    about: About,
    operation: Box<dyn AnyOperation>,
    parameters: Checker,
    body: Option<Checker>,
}

impl Table {
    /// A table of `operations`.
    ///
    /// # Errors
    /// Where the schema of one is none, which no input leads to.
    pub(crate) fn new(operations: Vec<Box<dyn AnyOperation>>) -> Result<Self, String> {
        let entries: Vec<Entry> =
            operations.into_iter().map(entry).collect::<Result<_, String>>()?;
        let by_name = entries.iter().enumerate().map(|(index, it)| (it.about.name, index));
        let by_name = by_name.collect();
        Ok(Self { entries, by_name })
    }

    /// Carries a call out.
    ///
    /// # Errors
    /// What is wrong with it, or stands in its way.
    pub(crate) async fn run(
        &self,
        admin: &Admin,
        call: &Call,
    ) -> Result<(StatusCode, Reply<Value>), Failure> {
        let index = self.by_name.get(call.operation.as_str());
        let entry = index.and_then(|it| self.entries.get(*it));
        let entry = entry.ok_or_else(|| Failure::no_such("operation", &call.operation))?;
        let mut parameters = input::parameters(&entry.about, call)?;
        let mut body = input::body(&entry.about, call)?;
        let unknown = input::take_unknown(&entry.about, &mut parameters, &mut body);
        let mut flaws = entry.parameters.flaws("parameters", &parameters);
        if let Some(checker) = &entry.body {
            flaws.extend(checker.flaws("body", &body));
        }
        flaws.extend(unknown);
        if !flaws.is_empty() {
            return Err(Failure::Invalid(flaws));
        }
        let reply = entry.operation.run(admin, call, parameters, body).await?;
        Ok((entry.about.status, reply))
    }
}

fn entry(operation: Box<dyn AnyOperation>) -> Result<Entry, String> {
    let about = operation.about();
    let checker = |schema: &Value| {
        Checker::new(schema).map_err(|error| format!("the schema of {}: {error}", about.name))
    };
    let parameters = checker(&about.parameters)?;
    let body = about.body.as_ref().map(checker).transpose()?;
    Ok(Entry { parameters, body, operation, about })
}

/// What is said of every operation of management, in the order of the list.
#[must_use]
pub fn operations() -> Vec<About> {
    list::all().iter().map(|it| it.about()).collect()
}

/// The same of what clients may do for themselves.
#[must_use]
pub fn self_service_operations() -> Vec<About> {
    list::of_clients().iter().map(|it| it.about()).collect()
}

/// The OpenAPI 3.1 document of the management operations.
#[must_use]
pub fn document() -> Value {
    let description = "Management goes through the same door as everything else: same identity, same permissions, same limits, same records. A permission is `onedoor:` and the operation's name.";
    openapi::document(("Onedoor management", description), &operations())
}

/// The OpenAPI 3.1 document of what clients may do for themselves.
#[must_use]
pub fn self_service_document() -> Value {
    let description = "What a client may do with the credentials of its own profile, where the profile's rotation has `self_service`.";
    openapi::document(("Onedoor self-service", description), &self_service_operations())
}

/// The roles for operators that are always there.
#[must_use]
pub fn built_in_roles() -> Vec<Role> {
    role::built_in(&operations())
}

/// The role of profiles whose rotation has `self_service`, which nobody can be given.
#[must_use]
pub fn self_service_role() -> Option<Role> {
    Some(Role {
        id: RoleId::parse(SELF_SERVICE).ok()?,
        description: Some("Lists and replaces the credentials of its own profile.".to_owned()),
        grants: vec![Grant {
            operations: vec![Pattern::all_of(&model::CollectionId::self_service())],
            effects: Vec::new(),
        }],
        place: Place::default(),
    })
}
