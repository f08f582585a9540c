//! How HTTP requests are refused.

use std::{borrow::Cow, time::Duration};

/// A refused request: the status, the short code and the text that clients match on.
/// Source: Easemob's REST documentation, "error codes".
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct HttpRefusal {
    pub(crate) status: u16,
    pub(crate) error: Cow<'static, str>,
    pub(crate) description: String,
    /// `error_code`, which newer services add.
    pub(crate) code: Option<u32>,
    /// `Retry-After`.
    pub(crate) retry_after: Option<Duration>,
}

impl HttpRefusal {
    pub(crate) fn new(
        status: u16,
        error: impl Into<Cow<'static, str>>,
        description: impl Into<String>,
    ) -> Self {
        let (error, description) = (error.into(), description.into());
        Self { status, error, description, code: None, retry_after: None }
    }

    /// With the `error_code` that newer services add.
    pub(crate) fn with_code(self, code: u32) -> Self {
        Self { code: Some(code), ..self }
    }

    pub(crate) fn bad(description: impl Into<String>) -> Self {
        Self::new(400, "illegal_argument", description)
    }

    pub(crate) fn forbidden(description: impl Into<String>) -> Self {
        Self::new(403, "forbidden_op", description)
    }

    pub(crate) fn no_user(name: &str) -> Self {
        Self::new(404, "service_resource_not_found", format!("Service resource not found: {name}"))
    }

    pub(crate) fn no_such_username(name: &str) -> Self {
        Self::new(404, "resource_not_found", format!("username {name} doesn't exist!"))
    }

    pub(crate) fn no_group(id: &str) -> Self {
        Self::new(404, "resource_not_found", format!("grpID {id} does not exist!"))
    }
}
