//! One operation of a path: what it takes, what it gives, how it is sent.

use model::Effect;
use serde_json::{Map, Value};

use super::{
    Context, Entry,
    argument::{self, Arguments},
};
use crate::{Error, Operation, bind::Plan, schema::cut};

/// Longest summary, in characters.
const SUMMARY_MAX: usize = 300;
/// Longest description, in characters.
const DESCRIPTION_MAX: usize = 4000;

/// Why an operation is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LeftOut(pub(super) String);

/// An operation while its parameters are read.
#[derive(Debug, Default)]
pub(super) struct Draft<'a> {
    pub(super) arguments: Arguments<'a>,
    pub(super) plan: Plan,
}

impl<'a> Context<'a> {
    /// Reads one; nothing, and a warning, where it cannot be called as it is described.
    pub(super) fn operation(
        &mut self,
        entry: Entry<'a>,
        name: String,
    ) -> Result<Option<Operation>, Error> {
        let mut draft = Draft::default();
        if let Err(LeftOut(why)) = self.read_parameters(&entry, &mut draft) {
            self.warnings.add(&entry.pointer, format!("left out: {why}"));
            self.schemas.take_notes();
            self.left_out.push((entry.method, entry.template));
            return Ok(None);
        }
        let Draft { mut arguments, mut plan } = draft;
        plan.body = self.body(&entry, &mut arguments);
        let answer = self.answer(&entry);
        plan.accept = answer.accept;
        let keys = arguments.keys();
        let input_schema = arguments.schema(&keys, &mut self.schemas)?;
        let output_schema = answer.schema.map(|it| self.output_schema(it)).transpose()?;
        self.warn_of_notes(&entry.pointer);
        plan.index = argument::index(&keys);
        plan.is_required = arguments.required().collect();
        plan.keys = keys.into_iter().map(String::into_boxed_str).collect();
        let text = |key: &str, max: usize| {
            let own = text(entry.operation, key).or_else(|| text(entry.item, key));
            own.map(|it| cut(it, max).into_owned())
        };
        Ok(Some(Operation {
            name,
            effect: Effect::of_method(&entry.method),
            summary: text("summary", SUMMARY_MAX),
            description: text("description", DESCRIPTION_MAX),
            is_deprecated: entry.operation.get("deprecated") == Some(&Value::Bool(true)),
            method: entry.method,
            template: entry.template,
            input_schema,
            output_schema,
            plan,
            keys: (entry.path.to_owned(), entry.method_key.to_owned()),
        }))
    }
}

fn text<'a>(map: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    map.get(key).and_then(Value::as_str).map(str::trim).filter(|it| !it.is_empty())
}
