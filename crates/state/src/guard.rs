//! `guards/ID.yaml`: a Cedar policy over what roles allow. Its language is checked elsewhere.

use model::{Guard, GuardId};

use crate::{field::Field, writer::Writer};

/// Reads the guard `id`.
pub(crate) fn read(id: GuardId, root: Field<'_>) -> Option<Guard> {
    let place = root.place();
    root.mapping(|it| {
        let description = it.optional("description").and_then(|it| it.prose());
        let policy = it.required("policy", "write a policy in Cedar: forbid (…) when {…};");
        let policy = policy.and_then(|it| it.prose());
        let description = description.map(str::to_owned);
        Some(Guard { description, policy: policy?.to_owned(), place, id })
    })?
}

/// The document of a guard.
#[must_use]
pub fn write_guard(guard: &Guard) -> String {
    let Guard { id: _, description, policy, place: _ } = guard;
    let mut document = Writer::new();
    document.put_some("description", description.as_deref());
    document.put("policy", policy.as_str());
    document.text()
}
