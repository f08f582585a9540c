//! The service manager above this process, such as systemd with `Type=notify`: it is told when the bots have been started.
//!
//! The protocol is a datagram of lines to the socket that `NOTIFY_SOCKET` names. Source: sd_notify(3).

use std::{
    env,
    ffi::OsString,
    io,
    os::unix::{ffi::OsStrExt, net::UnixDatagram},
};

/// Who wants to be told; nobody if nothing is named.
#[derive(Debug)]
pub(super) struct ServiceManager {
    socket: Option<OsString>,
}

impl ServiceManager {
    pub(super) fn from_env() -> Self {
        Self { socket: env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty()) }
    }

    /// The configuration was right, and the bots log in.
    pub(super) fn ready(&self) {
        self.tell("READY=1");
    }

    /// The bots finish what they are at.
    pub(super) fn stopping(&self) {
        self.tell("STOPPING=1");
    }

    /// A manager that cannot be told is no reason to end: it has a deadline of its own.
    fn tell(&self, state: &str) {
        if let Some(socket) = &self.socket
            && let Err(error) = send(socket, state)
        {
            tracing::warn!(%error, state, "cannot tell the service manager");
        }
    }
}

fn send(socket: &OsString, state: &str) -> io::Result<()> {
    let sender = UnixDatagram::unbound()?;
    // Nothing of this program may wait for a manager that does not read.
    sender.set_nonblocking(true)?;
    match socket.as_bytes().strip_prefix(b"@") {
        Some(name) => sender.send_to_addr(state.as_bytes(), &abstract_name(name)?),
        None => sender.send_to(state.as_bytes(), socket),
    }
    .map(drop)
}

/// A name without a file; Linux alone has such.
#[cfg(target_os = "linux")]
fn abstract_name(name: &[u8]) -> io::Result<std::os::unix::net::SocketAddr> {
    <std::os::unix::net::SocketAddr as std::os::linux::net::SocketAddrExt>::from_abstract_name(name)
}

#[cfg(not(target_os = "linux"))]
fn abstract_name(_: &[u8]) -> io::Result<std::os::unix::net::SocketAddr> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(socket: &UnixDatagram) -> String {
        let mut bytes = [0; 64];
        let n_bytes = socket.recv(&mut bytes).unwrap();
        String::from_utf8(bytes[..n_bytes].to_vec()).unwrap()
    }

    #[test]
    fn a_manager_is_told_at_a_path() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        let manager = ServiceManager { socket: Some(path.into()) };
        manager.ready();
        assert_eq!(received(&socket), "READY=1");
        manager.stopping();
        assert_eq!(received(&socket), "STOPPING=1");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_manager_is_told_at_a_name_without_a_file() {
        let name = format!("easebot-test-{}", std::process::id());
        let socket = UnixDatagram::bind_addr(&abstract_name(name.as_bytes()).unwrap()).unwrap();
        ServiceManager { socket: Some(format!("@{name}").into()) }.ready();
        assert_eq!(received(&socket), "READY=1");
    }

    #[test]
    fn a_manager_that_is_gone_is_an_error_and_no_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("nobody");
        assert_eq!(
            send(&path.clone().into(), "READY=1").unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
        ServiceManager { socket: Some(path.into()) }.ready();
        ServiceManager { socket: None }.ready();
    }
}
