//! One operation with both its faces and the place where it is carried out.

use std::{fmt, sync::Arc, time::Duration};

use aws_lc_rs::digest;
use contract::{Reader, Shown};
use mcp::tool::{Annotations, Tool};
use model::{BodyRule, Operation, SubjectRule, hex};
use serde_json::value::RawValue;

use crate::Local;

/// So much of a tool's digest is told: enough that none of another text is the same by chance.
const DIGEST_BYTES: usize = 16;

/// One operation: what is decided about, how REST and MCP reach it, and where it is carried out.
///
/// Cheap to copy: where another operation comes or goes, this one gets another position.
#[derive(Clone)]
pub struct Route {
    /// What permissions, limits and records speak of.
    pub(crate) operation: Operation,
    /// Method, path and schemas.
    pub(crate) contract: Arc<contract::Operation>,
    /// The collection's base: empty for the root.
    pub(super) base: Arc<str>,
    /// The whole path template on the REST surface, for records and people.
    pub(crate) template: Arc<str>,
    /// The tool's name.
    pub(crate) tool_name: Arc<str>,
    /// The tool as a list shows it.
    pub(crate) tool: Arc<RawValue>,
    /// The digest of that, by which records tell one definition from another.
    pub(crate) tool_digest: Arc<str>,
    /// What is said of it, for people and models.
    pub(super) description: Option<Arc<str>>,
    /// The operation's index in its collection's document.
    pub(super) index: usize,
    /// What records keep of its arguments.
    pub(crate) redaction: Arc<audit::redact::Policy>,
    /// Which bodies of its calls are kept; none where it is none.
    pub(crate) bodies: Option<Arc<KeptBodies>>,
    /// Where it is carried out.
    pub(crate) destination: Destination,
    /// Whether its collection was retired: calls are answered with that.
    pub(crate) is_retired: bool,
}

/// Which bodies of calls are kept, and how it is found whose they are.
#[derive(Debug)]
pub(crate) struct KeptBodies {
    pub(crate) rule: Arc<BodyRule>,
    /// None where they are of who calls.
    pub(crate) subject: Option<(SubjectRule, Reader)>,
}

/// Where an operation is carried out.
#[derive(Debug, Clone)]
pub(crate) enum Destination {
    /// In this process.
    Local(Arc<dyn Local>),
    /// Over HTTP.
    Upstream(Arc<upstream::Upstream>),
}

impl Destination {
    pub(crate) fn is_local(&self) -> bool {
        matches!(self, Self::Local(_))
    }

    /// Whether both are one and the same.
    pub(super) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Local(one), Self::Local(other)) => Arc::ptr_eq(one, other),
            (Self::Upstream(one), Self::Upstream(other)) => Arc::ptr_eq(one, other),
            (Self::Local(_), Self::Upstream(_)) | (Self::Upstream(_), Self::Local(_)) => false,
        }
    }

    /// Longest wait for all of the body of an answer that goes to a tool.
    pub(crate) fn tool_body_timeout(&self) -> Duration {
        match self {
            // There from the beginning.
            Self::Local(_) => Duration::MAX,
            Self::Upstream(upstream) => upstream.declared().tool_body_timeout,
        }
    }

    /// What records call it.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Local(_) => "local",
            Self::Upstream(upstream) => upstream.authority(),
        }
    }
}

impl Route {
    /// The operation.
    #[must_use]
    pub fn operation(&self) -> &Operation {
        &self.operation
    }

    /// The tool's name.
    #[must_use]
    pub fn tool_name(&self) -> &str {
        &self.tool_name
    }

    /// Method, path and schemas.
    #[must_use]
    pub fn contract(&self) -> &contract::Operation {
        &self.contract
    }

    /// The whole path template on the REST surface.
    #[must_use]
    pub fn template(&self) -> &str {
        &self.template
    }

    /// Whether it is carried out in this process.
    pub(crate) fn is_local(&self) -> bool {
        self.destination.is_local()
    }

    /// Whether it is one of management.
    pub(crate) fn is_management(&self) -> bool {
        self.is_local() && self.operation.collection.is_own()
    }

    /// The collection's base: empty for the root.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// What a caller's own OpenAPI document shows of it.
    pub(crate) fn shown(&self) -> Shown<'_> {
        Shown {
            operation: self.index,
            name: self.operation.id.name(),
            description: self.description.as_deref(),
        }
    }

    /// Writes the tool as every list will show it.
    pub(super) fn make_tool(&mut self) -> Result<(), serde_json::Error> {
        let contract = &self.contract;
        let tool = Tool {
            name: &self.tool_name,
            title: contract.summary.as_deref(),
            description: self.description.as_deref(),
            input_schema: &contract.input_schema,
            // None: what an upstream answers need not fit its document, and clients would refuse it.
            output_schema: None,
            annotations: Annotations::of(self.operation.effect, &contract.method),
        };
        self.tool = tool.to_json()?.into();
        self.tool_digest = digest_of(self.tool.get()).into();
        Ok(())
    }

    /// Takes the tool of `earlier` over, if it is the same one.
    pub(super) fn take_tool(&mut self, earlier: &Self) -> bool {
        let is_same =
            Arc::ptr_eq(&self.contract, &earlier.contract) && self.tool_name == earlier.tool_name;
        if is_same {
            self.tool = Arc::clone(&earlier.tool);
            self.tool_digest = Arc::clone(&earlier.tool_digest);
        }
        is_same
    }
}

/// The beginning of the SHA-256 of a tool's text.
fn digest_of(tool: &str) -> String {
    let digest = digest::digest(&digest::SHA256, tool.as_bytes());
    format!("sha256:{}", hex(digest.as_ref().get(..DIGEST_BYTES).unwrap_or_default()))
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route").field("operation", &self.operation.id).finish_non_exhaustive()
    }
}
