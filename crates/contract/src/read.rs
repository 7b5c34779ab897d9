//! Reads the operations of an OpenAPI 3 document.

mod argument;
mod body;
mod hidden;
mod operation;
mod parameter;
mod response;

use std::collections::{HashMap, HashSet};

use http::Method;
use serde_json::{Map, Value};

use crate::{
    Error, Operation, Template,
    error::{Warnings, quoted},
    name::{self, Wish},
    reference::{self, References},
    schema::Schemas,
};
pub(crate) use body::{essence, is_json};
pub(crate) use hidden::{Hidden, is_credential};

/// Most operations of one document.
const OPERATIONS_MAX: usize = 50_000;

/// The methods of a path, in the order in which they are read. Not TRACE: it shows a request to
/// whoever asks, credentials included, and no client needs it.
const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "query"];

/// What reading an operation needs to know of its document.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    references: References<'a>,
    schemas: Schemas<'a>,
    hidden: Hidden<'a>,
    left_out: Vec<(Method, Template)>,
    warnings: Warnings,
}

/// What was read.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) operations: Vec<Operation>,
    /// What is described and cannot be called, as far as it is known for which requests it would be.
    pub(crate) left_out: Vec<(Method, Template)>,
    pub(crate) warnings: Warnings,
}

/// Where an operation stands, before it is read.
#[derive(Debug)]
struct Entry<'a> {
    path: &'a str,
    method_key: &'static str,
    method: Method,
    item: &'a Map<String, Value>,
    operation: &'a Map<String, Value>,
    template: Template,
    pointer: String,
}

/// Reads all operations of `root`, a document of version 3.
pub(crate) fn operations(root: &Value, warnings: Warnings) -> Result<Found, Error> {
    let references = References::new(root);
    let mut context = Context {
        references,
        schemas: Schemas::new(references),
        hidden: Hidden::read(root, references),
        left_out: Vec::new(),
        warnings,
    };
    let mut entries = context.entries(root)?;
    context.leave_out_doubles(&mut entries);
    context.settle_rests(&mut entries);
    let names = name::unique(&entries.iter().map(wish).collect::<Vec<_>>());
    let mut operations = Vec::with_capacity(entries.len());
    for (entry, name) in entries.into_iter().zip(names) {
        operations.extend(context.operation(entry, name)?);
    }
    let Context { left_out, warnings, .. } = context;
    Ok(Found { operations, left_out, warnings })
}

impl<'a> Context<'a> {
    fn entries(&mut self, root: &'a Value) -> Result<Vec<Entry<'a>>, Error> {
        let Some(paths) = root.get("paths").and_then(Value::as_object) else {
            // 3.1 may describe what is sent to others, and nothing else.
            if root.get("webhooks").is_none() {
                self.warnings.add("/paths", "no paths: the document describes no operation");
            }
            return Ok(Vec::new());
        };
        let count = paths.values().map(|item| self.methods(item).count()).sum();
        if count > OPERATIONS_MAX {
            return Err(Error::TooManyOperations { count, count_max: OPERATIONS_MAX });
        }
        let mut entries = Vec::with_capacity(count);
        for (path, item) in paths {
            if !path.starts_with("x-") {
                self.path(path, item, &mut entries);
            }
        }
        Ok(entries)
    }

    fn methods(
        &self,
        item: &'a Value,
    ) -> impl Iterator<Item = (&'static str, &'a Value)> + use<'a> {
        let item = self.references.resolve(item).ok();
        METHODS.into_iter().filter_map(move |key| Some((key, item?.get(key)?)))
    }

    fn path(&mut self, path: &'a str, item: &'a Value, entries: &mut Vec<Entry<'a>>) {
        let pointer = format!("/paths/{}", reference::escape(path));
        let template = match Template::parse(path) {
            Ok(template) => template,
            Err(fault) => {
                self.warnings.add(&pointer, format!("left out: {fault}"));
                if let Some(template) = Template::meant(path) {
                    self.leave_out(&template, item);
                }
                return;
            }
        };
        let resolved = match self.references.resolve(item) {
            Ok(Value::Object(resolved)) => resolved,
            Ok(_) => {
                self.warnings.add(&pointer, "left out: no mapping");
                return self.leave_out(&template, item);
            }
            Err(fault) => {
                self.warnings.add(&pointer, format!("left out: {fault}"));
                return self.leave_out(&template, item);
            }
        };
        for key in ["trace", "additionalOperations"] {
            if resolved.contains_key(key) {
                self.warnings.add(&pointer, format!("left out: {key}, which is not carried on"));
            }
        }
        if self.methods(item).next().is_none() {
            return self.leave_out(&template, item);
        }
        for (method_key, operation) in self.methods(item) {
            let pointer = format!("{pointer}/{method_key}");
            let (template, item) = (template.clone(), resolved);
            let Some(method) = method(method_key) else { continue };
            let Some(operation) = operation.as_object() else {
                self.warnings.add(&pointer, "left out: no mapping");
                self.left_out.push((method, template));
                continue;
            };
            entries.push(Entry { path, method_key, method, item, operation, template, pointer });
        }
    }

    /// Leaves a whole path out: the methods that it has, or where there is none that is read all of them.
    fn leave_out(&mut self, template: &Template, item: &'a Value) {
        let had: Vec<_> = self.methods(item).map(|(key, _)| key).collect();
        let keys = if had.is_empty() { METHODS.to_vec() } else { had };
        self.left_out.extend(keys.into_iter().filter_map(method).map(|it| (it, template.clone())));
    }

    /// A request must mean one operation. Of two with one method and one shape, the first stays.
    fn leave_out_doubles(&mut self, entries: &mut Vec<Entry<'a>>) {
        let mut seen: HashMap<(&'static str, String), &'a str> = HashMap::new();
        let mut doubles: HashSet<String> = HashSet::new();
        for entry in entries.iter() {
            let place = (entry.method_key, entry.template.shape());
            if let Some(other) = seen.get(&place) {
                let message = format!("left out: the same requests as {}", quoted(other));
                self.warnings.add(&entry.pointer, message);
                doubles.insert(entry.pointer.clone());
            } else {
                seen.insert(place, entry.path);
            }
        }
        for entry in entries.iter() {
            let Some(shape) = entry.template.plain_shape() else { continue };
            // `/{base}...{head}` beside `/{basehead}`: whoever calls the second would meet the first.
            if let Some(other) = seen.get(&(entry.method_key, shape)) {
                let message = format!("left out: the same requests as {}", quoted(other));
                self.warnings.add(&entry.pointer, message);
                doubles.insert(entry.pointer.clone());
            }
        }
        entries.retain(|it| !doubles.contains(&it.pointer));
    }

    /// Lets last parameters that say so take all the rest, where no other path goes on from there.
    fn settle_rests(&mut self, entries: &mut [Entry<'a>]) {
        for entry in entries.iter_mut() {
            let parameters = self.parameters(entry.item, entry.operation).into_iter();
            let names = parameters.filter(is_rest).filter_map(|it| it.get("name")?.as_str());
            names.for_each(|name| entry.template.take_rest(name));
        }
        let left_out = self.left_out.iter().map(|(_, template)| template);
        let templates = entries.iter().map(|it| &it.template).chain(left_out);
        let prefixes: HashSet<String> = templates.flat_map(Template::parameter_prefixes).collect();
        for entry in entries.iter_mut() {
            if entry.template.rest_prefix().is_some_and(|it| prefixes.contains(&it)) {
                entry.template.leave_rest();
                self.warnings.add(
                    &entry.pointer,
                    "the last parameter takes one segment only: other paths go on behind it",
                );
            }
        }
    }

    /// The parameters of an operation, resolved, those of its path first; its own replace them.
    fn parameters(
        &self,
        item: &'a Map<String, Value>,
        operation: &'a Map<String, Value>,
    ) -> Vec<&'a Map<String, Value>> {
        let own = |map: &'a Map<String, Value>| {
            let listed = map.get("parameters").and_then(Value::as_array).into_iter().flatten();
            listed.filter_map(|it| self.references.resolve(it).ok()?.as_object())
        };
        let mut places: HashMap<(&str, &str), usize> = HashMap::new();
        let mut parameters = Vec::new();
        for parameter in own(item).chain(own(operation)) {
            let text = |key: &str| parameter.get(key).and_then(Value::as_str).unwrap_or_default();
            match places.get(&(text("in"), text("name"))).and_then(|it| parameters.get_mut(*it)) {
                Some(earlier) => *earlier = parameter,
                None => {
                    places.insert((text("in"), text("name")), parameters.len());
                    parameters.push(parameter);
                }
            }
        }
        parameters
    }

    /// Warns of the references that schemas met and could not follow.
    fn warn_of_notes(&mut self, pointer: &str) {
        for note in self.schemas.take_notes() {
            self.warnings.add(pointer, note);
        }
    }
}

fn method(key: &str) -> Option<Method> {
    Method::from_bytes(key.to_ascii_uppercase().as_bytes()).ok()
}

/// Whether a parameter in the path may hold slashes.
fn is_rest(parameter: &&Map<String, Value>) -> bool {
    parameter.get("x-multi-segment") == Some(&Value::Bool(true))
        && parameter.get("in").and_then(Value::as_str) == Some("path")
}

fn wish(entry: &Entry<'_>) -> Wish {
    let slug = format!("{} {}", entry.method_key, entry.path);
    let id = entry.operation.get("operationId").and_then(Value::as_str).unwrap_or_default();
    let original = format!("{id} {slug}");
    if model::id::is_operation_name(id) {
        return Wish { name: id.to_owned(), original, is_exact: true };
    }
    let name = name::sanitize(id, name::is_name_character)
        .or_else(|| name::sanitize(&slug, name::is_name_character))
        .unwrap_or_else(|| entry.method_key.to_owned());
    Wish { name, original, is_exact: false }
}
