//! What can go wrong on the way to an upstream and back, and whose fault it was.

use std::{borrow::Cow, io, net::IpAddr, sync::Arc, time::Duration};

use model::{Refusal, RefusalKind, SecretId};

/// Why there is no answer, or no more of it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The connection stands, but no head of an answer came.
    #[error("upstream {upstream} did not begin to answer within {timeout:?}")]
    AnswerTimeout {
        /// The upstream's authority.
        upstream: Arc<str>,
        /// The wait that was allowed.
        timeout: Duration,
    },
    /// The body of the request is larger than is allowed.
    #[error("the body of the request is larger than {bytes_max} bytes")]
    BodyTooLarge {
        /// The bound.
        bytes_max: u64,
    },
    /// All connections are in use, and none came free in time.
    #[error(
        "all {connections_max} connections to upstream {upstream} are in use: raise connections_max, \
         or limit the callers"
    )]
    Busy {
        /// The upstream's authority.
        upstream: Arc<str>,
        /// The bound.
        connections_max: usize,
    },
    /// The upstream broke off, before or within the answer.
    #[error("upstream {upstream} closed the connection: {reason}")]
    Closed {
        /// The upstream's authority.
        upstream: Arc<str>,
        /// What was seen.
        reason: String,
    },
    /// No connection could be opened.
    #[error("cannot connect to upstream {upstream}")]
    Connect {
        /// The upstream's authority.
        upstream: Arc<str>,
        /// What the system said.
        source: io::Error,
    },
    /// No connection could be opened in time.
    #[error("cannot connect to upstream {upstream} within {timeout:?}")]
    ConnectTimeout {
        /// The upstream's authority.
        upstream: Arc<str>,
        /// The wait that was allowed.
        timeout: Duration,
    },
    /// The address of a document may not be connected to. Nothing was: whether a port is open there stays unsaid.
    #[error("{upstream} leads to {address}, which {reason}: {help}")]
    Forbidden {
        /// The authority in the URL.
        upstream: Arc<str>,
        /// The address that it leads to, or one of them.
        address: IpAddr,
        /// What is wrong with it.
        reason: &'static str,
        /// What to do.
        help: &'static str,
    },
    /// The body of the answer stopped coming.
    #[error("upstream {upstream} was silent for {timeout:?} within its answer")]
    IdleTimeout {
        /// The upstream's authority.
        upstream: Arc<str>,
        /// The silence that was allowed.
        timeout: Duration,
    },
    /// The answer is not HTTP, or not HTTP that can be passed on.
    #[error("upstream {upstream} sent an answer that cannot be passed on: {reason}")]
    InvalidAnswer {
        /// The upstream's authority.
        upstream: Arc<str>,
        /// What is wrong with it.
        reason: Cow<'static, str>,
    },
    /// The address of an upstream cannot be used.
    #[error("upstream url \"{url}\": {reason}")]
    InvalidUrl {
        /// The address.
        url: String,
        /// What is wrong with it, and what to write instead.
        reason: Cow<'static, str>,
    },
    /// What an upstream is to be shown cannot be shown there.
    #[error("the injection of upstream {upstream} {reason}")]
    InvalidInjection {
        /// The upstream's authority.
        upstream: Arc<str>,
        /// What is wrong with it, and what to write instead.
        reason: &'static str,
    },
    /// The secret that an upstream is to be shown is not there, or cannot be shown. Nothing was sent.
    #[error("the secret \"{secret}\" of upstream {upstream} {reason}")]
    NoCredential {
        /// The upstream's authority.
        upstream: Arc<str>,
        /// The secret.
        secret: SecretId,
        /// Why; never the value.
        reason: &'static str,
    },
    /// The authorization server of an upstream gave no token. Nothing was sent to the upstream.
    #[error("no token for upstream {upstream} with the secret \"{secret}\": {reason}")]
    NoToken {
        /// The upstream's authority.
        upstream: Arc<str>,
        /// The secret that was shown for it.
        secret: SecretId,
        /// What was seen.
        reason: Arc<str>,
    },
    /// The client's body of the request broke off, or stopped coming.
    #[error("the body of the request {reason}")]
    RequestBody {
        /// What was seen.
        reason: String,
    },
    /// So many documents that strangers named are being fetched that this one is not.
    #[error("{fetches_max} documents that strangers named are being fetched: try again later")]
    StrangersBusy {
        /// The bound.
        fetches_max: usize,
    },
    /// The certificate of the upstream is not trusted, or the handshake failed.
    #[error("no trusted connection to upstream {upstream}")]
    Tls {
        /// The upstream's authority.
        upstream: Arc<str>,
        /// What is wrong.
        source: io::Error,
    },
    /// The request cannot be written as HTTP/1.1.
    #[error("the request cannot be sent: {source}")]
    Unsendable {
        /// What is wrong.
        #[from]
        source: http::Error,
    },
}

impl Error {
    /// What a caller is told about it.
    #[must_use]
    pub fn kind(&self) -> RefusalKind {
        match self {
            Self::AnswerTimeout { .. } | Self::ConnectTimeout { .. } | Self::IdleTimeout { .. } => {
                RefusalKind::UpstreamTimeout
            }
            Self::BodyTooLarge { .. } => RefusalKind::TooLarge,
            Self::Busy { .. } | Self::StrangersBusy { .. } => RefusalKind::UpstreamBusy,
            Self::Closed { .. }
            | Self::Connect { .. }
            | Self::Forbidden { .. }
            | Self::InvalidAnswer { .. }
            | Self::NoCredential { .. }
            | Self::NoToken { .. }
            | Self::Tls { .. } => RefusalKind::UpstreamFailed,
            Self::InvalidInjection { .. } | Self::InvalidUrl { .. } | Self::Unsendable { .. } => {
                RefusalKind::Internal
            }
            Self::RequestBody { .. } => RefusalKind::Malformed,
        }
    }

    /// A sentence for the caller. It names no address: where an upstream stands is not the caller's business.
    fn detail(&self) -> Cow<'static, str> {
        match self {
            Self::AnswerTimeout { .. } => "the upstream did not answer in time".into(),
            Self::BodyTooLarge { .. } | Self::RequestBody { .. } => self.to_string().into(),
            Self::Busy { .. } => "all connections to the upstream are in use".into(),
            Self::Closed { .. } => "the upstream closed the connection".into(),
            // One sentence for both: who may not look at an address does not learn of it this way either.
            Self::Connect { .. } | Self::Forbidden { .. } => {
                "the upstream cannot be reached".into()
            }
            Self::ConnectTimeout { .. } => "the upstream cannot be reached in time".into(),
            Self::IdleTimeout { .. } => "the upstream stopped within its answer".into(),
            Self::InvalidAnswer { .. } => "the upstream sent an invalid answer".into(),
            Self::InvalidInjection { .. } | Self::InvalidUrl { .. } => {
                "the upstream is not set up".into()
            }
            Self::NoCredential { .. } | Self::NoToken { .. } => {
                "the door has no credential for the upstream".into()
            }
            Self::StrangersBusy { .. } => "too many documents are being fetched".into(),
            Self::Tls { .. } => "the upstream cannot be trusted".into(),
            Self::Unsendable { .. } => "the request cannot be sent".into(),
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let cause = match std::error::Error::source(&error) {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        };
        Self::new(error.kind(), error.detail()).because(cause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caller_learns_what_happened_but_not_where() {
        let source = io::Error::from(io::ErrorKind::ConnectionRefused);
        let refusal = Refusal::from(Error::Connect { upstream: "10.0.0.7:80".into(), source });
        assert_eq!(refusal.kind(), RefusalKind::UpstreamFailed);
        assert_eq!(refusal.detail(), "the upstream cannot be reached");
        assert_eq!(
            refusal.cause(),
            Some("cannot connect to upstream 10.0.0.7:80: connection refused")
        );
    }
}
