//! What `easemob/server.json` says.

use std::{net::IpAddr, sync::Arc};

use serde_json::Value;
use thiserror::Error;
use url::{Host, Url};

use super::HostList;
use crate::{endpoint::WEBSOCKET_PATH, rest::HttpError};

/// Most servers of one kind that are kept.
const MAX_HOSTS: usize = 16;

/// The servers of an app. Source: the fields that the official SDK reads from `easemob/server.json`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ServerList {
    /// Bases of the REST paths.
    pub rest: Arc<HostList>,
    /// WebSocket addresses, complete.
    pub websocket: Arc<HostList>,
    /// Whether files may be uploaded in parts (`uploadinparts_enable`).
    pub allows_part_upload: bool,
}

/// Why one discovery server gave no usable list.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ServerListError {
    /// A field that has to be there is not, or is of another kind.
    #[error("the server list of {base} has no array `{field}`")]
    MissingField {
        /// The discovery server.
        base: Box<Url>,
        /// The field.
        field: &'static str,
    },
    /// No server speaks the protocol that is wanted.
    #[error("the server list of {base} has no `{protocol}` server in `{field}`")]
    NoHost {
        /// The discovery server.
        base: Box<Url>,
        /// The field.
        field: &'static str,
        /// `https` or `http`.
        protocol: String,
    },
    /// The answer is no JSON object.
    #[error("the answer of {base} is no JSON object ({length_bytes} bytes)")]
    NotJson {
        /// The discovery server.
        base: Box<Url>,
        /// Length of the answer.
        length_bytes: usize,
    },
    /// The server refused.
    #[error("{base} answered with status {status} instead of the server list")]
    Status {
        /// The discovery server.
        base: Box<Url>,
        /// HTTP status.
        status: u16,
    },
    /// The server gave no answer.
    #[error("cannot get the server list of {base}")]
    Unreachable {
        /// The discovery server.
        base: Box<Url>,
        /// Why.
        #[source]
        source: HttpError,
    },
}

impl ServerList {
    /// The two servers that an endpoint names itself.
    pub(super) fn of_hosts(rest: &Url, websocket: &Url) -> Self {
        Self {
            rest: Arc::new(HostList::one(rest.clone())),
            websocket: Arc::new(HostList::one(websocket.clone())),
            allows_part_upload: true,
        }
    }

    /// Reads the list that `base` answered with. Servers of the other protocol, and entries that are no server, are left
    /// out; those with priority 1 come first. Source: the SDKs' own choice.
    pub(super) fn parse(base: &Url, body: &[u8]) -> Result<Self, ServerListError> {
        let asked = || Box::new(base.clone());
        let Ok(Value::Object(list)) = serde_json::from_slice::<Value>(body) else {
            return Err(ServerListError::NotJson { base: asked(), length_bytes: body.len() });
        };
        let hosts = |section: &str, field, path: Option<&str>| {
            let hosts = list.get(section).and_then(|section| section.get("hosts"));
            let Some(Value::Array(hosts)) = hosts else {
                return Err(ServerListError::MissingField { base: asked(), field });
            };
            choose(hosts, base.scheme(), path).ok_or_else(|| ServerListError::NoHost {
                base: asked(),
                field,
                protocol: base.scheme().to_owned(),
            })
        };
        let is_false = |value: &Value| value == "false" || *value == Value::Bool(false);
        Ok(Self {
            rest: Arc::new(hosts("rest", "rest.hosts", None)?),
            websocket: Arc::new(hosts("msync-wx", "msync-wx.hosts", Some(WEBSOCKET_PATH))?),
            allows_part_upload: !list.get("uploadinparts_enable").is_some_and(is_false),
        })
    }
}

/// The servers of `hosts` that speak `protocol`, best first, as addresses. With a path they are WebSocket addresses.
fn choose(hosts: &[Value], protocol: &str, websocket_path: Option<&str>) -> Option<HostList> {
    let scheme = match (websocket_path.is_some(), protocol) {
        (false, _) => protocol,
        (true, "https") => "wss",
        (true, _) => "ws",
    };
    let mut chosen: Vec<(bool, Url)> = hosts
        .iter()
        .filter(|host| host.get("protocol").is_some_and(|found| found == protocol))
        .filter_map(|host| {
            let mut url = address(host, scheme)?;
            if let Some(path) = websocket_path {
                url.set_path(path);
            }
            let is_preferred = text_of(host, "priority").is_some_and(|text| text == "1");
            Some((!is_preferred, url))
        })
        .take(MAX_HOSTS)
        .collect();
    chosen.sort_by_key(|(is_second_choice, _)| *is_second_choice);
    HostList::from_hosts(chosen.into_iter().map(|(_, url)| url))
}

/// `scheme://domain[:port]`, with the IP address where there is no domain.
fn address(host: &Value, scheme: &str) -> Option<Url> {
    let name = ["domain", "ip"]
        .into_iter()
        .filter_map(|key| host.get(key)?.as_str())
        .map(str::trim)
        .find(|name| !name.is_empty())?;
    let name = match name.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => Host::Ipv4(ip),
        Ok(IpAddr::V6(ip)) => Host::Ipv6(ip),
        Err(_) => Host::parse(name).ok()?,
    };
    // 80 and 443 mean "the usual port" under either protocol.
    let port = match text_of(host, "port").as_deref().map(str::trim) {
        None | Some("" | "0" | "80" | "443") => String::new(),
        Some(port) => format!(":{}", port.parse::<u16>().ok()?),
    };
    Url::parse(&format!("{scheme}://{name}{port}")).ok()
}

/// A field that is written as a text or as a number.
fn text_of(host: &Value, key: &str) -> Option<String> {
    match host.get(key)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(base: &str, body: &str) -> Result<ServerList, String> {
        ServerList::parse(&Url::parse(base).unwrap(), body.as_bytes())
            .map_err(|error| error.to_string())
    }

    fn texts(list: &HostList) -> Vec<&str> {
        list.iter().map(Url::as_str).collect()
    }

    const LIST: &str = r#"{
        "file_version": "2", "deploy_name": "demo", "uploadinparts_enable": "false",
        "rest": {"hosts": [
            {"protocol": "http", "domain": "plain.example.org", "ip": "192.0.2.1", "port": "80", "priority": "1"},
            {"protocol": "https", "domain": "second.example.org", "port": 443},
            {"protocol": "https", "domain": "first.example.org", "port": "443", "priority": "1"}
        ]},
        "msync-wx": {"hosts": [
            {"protocol": "https", "domain": "im.example.org", "port": "443", "priority": 2},
            {"protocol": "https", "domain": "", "ip": "192.0.2.7", "port": 8443, "priority": 1},
            {"protocol": "http", "domain": "im-plain.example.org", "port": "8080"},
            {"protocol": "http", "ip": "2001:db8::1", "port": "443"}
        ]}
    }"#;

    #[test]
    fn a_secure_base_gives_secure_servers_and_priority_one_first() {
        let list = parse("https://rs.example.org", LIST).unwrap();
        assert_eq!(
            texts(&list.rest),
            ["https://first.example.org/", "https://second.example.org/"]
        );
        assert_eq!(
            texts(&list.websocket),
            ["wss://192.0.2.7:8443/websocket", "wss://im.example.org/websocket"]
        );
        assert!(!list.allows_part_upload);
    }

    #[test]
    fn a_plain_base_gives_plain_servers() {
        let list = parse("http://127.0.0.1:9", LIST).unwrap();
        assert_eq!(texts(&list.rest), ["http://plain.example.org/"]);
        assert_eq!(
            texts(&list.websocket),
            ["ws://im-plain.example.org:8080/websocket", "ws://[2001:db8::1]/websocket"]
        );
    }

    #[test]
    fn entries_that_are_no_server_are_left_out() {
        let body = r#"{
            "rest": {"hosts": [
                null, 7, {}, {"protocol": "https"},
                {"protocol": "https", "domain": "a.example.org/evil"},
                {"protocol": "https", "domain": "user@b.example.org"},
                {"protocol": "https", "domain": "c.example.org", "port": "99999"},
                {"protocol": "https", "domain": "d.example.org", "port": {}},
                {"protocol": ["https"], "domain": "e.example.org"}
            ]},
            "msync-wx": {"hosts": [{"protocol": "https", "domain": "im.example.org", "port": null}]}
        }"#;
        let list = parse("https://rs.example.org", body).unwrap();
        assert_eq!(texts(&list.rest), ["https://d.example.org/"]);
        assert_eq!(texts(&list.websocket), ["wss://im.example.org/websocket"]);
        assert!(list.allows_part_upload, "allowed unless the list says otherwise");
    }

    #[test]
    fn a_flood_of_servers_is_cut() {
        let host = r#"{"protocol": "https", "domain": "a.example.org"}"#;
        let hosts = [host; 1000].join(",");
        let body =
            format!(r#"{{"rest": {{"hosts": [{hosts}]}}, "msync-wx": {{"hosts": [{hosts}]}}}}"#);
        assert_eq!(parse("https://rs.example.org", &body).unwrap().rest.n_hosts(), MAX_HOSTS);
    }

    #[test]
    fn what_is_missing_is_named() {
        let base = "the server list of https://rs.example.org/";
        let table = [
            ("", "the answer of https://rs.example.org/ is no JSON object (0 bytes)".to_owned()),
            ("[1]", "the answer of https://rs.example.org/ is no JSON object (3 bytes)".to_owned()),
            ("{}", format!("{base} has no array `rest.hosts`")),
            (r#"{"rest": {"hosts": {}}}"#, format!("{base} has no array `rest.hosts`")),
            (r#"{"rest": {"hosts": []}}"#, format!("{base} has no `https` server in `rest.hosts`")),
            (
                r#"{"rest": {"hosts": [{"protocol": "https", "domain": "a"}]}, "msync-wx": []}"#,
                format!("{base} has no array `msync-wx.hosts`"),
            ),
        ];
        for (body, expected) in table {
            assert_eq!(parse("https://rs.example.org", body).unwrap_err(), expected, "{body}");
        }
    }
}
