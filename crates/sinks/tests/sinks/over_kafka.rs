//! A real broker of Kafka's protocol.

use std::{collections::BTreeMap, time::Duration};

use audit::{Format, ship::Told};
use rdkafka::{
    ClientConfig, Message as _, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
};
use sinks::{Kafka, Mechanism, Receiver, TlsFiles};

use crate::ground::Ground;

const PARTITIONS: i32 = 3;
/// So long a message that is there may take, and so long it is looked for one more.
const PATIENCE: Duration = Duration::from_secs(10);
const QUIET: Duration = Duration::from_millis(500);

fn kafka(broker: &testkit::Kafka, topic: &str) -> Kafka {
    let (brokers, topic) = (vec![broker.broker()], topic.to_owned());
    Kafka { brokers, topic, is_tls: false, secret: None, tls: TlsFiles::default() }
}

/// What each partition holds that has something, `count` messages in all: the key and the payload of each.
fn messages(broker: &testkit::Kafka, count: usize) -> BTreeMap<i32, Vec<(String, String)>> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", broker.broker()).set("group.id", "test");
    let consumer: BaseConsumer = config.create().unwrap();
    let mut assigned = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        let topic = testkit::Kafka::TOPIC;
        assigned.add_partition_offset(topic, partition, Offset::Beginning).unwrap();
    }
    consumer.assign(&assigned).unwrap();
    let mut messages: BTreeMap<_, Vec<_>> = BTreeMap::new();
    // Not by the end of each partition: this broker counts batches there.
    for _ in 0..count {
        let message = consumer.poll(PATIENCE).unwrap().unwrap();
        let text = |it: Option<&[u8]>| String::from_utf8(it.unwrap().to_vec()).unwrap();
        let of = (text(message.key()), text(message.payload()));
        messages.entry(message.partition()).or_default().push(of);
    }
    assert!(consumer.poll(QUIET).is_none(), "more than {count}");
    messages
}

/// The payloads of the one partition that has any, `count` of them.
fn of_one_partition(broker: &testkit::Kafka, count: usize) -> Vec<String> {
    let all = messages(broker, count);
    assert_eq!(all.len(), 1, "one log, one key, one partition");
    let messages = all.into_values().next().unwrap();
    assert!(messages.iter().all(|it| it.0 == "onedoor-test"));
    messages.into_iter().map(|it| it.1).collect()
}

#[test]
fn a_partition_holds_every_record_in_order_and_what_comes_after_a_kill() {
    let (ground, mut broker) = (Ground::new(120), testkit::Kafka::start());
    let receiver = Receiver::Kafka(kafka(&broker, testkit::Kafka::TOPIC));
    let mut line = ground.sink(Format::Native, receiver);
    let before = line.drain();
    assert_eq!(of_one_partition(&broker, before.len()), before);
    broker.kill();
    ground.record(60);
    assert!(!line.step(), "nobody is there");
    assert!(line.failure().contains("no acknowledgement within 10 s"), "{}", line.failure());
    // It kept nothing: what is there now came after it was back.
    broker.serve();
    let all = line.drain();
    let after = &all[before.len()..];
    assert_eq!(of_one_partition(&broker, after.len()), after);
    assert!(matches!(&line.told[..], [Told::Failed { .. }, Told::Recovered { .. }]));
}

#[test]
fn a_broker_that_does_not_know_us_is_told_and_the_password_is_not() {
    let (ground, mut broker) = (Ground::new(3), testkit::Kafka::start());
    broker.serve_strictly();
    let secret = ground.secret("kafka-user", "door:canary-77ab");
    let kafka = kafka(&broker, testkit::Kafka::TOPIC);
    let secret = Some((Mechanism::ScramSha512, secret));
    let mut line = ground.sink(Format::Native, Receiver::Kafka(Kafka { secret, ..kafka }));
    assert!(!line.step());
    assert!(line.failure().contains("Authentication"), "{}", line.failure());
    assert!(!line.failure().contains("canary"), "{}", line.failure());
}
