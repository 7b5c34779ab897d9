//! A browser in which somebody has signed in before, by a cookie that only this door can make. It says
//! nothing of who is signed in: its bearer has a budget for passwords that nobody else uses up.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::HeaderValue;
use model::Timestamp;

use crate::{Request, Server, error::Denied, people::Cookie, ticket};

/// How long a browser is known.
pub(crate) const LIFE: Duration = Duration::from_secs(180 * 24 * 3600);

/// The name of the browser that sends this, where it is known to be of `account`.
pub(crate) fn name<'r>(server: &Server, request: &'r Request, account: &str) -> Option<&'r str> {
    let (known, mac) = Cookie::Known.read(server, request)?.rsplit_once('.')?;
    let is_ours = |_: &_, hmac: &[u8; 32]| {
        let want = URL_SAFE_NO_PAD.encode(hmac);
        aws_lc_rs::constant_time::verify_slices_are_equal(want.as_bytes(), mac.as_bytes()).ok()
    };
    server.pepper.find(&text(known, account), is_ours)?;
    let (until, name) = known.split_once('.')?;
    let until = Timestamp::from_seconds(until.parse().ok()?);
    (until > request.at).then_some(name)
}

/// A cookie by which this browser is known to be of `account` from now on.
pub(crate) fn cookie(
    server: &Server,
    account: &str,
    now: Timestamp,
) -> Result<Option<HeaderValue>, Denied> {
    let known = format!("{}.{}", now.plus(LIFE).as_seconds(), ticket::random()?);
    let mac = URL_SAFE_NO_PAD.encode(server.pepper.hash(&text(&known, account)).hmac);
    Ok(Cookie::Known.set(server, &format!("{known}.{mac}")))
}

/// The name of the use stands before it: no key and no secret of a client is made of such a text.
fn text(known: &str, account: &str) -> String {
    format!("known browser\0{known}\0{account}")
}
