//! The page on which a person shows who they are.

use http::StatusCode;
use maud::html;

use super::{
    SignInView,
    frame::{Page, hidden},
    text::plain,
};

/// Asks for name and password.
pub(crate) fn sign_in(view: &SignInView<'_>) -> Page {
    let SignInView { door, client, has_local, form, name, problem } = view;
    let body = html! {
        p { b { (plain(client.name)) } " asks for access to " (door) ". Sign in to see what it asks for." }
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
        } @else {
            p.warn role="alert" { "Nobody can sign in here yet: an operator has to add people first." }
        }
    };
    Page::new(StatusCode::OK, "Sign in", &body, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::{ClientView, FormView, KnownBy};

    #[test]
    fn what_was_typed_and_what_a_program_calls_itself_stay_text() {
        let hostile = "\"><script>alert(1)</script>";
        let view = SignInView {
            door: "https://door.example",
            client: ClientView {
                name: hostile,
                host: "a.example".to_owned(),
                known_by: KnownBy::Itself,
                is_loopback: false,
            },
            has_local: true,
            form: FormView { action: "/oauth/sign-in", csrf: hostile, authorization: hostile },
            name: hostile,
            problem: Some(hostile),
        };
        let html = sign_in(&view).into_response().into_body();
        let html = std::str::from_utf8(&html).unwrap();
        assert!(!html.contains("<script") && !html.contains("\"\""), "{html}");
        assert_eq!(html.matches("<h1>").count(), 1);
        for id in ["name", "password"] {
            assert!(
                html.contains(&format!("for=\"{id}\"")) && html.contains(&format!("id=\"{id}\""))
            );
        }
    }
}
