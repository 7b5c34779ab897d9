//! A call whose caller is not known cannot be permitted.

use gateway::pipeline::{Call, Received, authorize};

async fn skip(call: Call<'_, Received<'_>>, rules: &policy::Rules) {
    let _ = authorize(call, rules).await;
}

fn main() {}
