//! What can go wrong with a source of packets: each message is one line that says what happened,
//! where, and what to do.

use std::fmt;
use std::io;

use super::file::LARGEST_PACKET;
use super::input::LARGEST;

/// Why there are no packets, or no more of them.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The file is not there.
    #[error("{name}: no such file: check the path")]
    Missing {
        /// The file.
        name: String,
    },
    /// The user may not read the file.
    #[error("{name}: permission denied: run as a user who may read it, or change its permissions")]
    Unreadable {
        /// The file.
        name: String,
    },
    /// The path is a directory.
    #[error("{name}: is a directory: name a capture file in it")]
    Directory {
        /// The directory.
        name: String,
    },
    /// Standard input is a keyboard.
    #[error("standard input is a terminal: pipe a capture into it, or name a file")]
    Terminal,
    /// Reading failed.
    #[error("{name}: cannot be read at byte {at}: {error}")]
    Read {
        /// The file.
        name: String,
        /// Where.
        at: u64,
        /// What the system said.
        error: io::Error,
    },
    /// There is not one byte in the file.
    #[error("{name}: is empty: a capture has at least a header; was the capturing program stopped early?")]
    Empty {
        /// The file.
        name: String,
    },
    /// The file is compressed.
    #[error("{name}: is compressed ({format}): unpack it first, or pipe it through `{tool}`")]
    Compressed {
        /// The file.
        name: String,
        /// How.
        format: &'static str,
        /// What unpacks it to standard output.
        tool: &'static str,
    },
    /// The file is something else.
    #[error("{name}: is not a capture: it begins with {begins}; pcap and pcapng files are read")]
    NotACapture {
        /// The file.
        name: String,
        /// Its first bytes.
        begins: String,
    },
    /// Fieldward cannot take the packets of the file, or of the interface, apart.
    #[error(
        "{name}: {} is not read: capture Ethernet, Linux cooked (any), raw IP or BSD loopback instead",
        NamedLink(*number)
    )]
    UnknownLink {
        /// The file or interface.
        name: String,
        /// The number of the link type.
        number: u32,
    },
    /// The file stops inside something.
    #[error(
        "{name}: ends in the middle of the {unit} at byte {at} ({missing} more {} expected); {}",
        if *missing == 1 { "byte was" } else { "bytes were" },
        Before(*packets)
    )]
    CutShort {
        /// The file.
        name: String,
        /// A packet, a block or the file header.
        unit: &'static str,
        /// Where that begins.
        at: u64,
        /// How many bytes are missing at least.
        missing: u64,
        /// How many packets come before it.
        packets: u64,
    },
    /// The file says something that cannot be.
    #[error("{name}: damaged at byte {at}: {damage}; {}", Before(*packets))]
    Damaged {
        /// The file.
        name: String,
        /// Where the damaged record begins.
        at: u64,
        /// What is wrong there.
        damage: Damage,
        /// How many packets come before it.
        packets: u64,
    },
    /// The filter is not one.
    #[error("filter `{filter}`: {message}: see `man pcap-filter` for how to write one")]
    Filter {
        /// The filter.
        filter: String,
        /// What libpcap said.
        message: String,
    },
    /// There is no such interface.
    #[error("no interface is called {interface}: there {}", Known(known))]
    NoSuchInterface {
        /// What was asked for.
        interface: String,
        /// What there is.
        known: Vec<String>,
    },
    /// The process may not capture.
    #[error(
        "{interface}: capturing needs the capability CAP_NET_RAW: run the agent as its service, \
         give it the capability (setcap cap_net_raw+ep fieldward-agent), or run it as root"
    )]
    Permission {
        /// The interface.
        interface: String,
    },
    /// The interface could not be opened or stopped working.
    #[error("{interface}: cannot capture: {message}: check that the interface is there and up")]
    Live {
        /// The interface.
        interface: String,
        /// What libpcap said.
        message: String,
    },
    /// The interfaces cannot be listed.
    #[error("cannot list the network interfaces: {message}")]
    Devices {
        /// What libpcap said.
        message: String,
    },
    /// The process keeps rights that it should have given up.
    #[error("cannot give up the {set} capabilities: {message}: refusing to go on with them")]
    Capabilities {
        /// Which of the sets.
        set: &'static str,
        /// What the kernel said.
        message: String,
    },
}

/// What is wrong in a damaged capture file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// A length that no packet has.
    #[error("packet of {0} bytes (the largest allowed is {LARGEST_PACKET})")]
    PacketTooLarge(u32),
    /// A length that no block has.
    #[error("block of {0} bytes (a block has at least 12 and a multiple of 4)")]
    BlockLength(u32),
    /// A block that is read as a whole and too large for it.
    #[error("block of {0} bytes (the largest allowed is {LARGEST})")]
    BlockTooLarge(u32),
    /// The length before a block and the one after it.
    #[error("block that begins as {0} bytes long and ends as {1}")]
    BlockEnds(u32, u32),
    /// A block with less in it than its kind has.
    #[error("block of {0} bytes is too short for its kind")]
    BlockTooShort(u32),
    /// A packet that is longer than its block.
    #[error("packet of {0} bytes in a block of {1}")]
    PacketBeyondBlock(u32, u32),
    /// A section that does not tell its byte order.
    #[error("section without a valid byte-order mark ({0:#010x})")]
    ByteOrder(u32),
    /// A section of an unknown version.
    #[error("section in version {0} of pcapng (only 1 is known)")]
    Version(u16),
    /// A packet from an interface that the file does not describe.
    #[error("packet of interface {0} ({1} are described)")]
    NoInterface(u32, usize),
    /// More interfaces than can be told apart.
    #[error("more than {0} interfaces in one section")]
    TooManyInterfaces(usize),
}

/// Why a format could not go on; it becomes a [`CaptureError`] where the name of the file is known.
#[derive(Debug)]
pub(super) enum Fault {
    /// Reading failed.
    Read(io::Error),
    /// The link type of the whole file is unknown.
    UnknownLink(u32),
    /// `unit`, which begins at `at`, is not all there.
    CutShort { unit: &'static str, at: u64, missing: u64 },
    /// What begins at `at` is wrong.
    Damaged { at: u64, damage: Damage },
}

impl Fault {
    /// The error of the file `name` that was read until `position`, with `packets` in it so far.
    pub(super) fn of(self, name: &str, position: u64, packets: u64) -> CaptureError {
        let name = name.to_owned();
        match self {
            Self::Read(error) => CaptureError::Read { name, at: position, error },
            Self::UnknownLink(number) => CaptureError::UnknownLink { name, number },
            Self::CutShort { unit, at, missing } => {
                CaptureError::CutShort { name, unit, at, missing, packets }
            }
            Self::Damaged { at, damage } => CaptureError::Damaged { name, at, damage, packets },
        }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Read(error)
    }
}

/// How many packets came before the damage.
struct Before(u64);

impl fmt::Display for Before {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("no packet comes before it"),
            1 => f.write_str("1 packet before it was read"),
            count => write!(f, "{count} packets before it were read"),
        }
    }
}

/// A link type with the name that people know it by.
struct NamedLink(u32);

impl fmt::Display for NamedLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "link type {}", self.0)?;
        match self.0 {
            6 => f.write_str(" (token ring)"),
            9 | 50 | 51 => f.write_str(" (PPP)"),
            10 => f.write_str(" (FDDI)"),
            105 | 119 | 127 | 163 | 192 => f.write_str(" (Wi-Fi)"),
            117 | 239 => f.write_str(" (firewall log)"),
            187 | 201 | 251 | 254 | 272 => f.write_str(" (Bluetooth)"),
            186 | 189 | 220 | 249 => f.write_str(" (USB)"),
            195 | 215 | 230 | 283 => f.write_str(" (IEEE 802.15.4)"),
            227 => f.write_str(" (CAN bus)"),
            _ => Ok(()),
        }
    }
}

/// The interfaces that there are.
struct Known<'a>(&'a [String]);

impl fmt::Display for Known<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [] => f.write_str("are none at all"),
            [only] => write!(f, "is {only}"),
            several => write!(f, "are {}", several.join(", ")),
        }
    }
}
