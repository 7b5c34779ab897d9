//! `admissions/ID.yaml`: which clients that nobody registered become a profile.

use model::{Admission, AdmissionId, IssuerId, ProfileId, Registration, redirect::is_host_name};

use crate::{
    field::Field,
    references::Target,
    report::shown,
    writer::{self, Writer},
};

const REGISTRATIONS: &[(&str, Registration)] = &[
    ("command_line", Registration::CommandLine),
    ("dynamic", Registration::Dynamic),
    ("metadata_document", Registration::MetadataDocument),
];
/// Where one stands among others, where nobody says.
const USUAL_POSITION: u32 = 100;

/// Reads the admission `id`.
pub(crate) fn read(id: AdmissionId, root: Field<'_>) -> Option<Admission> {
    let place = root.place();
    root.mapping(|it| {
        let description = it.optional("description").and_then(|it| it.prose());
        let help =
            "name how they make themselves known: [command_line, dynamic, metadata_document]";
        let registrations = it.required("registrations", help);
        let registrations =
            registrations.and_then(|it| it.filled_set(help, |it| it.one_of(REGISTRATIONS)));
        let profile = it.required("profile", "write the profile they act as: client/profile");
        let profile = profile.and_then(|it| {
            let profile = it.parse(ProfileId::parse)?;
            refer(&it, &profile, registrations.as_deref().unwrap_or_default());
            Some(profile)
        });
        let absent = "name a host, or leave the key away for any";
        let hosts = it.optional("hosts").map(|it| it.filled_set(absent, |it| it.parse(parse_host)));
        let absent = "name a software_id, or leave the key away for any";
        let software = it.optional("software").map(|it| it.texts(absent));
        let issuer = it.optional("issuer").map(|it| {
            let issuer = it.parse(IssuerId::parse)?;
            it.refer(Target::SignInIssuer(issuer.clone()));
            Some(issuer)
        });
        let absent = "name a group, or leave the key away for everybody";
        let groups = it.optional("groups").map(|it| it.texts(absent));
        let position = it.optional("position").and_then(|it| it.number(0..=u32::MAX));
        let (mut registrations, mut hosts) =
            (registrations?, hosts.unwrap_or_else(|| Some(Vec::new()))?);
        registrations.sort();
        hosts.sort();
        hosts.dedup();
        // What has a fault must not become "any".
        Some(Admission {
            description: description.map(str::to_owned),
            profile: profile?,
            registrations,
            hosts,
            software: software.unwrap_or_else(|| Some(Vec::new()))?,
            issuer: match issuer {
                Some(issuer) => Some(issuer?),
                None => None,
            },
            groups: groups.unwrap_or_else(|| Some(Vec::new()))?,
            position: position.unwrap_or(USUAL_POSITION),
            place,
            id,
        })
    })?
}

/// The profile has to have the grants by which such clients get tokens.
fn refer(field: &Field<'_>, profile: &ProfileId, registrations: &[Registration]) {
    let is_device = |it: &Registration| *it == Registration::CommandLine;
    if registrations.iter().any(is_device) {
        field.refer(Target::DeviceProfile(profile.clone()));
    }
    if registrations.is_empty() || !registrations.iter().all(is_device) {
        field.refer(Target::AdmittingProfile(profile.clone()));
    }
}

/// Reads `claude.ai`, `*.example.com` or `localhost`, in lower case.
fn parse_host(text: &str) -> Result<String, String> {
    let is_host = match text.strip_prefix("*.") {
        // Not *.com: everybody can have a host there.
        Some(domain) => is_host_name(domain) && domain.contains('.'),
        None => is_host_name(text),
    };
    if is_host {
        return Ok(text.to_ascii_lowercase());
    }
    let help = "write claude.ai, *.example.com or localhost, without scheme, port and path";
    Err(format!("{} is not the name of a host: {help}", shown(text)))
}

/// The document of an admission.
#[must_use]
pub fn write_admission(admission: &Admission) -> String {
    let Admission {
        id: _,
        description,
        profile,
        registrations,
        hosts,
        software,
        issuer,
        groups,
        position,
        place: _,
    } = admission;
    let mut document = Writer::new();
    document.put_some("description", description.as_deref());
    document.put("profile", profile.as_str());
    let registrations: Vec<_> = registrations.iter().map(|it| it.as_str()).collect();
    document.put("registrations", writer::list(&registrations));
    document.put_list("hosts", hosts);
    document.put_list("software", software);
    document.put_some("issuer", issuer.as_ref().map(IssuerId::as_str));
    document.put_list("groups", groups);
    document.put_if(*position != USUAL_POSITION, "position", *position);
    document.text()
}
