//! The list: every management operation, once, and what clients may do for themselves.

use crate::{
    operation::{AnyOperation, erased},
    operations::{
        access, audit, audit_body, audit_key, audit_log, audit_proof, audit_purge, collection,
        consent, credential, delivery, grant, health, limit, operation, pepper, registration,
        revision, secret, sign_in, signing_key, state, whoami,
    },
    resource::{
        Admission, Client, Collection, Credential, Delete, Get, Guard, Issuer, Limit, List, Put,
        Resource, Role, Secret, Stop, Upstream, User,
    },
};

/// All operations, by noun.
pub(crate) fn all() -> Vec<Box<dyn AnyOperation>> {
    let mut all = Vec::new();
    all.extend(documents::<Admission>());
    all.extend(documents::<Client>());
    all.extend(documents::<Collection>());
    all.extend(documents::<Credential>());
    all.extend(documents::<Guard>());
    all.extend(documents::<Issuer>());
    all.extend(documents::<Limit>());
    all.extend(documents::<Role>());
    all.extend(documents::<Secret>());
    all.extend(documents::<Stop>());
    all.extend(documents::<Upstream>());
    all.extend(documents::<User>());
    all.extend([
        erased::<access::Explain>(),
        erased::<access::WhoCan>(),
        erased::<audit::Query>(),
        erased::<audit_body::Get>(),
        erased::<audit_body::Forget>(),
        erased::<audit_key::Rotate>(),
        erased::<audit_log::Check>(),
        erased::<audit_proof::List>(),
        erased::<audit_purge::Approve>(),
        erased::<audit_purge::List>(),
        erased::<audit_purge::Propose>(),
        erased::<audit_purge::Reject>(),
        erased::<collection::Import>(),
        erased::<collection::Publish>(),
        erased::<collection::Unpublish>(),
        erased::<collection::Retire>(),
        erased::<collection::Duplicate>(),
        erased::<consent::List>(),
        erased::<consent::Revoke>(),
        erased::<credential::Issue>(),
        erased::<credential::Rotate>(),
        erased::<credential::Retire>(),
        erased::<credential::Revoke>(),
        erased::<credential::ReportFound>(),
        erased::<credential::Ages>(),
        erased::<delivery::List>(),
        erased::<grant::List>(),
        erased::<grant::Revoke>(),
        erased::<health::Show>(),
        erased::<limit::Usage>(),
        erased::<operation::List>(),
        erased::<operation::Get>(),
        erased::<pepper::List>(),
        erased::<registration::List>(),
        erased::<registration::Delete>(),
        erased::<revision::List>(),
        erased::<revision::Get>(),
        erased::<revision::Compare>(),
        erased::<revision::Rollback>(),
        erased::<secret::AddVersion>(),
        erased::<secret::ListVersions>(),
        erased::<secret::Rewrap>(),
        erased::<secret::SetVersionState>(),
        erased::<sign_in::List>(),
        erased::<sign_in::End>(),
        erased::<signing_key::List>(),
        erased::<signing_key::Rotate>(),
        erased::<signing_key::Withdraw>(),
        erased::<state::Apply>(),
        erased::<state::Diff>(),
        erased::<state::Export>(),
        erased::<whoami::Show>(),
    ]);
    all
}

/// What clients may do for themselves.
pub(crate) fn of_clients() -> Vec<Box<dyn AnyOperation>> {
    vec![
        erased::<credential::own::List>(),
        erased::<credential::own::Rotate>(),
        erased::<credential::own::Retire>(),
    ]
}

fn documents<R: Resource>() -> [Box<dyn AnyOperation>; 4] {
    [erased::<List<R>>(), erased::<Get<R>>(), erased::<Put<R>>(), erased::<Delete<R>>()]
}
