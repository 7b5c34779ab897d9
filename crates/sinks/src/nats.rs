//! A stream of NATS `JetStream`: each record is a message whose id is its hash.

use std::{
    fmt,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_nats::{
    Auth, AuthError, ConnectOptions,
    connection::State,
    jetstream::{
        self, Context,
        context::{PublishAckFuture, PublishError, PublishErrorKind},
        message::PublishMessage,
    },
};
use audit::{
    Shaped,
    ship::{Accepted, Failure, Line},
};
use tokio::time::timeout;
use upstream::{Egress, SecretSlots};
use url::Url;

use crate::{
    OpenError, Surroundings, TlsFiles, declared,
    http::{again, shown},
};

/// Longest wait for a connection, and for the acknowledgement of a message.
const PATIENCE: Duration = Duration::from_secs(10);
const PORT: u16 = 4222;

/// A stream of NATS `JetStream`.
pub(crate) struct Nats {
    declared: declared::Nats,
    /// Its host and port, and whether it speaks TLS.
    authority: String,
    is_tls: bool,
    egress: Egress,
    secrets: Arc<SecretSlots>,
    open: Option<Context>,
}

impl Nats {
    pub(crate) fn open(declared: declared::Nats, around: &Surroundings) -> Result<Self, OpenError> {
        let url = Url::parse(&declared.url).map_err(|_| OpenError::Url)?;
        let is_tls = match url.scheme() {
            "nats" => false,
            "tls" => true,
            _ => return Err(OpenError::Url),
        };
        let host = url.host_str().filter(|it| !it.is_empty()).ok_or(OpenError::Url)?;
        let authority = format!("{host}:{}", url.port().unwrap_or(PORT));
        // Told now where they are no certificates; the library reads them by itself.
        let egress = around.egress(&declared.tls)?;
        let secrets = Arc::clone(&around.secrets);
        Ok(Self { declared, authority, is_tls, egress, secrets, open: None })
    }

    pub(crate) async fn send(&mut self, events: &[(&Line, Shaped)]) -> Result<Accepted, Failure> {
        let is_open = |it: &Context| it.client().connection_state() == State::Connected;
        let context = match self.open.take().filter(is_open) {
            Some(context) => context,
            None => self.connect().await?,
        };
        let mut sent = Vec::with_capacity(events.len());
        for (line, shaped) in events {
            let message = PublishMessage::build()
                .payload(shaped.bytes.clone().into())
                .message_id(line.hash.to_string());
            sent.push(context.send_publish(self.declared.subject.clone(), message).await);
        }
        let accepted = self.acknowledged(events, sent).await?;
        // A connection on which something went wrong is given up, and all behind the first message that
        // was not acknowledged comes again over another. What is still on its way is known to the stream
        // by its id, and in the same order.
        if accepted.count == events.len() {
            self.open = Some(context);
        }
        Ok(accepted)
    }

    /// Waits for each acknowledgement, in their order, up to the first that does not come.
    async fn acknowledged(
        &self,
        events: &[(&Line, Shaped)],
        sent: Vec<Result<PublishAckFuture, PublishError>>,
    ) -> Result<Accepted, Failure> {
        let mut accepted = Accepted::default();
        for ((line, _), sent) in events.iter().zip(sent) {
            let ended = match sent {
                Ok(acknowledgement) => acknowledgement.await.map(drop),
                Err(error) => Err(error),
            };
            match ended {
                Ok(()) => {}
                Err(error) if error.kind() == PublishErrorKind::MaxPayloadExceeded => {
                    accepted.refused.push((line.seq, error.to_string()));
                }
                Err(error) if accepted.count == 0 => return Err(self.failure(&error)),
                Err(_) => break,
            }
            accepted.count = accepted.count.saturating_add(1);
        }
        Ok(accepted)
    }

    fn failure(&self, error: &PublishError) -> Failure {
        match error.kind() {
            PublishErrorKind::StreamNotFound => again(format!(
                "no stream listens to {}: make one, nats stream add --subjects {0}",
                self.declared.subject
            )),
            _ => again(error.to_string()),
        }
    }

    async fn connect(&self) -> Result<Context, Failure> {
        let checked = self.egress.address(&self.authority, PATIENCE).await;
        let address = checked.map_err(|error| again(shown(&error)))?;
        // A certificate has a name, so over TLS it is looked up once more.
        let url = match self.is_tls {
            true => format!("tls://{}", self.authority),
            false => format!("nats://{address}"),
        };
        let has_connected = Arc::<AtomicBool>::default();
        let connecting = self.options(Arc::clone(&has_connected))?.connect(url);
        let client = timeout(PATIENCE, connecting).await;
        let client = client.map_err(|_| again("no connection within 10 s"))?;
        // Its sources may name where it is, and not what it is shown.
        let client = client.map_err(|error| again(format!("no connection: {}", error.kind())))?;
        has_connected.store(true, Ordering::Release);
        let builder = jetstream::ContextBuilder::new().timeout(PATIENCE);
        Ok(builder.ack_timeout(PATIENCE).build(client))
    }

    /// For one connection, and no other behind it. The library would open that by itself, and what comes
    /// behind a message that was lost with the first one would be stored before it.
    fn options(&self, has_connected: Arc<AtomicBool>) -> Result<ConnectOptions, Failure> {
        let declared::Nats { url: _, subject: _, secret: _, tls } = &self.declared;
        let auth = self.auth()?;
        let options = ConnectOptions::with_auth_callback(move |_| {
            let auth = (!has_connected.load(Ordering::Acquire)).then(|| auth.clone());
            async move { auth.ok_or_else(|| AuthError::new("the connection was lost")) }
        });
        // It cannot be told never to try, so it tries once and is not let in.
        let mut options = options
            .name("onedoor")
            .require_tls(self.is_tls)
            .connection_timeout(PATIENCE)
            .ignore_discovered_servers()
            .max_reconnects(1);
        let TlsFiles { authorities, identity } = tls.clone();
        if let Some(file) = authorities {
            options = options.add_root_certificates(file);
        }
        if let Some::<(PathBuf, PathBuf)>((certificate, key)) = identity {
            options = options.add_client_certificate(certificate, key);
        }
        Ok(options)
    }

    /// What the server is shown.
    fn auth(&self) -> Result<Auth, Failure> {
        let mut auth = Auth::new();
        let Some(secret) = &self.declared.secret else { return Ok(auth) };
        let value = self.secrets.value(secret);
        let value = value.ok_or_else(|| again(format!("the secret {secret} has no value")))?;
        let text = std::str::from_utf8(value.expose());
        let text = text.map_err(|_| again(format!("the secret {secret} is no text")))?.trim_end();
        match text.split_once(':') {
            Some((user, password)) => {
                (auth.username, auth.password) = (Some(user.into()), Some(password.into()));
            }
            None => auth.token = Some(text.to_owned()),
        }
        Ok(auth)
    }
}

impl fmt::Debug for Nats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nats").field("declared", &self.declared).finish_non_exhaustive()
    }
}
