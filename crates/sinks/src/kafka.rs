//! A topic of Kafka: each record is a message whose key is the name of its log, so one partition has all.

use std::{
    fmt,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use audit::{
    Shaped,
    ship::{Accepted, Failure, Line},
};
use rdkafka::{
    ClientConfig, ClientContext,
    config::RDKafkaLogLevel,
    error::{KafkaError, RDKafkaErrorCode},
    producer::{DeliveryFuture, FutureProducer, FutureRecord},
};
use upstream::{Egress, SecretSlots};

use crate::{
    Mechanism, OpenError, Surroundings, TlsFiles, declared,
    http::{again, shown},
};

/// Longest wait for a broker's address, and for the acknowledgement of a message.
const PATIENCE: Duration = Duration::from_secs(10);

/// A topic of Kafka.
pub(crate) struct Kafka {
    declared: declared::Kafka,
    egress: Egress,
    secrets: Arc<SecretSlots>,
    open: Option<FutureProducer<Ear>>,
    ear: Ear,
}

/// Hears why there is no connection: a message that waits for one only knows that it waited.
#[derive(Debug, Clone, Default)]
struct Ear(Arc<Mutex<Option<RDKafkaErrorCode>>>);

impl Kafka {
    pub(crate) fn open(
        declared: declared::Kafka,
        around: &Surroundings,
    ) -> Result<Self, OpenError> {
        // Told now where they are no certificates; the library reads them by itself.
        let egress = around.egress(&declared.tls)?;
        let secrets = Arc::clone(&around.secrets);
        Ok(Self { declared, egress, secrets, open: None, ear: Ear::default() })
    }

    pub(crate) async fn send(
        &mut self,
        log: &str,
        events: &[(&Line, Shaped)],
    ) -> Result<Accepted, Failure> {
        let producer = match self.open.take() {
            Some(producer) => producer,
            None => self.connect().await?,
        };
        let mut sent = Vec::with_capacity(events.len());
        for (_, shaped) in events {
            let record = FutureRecord::to(&self.declared.topic).key(log).payload(&shaped.bytes);
            sent.push(producer.send_result(record).map_err(|(error, _)| error));
        }
        let accepted = self.acknowledged(events, sent).await?;
        // One that lost a message sends no more: what follows would come before it.
        if accepted.count == events.len() {
            self.open = Some(producer);
        }
        Ok(accepted)
    }

    /// Waits for each acknowledgement, in their order, up to the first that does not come.
    async fn acknowledged(
        &self,
        events: &[(&Line, Shaped)],
        sent: Vec<Result<DeliveryFuture, KafkaError>>,
    ) -> Result<Accepted, Failure> {
        let mut accepted = Accepted::default();
        for ((line, _), sent) in events.iter().zip(sent) {
            let ended = match sent {
                Ok(delivery) => match delivery.await {
                    Ok(Ok(_)) => Ok(()),
                    Ok(Err((error, _))) => Err(error.rdkafka_error_code()),
                    Err(_) => Err(None),
                },
                Err(error) => Err(error.rdkafka_error_code()),
            };
            match ended {
                Ok(()) => {}
                Err(Some(code @ RDKafkaErrorCode::MessageSizeTooLarge)) => {
                    accepted.refused.push((line.seq, code.to_string()));
                }
                Err(code) if accepted.count == 0 => return Err(self.failure(code)),
                Err(_) => break,
            }
            accepted.count = accepted.count.saturating_add(1);
        }
        Ok(accepted)
    }

    fn failure(&self, code: Option<RDKafkaErrorCode>) -> Failure {
        use RDKafkaErrorCode as Code;
        match code {
            Some(Code::UnknownTopic | Code::UnknownTopicOrPartition | Code::UnknownPartition) => {
                again(format!(
                    "there is no topic {}: make one, kafka-topics.sh --create --topic {0}",
                    self.declared.topic
                ))
            }
            Some(
                Code::MessageTimedOut
                | Code::PurgeQueue
                | Code::PurgeInflight
                | Code::GaplessGuarantee
                | Code::Fatal,
            )
            | None => {
                let heard = *self.ear.lock();
                let heard = heard.map(|it| format!(": {it}")).unwrap_or_default();
                again(format!("no acknowledgement within {} s{heard}", PATIENCE.as_secs()))
            }
            Some(code) => again(code.to_string()),
        }
    }

    async fn connect(&self) -> Result<FutureProducer<Ear>, Failure> {
        // Those that it is told of by these are not asked about: the library connects by itself.
        let (mut brokers, mut failure) = (Vec::new(), None);
        for broker in &self.declared.brokers {
            match self.egress.address(broker, PATIENCE).await {
                Ok(_) => brokers.push(broker.as_str()),
                Err(error) => failure = Some(again(shown(&error))),
            }
        }
        // One that is there tells of the others.
        if let (true, Some(failure)) = (brokers.is_empty(), failure) {
            return Err(failure);
        }
        *self.ear.lock() = None;
        let made = self.config(&brokers)?.create_with_context(self.ear.clone());
        // What it says may have a value in it.
        made.map_err(|error: KafkaError| match error {
            KafkaError::ClientConfig(_, _, key, _) => again(format!("{key} is not accepted")),
            _ => again("no producer can be made: are its files readable?"),
        })
    }

    fn config(&self, brokers: &[&str]) -> Result<ClientConfig, Failure> {
        let declared::Kafka { brokers: _, topic: _, is_tls, secret, tls } = &self.declared;
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", brokers.join(","))
            .set("client.id", "onedoor")
            // Acknowledged by all replicas that are in sync, each once and in order within its partition;
            // where one is lost, nothing behind it is sent.
            .set("acks", "all")
            .set("enable.idempotence", "true")
            .set("enable.gapless.guarantee", "true")
            // The topic says what is too large: a record has at most 16 MiB, and a format adds to that.
            .set("message.max.bytes", "33554432")
            // As the clients of Java have it, so that the key leads to the same partition.
            .set("partitioner", "murmur2_random")
            .set("message.timeout.ms", PATIENCE.as_millis().to_string())
            .set("security.protocol", protocol(*is_tls, secret.is_some()))
            .set_log_level(RDKafkaLogLevel::Critical);
        let TlsFiles { authorities, identity } = tls;
        let mut file = |key: &str, path: &Path| {
            config.set(key, path.display().to_string());
        };
        if let Some(path) = authorities {
            file("ssl.ca.location", path);
        }
        if let Some((certificate, key)) = identity {
            file("ssl.certificate.location", certificate);
            file("ssl.key.location", key);
        }
        let Some((mechanism, secret)) = secret else { return Ok(config) };
        let value = self.secrets.value(secret);
        let value = value.ok_or_else(|| again(format!("the secret {secret} has no value")))?;
        let text = std::str::from_utf8(value.expose()).ok();
        let (user, password) = text
            .and_then(|it| it.trim_end().split_once(':'))
            .ok_or_else(|| again(format!("the secret {secret} is not USER:PASSWORD")))?;
        let mechanism = match mechanism {
            Mechanism::Plain => "PLAIN",
            Mechanism::ScramSha256 => "SCRAM-SHA-256",
            Mechanism::ScramSha512 => "SCRAM-SHA-512",
        };
        config
            .set("sasl.mechanism", mechanism)
            .set("sasl.username", user)
            .set("sasl.password", password);
        Ok(config)
    }
}

fn protocol(is_tls: bool, has_secret: bool) -> &'static str {
    match (is_tls, has_secret) {
        (true, true) => "sasl_ssl",
        (true, false) => "ssl",
        (false, true) => "sasl_plaintext",
        (false, false) => "plaintext",
    }
}

impl Ear {
    fn lock(&self) -> MutexGuard<'_, Option<RDKafkaErrorCode>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientContext for Ear {
    /// Not passed on: it names hosts, and a sink tells by its health.
    fn log(&self, _: RDKafkaLogLevel, _: &str, _: &str) {}

    fn error(&self, error: KafkaError, _: &str) {
        let Some(code) = error.rdkafka_error_code() else { return };
        // That all are down, or a message was given up, says less than what was heard of one of them.
        let says_little = matches!(
            code,
            RDKafkaErrorCode::AllBrokersDown
                | RDKafkaErrorCode::GaplessGuarantee
                | RDKafkaErrorCode::Fatal
        );
        let mut heard = self.lock();
        if heard.is_none() || !says_little {
            *heard = Some(code);
        }
    }
}

impl fmt::Debug for Kafka {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kafka").field("declared", &self.declared).finish_non_exhaustive()
    }
}
