//! `[[webhooks]]`: who is told what happens to credentials.

use std::collections::HashSet;

use admin::CredentialEvent;
use model::SecretId;

use super::Reader;

/// Most of them: each has a line of its own, which somebody has to look after.
const WEBHOOKS_MAX: usize = 16;

/// What a webhook cannot be without, and how it is written.
const REQUIRED: [(&str, &str); 3] = [
    ("name", "write name = \"ops\""),
    ("url", "write url = \"https://ops.example.com/hook\""),
    ("secret", "write secret = \"ID\", the id of a declared secret"),
];

/// Somebody who is told what happens to credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Webhook {
    /// Its name, in lists and in the log.
    pub(crate) name: String,
    /// Where it is told. May be a secret itself, so it is shown nowhere.
    pub(crate) url: String,
    /// The declared secret by which what is told is signed.
    pub(crate) secret: SecretId,
    /// What it is told.
    pub(crate) events: Vec<CredentialEvent>,
}

impl Webhook {
    pub(super) fn read(reader: &mut Reader<'_>) -> Vec<Self> {
        let (mut webhooks, mut names) = (Vec::new(), HashSet::new());
        for (number, (mut table, span)) in reader.tables("webhooks").into_iter().enumerate() {
            if number == WEBHOOKS_MAX {
                let message = format!("more than {WEBHOOKS_MAX} webhooks");
                reader.fault(span.clone(), message, "let one of them pass it on");
            }
            let missing = REQUIRED.iter().filter(|(key, _)| !table.has(key));
            for (key, help) in missing {
                reader.fault(span.clone(), format!("a webhook without {key}"), *help);
            }
            let is_said = table.has("events");
            let name = table.take(reader, "name", parse_name);
            let url = table.take(reader, "url", |it| Ok(it.to_owned()));
            let secret = table.take(reader, "secret", |it| {
                SecretId::parse(it).map_err(|error| error.to_string())
            });
            let events = table.take_list(reader, "events", parse_event);
            table.finish(reader);
            let (Some(name), Some(url), Some(secret)) = (name, url, secret) else { continue };
            if !names.insert(name.clone()) {
                let message = format!("two webhooks are called \"{name}\"");
                reader.fault(span, message, "give each a name of its own");
            }
            let events = if is_said { events } else { CredentialEvent::ALL.to_vec() };
            webhooks.push(Self { name, url, secret, events });
        }
        webhooks
    }
}

fn parse_name(text: &str) -> Result<String, String> {
    let shown = text.escape_debug();
    let wrong = || format!("\"{shown}\" is not a name: write lower case letters, digits and -");
    model::id::is_slug(text).then(|| text.to_owned()).ok_or_else(wrong)
}

fn parse_event(text: &str) -> Result<CredentialEvent, String> {
    let found = CredentialEvent::ALL.into_iter().find(|it| it.as_str() == text);
    found.ok_or_else(|| {
        let all = CredentialEvent::ALL.map(CredentialEvent::as_str).join(", ");
        format!("\"{}\" is no event: write one of {all}", text.escape_debug())
    })
}
