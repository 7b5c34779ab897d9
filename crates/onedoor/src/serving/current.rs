//! Keeps what is in force the same as what is in the folder.

use std::convert::Infallible;

use model::Fault;

use super::{Hangup, Look, Served};
use crate::folder::Watch;

/// Looks at the folder after each change and each SIGHUP, for ever.
pub(crate) async fn keep_current(
    served: &mut Served,
    mut watch: Watch,
    mut hangup: Hangup,
) -> Infallible {
    // Told once: a folder that is away for an hour must not fill the log.
    let mut told = Vec::new();
    loop {
        let is_asked = tokio::select! {
            () = watch.changed() => false,
            () = hangup.asked() => true,
        };
        // Reading and compiling take their time; the other tasks go on meanwhile.
        let looked = tokio::task::block_in_place(|| {
            watch.arm();
            served.look()
        });
        match looked {
            Err(faults) => {
                if is_asked || faults != told {
                    served.refused(&faults);
                    tell_faults(&faults);
                }
                told = faults;
            }
            Ok(Look::Same) => {
                if is_asked || !told.is_empty() {
                    tracing::info!("the state folder is as it was; what was in force stays");
                }
                told.clear();
            }
            Ok(Look::Swapped(summary)) => {
                tell_swapped(&summary);
                told.clear();
            }
        }
    }
}

/// Says what is in force now.
pub(crate) fn tell_swapped(summary: &super::Summary) {
    tracing::info!(revision = summary.revision, "in force: {summary}");
}

fn tell_fault(fault: &Fault) {
    tracing::error!(place = %fault.place, "{}; {}", fault.message, fault.help);
}

fn tell_faults(faults: &[Fault]) {
    faults.iter().for_each(tell_fault);
    tracing::error!(
        faults = faults.len(),
        "the state folder has faults: the last good state stays in force"
    );
}
