//! `limits/ID.yaml`: how much may be called, by whom.

use model::{ClientId, Limit, LimitId, Measure, ProfileId, Quota, Rate, Scope};

use crate::{
    field::Field, reader::Reader, references::Target, role::read_patterns, writer::Writer,
};

const SCOPES: &[(&str, Scope)] = &[
    ("all", Scope::All),
    ("client", Scope::Client),
    ("client_operation", Scope::ClientOperation),
    ("operation", Scope::Operation),
    ("profile", Scope::Profile),
    ("profile_operation", Scope::ProfileOperation),
];

/// Reads the limit `id`.
pub(crate) fn read(id: LimitId, root: Field<'_>) -> Option<Limit> {
    let place = root.place();
    root.mapping(|it| {
        let client = it.optional("client").and_then(|it| {
            let client = it.parse(ClientId::parse)?;
            it.refer(Target::Client(client.clone()));
            Some(client)
        });
        let profile = it.optional("profile").and_then(|it| {
            let profile = it.parse(ProfileId::parse)?;
            it.refer(Target::Profile(profile.clone()));
            Some((profile, it))
        });
        if let (Some(client), Some((profile, field))) = (&client, &profile)
            && client.as_str() != profile.client()
        {
            let message = format!("{profile} is not a profile of client {client}");
            field.fault(message, "leave client away: the profile says it");
        }
        let absent = "name operations, or leave the key away for all";
        let operations = it.optional("operations").and_then(|it| read_patterns(&it, absent));
        let scope = it.optional("per").map(|it| it.one_of(SCOPES));
        let measure = read_measure(it);
        Some(Limit {
            client,
            profile: profile.map(|(profile, _)| profile),
            operations: operations.unwrap_or_default(),
            scope: scope.unwrap_or(Some(Scope::Client))?,
            measure: measure?,
            place,
            id,
        })
    })?
}

fn read_measure(it: &mut Reader<'_>) -> Option<Measure> {
    let (rate, quota) = (it.optional("rate"), it.optional("quota"));
    let burst = it.optional("burst").map(|it| (it.count(), it));
    match (rate, quota) {
        (Some(rate), None) => {
            let rate = rate.parse(Rate::parse)?;
            let burst = burst.map_or(Some(rate.count), |(burst, _)| burst);
            Some(Measure::Rate(Rate { burst: burst?, ..rate }))
        }
        (None, Some(quota)) => {
            if let Some((_, burst)) = burst {
                burst.fault("a quota has no burst", "leave it away, or write a rate");
            }
            quota.parse(Quota::parse).map(Measure::Quota)
        }
        (Some(_), Some(quota)) => {
            quota.fault("there is a rate already", "make two limits of it, in two files");
            None
        }
        (None, None) => {
            let message = "rate or quota is missing";
            it.field().fault(message, "write rate: 10/s or quota: 1000/day");
            None
        }
    }
}

/// The document of a limit.
#[must_use]
pub fn write_limit(limit: &Limit) -> String {
    let Limit { id: _, client, profile, operations, scope, measure, place: _ } = limit;
    let mut document = Writer::new();
    document.put_some("client", client.as_ref().map(ClientId::as_str));
    document.put_some("profile", profile.as_ref().map(ProfileId::as_str));
    document.put_list("operations", operations);
    let scope = match scope {
        Scope::All => "all",
        Scope::Client => "client",
        Scope::ClientOperation => "client_operation",
        Scope::Operation => "operation",
        Scope::Profile => "profile",
        Scope::ProfileOperation => "profile_operation",
    };
    document.put("per", scope);
    match measure {
        Measure::Quota(quota) => document.put("quota", quota.to_string()),
        Measure::Rate(rate) => {
            document.put("rate", rate.to_string());
            document.put_if(rate.burst != rate.count, "burst", rate.burst.get());
        }
    }
    document.text()
}
