//! A call that no limit has counted cannot be carried out.

use gateway::{
    Live,
    pipeline::{Authorized, Call, dispatch},
};

async fn skip(call: Call<'_, Authorized>, live: &Live) {
    let _ = dispatch(call, live).await;
}

fn main() {}
