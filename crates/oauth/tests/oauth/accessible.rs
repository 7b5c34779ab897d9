//! The pages that people see can be used by those who do not see them: language, title, headings, labels.

use std::collections::BTreeSet;

use crate::house::{Browser, House, PASSWORD, authorize};

const ACCOUNT: &str = "/oauth/account";
const ANN: [(&str, &str); 2] = [("name", "ann"), ("password", PASSWORD)];

#[tokio::test]
async fn every_page_says_what_it_is_and_labels_what_is_filled_in() {
    let house = House::open().await;
    let mut browser = Browser::default();
    browser.open(&house, &authorize(&[("client_id", "nobody/here")])).await;
    check(&browser.page, "a mistake", &[]);
    browser.open(&house, &authorize(&[])).await;
    check(&browser.page, "sign in", &["name", "password"]);
    browser.send(&house, "/oauth/sign-in", &[("name", "ann"), ("password", "wrong")]).await;
    check(&browser.page, "sign in again", &["name", "password"]);
    browser.send(&house, "/oauth/sign-in", &ANN).await;
    assert!(browser.page.contains("/oauth/consent"), "{}", browser.page);
    check(&browser.page, "consent", &[]);
    browser.send(&house, "/oauth/consent", &[("decision", "allow")]).await;
    browser.open(&house, ACCOUNT).await;
    assert!(browser.page.contains("Take back what"), "{}", browser.page);
    check(&browser.page, "the account", &["password"]);
    browser.send(&house, "/oauth/account/second-factor", &[("password", PASSWORD)]).await;
    assert!(browser.page.contains("<svg"), "{}", browser.page);
    check(&browser.page, "a second factor", &["code"]);
    browser.open(&house, "/oauth/device").await;
    check(&browser.page, "a device", &["user_code"]);

    let mut stranger = Browser::default();
    for (page, name) in [(ACCOUNT, "sign in to see"), ("/oauth/device", "sign in to connect")] {
        stranger.open(&house, page).await;
        check(&stranger.page, name, &["name", "password"]);
    }
}

/// What a screen reader needs of a page, on which these are filled in.
fn check(page: &str, which: &str, filled: &[&str]) {
    let tags: Vec<_> = page.split('<').skip(1).filter_map(|it| it.split_once('>')).collect();
    let named = |name: &str| -> Vec<(&str, &str)> {
        let is_it = |tag: &&(&str, &str)| tag.0.split(' ').next() == Some(name);
        tags.iter().filter(is_it).copied().collect()
    };
    let [html] = named("html")[..] else { panic!("{which}: {page}") };
    assert!(attribute(html.0, "lang").is_some_and(|it| !it.is_empty()), "{which}: no language");
    let [main] = named("main")[..] else { panic!("{which}: not one main part") };
    assert_eq!(main.0, "main");
    let [title] = named("title")[..] else { panic!("{which}: not one title: {page}") };
    let [h1] = named("h1")[..] else { panic!("{which}: not one first heading: {page}") };
    // The title says what the page is, and whose.
    assert!(!h1.1.is_empty() && title.1.starts_with(h1.1), "{which}: {title:?} {h1:?}");

    let levels = tags.iter().filter_map(|it| {
        let level = it.0.strip_prefix('h')?;
        level.split(' ').next()?.parse::<u8>().ok()
    });
    let mut last = 0;
    for level in levels {
        assert!(level <= last + 1, "{which}: a heading {level} stands below one of {last}");
        last = level;
    }

    let labels: Vec<_> = named("label").into_iter().filter(|it| !it.1.is_empty()).collect();
    let labelled: BTreeSet<_> = labels.iter().filter_map(|it| attribute(it.0, "for")).collect();
    let kinds = ["input", "select", "textarea"];
    let inputs = kinds.into_iter().flat_map(named).map(|it| it.0);
    let inputs: Vec<_> = inputs.filter(|it| attribute(it, "type") != Some("hidden")).collect();
    let names: Vec<_> = inputs.iter().filter_map(|it| attribute(it, "name")).collect();
    assert_eq!(names, filled, "{which}");
    for input in inputs {
        let id = attribute(input, "id");
        assert!(id.is_some_and(|it| labelled.contains(it)), "{which}: no label: {input}");
    }
    let ids: Vec<_> = tags.iter().filter_map(|it| attribute(it.0, "id")).collect();
    assert_eq!(ids.len(), ids.iter().collect::<BTreeSet<_>>().len(), "{which}: {ids:?}");
    for button in named("button") {
        assert!(!button.1.trim().is_empty(), "{which}: a button without a word");
    }
    for picture in ["svg", "img"].into_iter().flat_map(named) {
        let text = attribute(picture.0, "aria-label").or(attribute(picture.0, "alt"));
        assert!(text.is_some_and(|it| !it.is_empty()), "{which}: a picture without words");
    }
}

/// What an attribute of a tag says.
fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    tag.split_once(&format!(" {name}=\""))?.1.split('"').next()
}
