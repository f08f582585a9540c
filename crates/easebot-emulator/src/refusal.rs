//! How HTTP requests are refused.

/// A refused request: the status, the short code and the text that clients match on.
/// Source: Easemob's REST documentation, "error codes".
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct HttpRefusal {
    pub(crate) status: u16,
    pub(crate) error: &'static str,
    pub(crate) description: String,
}

impl HttpRefusal {
    pub(crate) fn new(status: u16, error: &'static str, description: impl Into<String>) -> Self {
        Self { status, error, description: description.into() }
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
