//! How a service tells its manager that it is ready, alive or stopping: the protocol of `sd_notify(3)`,
//! a datagram to the socket that the environment names. Without one nothing is sent.

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// The way to the service manager.
#[derive(Debug, Default)]
pub struct Notify(Option<(UnixDatagram, SocketAddr)>);

impl Notify {
    /// As the manager told in `NOTIFY_SOCKET`.
    pub fn from_environment() -> io::Result<Self> {
        std::env::var_os("NOTIFY_SOCKET").map_or_else(|| Ok(Self::default()), |name| Self::to(&name))
    }

    /// To a socket; a name that begins with `@` lies in the abstract namespace.
    pub fn to(name: &OsStr) -> io::Result<Self> {
        let address = match name.as_bytes() {
            [b'@', rest @ ..] => SocketAddr::from_abstract_name(rest)?,
            path => SocketAddr::from_pathname(OsStr::from_bytes(path))?,
        };
        let socket = UnixDatagram::unbound()?;
        // A manager that does not read must not hold the service up.
        socket.set_nonblocking(true)?;
        Ok(Self(Some((socket, address))))
    }

    /// The service works from now on.
    pub fn ready(&self) {
        self.send("READY=1");
    }

    /// It is alive; only to be said when every part of it is.
    pub fn alive(&self) {
        self.send("WATCHDOG=1");
    }

    /// What it does, in a line for people.
    pub fn status(&self, line: &str) {
        self.send(&format!("STATUS={}", line.lines().next().unwrap_or_default()));
    }

    /// It begins to stop.
    pub fn stopping(&self) {
        self.send("STOPPING=1");
    }

    fn send(&self, message: &str) {
        if let Some((socket, address)) = &self.0 {
            // Nobody could be told of a failure; without news the manager acts by itself.
            drop(socket.send_to_addr(message.as_bytes(), address));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(socket: &UnixDatagram) -> String {
        let mut text = [0; 200];
        let length = socket.recv(&mut text).unwrap();
        String::from_utf8_lossy(&text[..length]).into_owned()
    }

    #[test]
    fn a_manager_hears_what_is_said() {
        let name = format!("fieldward-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let manager = UnixDatagram::bind_addr(&address).unwrap();
        let notify = Notify::to(OsStr::new(&format!("@{name}"))).unwrap();
        notify.ready();
        notify.status("learning\nsecond line");
        notify.alive();
        notify.stopping();
        let all: Vec<_> = (0..4).map(|_| heard(&manager)).collect();
        assert_eq!(all, ["READY=1", "STATUS=learning", "WATCHDOG=1", "STOPPING=1"]);
        drop(manager);
        notify.alive();
        Notify::default().ready();
    }
}
