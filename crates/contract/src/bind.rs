//! A tool's arguments to the request that a REST caller would have sent.

mod base64;
mod body;
mod fault;
mod multipart;
mod parameter;

use std::collections::HashMap;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use model::{Query, RequestHead};
use serde_json::{Map, Value};

pub use fault::ArgumentFault;

use crate::Template;

/// A request made of arguments.
#[derive(Debug, Clone)]
pub struct Bound {
    /// Method, path, query and headers; no credential among them.
    pub head: RequestHead,
    /// The body, if there is one. Its media type stands in the head.
    pub body: Option<Bytes>,
}

/// How the arguments of one operation become a request.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// The names of the arguments; all else refers to them by index.
    pub(crate) keys: Vec<Box<str>>,
    pub(crate) is_required: Vec<bool>,
    pub(crate) index: HashMap<Box<str>, usize>,
    /// One for each parameter of the template, in its order.
    pub(crate) path: Vec<Parameter>,
    pub(crate) query: Vec<Parameter>,
    pub(crate) headers: Vec<Header>,
    pub(crate) body: Option<Body>,
    pub(crate) accept: HeaderValue,
    /// Names in the query that a caller's own object must not bring along.
    pub(crate) barred: Vec<Box<str>>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            keys: Vec::new(),
            is_required: Vec::new(),
            index: HashMap::new(),
            path: Vec::new(),
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
            accept: HeaderValue::from_static("*/*"),
            barred: Vec::new(),
        }
    }
}

impl Plan {
    /// Whether the argument goes into the path, the query or a header.
    pub(crate) fn is_parameter(&self, argument: usize) -> bool {
        let headers = self.headers.iter().map(|it| &it.parameter);
        let mut parameters = self.path.iter().chain(&self.query).chain(headers);
        parameters.any(|it| it.argument == argument)
    }
}

/// A parameter on the wire.
#[derive(Debug, Clone)]
pub(crate) struct Parameter {
    pub(crate) argument: usize,
    pub(crate) name: Box<str>,
    pub(crate) style: Style,
    pub(crate) is_exploded: bool,
    pub(crate) shape: Shape,
}

impl Parameter {
    /// One value, as it is.
    pub(crate) fn plain(argument: usize, name: &str, style: Style) -> Self {
        Self { argument, name: name.into(), style, is_exploded: false, shape: Shape::Scalar }
    }
}

/// A parameter in a header.
#[derive(Debug, Clone)]
pub(crate) struct Header {
    pub(crate) name: HeaderName,
    pub(crate) parameter: Parameter,
}

/// How values with several elements are written (OpenAPI 3.1, "Style Values").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// `filter[name]=x&filter[age]=1`
    Deep,
    /// `a=1&a=2`, or `a=1,2`
    Form,
    /// `a={"b":1}`
    Json,
    /// `a=1|2`
    Pipe,
    /// `1,2`
    Simple,
    /// `a=1 2`
    Space,
}

impl Style {
    /// What stands between the elements of one text.
    pub(crate) fn delimiter(self) -> char {
        match self {
            Self::Pipe => '|',
            Self::Space => ' ',
            Self::Deep | Self::Form | Self::Json | Self::Simple => ',',
        }
    }
}

/// What kind of value a parameter takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Any,
    Array,
    Object,
    Scalar,
}

/// How a body is made.
#[derive(Debug, Clone)]
pub(crate) struct Body {
    pub(crate) media_type: HeaderValue,
    pub(crate) encoding: Encoding,
    pub(crate) is_required: bool,
    pub(crate) content: Content,
}

/// What a body is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// Anything: the argument is base64 of its bytes.
    Base64,
    /// `application/x-www-form-urlencoded`
    Form,
    Json,
    /// `multipart/form-data`
    Multipart,
    Text,
}

/// Which arguments make a body.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    /// Each field is an argument of its own.
    Fields(Vec<Field>),
    /// One argument is all of it.
    Whole(usize),
}

/// A field of a body.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(crate) argument: usize,
    pub(crate) name: Box<str>,
    /// Whether a body must have it.
    pub(crate) is_required: bool,
    /// Whether the argument is base64 of its bytes.
    pub(crate) is_file: bool,
    /// Whether elements of an array are fields of their own.
    pub(crate) is_exploded: bool,
    /// Its own media type, in a multipart body.
    pub(crate) content_type: Option<Box<str>>,
}

/// The arguments of one call, by index.
#[derive(Debug)]
pub(crate) struct Arguments<'p> {
    plan: &'p Plan,
    values: Vec<Option<Value>>,
    /// What the operation does not know, where all is to be sent as it is.
    others: Option<Map<String, Value>>,
}

impl<'p> Arguments<'p> {
    /// Sorts the arguments into their places.
    pub(crate) fn read(
        plan: &'p Plan,
        arguments: Map<String, Value>,
    ) -> Result<Self, ArgumentFault> {
        Self::sorted(plan, arguments, None)
    }

    /// Sorts the arguments into their places, and keeps those that have none.
    pub(crate) fn read_unchecked(
        plan: &'p Plan,
        arguments: Map<String, Value>,
    ) -> Result<Self, ArgumentFault> {
        Self::sorted(plan, arguments, Some(Map::new()))
    }

    fn sorted(
        plan: &'p Plan,
        arguments: Map<String, Value>,
        mut others: Option<Map<String, Value>>,
    ) -> Result<Self, ArgumentFault> {
        let mut values: Vec<Option<Value>> = vec![None; plan.keys.len()];
        for (key, value) in arguments {
            let place = plan.index.get(key.as_str()).and_then(|it| values.get_mut(*it));
            match (place, &mut others) {
                (Some(place), _) => *place = Some(value),
                (None, Some(others)) => drop(others.insert(key, value)),
                (None, None) => return Err(ArgumentFault::unknown(&key, &plan.keys)),
            }
        }
        let mut read = Self { plan, values, others };
        // There is no null in a path, a query or a header: it means that there is no value.
        let headers = plan.headers.iter().map(|it| &it.parameter);
        for parameter in plan.path.iter().chain(&plan.query).chain(headers) {
            if let Some(value @ Some(Value::Null)) = read.values.get_mut(parameter.argument) {
                *value = None;
            }
        }
        for (index, is_required) in plan.is_required.iter().enumerate() {
            // A path has no place without a value.
            let is_needed = *is_required && (read.is_checked() || read.is_of_path(index));
            if is_needed && read.get(index).is_none() {
                return Err(ArgumentFault::Missing { name: read.name(index) });
            }
        }
        Ok(read)
    }

    /// Whether what does not fit is a fault.
    fn is_checked(&self) -> bool {
        self.others.is_none()
    }

    fn is_of_path(&self, index: usize) -> bool {
        self.plan.path.iter().any(|it| it.argument == index)
    }

    fn get(&self, index: usize) -> Option<&Value> {
        self.values.get(index)?.as_ref()
    }

    fn take(&mut self, index: usize) -> Option<Value> {
        self.values.get_mut(index)?.take()
    }

    fn name(&self, index: usize) -> Box<str> {
        self.plan.keys.get(index).cloned().unwrap_or_default()
    }
}

/// Makes the request that `arguments` ask for.
pub(crate) fn bind(
    method: &Method,
    template: &Template,
    mut arguments: Arguments<'_>,
) -> Result<Bound, ArgumentFault> {
    let plan = arguments.plan;
    let path = parameter::path(template, &arguments)?;
    let mut query = Query::default();
    for parameter in &plan.query {
        parameter::push_query(&mut query, parameter, &arguments)?;
    }
    let mut headers = HeaderMap::with_capacity(plan.headers.len().saturating_add(2));
    headers.insert(header::ACCEPT, plan.accept.clone());
    for header in &plan.headers {
        if let Some(value) = parameter::header(&header.parameter, &arguments)? {
            headers.insert(header.name.clone(), value);
        }
    }
    let body = match &plan.body {
        Some(body) => body::write(body, &mut arguments)?,
        None => None,
    };
    // Without a body that takes them, they go where a request has room for anything.
    for (name, value) in arguments.others.take().into_iter().flatten() {
        parameter::push_other(&mut query, &name, &value)?;
    }
    let body = body.map(|(media_type, bytes)| {
        headers.insert(header::CONTENT_TYPE, media_type);
        bytes
    });
    Ok(Bound { head: RequestHead { method: method.clone(), path, query, headers }, body })
}
