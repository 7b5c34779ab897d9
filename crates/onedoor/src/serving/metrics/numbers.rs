//! What is told, number by number. docs/metrics.md says it for people.

use std::{fmt, sync::Arc, time::Duration};

use audit::{Condition, Disk, ship::Status};
use gateway::Gateway;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet},
    metrics::MetricType,
};

use super::super::Watched;

/// Where the numbers are.
#[derive(Debug)]
pub(super) struct Numbers {
    gateway: Arc<Gateway>,
    sinks: Option<Watched>,
    started_seconds: u64,
}

/// How one is called, and where it is found in a `T`.
struct Number<T> {
    name: &'static str,
    help: &'static str,
    is_counter: bool,
    of: fn(&T) -> u64,
}

/// What is known of a sink.
struct Sink {
    status: Status,
    /// How many records wait, and how long the oldest of them.
    waiting: u64,
    lag: Duration,
}

const OF_LOG: [Number<Condition>; 6] = [
    gauge("onedoor_log_last_sequence", "Number of the last record that was written.", |it| {
        it.written.saturating_sub(1)
    }),
    gauge("onedoor_log_synced_sequence", "Number of the last record that the disk holds.", |it| {
        it.synced.saturating_sub(1)
    }),
    gauge("onedoor_log_signed_sequence", "Number of the last record under a checkpoint.", |it| {
        it.signed.saturating_sub(1)
    }),
    gauge("onedoor_log_up", "1 while calls can be recorded, 0 while they are refused.", |it| {
        u64::from(!it.is_closed)
    }),
    gauge("onedoor_log_checkpoint_up", "1 while checkpoints can be kept.", |it| {
        u64::from(!it.is_unsigned)
    }),
    counter(
        "onedoor_log_poisoned_segments",
        "Segments that were given up after a sync failed, since the start.",
        |it| it.poisoned,
    ),
];

const OF_DISK: [Number<Disk>; 4] = [
    gauge("onedoor_log_segments", "Segments of the log.", |it| it.segments),
    gauge("onedoor_log_bytes", "Size of all segments of the log.", |it| it.bytes),
    gauge("onedoor_log_reserve_bytes", "Room that is set aside for a full disk.", |it| {
        it.reserve_bytes
    }),
    gauge("onedoor_log_free_bytes", "Room that is left on the disk of the log.", |it| {
        it.free_bytes
    }),
];

const OF_SINKS: [Number<Sink>; 6] = [
    gauge("onedoor_sink_up", "1 unless the last try to deliver was in vain.", |it| {
        u64::from(it.status.attempts == 0)
    }),
    gauge("onedoor_sink_lag_records", "Records on the disk that are not acknowledged.", |it| {
        it.waiting
    }),
    gauge("onedoor_sink_lag_seconds", "Age of the oldest record that waits.", |it| {
        it.lag.as_secs()
    }),
    counter("onedoor_sink_acknowledged_records", "Records acknowledged since the start.", |it| {
        it.status.acknowledged
    }),
    counter("onedoor_sink_dead_letters", "Records put aside since the start.", |it| it.status.dead),
    counter("onedoor_sink_failures", "Tries to deliver in vain since the start.", |it| {
        it.status.failures
    }),
];

const fn gauge<T>(name: &'static str, help: &'static str, of: fn(&T) -> u64) -> Number<T> {
    Number { name, help, is_counter: false, of }
}

const fn counter<T>(name: &'static str, help: &'static str, of: fn(&T) -> u64) -> Number<T> {
    Number { name, help, is_counter: true, of }
}

impl Numbers {
    pub(super) fn new(gateway: Arc<Gateway>, sinks: Option<Watched>) -> Self {
        let now = gateway.live().clock.now().as_seconds();
        let started_seconds = u64::try_from(now).unwrap_or_default();
        Self { gateway, sinks, started_seconds }
    }

    fn sinks(&self, synced: u64) -> Vec<(&str, Sink)> {
        let now = self.gateway.live().clock.now();
        let seen = |(name, status): (_, Status)| {
            // What came since it was last looked for counts, too.
            let waiting = synced.saturating_sub(status.next);
            let lag = status.lag(now);
            (name, Sink { status, waiting, lag })
        };
        self.sinks.iter().flat_map(Watched::statuses).map(seen).collect()
    }
}

impl Collector for Numbers {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        encoder
            .encode_descriptor("onedoor_build", "What runs.", None, MetricType::Info)?
            .encode_info(&version)?;
        let of_process = [
            gauge("process_start_time_seconds", "When it was started, since 1970.", |it: &Self| {
                it.started_seconds
            }),
            gauge("onedoor_revision", "Revision of the state that is in force.", |it: &Self| {
                it.gateway.snapshot().revision()
            }),
            gauge("onedoor_bodies_up", "1 unless bodies that are to be kept cannot be.", |it| {
                let bodies = it.gateway.live().bodies.as_ref();
                u64::from(bodies.is_none_or(|it| it.failing().is_none()))
            }),
        ];
        one(&mut encoder, &of_process, self)?;
        let condition = self.gateway.live().log.condition();
        one(&mut encoder, &OF_LOG, &condition)?;
        if let Some(disk) = &condition.disk {
            one(&mut encoder, &OF_DISK, disk)?;
        }
        each(&mut encoder, &self.sinks(condition.synced))
    }
}

fn one<T>(encoder: &mut DescriptorEncoder<'_>, numbers: &[Number<T>], of: &T) -> fmt::Result {
    for number in numbers {
        number.encode(number.begin(encoder)?, of)?;
    }
    Ok(())
}

fn each(encoder: &mut DescriptorEncoder<'_>, sinks: &[(&str, Sink)]) -> fmt::Result {
    for number in &OF_SINKS {
        let mut family = number.begin(encoder)?;
        for (name, sink) in sinks {
            let labels = [("sink", *name)];
            number.encode(family.encode_family(&labels)?, sink)?;
        }
    }
    Ok(())
}

impl<T> Number<T> {
    fn begin<'s>(
        &'s self,
        encoder: &'s mut DescriptorEncoder<'_>,
    ) -> Result<MetricEncoder<'s>, fmt::Error> {
        let kind = if self.is_counter { MetricType::Counter } else { MetricType::Gauge };
        encoder.encode_descriptor(self.name, self.help, None, kind)
    }

    fn encode(&self, mut encoder: MetricEncoder<'_>, of: &T) -> fmt::Result {
        let value = (self.of)(of);
        match self.is_counter {
            true => encoder.encode_counter::<NoLabelSet, _, u64>(&value, None),
            false => encoder.encode_gauge(&value),
        }
    }
}
