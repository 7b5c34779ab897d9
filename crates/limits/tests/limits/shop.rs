//! Nouns for tests, with nothing in them that could be left out.

use model::{
    Caller, ClientId, ClientKind, Clock, CollectionId, CredentialId, Effect, Limit, LimitId,
    Measure, Operation, OperationId, Pattern, Place, ProfileId, Quota, Rate, Scope, Timestamp,
};

/// Operations by `collection:name`, at their positions.
pub(crate) fn operations(names: &[&str]) -> Vec<Operation> {
    let operation = |(position, name): (usize, &&str)| {
        let (collection, name) = name.split_once(':').unwrap();
        let collection = CollectionId::parse(collection).unwrap();
        let id = OperationId::new(&collection, name).unwrap();
        Operation { id, collection, effect: Effect::Read, is_public: false, level: None, position }
    };
    names.iter().enumerate().map(operation).collect()
}

pub(crate) fn rate(text: &str) -> Rate {
    Rate::parse(text).unwrap()
}

/// `10/s` is a rate and `5/day` a quota; `10/hour` is a quota, `10/h` a rate.
pub(crate) fn measure(text: &str) -> Measure {
    Quota::parse(text).map_or_else(|_| Measure::Rate(rate(text)), Measure::Quota)
}

/// A limit on every call.
pub(crate) fn limit(id: &str, scope: Scope, measure_text: &str) -> Limit {
    Limit {
        id: LimitId::parse(id).unwrap(),
        client: None,
        profile: None,
        operations: Vec::new(),
        scope,
        measure: measure(measure_text),
        place: Place::default(),
    }
}

pub(crate) fn of_client(mut limit: Limit, client: &str) -> Limit {
    limit.client = Some(ClientId::parse(client).unwrap());
    limit
}

pub(crate) fn of_profile(mut limit: Limit, profile: &str) -> Limit {
    limit.profile = Some(ProfileId::parse(profile).unwrap());
    limit
}

pub(crate) fn of_operations(mut limit: Limit, patterns: &[&str]) -> Limit {
    limit.operations = patterns.iter().map(|it| Pattern::parse(it).unwrap()).collect();
    limit
}

pub(crate) fn caller(profile: &str) -> Caller {
    let profile = ProfileId::parse(profile).unwrap();
    Caller {
        client: ClientId::parse(profile.client()).unwrap(),
        kind: ClientKind::App,
        profile,
        credential: Some(CredentialId::parse("key").unwrap()),
        ..Caller::anonymous()
    }
}

pub(crate) fn clock(start: &str) -> Clock {
    Clock::fake(Timestamp::parse(start).unwrap())
}
