//! Forms that the door posts for itself: to an issuer's endpoints, with the secret it has there.

use std::{fmt, time::Duration};

use bytes::Bytes;
use http::{
    HeaderValue, Method, Request, Response,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE},
};
use url::form_urlencoded::Serializer;

use super::Egress;
use crate::{Error, connect::shown};

/// A small form, and where it is posted.
pub struct Form<'a> {
    /// An absolute URL.
    pub url: &'a str,
    /// Names and values, not encoded yet.
    pub fields: &'a [(&'a str, &'a str)],
    /// By which the door shows who it is there.
    pub authorization: Option<HeaderValue>,
}

impl fmt::Debug for Form<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the values: tokens and codes stand there.
        f.debug_struct("Form").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Egress {
    /// Posts a form, and reads an answer of any status and of at most `bytes_max` bytes.
    ///
    /// # Errors
    /// As [`Egress::document`], but for the status.
    pub async fn post_form(
        &self,
        form: Form<'_>,
        bytes_max: usize,
        wait: Duration,
    ) -> Result<Response<Bytes>, Error> {
        let Form { url, fields, authorization } = form;
        let body = Serializer::new(String::new()).extend_pairs(fields).finish();
        let mut request = Request::new(Bytes::from(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = url.parse().map_err(|_| Error::InvalidUrl {
            url: shown(url),
            reason: "it cannot be read".into(),
        })?;
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(CONTENT_TYPE, form);
        if let Some(authorization) = authorization {
            headers.insert(AUTHORIZATION, authorization);
        }
        self.send(request, bytes_max, wait).await
    }
}
