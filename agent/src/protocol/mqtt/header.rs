//! The fixed header: what kind of packet, its four flag bits, how long the rest is.

use crate::bytes::Reader;

/// The fifteen kinds of packet, and the type value that no version assigns (MQTT 5.0, 2.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Unassigned,
    Connect,
    Connack,
    Publish,
    Puback,
    Pubrec,
    Pubrel,
    Pubcomp,
    Subscribe,
    Suback,
    Unsubscribe,
    Unsuback,
    Pingreq,
    Pingresp,
    Disconnect,
    Auth,
}

/// A fixed header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub kind: Kind,
    /// The low four bits of the first byte.
    pub flags: u8,
    /// Bytes of the header itself.
    pub len: u8,
    /// Bytes after it.
    pub remaining: u32,
    /// The length took no more bytes than it needs.
    pub minimal: bool,
}

/// What the first bytes of a packet give.
#[derive(Clone, Copy, Debug)]
pub(super) enum Start {
    /// The length runs over more than four bytes: nothing says where the packet ends.
    Broken(Kind, u8),
    Header(Header),
    Short,
}

impl Header {
    /// Reads the first two to five bytes of a packet.
    pub(super) fn read(bytes: &[u8]) -> Start {
        let mut reader = Reader::new(bytes);
        let Some(first) = reader.u8() else { return Start::Short };
        let (kind, flags) = (Kind::of(first >> 4), first & 15);
        match varint(&mut reader) {
            Varint::Short => Start::Short,
            Varint::Broken => Start::Broken(kind, flags),
            Varint::Number { number, minimal } => {
                // Five at most.
                let len = reader.position() as u8;
                Start::Header(Self { kind, flags, len, remaining: number, minimal })
            }
        }
    }

    /// Bytes of the whole packet.
    pub(super) const fn total(&self) -> u64 {
        (self.len as u64).saturating_add(self.remaining as u64)
    }

    pub(super) const fn qos(&self) -> u8 {
        self.flags >> 1 & 3
    }

    pub(super) const fn dup(&self) -> bool {
        self.flags & 8 != 0
    }

    pub(super) const fn retain(&self) -> bool {
        self.flags & 1 != 0
    }

    /// The flag bits that are reserved have their fixed value (MQTT 5.0, 2.1.3). Version 3.1 still
    /// marks a PUBREL, SUBSCRIBE or UNSUBSCRIBE that is sent again with DUP.
    pub(super) const fn flags_fit(&self, version: u8) -> bool {
        match self.kind {
            Kind::Publish => true,
            Kind::Pubrel | Kind::Subscribe | Kind::Unsubscribe => {
                self.flags == 2 || self.flags == 10 && version == 3
            }
            _ => self.flags == 0,
        }
    }
}

impl Kind {
    const fn of(nibble: u8) -> Self {
        match nibble {
            1 => Self::Connect,
            2 => Self::Connack,
            3 => Self::Publish,
            4 => Self::Puback,
            5 => Self::Pubrec,
            6 => Self::Pubrel,
            7 => Self::Pubcomp,
            8 => Self::Subscribe,
            9 => Self::Suback,
            10 => Self::Unsubscribe,
            11 => Self::Unsuback,
            12 => Self::Pingreq,
            13 => Self::Pingresp,
            14 => Self::Disconnect,
            15 => Self::Auth,
            _ => Self::Unassigned,
        }
    }

    /// The word in events; a type without a name is shown as its number.
    pub(super) const fn word(self) -> Option<&'static str> {
        Some(match self {
            Self::Unassigned => return None,
            Self::Connect => "connect",
            Self::Connack => "connack",
            Self::Publish => "publish",
            Self::Puback => "puback",
            Self::Pubrec => "pubrec",
            Self::Pubrel => "pubrel",
            Self::Pubcomp => "pubcomp",
            Self::Subscribe => "subscribe",
            Self::Suback => "suback",
            Self::Unsubscribe => "unsubscribe",
            Self::Unsuback => "unsuback",
            Self::Pingreq => "pingreq",
            Self::Pingresp => "pingresp",
            Self::Disconnect => "disconnect",
            Self::Auth => "auth",
        })
    }
}

/// A variable byte integer, or why there is none.
#[derive(Clone, Copy, Debug)]
pub(super) enum Varint {
    Broken,
    Number { number: u32, minimal: bool },
    Short,
}

/// Seven bits a byte, lowest first, at most four bytes (MQTT 5.0, 1.5.5).
pub(super) fn varint(reader: &mut Reader<'_>) -> Varint {
    let mut number = 0_u32;
    for shift in [0, 7, 14, 21] {
        let Some(byte) = reader.u8() else { return Varint::Short };
        number |= u32::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Varint::Number { number, minimal: byte != 0 || shift == 0 };
        }
    }
    Varint::Broken
}
