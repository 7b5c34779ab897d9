//! The arguments of a call, read back from the request that goes on: what a guard sees is what the
//! upstream gets, whichever surface it came by.

mod body;
mod json;
mod number;
mod query;
mod text;

use model::{Argument, ArgumentType, ArgumentValue, RequestHead};

use crate::{ArgumentFault, Operation, bind::Plan};
use body::Contents;
pub(crate) use query::{is_named, takes_any_name};
use text::Wanted;

/// Reads some of an operation's arguments out of its requests.
#[derive(Debug, Clone)]
pub struct Reader {
    /// By index, with what they are like.
    wanted: Vec<(usize, Argument)>,
    needs_body: bool,
}

/// The body of a request whose arguments are read.
#[derive(Debug, Clone, Copy)]
pub enum Sent<'a> {
    /// There is none.
    Nothing,
    /// There may be one, and it was not read.
    Unread,
    /// All of it.
    Whole(&'a [u8]),
}

impl<'a> Sent<'a> {
    fn bytes(self) -> &'a [u8] {
        match self {
            Self::Nothing | Self::Unread => &[],
            Self::Whole(bytes) => bytes,
        }
    }
}

impl Reader {
    /// A reader of the arguments in `names`. What the operation does not have, or what cannot be
    /// seen, is left out.
    #[must_use]
    pub fn new(operation: &Operation, names: &[Box<str>]) -> Self {
        let plan = &operation.plan;
        let known = operation.arguments();
        let wanted = names.iter().filter_map(|name| {
            let index = *plan.index.get(name)?;
            let argument = known.get(index).filter(|it| it.kind.is_some())?;
            Some((index, argument.clone()))
        });
        let wanted: Vec<_> = wanted.collect();
        let needs_body = wanted.iter().any(|(index, _)| !plan.is_parameter(*index));
        Self { wanted, needs_body }
    }

    /// Whether any of them is in the body.
    #[must_use]
    pub fn needs_body(&self) -> bool {
        self.needs_body
    }

    /// The arguments that the request has. The body may stay unread where none of them is in it.
    ///
    /// # Errors
    /// [`ArgumentFault`] where a value is not what its schema says, or where an upstream might read
    /// the request in another way: a name twice, a name that the document does not have.
    pub fn read(
        &self,
        operation: &Operation,
        head: &RequestHead,
        body: Sent<'_>,
    ) -> Result<Vec<(Box<str>, ArgumentValue)>, ArgumentFault> {
        let plan = &operation.plan;
        query::check(plan, &head.query)?;
        let contents = match &plan.body {
            Some(planned) if self.needs_body => {
                Contents::read(plan, planned, &head.headers, body.bytes())?
            }
            planned => {
                let has_body = !matches!(body, Sent::Nothing);
                body::check_unread(planned.as_ref(), &head.headers, has_body)?;
                Contents::default()
            }
        };
        let mut values = Vec::with_capacity(self.wanted.len());
        for (index, argument) in &self.wanted {
            let Argument { name, is_required, kind } = argument;
            let Some(kind) = kind else { continue };
            let value = match parameter(operation, (*index, name, kind), head) {
                Some(read) => read?,
                None => contents.value(*index, name, kind)?,
            };
            match value {
                Some(value) => values.push((name.clone(), value)),
                None if *is_required => return Err(ArgumentFault::Missing { name: name.clone() }),
                None => {}
            }
        }
        Ok(values)
    }
}

/// The value of a parameter of path, query or header; none where the argument is in the body.
fn parameter(
    operation: &Operation,
    (index, name, kind): (usize, &str, &ArgumentType),
    head: &RequestHead,
) -> Option<Result<Option<ArgumentValue>, ArgumentFault>> {
    let Plan { path, query, headers, .. } = &operation.plan;
    let wanted = |parameter| Wanted { name, kind, parameter };
    if let Some(parameter) = path.iter().find(|it| it.argument == index) {
        return Some(wanted(parameter).in_path(&operation.template, head.path.as_str()));
    }
    if let Some(parameter) = query.iter().find(|it| it.argument == index) {
        return Some(wanted(parameter).in_query(&head.query));
    }
    let header = headers.iter().find(|it| it.parameter.argument == index)?;
    Some(wanted(&header.parameter).in_headers(&header.name, &head.headers))
}
