//! What a management operation is. Route, tool, command, help and schema follow from this alone.

use std::{future::Future, marker::PhantomData, pin::Pin};

use http::{Method, StatusCode};
use model::Effect;
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{Admin, Call, failure::Failure, reply::Reply, schema};

/// One management operation. It is named as a permission is: `onedoor:NAME`.
pub(crate) trait Operation: Send + Sync + 'static {
    /// `put_client`.
    const NAME: &'static str;
    /// How it is called on the command line: `client put`.
    const COMMAND: [&'static str; 2];
    /// The method on the REST surface.
    const METHOD: Method;
    /// The path below the base: `/clients/{id}`.
    const PATH: &'static str;
    /// What it does to the world.
    const EFFECT: Effect;
    /// What it does, in a few words.
    const SUMMARY: &'static str;
    /// What whoever uses it must know besides.
    const DESCRIPTION: &'static str = "";
    /// The status of its answer where all goes well.
    const STATUS: StatusCode = StatusCode::OK;
    /// The parameters of path, query and header, by name.
    type Parameters: DeserializeOwned + JsonSchema + Send;
    /// The body; [`NoBody`] where there is none.
    type Body: DeserializeOwned + JsonSchema + Send + 'static;
    /// The answer.
    type Output: Serialize + JsonSchema + Send;

    /// Carries it out.
    fn run(
        admin: &Admin,
        call: &Call,
        parameters: Self::Parameters,
        body: Self::Body,
    ) -> impl Future<Output = Result<Reply<Self::Output>, Failure>> + Send;
}

/// There is no body.
#[derive(Debug, serde::Deserialize, JsonSchema)]
pub(crate) struct NoBody {}

/// There are no parameters.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoParameters {}

/// What is said of an operation, wherever it is shown.
#[derive(Debug, Clone)]
pub struct About {
    /// `put_client`.
    pub name: &'static str,
    /// `["client", "put"]`.
    pub command: [&'static str; 2],
    /// The method on the REST surface.
    pub method: Method,
    /// The path below the base.
    pub path: &'static str,
    /// What it does to the world.
    pub effect: Effect,
    /// What it does, in a few words.
    pub summary: &'static str,
    /// What whoever uses it must know besides.
    pub description: &'static str,
    /// The status of its answer where all goes well.
    pub status: StatusCode,
    /// The JSON Schema of the parameters of path, query and header.
    pub parameters: Value,
    /// The JSON Schema of the body, where there is one.
    pub body: Option<Value>,
    /// The JSON Schema of the answer.
    pub output: Value,
}

/// The parameters that are sent as headers. All others are in the path or the query.
pub(crate) const HEADERS: [&str; 2] = ["If-Match", "If-None-Match"];

impl About {
    /// Where the parameter `name` is sent: `path`, `header` or `query`.
    #[must_use]
    pub fn place(&self, name: &str) -> &'static str {
        if self.segments().any(|it| it.strip_prefix('{') == Some(&format!("{name}}}"))) {
            "path"
        } else if HEADERS.contains(&name) {
            "header"
        } else {
            "query"
        }
    }

    /// The parts of the path: fixed text, or `{name}`.
    pub fn segments(&self) -> impl Iterator<Item = &'static str> {
        self.path.split('/').skip(1)
    }
}

/// What becomes of an operation that is carried out.
pub(crate) type Carried<'a> =
    Pin<Box<dyn Future<Output = Result<Reply<Value>, Failure>> + Send + 'a>>;

/// An operation of any types.
pub(crate) trait AnyOperation: Send + Sync {
    /// What is said of it.
    fn about(&self) -> About;
    /// Carries it out with input that fits its schemas.
    fn run<'a>(
        &self,
        admin: &'a Admin,
        call: &'a Call,
        parameters: Value,
        body: Value,
    ) -> Carried<'a>;
}

/// Hides the types of `O`.
struct Erased<O>(PhantomData<O>);

/// `O`, as a member of the list.
pub(crate) fn erased<O: Operation>() -> Box<dyn AnyOperation> {
    Box::new(Erased::<O>(PhantomData))
}

impl<O: Operation> AnyOperation for Erased<O> {
    fn about(&self) -> About {
        let body = schema::of::<O::Body>();
        let has_body = std::any::TypeId::of::<NoBody>() != std::any::TypeId::of::<O::Body>();
        About {
            name: O::NAME,
            command: O::COMMAND,
            method: O::METHOD,
            path: O::PATH,
            effect: O::EFFECT,
            summary: O::SUMMARY,
            description: O::DESCRIPTION,
            status: O::STATUS,
            parameters: schema::of::<O::Parameters>(),
            body: has_body.then_some(body),
            output: schema::of::<O::Output>(),
        }
    }

    fn run<'a>(
        &self,
        admin: &'a Admin,
        call: &'a Call,
        parameters: Value,
        body: Value,
    ) -> Carried<'a> {
        Box::pin(async move {
            let parameters = schema::read::<O::Parameters>(parameters)?;
            let body = schema::read::<O::Body>(body)?;
            let reply = O::run(admin, call, parameters, body).await?;
            reply.into_json()
        })
    }
}
