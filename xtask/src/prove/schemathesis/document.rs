//! The document that schemathesis reads: the door's own, with an input for each operation that is right.

use admin::About;
use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::prove::example::{self, Example};

/// Adds the examples: without them hardly an id would be one that there is.
pub(super) fn with_examples(mut document: Value) -> Result<Value> {
    for about in admin::operations() {
        let (path, method) = (about.path, about.method.as_str().to_ascii_lowercase());
        let operation = document.get_mut("paths").and_then(|it| it.get_mut(path)?.get_mut(&method));
        let operation = operation.with_context(|| format!("the document lacks {}", about.name))?;
        let example = example::right(&about)?;
        add_parameters(operation, &about, &example)?;
        if !example.body.is_null() {
            let content = operation.pointer_mut("/requestBody/content/application~1json");
            let content = content.and_then(Value::as_object_mut);
            let content = content.with_context(|| format!("{} takes no JSON", about.name))?;
            content.insert("example".to_owned(), example.body);
        }
    }
    Ok(document)
}

fn add_parameters(operation: &mut Value, about: &About, example: &Example) -> Result<()> {
    let declared = operation.get_mut("parameters").and_then(Value::as_array_mut);
    let mut declared: Vec<_> = declared.into_iter().flatten().collect();
    for (name, value) in &example.parameters {
        let is_it = |it: &&mut &mut Value| it.get("name").and_then(Value::as_str) == Some(name);
        let parameter = declared.iter_mut().find(is_it).and_then(|it| it.as_object_mut());
        let parameter = parameter.with_context(|| format!("{} takes no {name}", about.name))?;
        parameter.insert("example".to_owned(), value.clone());
    }
    Ok(())
}
