//! The pages about a second factor: it is asked for, set up, and its recovery codes are shown once.

use http::StatusCode;
use maud::{Markup, html};
use qrcodegen::{QrCode, QrCodeEcc};

use super::{
    CodeView, EnrolmentView, RecoveryView,
    frame::{Page, hidden},
};

/// Modules of white around a code: less, and some apps find none.
const MARGIN: i32 = 4;

/// Asks for a code.
pub(crate) fn code(view: &CodeView<'_>) -> Page {
    let CodeView { door, form, step, problem } = view;
    let body = html! {
        p { "Your authenticator app shows a code for " (door) ". One of your recovery codes does as well, once." }
        @if let Some(problem) = problem { p.warn role="alert" { (problem) } }
        form method="post" action=(form.action) {
            (hidden(form))
            input type="hidden" name="step" value=(step);
            (field())
            button.first type="submit" { "Continue" }
        }
    };
    Page::new(StatusCode::OK, "Enter a code", &body, &[])
}

/// Shows the secret as a picture, as a link and in letters, and asks for the first code.
pub(crate) fn enrolment(view: &EnrolmentView<'_>) -> Page {
    let EnrolmentView { door, form, step, ticket, address, secret, problem } = view;
    let body = html! {
        p { "Add " (door) " to an authenticator app: it makes a new code every 30 seconds, and you need one to sign in from then on." }
        @if let Some(picture) = picture(address) {
            p { "Take this picture with the app:" }
            (picture)
        }
        p { a href=(address) { "Or open it in an app on this device" } ", or type this key into one:" }
        p { code { (secret) } }
        @if let Some(problem) = problem { p.warn role="alert" { (problem) } }
        form method="post" action=(form.action) {
            (hidden(form))
            @if let Some(step) = step { input type="hidden" name="step" value=(step); }
            input type="hidden" name="enrolment" value=(ticket);
            (field())
            button.first type="submit" { "It shows this code" }
        }
    };
    Page::new(StatusCode::OK, "Set up a second factor", &body, &[])
}

/// Shows the recovery codes, this once.
pub(crate) fn recovery_codes(view: &RecoveryView<'_>) -> Page {
    let RecoveryView { codes, next } = view;
    let body = html! {
        p { "From now on you are asked for a code of your app when you sign in." }
        p.warn { "Keep these recovery codes where you find them without the app. Each stands for a code once, and they are shown this once only." }
        ul { @for code in *codes { li { code { (code) } } } }
        p { a href=(next) { "I have kept them: continue" } }
    };
    Page::new(StatusCode::OK, "Your recovery codes", &body, &[])
}

/// Letters too: recovery codes have some.
fn field() -> Markup {
    html! {
        label for="code" { "Code" }
        input id="code" name="code" type="text" autocomplete="one-time-code" autocapitalize="characters" spellcheck="false" required;
    }
}

/// A picture that apps read, drawn here: no script, and no address that anybody else would see. White
/// on all sides, whatever colours the page has.
fn picture(text: &str) -> Option<Markup> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
    let all = code.size().saturating_add(MARGIN.saturating_mul(2));
    let places = (0..code.size()).flat_map(|y| (0..code.size()).map(move |x| (x, y)));
    let dark = places.filter(|(x, y)| code.get_module(*x, *y));
    let square = |(x, y): (i32, i32)| {
        format!("M{} {}h1v1h-1z", x.saturating_add(MARGIN), y.saturating_add(MARGIN))
    };
    let path = dark.map(square).collect::<Vec<_>>().concat();
    let view = format!("0 0 {all} {all}");
    Some(html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox=(view) width="240" height="240" role="img" aria-label="A QR code with the key for the app" {
            rect width=(all) height=(all) fill="#fff" {}
            path d=(path) fill="#000" {}
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::FormView;

    const FORM: FormView<'_> = FormView { action: "/oauth/sign-in", csrf: "c", authorization: "a" };

    fn text(page: Page) -> String {
        String::from_utf8(page.into_response().into_body().to_vec()).unwrap()
    }

    #[test]
    fn a_secret_is_shown_in_three_ways_and_all_stays_text() {
        let hostile = "\"><script>alert(1)</script>";
        let view = EnrolmentView {
            door: hostile,
            form: FORM,
            step: None,
            ticket: hostile,
            address: "otpauth://totp/a:b?secret=ABC",
            secret: "ABC",
            problem: Some(hostile),
        };
        let page = text(enrolment(&view));
        assert!(!page.contains("<script"), "{page}");
        assert!(page.contains("<svg") && page.contains("href=\"otpauth://totp/a:b?secret=ABC\""));
        assert!(page.contains("<code>ABC</code>") && !page.contains("name=\"step\""));
    }

    #[test]
    fn a_picture_is_the_code_of_its_text_with_white_around_it() {
        let code = QrCode::encode_text("otpauth://totp/a:b", QrCodeEcc::Medium).unwrap();
        let all = picture("otpauth://totp/a:b").unwrap().into_string();
        let size = code.size();
        let dark = (0..size).flat_map(|y| (0..size).map(move |x| (x, y)));
        let dark: Vec<_> = dark.filter(|(x, y)| code.get_module(*x, *y)).collect();
        assert_eq!(all.matches("h1v1h-1z").count(), dark.len());
        let (x, y) = dark[0];
        let inside = |it: i32| it.saturating_add(MARGIN);
        assert!(all.contains(&format!("d=\"M{} {}h1", inside(x), inside(y))), "{all}");
        assert!(all.contains(&format!("0 0 {0} {0}", inside(inside(size)))), "{all}");
        assert!(picture(&"a".repeat(4_000)).is_none(), "too much for a picture");
    }
}
