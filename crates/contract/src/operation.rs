//! One operation of a document: what it is called, what it takes, and how it is sent.

use http::Method;
use model::{Argument, Effect};
use serde_json::{Map, Value};

use crate::{
    ArgumentFault, Bound, Template,
    bind::{self, Arguments, Plan},
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
        let arguments = Arguments::read(&self.plan, arguments)?;
        bind::bind(&self.method, &self.template, arguments)
    }

    /// Like [`Operation::bind`], but what does not fit goes along as it is, and what is missing
    /// stays away: for whoever says of all of it what is wrong, over every surface in the same words.
    ///
    /// # Errors
    /// [`ArgumentFault`] where the arguments make no path, or nothing that can be sent.
    pub fn bind_unchecked(&self, arguments: Map<String, Value>) -> Result<Bound, ArgumentFault> {
        let arguments = Arguments::read_unchecked(&self.plan, arguments)?;
        bind::bind(&self.method, &self.template, arguments)
    }

    /// Whether it takes a parameter of this name from the query.
    #[must_use]
    pub fn takes_from_query(&self, name: &str) -> bool {
        self.plan.query.iter().any(|it| *it.name == *name)
    }

    /// What its arguments are like, as far as conditions can see them, in the schema's order.
    #[must_use]
    pub fn arguments(&self) -> Vec<Argument> {
        kind::arguments(&self.plan, &self.input_schema)
    }
}
