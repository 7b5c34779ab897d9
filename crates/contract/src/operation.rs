//! One operation of a document: what it is called, what it takes, and how it is sent.

use http::Method;
use model::{Argument, Effect};
use serde_json::{Map, Value};

use crate::{
    ArgumentFault, Bound, Template,
    bind::{self, Plan},
    kind,
};

/// One operation of a document.
#[derive(Debug, Clone)]
pub struct Operation {
    /// Its name, unique in the document: 1–64 of `a-z A-Z 0-9 - _`.
    pub name: String,
    /// Its method.
    pub method: Method,
    /// Its path, below the collection's base.
    pub template: Template,
    /// What it does, in a line.
    pub summary: Option<String>,
    /// What it does, at length.
    pub description: Option<String>,
    /// Whether its author wants nobody to begin to use it.
    pub is_deprecated: bool,
    /// What its method promises.
    pub effect: Effect,
    /// What it takes: a JSON Schema of one flat object, without references.
    pub input_schema: Value,
    /// What it answers with where it succeeds, if that is always JSON: a JSON Schema whose root is
    /// an object. What is no object in the answer stands under `result`.
    pub output_schema: Option<Value>,
    /// How arguments become a request.
    pub(crate) plan: Plan,
    /// The keys under which it stands in `paths`: path and method.
    pub(crate) keys: (String, String),
}

impl Operation {
    /// Makes the request that `arguments` ask for.
    ///
    /// Two sets of the same arguments, in whatever order, make the same bytes.
    ///
    /// # Errors
    /// [`ArgumentFault`] where an argument is unknown, missing or cannot be sent as what it is.
    pub fn bind(&self, arguments: Map<String, Value>) -> Result<Bound, ArgumentFault> {
        bind::bind(&self.plan, &self.method, &self.template, arguments)
    }

    /// What its arguments are like, as far as conditions can see them, in the schema's order.
    #[must_use]
    pub fn arguments(&self) -> Vec<Argument> {
        kind::arguments(&self.plan, &self.input_schema)
    }
}
