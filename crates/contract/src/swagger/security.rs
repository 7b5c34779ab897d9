//! Security schemes of 2.0.

use serde_json::{Map, Value, json};

/// The same scheme in 3.0; none where it is unknown.
pub(super) fn convert(scheme: &Value) -> Option<Value> {
    let text = |key: &str| scheme.get(key).and_then(Value::as_str);
    let mut converted = match text("type")? {
        "basic" => json!({"type": "http", "scheme": "basic"}),
        "apiKey" => json!({"type": "apiKey", "in": text("in")?, "name": text("name")?}),
        "oauth2" => {
            let name = match text("flow")? {
                "accessCode" => "authorizationCode",
                "application" => "clientCredentials",
                "implicit" => "implicit",
                "password" => "password",
                _ => return None,
            };
            let mut flow = Map::new();
            for key in ["authorizationUrl", "tokenUrl"] {
                if let Some(url) = text(key) {
                    flow.insert(key.to_owned(), json!(url));
                }
            }
            let scopes = scheme.get("scopes").cloned().unwrap_or_else(|| json!({}));
            flow.insert("scopes".to_owned(), scopes);
            json!({"type": "oauth2", "flows": {name: flow}})
        }
        _ => return None,
    };
    if let (Some(description), Some(map)) = (text("description"), converted.as_object_mut()) {
        map.insert("description".to_owned(), json!(description));
    }
    Some(converted)
}
