//! Where a server is to listen.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, ToSocketAddrs as _};

/// Takes an address and a port, or looks up the name that stands in place of the address.
///
/// Of a name with several addresses the first of IPv4 is taken: clients try all that `localhost` has,
/// and some only that one.
///
/// # Errors
///
/// What the look-up says.
pub fn listen_address(text: &str) -> io::Result<SocketAddr> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let found: Vec<SocketAddr> = text.to_socket_addrs()?.collect();
    let address = found.iter().find(|address| address.is_ipv4()).or(found.first());
    address.copied().ok_or_else(|| io::Error::new(ErrorKind::NotFound, "it has no address"))
}
