//! A later stage cannot be made out of thin air.

use gateway::pipeline::{Call, Metered};

fn forge<'a>(stage: Metered) -> Call<'a, Metered> {
    Call { stage }
}

fn main() {}
