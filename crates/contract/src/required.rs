//! Does a request have what its operation requires?

use http::header::CONTENT_TYPE;
use model::RequestHead;

use crate::{
    ArgumentFault, Operation,
    bind::Content,
    reader::{is_named, takes_any_name},
};

impl Operation {
    /// Looks for each parameter of query and header that the document requires, and for a body where
    /// it requires one: a body is there where it has bytes, or where its media type is said.
    ///
    /// What stands in a body is not looked at. Nor is an object looked for whose members are parameters
    /// of their own, under any name.
    ///
    /// # Errors
    /// [`ArgumentFault`], as [`Operation::bind`] has it, for the first that is missing.
    pub fn check_required(&self, head: &RequestHead, has_bytes: bool) -> Result<(), ArgumentFault> {
        let has_body = has_bytes || head.headers.contains_key(CONTENT_TYPE);
        let plan = &self.plan;
        let required = plan.is_required.iter().enumerate().filter(|it| *it.1).map(|it| it.0);
        for argument in required {
            if self.lacks(argument, head, has_body) {
                let name = plan.keys.get(argument).cloned().unwrap_or_default();
                return Err(ArgumentFault::Missing { name });
            }
        }
        let is_body_required = plan.body.as_ref().is_some_and(|it| it.is_required);
        match is_body_required && !has_body {
            true => Err(ArgumentFault::Body { wanted: "is missing".to_owned() }),
            false => Ok(()),
        }
    }

    /// Whether a request shows that it lacks an argument.
    fn lacks(&self, argument: usize, head: &RequestHead, has_body: bool) -> bool {
        let plan = &self.plan;
        if let Some(parameter) = plan.query.iter().find(|it| it.argument == argument) {
            let mut names = head.query.pairs().iter().map(|it| &it.0);
            return !takes_any_name(parameter) && !names.any(|it| is_named(parameter, it));
        }
        if let Some(header) = plan.headers.iter().find(|it| it.parameter.argument == argument) {
            return !head.headers.contains_key(&header.name);
        }
        match plan.body.as_ref().map(|it| &it.content) {
            Some(Content::Whole(whole)) => *whole == argument && !has_body,
            Some(Content::Fields(_)) | None => false,
        }
    }
}
