//! Opens a link: look-up, connection, TLS, handshake, all before one deadline.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use rustls::pki_types::ServerName;
use tokio::{
    net::TcpStream,
    time::{Instant, timeout, timeout_at},
};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{
        Error as WsError,
        client::IntoClientRequest,
        error::UrlError,
        http::{HeaderValue, header},
        protocol::Role,
    },
};
use url::{Host, Url};

use super::{
    Link, LinkOptions, OpenLinkError, OpenStage, ahead::Ahead, secure::Secure, transport::Transport,
};
use crate::{Tls, rest};

/// Who is dialled, and until when.
struct Dial {
    host: String,
    port: u16,
    deadline: Instant,
    limit: Duration,
}

pub(super) async fn open(url: Url, tls: Tls, options: LinkOptions) -> Result<Link, OpenLinkError> {
    let dial = Dial::new(&url, options)?;
    let addresses = dial.look_up(&url).await?;
    let tcp = dial.connect(&addresses).await?;
    let transport = match url.scheme() {
        "wss" => dial.secure(tcp, &url, &tls).await?,
        _ => Transport::Tcp(tcp),
    };
    dial.shake_hands(transport, &url, options).await
}

pub(super) async fn shake_hands(
    transport: Transport,
    url: Url,
    options: LinkOptions,
) -> Result<Link, OpenLinkError> {
    Dial::new(&url, options)?.shake_hands(transport, &url, options).await
}

impl Dial {
    fn new(url: &Url, options: LinkOptions) -> Result<Self, OpenLinkError> {
        let limit = options.open_timeout.min(LinkOptions::MAX_OPEN_TIMEOUT);
        let host = url.host_str().ok_or_else(no_host)?.to_owned();
        let port = url.port_or_known_default().unwrap_or(80);
        Ok(Self { host, port, deadline: Instant::now() + limit, limit })
    }

    async fn look_up(&self, url: &Url) -> Result<Vec<SocketAddr>, OpenLinkError> {
        let port = self.port;
        let ip: IpAddr = match url.host().ok_or_else(no_host)? {
            Host::Ipv4(ip) => ip.into(),
            Host::Ipv6(ip) => ip.into(),
            Host::Domain(name) => {
                let addresses = self
                    .within(OpenStage::Lookup, tokio::net::lookup_host((name, port)))
                    .await?
                    .map_err(|source| OpenLinkError::Lookup { host: self.host(), source })?;
                return Ok(addresses.collect());
            }
        };
        Ok(vec![SocketAddr::new(ip, port)])
    }

    async fn connect(&self, addresses: &[SocketAddr]) -> Result<TcpStream, OpenLinkError> {
        let connect = async |address| {
            let tcp = TcpStream::connect(address).await?;
            tcp.set_nodelay(true)?;
            Ok(tcp)
        };
        first_of(addresses, self.deadline, connect).await.map_err(|source| {
            if source.kind() == io::ErrorKind::TimedOut && Instant::now() >= self.deadline {
                self.timed_out(OpenStage::Connect)
            } else {
                OpenLinkError::Connect { host: self.host(), port: self.port, source }
            }
        })
    }

    async fn secure(
        &self,
        tcp: TcpStream,
        url: &Url,
        tls: &Tls,
    ) -> Result<Transport, OpenLinkError> {
        let config = self
            .within(OpenStage::Tls, tls.client_config())
            .await?
            .map_err(|source| OpenLinkError::TlsSetup { host: self.host(), source })?;
        let name = server_name(url)?;
        let stream = self
            .within(OpenStage::Tls, Secure::connect(config, name, tcp))
            .await?
            .map_err(|source| OpenLinkError::Tls { host: self.host(), source })?;
        Ok(Transport::Boxed(Box::new(stream)))
    }

    async fn shake_hands(
        &self,
        transport: Transport,
        url: &Url,
        options: LinkOptions,
    ) -> Result<Link, OpenLinkError> {
        let mut request = url
            .as_str()
            .into_client_request()
            .map_err(|source| OpenLinkError::Url { source: source.into() })?;
        // The one header that the official SDK sends. Source: observed with it.
        let json = HeaderValue::from_static("application/json");
        request.headers_mut().insert(header::CONTENT_TYPE, json);
        let config = options.websocket_config();
        let ahead = Ahead::new(transport, options.read_buffer_bytes);
        let handshake = client_async_with_config(request, ahead, Some(config));
        match self.within(OpenStage::Handshake, handshake).await? {
            // Its buffer was made for the largest head. What is behind the head is still unread.
            Ok((stream, _)) => {
                let ahead = stream.into_inner();
                let stream =
                    WebSocketStream::from_raw_socket(ahead, Role::Client, Some(config)).await;
                Ok(Link::new(stream, options))
            }
            Err(WsError::Http(response)) => Err(OpenLinkError::Refused {
                host: self.host(),
                status: response.status().as_u16(),
                after: rest::retry_after(response.headers()),
            }),
            Err(source) => {
                Err(OpenLinkError::Handshake { host: self.host(), source: source.into() })
            }
        }
    }

    async fn within<T>(
        &self,
        stage: OpenStage,
        step: impl Future<Output = T>,
    ) -> Result<T, OpenLinkError> {
        timeout_at(self.deadline, step).await.map_err(|_| self.timed_out(stage))
    }

    fn timed_out(&self, stage: OpenStage) -> OpenLinkError {
        OpenLinkError::TimedOut { host: self.host(), stage, limit: self.limit }
    }

    fn host(&self) -> String {
        self.host.clone()
    }
}

/// Tries one address after the other. Each has its share of the time that is left, so that one that swallows packets does
/// not use up that of the others.
async fn first_of<T, F: Future<Output = io::Result<T>>>(
    addresses: &[SocketAddr],
    deadline: Instant,
    connect: impl Fn(SocketAddr) -> F,
) -> io::Result<T> {
    let mut failure = io::Error::from(io::ErrorKind::NotFound);
    let mut n_left = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
    for address in addresses {
        let share = deadline.saturating_duration_since(Instant::now()) / n_left.max(1);
        n_left = n_left.saturating_sub(1);
        match timeout(share, connect(*address)).await {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(error)) => failure = error,
            Err(_) => failure = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(failure)
}

/// Whom the certificate has to name.
fn server_name(url: &Url) -> Result<ServerName<'static>, OpenLinkError> {
    let name = match url.host().ok_or_else(no_host)? {
        Host::Ipv4(ip) => ServerName::from(IpAddr::V4(ip)),
        Host::Ipv6(ip) => ServerName::from(IpAddr::V6(ip)),
        Host::Domain(name) => ServerName::try_from(name.to_owned())
            .map_err(|source| OpenLinkError::Url { source: source.into() })?,
    };
    Ok(name)
}

fn no_host() -> OpenLinkError {
    OpenLinkError::Url { source: UrlError::NoHostName.into() }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;
    use crate::rest::testing::Nobody;

    fn dial() -> Dial {
        let url = Url::parse("ws://im.example.org/websocket").unwrap();
        Dial::new(&url, LinkOptions::default()).unwrap()
    }

    #[tokio::test]
    async fn an_address_that_refuses_makes_way_for_the_next() {
        let gone = Nobody::new();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let there = listener.local_addr().unwrap();
        let tcp = dial().connect(&[gone.address(), there]).await.unwrap();
        assert_eq!(tcp.peer_addr().unwrap(), there);
        assert!(tcp.nodelay().unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_swallows_packets_leaves_time_for_the_others() {
        let [one, two, three] = [1, 2, 3].map(|port| SocketAddr::from(([192, 0, 2, 1], port)));
        let start = Instant::now();
        let connect = |address: SocketAddr| async move {
            if address == three { Ok(address) } else { std::future::pending().await }
        };
        let deadline = start + Duration::from_secs(9);
        let connected = first_of(&[one, two, three], deadline, connect).await.unwrap();
        assert_eq!(connected, three);
        assert!(start.elapsed() < Duration::from_secs(7), "two shares of three seconds");
    }

    #[tokio::test]
    async fn a_name_without_addresses_cannot_be_connected_to() {
        let error = dial().connect(&[]).await.unwrap_err();
        assert_eq!(error.to_string(), "cannot connect to im.example.org, port 80");
    }

    #[test]
    fn the_certificate_has_to_name_the_host_without_brackets() {
        let name = |url| server_name(&Url::parse(url).unwrap()).unwrap().to_str().into_owned();
        assert_eq!(name("wss://im.example.org:8443/websocket"), "im.example.org");
        assert_eq!(name("wss://[2001:db8::1]/websocket"), "2001:db8::1");
        assert_eq!(name("wss://192.0.2.1/websocket"), "192.0.2.1");
    }
}
