//! The page on which a person decides what a program may do in their name.

use http::StatusCode;
use maud::{Markup, html};
use model::Effect;

use super::{
    ClientView, CollectionView, ConsentView, KnownBy, OperationView,
    frame::{Page, hidden},
    text::{called, plain},
};

/// Most operations of a collection that are listed, of those that can be undone; the others are counted.
const LISTED_MAX: usize = 50;

/// Most of those that cannot: all that there are, as long as a browser can show the page.
const DESTRUCTIVE_MAX: usize = 1_000;

/// Asks for a decision.
pub(crate) fn consent(view: &ConsentView<'_>) -> Page {
    let ConsentView {
        door,
        is_changed,
        client,
        person,
        profile,
        collections,
        scopes,
        lifetime,
        form,
        offer,
        sign_out,
        account,
        target,
    } = view;
    let name = called(client.name, &client.host);
    let body = html! {
        @if *is_changed {
            p.warn role="alert" {
                "This is not what you were shown: since then it has changed, or somebody else has signed in. Look at it again."
            }
        }
        p { b { (name) } " asks to act in your name at " (door) "." }
        (about(client))
        @if collections.is_empty() {
            p { "As it asks now, it could do nothing here." }
        } @else {
            h2 { "It could" }
            @for collection in *collections { (listed(collection)) }
        }
        p.quiet {
            "For " (lifetime) ", within the profile " b { (profile) } "."
            @if !scopes.is_empty() { " Scopes: " (scopes) "." }
            " You can take it back at any time at " (door) (account) "."
        }
        form method="post" action=(form.action) {
            (hidden(form))
            input type="hidden" name="offer" value=(offer);
            button.first type="submit" name="decision" value="allow" { "Allow" }
            button type="submit" name="decision" value="deny" { "Deny" }
        }
        form method="post" action=(sign_out) {
            (hidden(form))
            p.quiet { "Signed in as " b { (plain(person)) } ". Not you?" }
            button type="submit" { "Sign out" }
        }
    };
    let title = format!("Allow {name}?");
    Page::new(StatusCode::OK, &title, &body, target.as_deref().as_slice())
}

fn about(client: &ClientView<'_>) -> Markup {
    html! {
        @if let Some(source) = client.device {
            p.warn {
                "A device at " span.host { (source) } " asked for it. You will be sent nowhere: the device gets its answer itself. "
                "Go on only if you have just started it yourself and it shows the code that you typed."
            }
        } @else if client.is_loopback {
            p.warn {
                "It runs on this computer and takes the answer at " span.host { (client.host) } ". "
                "Any program on this computer could give itself this name: go on only if you have just started it yourself."
            }
        } @else {
            p { "You will be sent to" br; span.host { (client.host) } }
        }
        @match client.known_by {
            KnownBy::CommandLine => p.warn {
                "It manages this door. Any program could give itself this name: go on only if you have just typed " code { "onedoor login" } " yourself."
            },
            KnownBy::Registered => p.quiet { "The operators of this door have registered it." },
            KnownBy::Document { host } => {
                p.quiet { "It is described by " b { (host) } "." }
                @if client.device.is_some() {
                    p.warn { "Any program could give itself this name: no address that you are sent to shows whose it is." }
                }
            },
            KnownBy::Itself => p.warn { "It registered itself: nobody vouches for its name." },
        }
    }
}

fn listed(collection: &CollectionView<'_>) -> Markup {
    let operations = collection.operations.iter();
    let (destructive, others): (Vec<_>, Vec<_>) =
        operations.partition(|it| it.effect == Effect::Destructive);
    let unlisted = destructive.len().saturating_sub(DESTRUCTIVE_MAX);
    let hidden = others.len().saturating_sub(LISTED_MAX);
    html! {
        h2 { (plain(collection.title)) }
        ul {
            @for operation in destructive.iter().take(DESTRUCTIVE_MAX) { (item(operation)) }
            @if unlisted > 0 { li { span.danger { "and " (unlisted) " more" } " like these" } }
            @for operation in others.iter().take(LISTED_MAX) { (item(operation)) }
            @if hidden > 0 { li { "and " (hidden) " more" } }
        }
    }
}

/// Not by colour alone: the word says it too.
fn item(operation: &OperationView<'_>) -> Markup {
    let summary = plain(operation.summary);
    match operation.effect {
        Effect::Read => html! { li { "Read: " (summary) } },
        Effect::Write => html! { li { "Change: " (summary) } },
        Effect::Destructive => html! {
            li { span.danger { "Delete, or do what cannot be undone" } ": " (summary) }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::FormView;

    fn page(name: &str, is_loopback: bool, operations: &[OperationView<'_>]) -> String {
        shown(name, (is_loopback, None), operations)
    }

    fn shown(
        name: &str,
        (is_loopback, device): (bool, Option<&str>),
        operations: &[OperationView<'_>],
    ) -> String {
        let view = ConsentView {
            door: "https://door.example",
            is_changed: false,
            client: ClientView {
                name,
                host: "a.example".to_owned(),
                known_by: KnownBy::Document { host: "b.example" },
                is_loopback,
                device,
            },
            person: "Ann",
            profile: "agents/reader",
            collections: &[CollectionView { title: "orders", operations }],
            scopes: "collection:orders",
            lifetime: "10 minutes",
            form: FormView { action: "/oauth/consent", csrf: "c", authorization: "a" },
            offer: "o",
            sign_out: "/oauth/sign-out",
            account: "/oauth/account",
            target: Some("https://a.example".to_owned()),
        };
        String::from_utf8(consent(&view).into_response().into_body().to_vec()).unwrap()
    }

    #[test]
    fn a_person_sees_who_asks_for_what_and_where_it_leads() {
        let operation = |summary, effect| OperationView { summary, effect };
        let operations =
            [operation("Cancel an order", Effect::Destructive), operation("List", Effect::Read)];
        let html = page("Claude", false, &operations);
        for want in [
            "Allow Claude?",
            "a.example",
            "b.example",
            "cannot be undone</span>: Cancel an order",
            "Read: List",
            "10 minutes",
            "agents/reader",
            "collection:orders",
            "Signed in as <b>Ann</b>",
            "value=\"allow\"",
            "value=\"deny\"",
        ] {
            assert!(html.contains(want), "{want}: {html}");
        }
        assert!(!html.contains("on this computer") && !html.contains("Any program"));
        assert!(page("x", true, &operations).contains("Any program on this computer"));
        let device = shown("TV", (false, Some("192.0.2.7")), &operations);
        assert!(device.contains("192.0.2.7") && !device.contains("You will be sent to"));
        assert!(device.contains("b.example") && device.contains("Any program could give itself"));
    }

    #[test]
    fn a_hostile_name_stays_text_and_a_long_list_is_counted() {
        let many = vec![OperationView { summary: "<b>", effect: Effect::Write }; 60];
        let html = page("<img src=x onerror=alert(1)>\u{202e}", false, &many);
        assert!(!html.contains("<img") && !html.contains('\u{202e}'));
        assert!(!html.contains("Change: <b>") && html.contains("and 10 more"));
    }

    #[test]
    fn nobody_allows_what_cannot_be_undone_without_having_been_shown_it() {
        let of = |count, effect| vec![OperationView { summary: "Do it", effect }; count];
        let shown = |destructive, others| {
            let operations =
                [of(destructive, Effect::Destructive), of(others, Effect::Write)].concat();
            let html = page("x", false, &operations);
            let count = |text: &str| html.matches(text).count();
            (count("undone</span>: Do it"), count("Change: Do it"), html)
        };
        let (destructive, others, html) = shown(120, 60);
        assert_eq!((destructive, others), (120, 50));
        assert!(html.contains("and 10 more") && !html.contains("like these"), "{html}");
        // No page carries them without end; that there are more is said as loudly.
        let (destructive, _, html) = shown(DESTRUCTIVE_MAX + 3, 0);
        assert_eq!(destructive, DESTRUCTIVE_MAX);
        assert!(html.contains("<span class=\"danger\">and 3 more</span> like these"), "{html}");
    }
}
