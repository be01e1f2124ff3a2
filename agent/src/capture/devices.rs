//! The network interfaces of this machine.

use std::net::IpAddr;

use super::CaptureError;
use super::filter::said;

/// An interface that can be captured on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its name, as `interface` in the configuration.
    pub name: String,
    /// What the system says of it.
    pub description: Option<String>,
    /// Its addresses; a mirror port usually has none.
    pub addresses: Vec<IpAddr>,
    /// It is administratively up.
    pub up: bool,
    /// It has a link.
    pub running: bool,
    /// It is the loopback interface.
    pub loopback: bool,
}

/// Lists the interfaces, `any` among them; no privilege is needed.
pub fn devices() -> Result<Vec<Device>, CaptureError> {
    let found = pcap::Device::list().map_err(|error| CaptureError::Devices { message: said(&error) })?;
    Ok(found.into_iter().filter(|device| !is_not_a_network(&device.name)).map(Device::from).collect())
}

impl From<pcap::Device> for Device {
    fn from(device: pcap::Device) -> Self {
        Self {
            up: device.flags.is_up(),
            running: device.flags.is_running(),
            loopback: device.flags.is_loopback(),
            addresses: device.addresses.iter().map(|address| address.addr).collect(),
            description: device.desc,
            name: device.name,
        }
    }
}

/// libpcap also lists sources whose packets are not network packets.
fn is_not_a_network(name: &str) -> bool {
    NOT_NETWORKS.iter().any(|kind| name.starts_with(kind))
}

const NOT_NETWORKS: &[&str] = &["bluetooth", "dbus-", "nflog", "nfqueue", "usbmon", "rpmsg"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_the_loopback_interface_with_its_address() {
        let devices = devices().unwrap();
        let loopback = devices.iter().find(|device| device.loopback).unwrap();
        assert!(loopback.addresses.iter().all(IpAddr::is_loopback), "{loopback:?}");
        assert!(devices.iter().all(|device| !device.name.starts_with("nflog")), "{devices:?}");
    }
}
