//! The page on which a person types the code that a device shows.

use http::StatusCode;
use maud::html;

use super::{
    DeviceView,
    frame::{Page, hidden},
    text::plain,
};

/// Asks for the code; for a look at it, where a link brought it along.
pub(crate) fn device(view: &DeviceView<'_>) -> Page {
    let DeviceView { door, person, code, form, problem } = view;
    let body = html! {
        p { "Signed in at " (door) " as " b { (plain(person)) } "." }
        @if let Some(problem) = problem { p.warn role="alert" { (problem) } }
        @if code.is_empty() {
            p { "Type the code that your device shows." }
        } @else {
            p { "Does your device show this code? If it shows another one, or none, close this page." }
        }
        form method="post" action=(form.action) {
            (hidden(form))
            label for="user_code" { "Code" }
            input id="user_code" name="user_code" type="text" autocomplete="off" autocapitalize="characters" spellcheck="false" required value=(code);
            button.first type="submit" { "Continue" }
        }
        p.warn {
            "Never type a code that somebody sent you: whoever has the device acts in your name."
        }
    };
    Page::new(StatusCode::OK, "Connect a device", &body, &[])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::FormView;

    #[test]
    fn a_code_in_a_link_is_to_be_compared_and_all_stays_text() {
        let hostile = "\"><script>alert(1)</script>";
        let page = |code, person| {
            let view = DeviceView {
                door: "https://door.example",
                person,
                code,
                form: FormView { action: "/oauth/device", csrf: "c", authorization: "device:" },
                problem: Some(hostile),
            };
            String::from_utf8(device(&view).into_response().into_body().to_vec()).unwrap()
        };
        let typed = page("", "Ann");
        assert!(typed.contains("Type the code") && !typed.contains("Does your device show"));
        let brought = page("WDJB-MJHT", hostile);
        assert!(
            brought.contains("value=\"WDJB-MJHT\"") && brought.contains("Does your device show")
        );
        assert!(!brought.contains("<script"), "{brought}");
        assert!(brought.contains("for=\"user_code\"") && brought.contains("id=\"user_code\""));
    }
}
