//! The certificates of the listeners: read at the start, and again when their files change.

mod files;
mod watch;

use std::{convert::Infallible, sync::Arc};

use audit::{EventId, Happened};
use gateway::{Entrance, Live, Tls};
use model::Fault;

use self::watch::Watch;
use super::Hangup;
use crate::config::{self, Config};

/// The TLS sides of the listeners, and where their files are.
pub(crate) struct Certificates {
    public: Option<Side>,
    management: Option<Side>,
    hangup: Hangup,
}

/// The TLS side of one listener.
struct Side {
    listener: &'static str,
    declared: config::Tls,
    tls: Arc<Tls>,
    /// What was read last, whether it could be used or not.
    seen: files::Seen,
}

impl Certificates {
    /// Reads what `config` names.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub(crate) fn open(config: &Config, hangup: Hangup) -> Result<Self, Vec<Fault>> {
        let public = Side::open("the public listener", config.tls.as_ref());
        let management = Side::open("management", config.management_tls.as_ref());
        match (public, management) {
            (Ok(public), Ok(management)) => Ok(Self { public, management, hangup }),
            (public, management) => {
                let faults = [public.err(), management.err()].into_iter().flatten();
                Err(faults.flatten().collect())
            }
        }
    }

    /// The TLS side of the listener for `entrance`, where it has one.
    pub(crate) fn of(&self, entrance: Entrance) -> Option<Arc<Tls>> {
        let side = match entrance {
            Entrance::Everything | Entrance::Public => &self.public,
            Entrance::Management => &self.management,
        };
        side.as_ref().map(|it| Arc::clone(&it.tls))
    }

    /// Reads the files again after each change and each SIGHUP, for ever, and records it.
    pub(crate) async fn keep_current(mut self, live: &Live) -> Infallible {
        let mut watch = Watch::new(self.sides().flat_map(|it| it.declared.files()));
        loop {
            let is_asked = tokio::select! {
                () = watch.changed() => false,
                () = self.hangup.asked() => true,
            };
            // Files can be slow; the other tasks go on meanwhile.
            tokio::task::block_in_place(|| {
                watch.arm();
                self.sides().for_each(|it| it.look(is_asked, live));
            });
        }
    }

    fn sides(&mut self) -> impl Iterator<Item = &mut Side> {
        self.public.iter_mut().chain(&mut self.management)
    }
}

impl Side {
    fn open(
        listener: &'static str,
        declared: Option<&config::Tls>,
    ) -> Result<Option<Self>, Vec<Fault>> {
        let Some(declared) = declared.cloned() else { return Ok(None) };
        let (read, seen) = files::read(&declared);
        let tls = Tls::new(&read?).map_err(|it| vec![files::fault(&declared, &it)])?;
        Ok(Some(Self { listener, declared, tls: Arc::new(tls), seen }))
    }

    /// Takes what the files hold now, if that is other than before and can be used.
    fn look(&mut self, is_asked: bool, live: &Live) {
        let (read, seen) = files::read(&self.declared);
        if seen == self.seen && !is_asked {
            return;
        }
        self.seen = seen;
        let replaced = read.and_then(|read| {
            self.tls.replace(&read).map_err(|it| vec![files::fault(&self.declared, &it)])
        });
        match replaced {
            Ok(()) => {
                let of = self.seen.certificate();
                let note = format!("{}, its certificate is a file of SHA-256 {of}", self.listener);
                live.happened(&Happened::new(EventId::TlsCertificateRead, &note));
                tell_replaced(self.listener);
            }
            Err(faults) => {
                if let Some(Fault { place, message, .. }) = faults.first() {
                    let listener = self.listener;
                    let note =
                        format!("the last good certificate of {listener} stays, see {place}");
                    let refused = Happened::new(EventId::TlsCertificateRefused, &note);
                    live.happened(&Happened { fault: Some(message), ..refused });
                }
                tell_faults(self.listener, &faults);
            }
        }
    }
}

fn tell_replaced(listener: &str) {
    tracing::info!("new connections to {listener} get the certificate that was read now");
}

fn tell_fault(fault: &Fault) {
    tracing::error!(place = %fault.place, "{}; {}", fault.message, fault.help);
}

fn tell_faults(listener: &str, faults: &[Fault]) {
    faults.iter().for_each(tell_fault);
    tracing::error!("the last good certificate of {listener} stays");
}
