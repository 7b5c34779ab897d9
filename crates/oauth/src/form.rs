//! Parameters of a query or a form, each at most once (RFC 6749 section 3.1) but for resources.

use std::collections::BTreeMap;

use http::header::CONTENT_TYPE;
use serde::{Deserialize, Serialize};

use crate::{
    Request,
    error::{Code, Denied},
};

const PARAMETERS_MAX: usize = 64;
const VALUE_BYTES_MAX: usize = 16 * 1024;

/// The one parameter that may stand several times (RFC 8707 section 2).
const REPEATED: &str = "resource";

/// Parameters by name. Those without a value are as good as absent.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Form(BTreeMap<String, Vec<String>>);

impl Form {
    /// The parameters of a form that was posted.
    ///
    /// # Errors
    /// `invalid_request` where it is no form, or names something twice.
    pub(crate) fn of_body(request: &Request) -> Result<Self, Denied> {
        let is_form = request.headers.get(CONTENT_TYPE).is_some_and(|it| {
            let media = it.as_bytes().split(|it| *it == b';').next().unwrap_or_default();
            media.trim_ascii().eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
        });
        if !is_form {
            let detail = "send a form: content-type application/x-www-form-urlencoded";
            return Err(Denied::new(Code::InvalidRequest, detail));
        }
        let text = std::str::from_utf8(&request.body);
        Self::parse(text.map_err(|_| Denied::new(Code::InvalidRequest, "the form is no text"))?)
    }

    /// The parameters of a query.
    ///
    /// # Errors
    /// As [`Form::of_body`].
    pub(crate) fn of_query(request: &Request) -> Result<Self, Denied> {
        Self::parse(request.query.as_deref().unwrap_or_default())
    }

    fn parse(text: &str) -> Result<Self, Denied> {
        let mut form: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (count, (name, value)) in url::form_urlencoded::parse(text.as_bytes()).enumerate() {
            if count >= PARAMETERS_MAX || value.len() > VALUE_BYTES_MAX {
                return Err(Denied::new(Code::InvalidRequest, "there are too many parameters"));
            }
            let values = form.entry(name.clone().into_owned()).or_default();
            if !values.is_empty() && name != REPEATED {
                let detail = format!("the parameter {} stands twice", name.escape_debug());
                return Err(Denied::new(Code::InvalidRequest, detail));
            }
            values.push(value.into_owned());
        }
        Ok(Self(form))
    }

    /// The value of `name`, where it has one; the first of those that may be several.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// All values of `name`.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let values = self.0.get(name).into_iter().flatten();
        values.map(String::as_str).filter(|it| !it.is_empty())
    }

    /// Each parameter that has a value.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs =
            self.0.iter().flat_map(|(name, values)| values.iter().map(|it| (&**name, &**it)));
        pairs.filter(|(_, value)| !value.is_empty())
    }

    /// All but `names`.
    pub(crate) fn without(mut self, names: &[&str]) -> Self {
        self.0.retain(|name, _| !names.contains(&&**name));
        self
    }

    /// With this value of `name`.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.0.insert(name.to_owned(), vec![value.to_owned()]);
        self
    }

    /// The value of `name`.
    ///
    /// # Errors
    /// `invalid_request` where it has none.
    pub(crate) fn required(&self, name: &'static str) -> Result<&str, Denied> {
        let missing =
            || Denied::new(Code::InvalidRequest, format!("the parameter {name} is missing"));
        self.get(name).ok_or_else(missing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_stands_once_or_not_at_all() {
        let form = Form::parse("a=1&b=&c=x%20y+z").unwrap();
        assert_eq!((form.get("a"), form.get("b"), form.get("c")), (Some("1"), None, Some("x y z")));
        assert!(form.required("b").is_err());
        for bad in ["a=1&a=1", "a=1&%61=2", "a&a"] {
            assert_eq!(Form::parse(bad).unwrap_err().code, Code::InvalidRequest, "{bad}");
        }
        let several = Form::parse("resource=a&resource=&resource=b&a=1").unwrap();
        assert_eq!(several.all("resource").collect::<Vec<_>>(), ["a", "b"]);
        let pairs = [("a", "1"), ("resource", "a"), ("resource", "b")];
        assert_eq!(several.iter().collect::<Vec<_>>(), pairs);
        let many: String = (0..65).map(|it| format!("p{it}=1&")).collect();
        assert!(Form::parse(&many).is_err());
    }
}
