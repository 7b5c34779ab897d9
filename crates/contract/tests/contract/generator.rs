//! Arguments made from a schema, with values that can be found again in what is sent.

use serde_json::{Map, Value, json};

/// Makes arguments that a schema allows.
pub(crate) struct Generator {
    /// Whether optional properties are made too.
    is_complete: bool,
    /// What must arrive: every text and number that was made up.
    pub(crate) tokens: Vec<String>,
}

impl Generator {
    pub(crate) fn new(is_complete: bool) -> Self {
        Self { is_complete, tokens: Vec::new() }
    }

    /// An object of the properties of `schema`.
    pub(crate) fn object(&mut self, schema: &Value) -> Value {
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let mut object = Map::new();
        for (key, property) in schema["properties"].as_object().into_iter().flatten() {
            if self.is_complete || required.contains(&key.as_str()) {
                object.insert(key.clone(), self.value(property));
            }
        }
        Value::Object(object)
    }

    fn value(&mut self, schema: &Value) -> Value {
        if let Some(first) = schema["enum"].get(0) {
            return first.clone();
        }
        if let Some(first) = schema["anyOf"].get(0).filter(|_| schema.get("properties").is_none()) {
            return self.value(first);
        }
        let name = match &schema["type"] {
            Value::String(name) => name.as_str(),
            Value::Array(names) => names[0].as_str().unwrap(),
            _ => "string",
        };
        match name {
            "array" => json!([self.value(&schema["items"])]),
            "boolean" => json!(true),
            "integer" => json!(self.number()),
            "null" => Value::Null,
            "number" => json!(self.number()),
            "object" => self.object(schema),
            _ if schema["contentEncoding"] == json!("base64") => {
                self.tokens.push("bytes".to_owned());
                json!("Ynl0ZXM=")
            }
            _ => {
                let token = format!("v{}x", self.number());
                self.tokens.push(token.clone());
                json!(token)
            }
        }
    }

    fn number(&mut self) -> usize {
        let number = 1000 + self.tokens.len();
        self.tokens.push(number.to_string());
        number
    }
}
