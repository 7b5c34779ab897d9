//! A call that no rule has permitted cannot be counted.

use gateway::pipeline::{Authenticated, Call, meter};

fn skip(call: Call<'_, Authenticated>, counters: &limits::Meter) {
    let _ = meter(call, counters);
}

fn main() {}
