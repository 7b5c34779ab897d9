//! The page on which a person shows who they are.

use http::StatusCode;
use maud::html;

use super::{
    Purpose, SignInView,
    frame::{Page, hidden},
    text::{called, plain},
};

/// Asks for name and password.
pub(crate) fn sign_in(view: &SignInView<'_>) -> Page {
    let SignInView { door, purpose, has_local, providers, form, name, problem } = view;
    let body = html! {
        @match purpose {
            Purpose::Client(client) => p {
                b { (called(client.name, &client.host)) } " asks for access to " (door) ". Sign in to see what it asks for."
            },
            Purpose::Account => p { "Sign in to see what you allowed at " (door) "." },
            Purpose::Device => p { "Sign in to connect a device to " (door) "." },
        }
        @if let Some(problem) = problem { p.warn role="alert" { (problem) } }
        @if *has_local {
            form method="post" action=(form.action) {
                (hidden(form))
                label for="name" { "Name" }
                input id="name" name="name" type="text" autocomplete="username" autocapitalize="none" spellcheck="false" required value=(name);
                label for="password" { "Password" }
                input id="password" name="password" type="password" autocomplete="current-password" required;
                button.first type="submit" { "Sign in" }
            }
        }
        @for provider in *providers {
            form method="post" action=(provider.action) {
                (hidden(form))
                button type="submit" { "Sign in with " (plain(&provider.label)) }
            }
        }
        @if !*has_local && providers.is_empty() {
            p.warn role="alert" { "Nobody can sign in here yet: an operator has to add people first." }
        }
    };
    let targets: Vec<_> = providers.iter().filter_map(|it| it.target.as_deref()).collect();
    Page::new(StatusCode::OK, "Sign in", &body, &targets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::{ClientView, FormView, KnownBy, ProviderView, Purpose};

    #[test]
    fn what_was_typed_and_what_a_program_calls_itself_stay_text() {
        let hostile = "\"><script>alert(1)</script>";
        let view = SignInView {
            door: "https://door.example",
            purpose: Purpose::Client(ClientView {
                name: hostile,
                host: "a.example".to_owned(),
                known_by: KnownBy::Itself,
                is_loopback: false,
                device: None,
            }),
            has_local: true,
            providers: &[ProviderView {
                label: hostile.to_owned(),
                action: "/oauth/sign-in/corp".to_owned(),
                target: Some("https://login.example".to_owned()),
            }],
            form: FormView { action: "/oauth/sign-in", csrf: hostile, authorization: hostile },
            name: hostile,
            problem: Some(hostile),
        };
        let response = sign_in(&view).into_response();
        let policy = response.headers()[http::header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("form-action 'self' https://login.example;"), "{policy}");
        let html = response.into_body();
        let html = std::str::from_utf8(&html).unwrap();
        assert!(!html.contains("<script") && !html.contains("\"\""), "{html}");
        assert!(html.contains("action=\"/oauth/sign-in/corp\""));
        assert_eq!(html.matches("<h1>").count(), 1);
        for id in ["name", "password"] {
            assert!(
                html.contains(&format!("for=\"{id}\"")) && html.contains(&format!("id=\"{id}\""))
            );
        }
    }
}
