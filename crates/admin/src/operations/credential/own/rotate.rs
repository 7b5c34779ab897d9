//! `rotate_credential` of a client: a successor for one of its own, shown to it this once.

use http::{Method, StatusCode};
use model::{ClientCertificate, Credential, Effect, Expiry, Proof, Timestamp};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    super::{
        issue::Issued,
        new::Public,
        rotate::{Wish, succeed},
    },
    GOOD_MAX, begin, found_own, is_good, of_profile,
};
use crate::{
    Admin, Call, failure::Failure, operation::Operation, reply::Reply, resource::ById,
    working::Working,
};

/// Makes the successor of one of the caller's own.
#[derive(Debug)]
pub(crate) struct Rotate;

/// For how long, and what the client shows from now on.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OwnWish {
    /// When the new one ends: `30d`, or a time; no later than your profile's rotation allows and after
    /// 90 days at the latest, and that is when it does where it is missing.
    #[schemars(length(max = 50))]
    expires: Option<String>,
    /// How long the old one stays good at most: `7d` where it is missing.
    #[schemars(length(max = 50))]
    overlap: Option<String>,
    /// Of `private_key_jwt`: the public keys from now on, as a JWK set. Of no other kind.
    jwks: Option<Map<String, Value>>,
    /// Why, for the record of changes.
    #[schemars(length(max = 500))]
    reason: Option<String>,
}

impl Operation for Rotate {
    const NAME: &'static str = "rotate_credential";
    const COMMAND: [&'static str; 2] = ["self", "rotate"];
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/credentials/{id}/rotate";
    const EFFECT: Effect = Effect::Write;
    const SUMMARY: &'static str = "Make the successor of one of your own credentials";
    const DESCRIPTION: &'static str = "Both are good until the overlap is over, or you retire the old one. A new API key or client secret is in this answer and nowhere else: store it before anything else. For private_key_jwt give the new public keys; for mtls call over a connection that shows the new certificate. There are 10 changes at once, and one more every 6 minutes.";
    const STATUS: StatusCode = StatusCode::CREATED;
    type Parameters = ById;
    type Body = OwnWish;
    type Output = Issued;

    async fn run(
        admin: &Admin,
        call: &Call,
        by: ById,
        wish: OwnWish,
    ) -> Result<Reply<Issued>, Failure> {
        begin(admin, call)?;
        let OwnWish { expires, overlap, jwks, reason } = wish;
        let working = admin.working();
        let (_, old) = found_own(&working, call, &by.id)?;
        ensure_usual(expires.as_deref(), call.at)?;
        let thumbprint = match &old.proof {
            Proof::Mtls { .. } => Some(shown(call)?),
            // Which tokens lead here is not for whoever holds one of them to say.
            Proof::External { .. } => return Err(external(&old)),
            Proof::ApiKey { .. } | Proof::ClientSecret { .. } | Proof::PrivateKeyJwt { .. } => None,
        };
        // No URL of keys: the door would fetch from wherever a client says.
        let public = Public::of_client(jwks, thumbprint);
        let wish = Wish { expires, overlap, reason, public };
        succeed(admin, call, (&by.id, successible), wish).await
    }
}

/// One that may get a successor by its client.
fn successible<'a>(
    working: &'a Working,
    call: &Call,
    id: &str,
) -> Result<(&'a str, Credential), Failure> {
    let (path, credential) = found_own(working, call, id)?;
    if !is_good(working, &credential, call.at) {
        let detail = format!("{id} is not good any more: ask the door's operator for another");
        return Err(Failure::Conflict(detail));
    }
    let good = of_profile(working, call).filter(|it| is_good(working, it, call.at)).count();
    if good >= GOOD_MAX {
        let detail = format!("there are {good} good ones already: retire those that nobody uses");
        return Err(Failure::Conflict(detail));
    }
    if let (Proof::Mtls { .. }, Some(certificate)) = (&credential.proof, &call.certificate) {
        ensure_unknown(working, call, certificate)?;
    }
    Ok((path, credential))
}

/// However long its profile lets others live: whoever steals one could renew it for so long.
fn ensure_usual(expires: Option<&str>, now: Timestamp) -> Result<(), Failure> {
    let end = |text: &str| Expiry::parse(text).and_then(|it| it.end(now)).ok();
    let latest = end(Expiry::USUAL);
    // What is no expiry at all is told by whoever reads it.
    match expires.and_then(end) > latest {
        true => {
            let usual = Expiry::USUAL;
            let message = format!("what a client makes for itself lives no longer than {usual}");
            let help = format!("write {usual} or less, or leave it away");
            Err(Failure::field("body.expires", message, help))
        }
        false => Ok(()),
    }
}

fn external(old: &Credential) -> Failure {
    let detail = "its issuer makes and rotates what is shown, and the door's operator says by which claims it is known";
    Failure::Conflict(format!("{} is external: {detail}", old.id))
}

/// The certificate of this connection: so whoever names one holds its key.
fn shown(call: &Call) -> Result<String, Failure> {
    let certificate = call.certificate.as_ref().ok_or_else(|| {
        let detail = "call over a connection that shows the new certificate, with another credential or a token";
        Failure::Conflict(detail.to_owned())
    })?;
    Ok(model::hex(&certificate.thumbprint))
}

/// A certificate leads to one profile: one that another profile is known by would lead nobody anywhere.
fn ensure_unknown(
    working: &Working,
    call: &Call,
    certificate: &ClientCertificate,
) -> Result<(), Failure> {
    let marks: Vec<_> = certificate.marks().collect();
    let is_of_another = working.desired.credentials.iter().any(|it| {
        let is_known =
            matches!(&it.proof, Proof::Mtls { certificate } if marks.contains(certificate));
        is_known && it.profile != call.caller.profile
    });
    match is_of_another {
        // Whose it is, is not this client's business.
        true => Err(Failure::Conflict("this certificate cannot be taken: make another".to_owned())),
        false => Ok(()),
    }
}
