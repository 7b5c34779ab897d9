//! One of the kinds of sinks, opened.

use audit::{
    Format,
    ship::{Accepted, Batch, Failure, Sink as Deliver},
};

use crate::{
    Declared, OpenError, Receiver, Surroundings,
    elasticsearch::Elasticsearch,
    file::{Printed, Rotated},
    nats::Nats,
    otlp::Otlp,
    s3::S3,
    splunk::Splunk,
    syslog::Syslog,
    webhook::Webhook,
};

/// A sink of any kind. A connection is opened with the first batch.
#[derive(Debug)]
pub struct Sink {
    format: Format,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Elasticsearch(Elasticsearch),
    File(Rotated),
    #[cfg(feature = "kafka")]
    Kafka(Box<crate::kafka::Kafka>),
    Nats(Nats),
    Otlp(Otlp),
    S3(S3),
    Splunk(Splunk),
    Stdout(Printed),
    Syslog(Syslog),
    Webhook(Webhook),
}

impl Sink {
    /// Opens what is declared.
    ///
    /// # Errors
    /// Where its certificates cannot be read, or its URL is none that may be used.
    pub fn open(declared: &Declared, around: &Surroundings) -> Result<Self, OpenError> {
        let kind = match &declared.receiver {
            Receiver::Elasticsearch(it) => {
                Kind::Elasticsearch(Elasticsearch::open(it.clone(), around)?)
            }
            Receiver::File(it) => {
                Kind::File(Rotated::new(it.path.clone(), (it.bytes_max, it.kept)))
            }
            #[cfg(feature = "kafka")]
            Receiver::Kafka(it) => {
                Kind::Kafka(Box::new(crate::kafka::Kafka::open(it.clone(), around)?))
            }
            #[cfg(not(feature = "kafka"))]
            Receiver::Kafka(_) => return Err(OpenError::Kafka),
            Receiver::Nats(it) => Kind::Nats(Nats::open(it.clone(), around)?),
            Receiver::Otlp(it) => Kind::Otlp(Otlp::open(it.clone(), around)?),
            Receiver::S3(it) => Kind::S3(S3::open(it.clone(), around)?),
            Receiver::Splunk(it) => Kind::Splunk(Splunk::open(it.clone(), around)?),
            Receiver::Stdout => Kind::Stdout(Printed::default()),
            Receiver::Syslog(it) => Kind::Syslog(Syslog::open(it.clone(), around)?),
            Receiver::Webhook(it) => Kind::Webhook(Webhook::open(it.clone(), around)?),
        };
        Ok(Self { format: declared.format, kind })
    }
}

impl Deliver for Sink {
    async fn deliver(&mut self, batch: Batch<'_>) -> Result<Accepted, Failure> {
        let events = batch.events(self.format)?;
        match &mut self.kind {
            Kind::Elasticsearch(it) => Box::pin(it.send(&events)).await,
            Kind::File(it) => it.write(&events),
            #[cfg(feature = "kafka")]
            Kind::Kafka(it) => Box::pin(it.send(batch.log, &events)).await,
            Kind::Nats(it) => Box::pin(it.send(&events)).await,
            Kind::Otlp(it) => Box::pin(it.send((batch.log, self.format), &events)).await,
            Kind::S3(it) => Box::pin(it.send((batch.log, self.format), &events)).await,
            Kind::Splunk(it) => Box::pin(it.send((batch.log, self.format), &events)).await,
            Kind::Stdout(it) => it.write(&events).await,
            Kind::Syslog(it) => Box::pin(it.send(&events)).await,
            Kind::Webhook(it) => Box::pin(it.send((batch.log, self.format), &events)).await,
        }
    }
}
