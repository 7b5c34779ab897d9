//! A document that came as JSON is the document that a person would have written.

use proptest::prelude::*;
use serde_json::json;
use state::Kind;

use crate::nouns;

proptest! {
    #[test]
    fn json_of_a_document_makes_the_same_document(
        client in nouns::client(),
        collection in nouns::collection_(),
        credential in nouns::credential(),
        secret in nouns::secret(),
        upstream in nouns::named_upstream(),
    ) {
        let upstream_id = upstream.id.clone().unwrap();
        for (kind, id, text) in [
            (Kind::Client, client.id.as_str(), state::write_client(&client)),
            (Kind::Collection, collection.id.as_str(), state::write_collection(&collection)),
            (Kind::Credential, credential.id.as_str(), state::write_credential(&credential)),
            (Kind::Secret, secret.id.as_str(), state::write_secret(&secret)),
            (Kind::Upstream, upstream_id.as_str(), state::write_upstream(&upstream)),
        ] {
            let value = state::to_json(&text).unwrap();
            prop_assert_eq!(state::document(kind, id, &value), text);
        }
    }

    #[test]
    fn any_json_makes_a_text_that_says_the_same(value in nouns::json()) {
        for kind in Kind::ALL {
            let text = state::document(kind, "a", &value);
            prop_assert_eq!(state::to_json(&text), Ok(value.clone()), "{}", text);
        }
    }
}

#[test]
fn keys_come_in_the_order_of_the_writer() {
    let value = json!({"profiles": {}, "owner": "t", "enabled": true, "kind": "app"});
    assert_eq!(state::document(Kind::Client, "a", &value), "kind: app\nowner: t\n");
    let value = json!({"document": "documents/a", "upstream": "shop", "owner": "t"});
    let text = state::document(Kind::Collection, "a", &value);
    assert_eq!(text, "owner: t\nupstream: shop\ndocument: documents/a\n");
}

#[test]
fn what_is_no_good_document_is_written_as_it_is() {
    let value = json!({"owner": "t", "kind": "robot"});
    assert_eq!(state::document(Kind::Client, "a", &value), "owner: t\nkind: robot\n");
    assert_eq!(state::document(Kind::Client, "No Id", &value), "owner: t\nkind: robot\n");
    assert_eq!(state::to_json("a: 1\nb: [\n").unwrap_err().0, 2);
}
