//! The page on which a person sees what they allowed and where they are signed in, and ends it.

use http::StatusCode;
use maud::{Markup, html};

use super::{
    AccountView, AllowedView, FactorView, FormView, SessionView,
    frame::{Page, hidden},
    text::{called, plain},
};

/// Most collections of one program that are listed; the others are counted.
const LISTED_MAX: usize = 20;

/// Shows it, with a button for each thing that can be ended.
pub(crate) fn account(view: &AccountView<'_>) -> Page {
    let AccountView { door, person, allowed, is_first, next, sessions, second_factor, form } = view;
    let body = html! {
        p { "Signed in at " (door) " as " b { (plain(person)) } "." }
        h2 { "What you allowed" }
        @if allowed.is_empty() {
            p { @if *is_first { "No program acts in your name." } @else { "There are no more." } }
        }
        @for program in *allowed { (program_of(program, form)) }
        @if let Some(next) = next { p { a href=(next) { "Show more programs" } } }
        @if !is_first { p { a href="/oauth/account" { "Show the first programs" } } }
        h2 { "Where you are signed in" }
        ul { @for session in *sessions { (item(session, form)) } }
        form method="post" action="/oauth/account/sign-out" {
            (hidden(form))
            button type="submit" { "Sign out everywhere" }
        }
        @if let Some(factor) = second_factor { (factor_of(factor, form)) }
    };
    Page::new(StatusCode::OK, "Your account", &body, &[])
}

fn factor_of(factor: &FactorView, form: &FormView<'_>) -> Markup {
    let FactorView { since, is_required } = factor;
    html! {
        h2 { "Second factor" }
        @match since {
            None => {
                p { "Your password is all that is asked for." }
                form method="post" action="/oauth/account/second-factor" {
                    (hidden(form))
                    label for="password" { "Password" }
                    input id="password" name="password" type="password" autocomplete="current-password" required;
                    button type="submit" { "Set up an authenticator app" }
                }
            },
            Some(since) => {
                p { "You are asked for a code of your app, which was set up on " (since) "." }
                @if *is_required {
                    p.quiet { "An operator asks for it. Where you lost the app and all recovery codes, ask them to reset it." }
                } @else {
                    form method="post" action="/oauth/account/second-factor/remove" {
                        (hidden(form))
                        label for="code" { "Code" }
                        input id="code" name="code" type="text" autocomplete="one-time-code" required;
                        button type="submit" { "Take it away" }
                    }
                }
            },
        }
    }
}

fn program_of(program: &AllowedView<'_>, form: &FormView<'_>) -> Markup {
    let AllowedView { client, name, host, what, scopes, since, until } = program;
    let hidden_count = what.len().saturating_sub(LISTED_MAX);
    html! {
        section {
            h3 { (called(name, host)) }
            p.quiet {
                @if !host.is_empty() { "Sends you to " b { (plain(host)) } ". " }
                "Known here as " (plain(client)) "."
            }
            @if what.is_empty() {
                p { "As things stand it can do nothing here." }
            } @else {
                ul {
                    @for (collection, effects) in what.iter().take(LISTED_MAX) {
                        li { b { (plain(collection)) } ": " (effects) }
                    }
                    @if hidden_count > 0 { li { "and " (hidden_count) " more" } }
                }
            }
            p.quiet {
                @match since {
                    Some(since) => { "Allowed on " (since) ". " },
                    None => { "You were not asked: who signs you in lets it act, and can do so again. " },
                }
                @match until {
                    Some(until) => { "Ends by itself on " (until) "." },
                    None => { "It has ended." },
                }
                @if !scopes.is_empty() { " Scopes: " (plain(scopes)) "." }
            }
            form method="post" action="/oauth/account/revoke" {
                (hidden(form))
                input type="hidden" name="client" value=(client);
                button type="submit" { "Take back what " (called(name, host)) " may do" }
            }
        }
    }
}

fn item(session: &SessionView<'_>, form: &FormView<'_>) -> Markup {
    let SessionView { id, since, from, is_this } = session;
    html! {
        li {
            "Since " (since) ", from " (plain(from))
            @if *is_this { " (this browser)" }
            form method="post" action="/oauth/account/sign-out" {
                (hidden(form))
                input type="hidden" name="session" value=(id);
                button type="submit" { "Sign out there" }
            }
        }
    }
}
