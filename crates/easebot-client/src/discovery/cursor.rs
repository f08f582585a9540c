//! Servers in the order in which they are tried.

use std::sync::Arc;

use url::Url;

/// One or more servers that do the same, best first.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HostList {
    first: Url,
    others: Vec<Url>,
}

impl HostList {
    /// The one server `host`.
    #[must_use]
    pub const fn one(host: Url) -> Self {
        Self { first: host, others: Vec::new() }
    }

    /// These servers; `None` if there are none.
    pub fn from_hosts(hosts: impl IntoIterator<Item = Url>) -> Option<Self> {
        let mut hosts = hosts.into_iter();
        Some(Self { first: hosts.next()?, others: hosts.collect() })
    }

    /// The servers, best first.
    pub fn iter(&self) -> impl Iterator<Item = &Url> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// How many there are: at least one.
    #[must_use]
    pub const fn n_hosts(&self) -> usize {
        1 + self.others.len()
    }
}

/// Which server of a list is tried next: the following one after a failure, the first again after a success.
///
/// Source: the order of the official SDK, which does not weigh its servers.
#[derive(Clone, Debug)]
pub struct HostCursor {
    list: Arc<HostList>,
    at: usize,
}

impl HostCursor {
    /// Starts at the first of `list`.
    #[must_use]
    pub const fn new(list: Arc<HostList>) -> Self {
        Self { list, at: 0 }
    }

    /// The server to try now.
    #[must_use]
    pub fn current(&self) -> &Url {
        match self.at.checked_sub(1) {
            Some(at) => self.list.others.get(at).unwrap_or(&self.list.first),
            None => &self.list.first,
        }
    }

    /// The current server failed: the next one is tried, behind the last one the first.
    pub fn failed(&mut self) {
        self.at = (self.at + 1) % self.list.n_hosts();
    }

    /// The current server works: next time the first is tried again.
    pub const fn succeeded(&mut self) {
        self.at = 0;
    }

    /// The servers that it goes through.
    #[must_use]
    pub fn list(&self) -> &HostList {
        &self.list
    }

    /// Takes a newer list; starts over if it differs.
    pub fn renew(&mut self, list: &Arc<HostList>) {
        if self.list != *list {
            *self = Self::new(Arc::clone(list));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor(hosts: &[&str]) -> HostCursor {
        let hosts = hosts.iter().map(|host| Url::parse(host).unwrap());
        HostCursor::new(Arc::new(HostList::from_hosts(hosts).unwrap()))
    }

    #[test]
    fn a_failure_goes_on_and_a_success_starts_over() {
        let mut cursor = cursor(&["ws://a/", "ws://b/", "ws://c/"]);
        let mut seen = vec![cursor.current().to_string()];
        for _ in 0..3 {
            cursor.failed();
            seen.push(cursor.current().to_string());
        }
        assert_eq!(seen, ["ws://a/", "ws://b/", "ws://c/", "ws://a/"]);
        cursor.failed();
        cursor.succeeded();
        assert_eq!(cursor.current().as_str(), "ws://a/");
    }

    #[test]
    fn the_same_list_again_keeps_the_place() {
        let mut cursor = cursor(&["ws://a/", "ws://b/"]);
        cursor.failed();
        cursor.renew(&Arc::new(cursor.list().clone()));
        assert_eq!(cursor.current().as_str(), "ws://b/");
        cursor.renew(&Arc::new(HostList::one(Url::parse("ws://new/").unwrap())));
        assert_eq!(cursor.current().as_str(), "ws://new/");
    }

    #[test]
    fn no_hosts_make_no_list() {
        assert_eq!(HostList::from_hosts([]), None);
    }
}
