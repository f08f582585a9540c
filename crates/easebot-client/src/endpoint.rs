//! Where the servers of an account are.

use std::{str::FromStr, sync::Arc};

use thiserror::Error;
use url::Url;

/// Where the servers of an account are, or how to find them. Clones share the addresses, as many accounts of one process do.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Endpoint {
    /// Agora Chat: asks `https://ars.chat.agora.io`. Source: npm `agora-chat` 1.4.0.
    Agora,
    /// Asks this server for the list; made by [`discover`](Endpoint::discover).
    Discover {
        /// `easemob/server.json` is looked for below it. An `https` base gives `https` and `wss` servers only, an `http`
        /// base `http` and `ws` ones.
        base: Arc<Url>,
    },
    /// Easemob: asks `https://rs.easemob.com`, then `https://rs.chat.agora.io`. Source: npm `easemob-websdk` 4.21.1.
    Easemob,
    /// These servers; nothing is asked. Made by [`hosts`](Endpoint::hosts).
    Hosts {
        /// Base of the REST paths: `/ORG/APP/…` is added to it.
        rest: Arc<Url>,
        /// The WebSocket address as it is dialled, path and query included.
        websocket: Arc<Url>,
    },
}

/// Path of the WebSocket where an address names none. Source: observed with the official SDK.
pub(crate) const WEBSOCKET_PATH: &str = "/websocket";

/// Why a text is no address of a server.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum EndpointError {
    /// It is no absolute URL.
    #[error("the {kind} address is no URL such as `{example}`")]
    NotUrl {
        /// `REST`, `WebSocket` or `discovery`.
        kind: &'static str,
        /// An address that would be right.
        example: &'static str,
        /// What the parser says.
        #[source]
        source: url::ParseError,
    },
    /// It begins with another scheme.
    #[error("the {kind} address begins with `{found}://`, it has to be like `{example}`")]
    Scheme {
        /// `REST`, `WebSocket` or `discovery`.
        kind: &'static str,
        /// An address that would be right.
        example: &'static str,
        /// The scheme that was found.
        found: String,
    },
    /// It has a part that is not used there.
    #[error("the {kind} address must not have a {part}")]
    Part {
        /// `REST`, `WebSocket` or `discovery`.
        kind: &'static str,
        /// `user name or password`, `query` or `fragment`.
        part: &'static str,
    },
}

impl Endpoint {
    /// The servers with these addresses.
    ///
    /// `rest` is like `https://a1.easemob.com`, with or without a path in front of `/ORG/APP`. `websocket` is like
    /// `wss://im-api-wechat.easemob.com/websocket` and is dialled as it stands; only if it has no path at all (not even a
    /// `/`) is `/websocket` added.
    ///
    /// # Errors
    /// [`EndpointError`] says which of the two is wrong, and how.
    ///
    /// ```
    /// use easebot_client::Endpoint;
    /// let endpoint = Endpoint::hosts("http://127.0.0.1:7380", "ws://127.0.0.1:7380")?;
    /// let Endpoint::Hosts { websocket, .. } = endpoint else { unreachable!() };
    /// assert_eq!(websocket.as_str(), "ws://127.0.0.1:7380/websocket");
    /// # Ok::<_, easebot_client::EndpointError>(())
    /// ```
    pub fn hosts(rest: &str, websocket: &str) -> Result<Self, EndpointError> {
        let rest = REST.parse(rest)?;
        let has_path = has_path(websocket);
        let mut websocket = WEBSOCKET.parse(websocket)?;
        if !has_path {
            websocket.set_path(WEBSOCKET_PATH);
        }
        Ok(Self::Hosts { rest: Arc::new(rest), websocket: Arc::new(websocket) })
    }

    /// The servers that the list at `base` names, such as `https://rs.example.org`.
    ///
    /// # Errors
    /// [`EndpointError`] says what is wrong with `base`.
    pub fn discover(base: &str) -> Result<Self, EndpointError> {
        Ok(Self::Discover { base: Arc::new(DISCOVERY.parse(base)?) })
    }
}

/// `easemob`, `agora`, or the REST address of an emulator, which has its WebSocket at the same host and port.
///
/// ```
/// use easebot_client::Endpoint;
/// let endpoint: Endpoint = "http://127.0.0.1:7380".parse()?;
/// let Endpoint::Hosts { websocket, .. } = endpoint else { unreachable!() };
/// assert_eq!(websocket.as_str(), "ws://127.0.0.1:7380/websocket");
/// # Ok::<_, easebot_client::EndpointError>(())
/// ```
impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        match text {
            "easemob" => Ok(Self::Easemob),
            "agora" => Ok(Self::Agora),
            address => {
                let address = address.trim_end_matches('/');
                // `http` becomes `ws`, `https` `wss`.
                let websocket = format!("{}{WEBSOCKET_PATH}", address.replacen("http", "ws", 1));
                Self::hosts(address, &websocket)
            }
        }
    }
}

/// What an address of one kind looks like.
struct Rule {
    kind: &'static str,
    example: &'static str,
    schemes: [&'static str; 2],
    may_have_query: bool,
}

const REST: Rule = Rule {
    kind: "REST",
    example: "https://a1.easemob.com",
    schemes: ["http", "https"],
    may_have_query: false,
};

const WEBSOCKET: Rule = Rule {
    kind: "WebSocket",
    example: "wss://im-api-wechat.easemob.com/websocket",
    schemes: ["ws", "wss"],
    may_have_query: true,
};

const DISCOVERY: Rule = Rule {
    kind: "discovery",
    example: "https://rs.easemob.com",
    schemes: ["http", "https"],
    may_have_query: false,
};

impl Rule {
    fn parse(&self, text: &str) -> Result<Url, EndpointError> {
        let Self { kind, example, .. } = *self;
        let url =
            Url::parse(text).map_err(|source| EndpointError::NotUrl { kind, example, source })?;
        if !self.schemes.contains(&url.scheme()) {
            return Err(EndpointError::Scheme { kind, example, found: url.scheme().to_owned() });
        }
        let part = if !url.username().is_empty() || url.password().is_some() {
            "user name or password"
        } else if url.fragment().is_some() {
            "fragment"
        } else if url.query().is_some() && !self.may_have_query {
            "query"
        } else {
            return Ok(url);
        };
        Err(EndpointError::Part { kind, part })
    }
}

/// Whether a path, if only `/`, stands behind the host. A parsed [`Url`] always has one.
fn has_path(text: &str) -> bool {
    let behind_scheme = text.split_once("://").map_or("", |(_, rest)| rest);
    let end_of_host = behind_scheme.find(['/', '\\', '?', '#']);
    end_of_host
        .and_then(|at| behind_scheme.as_bytes().get(at))
        .is_some_and(|byte| matches!(byte, b'/' | b'\\'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn websocket(text: &str) -> String {
        match Endpoint::hosts("http://127.0.0.1", text).unwrap() {
            Endpoint::Hosts { websocket, .. } => websocket.to_string(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_websocket_address_is_used_as_it_stands() {
        for text in [
            "wss://im.example.org/websocket",
            "ws://127.0.0.1:8080/",
            "ws://127.0.0.1:8080/a/b?token=1&x=%20",
            "ws://[::1]:8080/websocket",
        ] {
            assert_eq!(websocket(text), text);
        }
    }

    #[test]
    fn a_websocket_address_without_a_path_gets_the_usual_one() {
        assert_eq!(websocket("ws://127.0.0.1:8080"), "ws://127.0.0.1:8080/websocket");
        assert_eq!(websocket("wss://im.example.org?a=b"), "wss://im.example.org/websocket?a=b");
        assert_eq!(websocket("ws://h?a=/b"), "ws://h/websocket?a=/b");
    }

    #[test]
    fn what_is_wrong_is_said() {
        let table = [
            (
                ("ws://h", "ws://h"),
                "the REST address begins with `ws://`, it has to be like `https://a1.easemob.com`",
            ),
            (
                ("http://h", "https://h"),
                "the WebSocket address begins with `https://`, it has to be like \
                 `wss://im-api-wechat.easemob.com/websocket`",
            ),
            (
                ("a1.easemob.com", "ws://h"),
                "the REST address is no URL such as `https://a1.easemob.com`",
            ),
            (("http://h?x=1", "ws://h"), "the REST address must not have a query"),
            (("http://h", "ws://h/#x"), "the WebSocket address must not have a fragment"),
            (
                ("http://bob:secret@h", "ws://h"),
                "the REST address must not have a user name or password",
            ),
        ];
        for ((rest, websocket), expected) in table {
            assert_eq!(Endpoint::hosts(rest, websocket).unwrap_err().to_string(), expected);
        }
        assert_eq!(
            Endpoint::discover("ftp://h").unwrap_err().to_string(),
            "the discovery address begins with `ftp://`, it has to be like `https://rs.easemob.com`"
        );
    }
}
