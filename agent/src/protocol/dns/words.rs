//! Numbers of the DNS and the words people know them by (IANA "Domain Name System Parameters").

use std::io::Write;

use crate::protocol::{Render, Value};

/// Record types whose data the code reads.
pub(super) mod kind {
    pub(in super::super) const A: u16 = 1;
    pub(in super::super) const NS: u16 = 2;
    pub(in super::super) const MD: u16 = 3;
    pub(in super::super) const MF: u16 = 4;
    pub(in super::super) const CNAME: u16 = 5;
    pub(in super::super) const SOA: u16 = 6;
    pub(in super::super) const MB: u16 = 7;
    pub(in super::super) const MG: u16 = 8;
    pub(in super::super) const MR: u16 = 9;
    pub(in super::super) const WKS: u16 = 11;
    pub(in super::super) const PTR: u16 = 12;
    pub(in super::super) const HINFO: u16 = 13;
    pub(in super::super) const MINFO: u16 = 14;
    pub(in super::super) const MX: u16 = 15;
    pub(in super::super) const TXT: u16 = 16;
    pub(in super::super) const RP: u16 = 17;
    pub(in super::super) const AFSDB: u16 = 18;
    pub(in super::super) const X25: u16 = 19;
    pub(in super::super) const ISDN: u16 = 20;
    pub(in super::super) const RT: u16 = 21;
    pub(in super::super) const NSAP_PTR: u16 = 23;
    pub(in super::super) const SIG: u16 = 24;
    pub(in super::super) const KEY: u16 = 25;
    pub(in super::super) const PX: u16 = 26;
    pub(in super::super) const AAAA: u16 = 28;
    pub(in super::super) const LOC: u16 = 29;
    pub(in super::super) const SRV: u16 = 33;
    pub(in super::super) const NAPTR: u16 = 35;
    pub(in super::super) const KX: u16 = 36;
    pub(in super::super) const CERT: u16 = 37;
    pub(in super::super) const DNAME: u16 = 39;
    pub(in super::super) const OPT: u16 = 41;
    pub(in super::super) const DS: u16 = 43;
    pub(in super::super) const SSHFP: u16 = 44;
    pub(in super::super) const RRSIG: u16 = 46;
    pub(in super::super) const NSEC: u16 = 47;
    pub(in super::super) const DNSKEY: u16 = 48;
    pub(in super::super) const DHCID: u16 = 49;
    pub(in super::super) const NSEC3: u16 = 50;
    pub(in super::super) const NSEC3PARAM: u16 = 51;
    pub(in super::super) const TLSA: u16 = 52;
    pub(in super::super) const SMIMEA: u16 = 53;
    pub(in super::super) const CDS: u16 = 59;
    pub(in super::super) const CDNSKEY: u16 = 60;
    pub(in super::super) const OPENPGPKEY: u16 = 61;
    pub(in super::super) const CSYNC: u16 = 62;
    pub(in super::super) const SVCB: u16 = 64;
    pub(in super::super) const HTTPS: u16 = 65;
    pub(in super::super) const SPF: u16 = 99;
    pub(in super::super) const LP: u16 = 107;
    pub(in super::super) const EUI48: u16 = 108;
    pub(in super::super) const EUI64: u16 = 109;
    pub(in super::super) const URI: u16 = 256;
    pub(in super::super) const CAA: u16 = 257;
    pub(in super::super) const TA: u16 = 32768;
    pub(in super::super) const DLV: u16 = 32769;
}

/// Classes that the code itself has to know.
pub(super) mod class {
    pub(in super::super) const IN: u16 = 1;
    pub(in super::super) const CHAOS: u16 = 3;
    pub(in super::super) const NONE: u16 = 254;
    pub(in super::super) const ANY: u16 = 255;
}

/// A number with the word in front of it that RFC 3597, section 5, gives to unknown ones: `TYPE65280`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numbered {
    prefix: &'static str,
    number: u16,
}

impl Numbered {
    pub(super) const fn kind(number: u16) -> Self {
        Self { prefix: "TYPE", number }
    }

    pub(super) const fn class(number: u16) -> Self {
        Self { prefix: "CLASS", number }
    }

    /// The word for it, or the number.
    pub(super) fn value(&self) -> Value<'_> {
        let word = if self.prefix == "TYPE" { kind_word(self.number) } else { class_word(self.number) };
        word.map_or(Value::Render(self), Value::Str)
    }

    /// Appends the same as text.
    pub(super) fn print(&self, out: &mut Vec<u8>) {
        match self.value() {
            Value::Str(word) => out.extend_from_slice(word.as_bytes()),
            _ => self.render(out),
        }
    }
}

impl Render for Numbered {
    fn render(&self, out: &mut Vec<u8>) {
        // Writing into a Vec cannot fail.
        let _ = write!(out, "{}{}", self.prefix, self.number);
    }
}

/// The mnemonic of a record type.
pub(super) const fn kind_word(kind: u16) -> Option<&'static str> {
    Some(match kind {
        1 => "A",
        2 => "NS",
        3 => "MD",
        4 => "MF",
        5 => "CNAME",
        6 => "SOA",
        7 => "MB",
        8 => "MG",
        9 => "MR",
        10 => "NULL",
        11 => "WKS",
        12 => "PTR",
        13 => "HINFO",
        14 => "MINFO",
        15 => "MX",
        16 => "TXT",
        17 => "RP",
        18 => "AFSDB",
        19 => "X25",
        20 => "ISDN",
        21 => "RT",
        22 => "NSAP",
        23 => "NSAP-PTR",
        24 => "SIG",
        25 => "KEY",
        26 => "PX",
        27 => "GPOS",
        28 => "AAAA",
        29 => "LOC",
        30 => "NXT",
        31 => "EID",
        32 => "NIMLOC",
        33 => "SRV",
        34 => "ATMA",
        35 => "NAPTR",
        36 => "KX",
        37 => "CERT",
        38 => "A6",
        39 => "DNAME",
        40 => "SINK",
        41 => "OPT",
        42 => "APL",
        43 => "DS",
        44 => "SSHFP",
        45 => "IPSECKEY",
        46 => "RRSIG",
        47 => "NSEC",
        48 => "DNSKEY",
        49 => "DHCID",
        50 => "NSEC3",
        51 => "NSEC3PARAM",
        52 => "TLSA",
        53 => "SMIMEA",
        55 => "HIP",
        59 => "CDS",
        60 => "CDNSKEY",
        61 => "OPENPGPKEY",
        62 => "CSYNC",
        63 => "ZONEMD",
        64 => "SVCB",
        65 => "HTTPS",
        99 => "SPF",
        104 => "NID",
        105 => "L32",
        106 => "L64",
        107 => "LP",
        108 => "EUI48",
        109 => "EUI64",
        249 => "TKEY",
        250 => "TSIG",
        251 => "IXFR",
        252 => "AXFR",
        253 => "MAILB",
        254 => "MAILA",
        255 => "ANY",
        256 => "URI",
        257 => "CAA",
        260 => "AMTRELAY",
        32768 => "TA",
        32769 => "DLV",
        _ => return None,
    })
}

const fn class_word(class: u16) -> Option<&'static str> {
    Some(match class {
        1 => "IN",
        2 => "CS",
        3 => "CH",
        4 => "HS",
        254 => "NONE",
        255 => "ANY",
        _ => return None,
    })
}

/// The name of a response code, extended ones included.
pub(super) const fn rcode(code: u16) -> &'static str {
    match code {
        0 => "NOERROR",
        1 => "FORMERR",
        2 => "SERVFAIL",
        3 => "NXDOMAIN",
        4 => "NOTIMP",
        5 => "REFUSED",
        6 => "YXDOMAIN",
        7 => "YXRRSET",
        8 => "NXRRSET",
        9 => "NOTAUTH",
        10 => "NOTZONE",
        11 => "DSOTYPENI",
        16 => "BADVERS",
        17 => "BADKEY",
        18 => "BADTIME",
        19 => "BADMODE",
        20 => "BADNAME",
        21 => "BADALG",
        22 => "BADTRUNC",
        23 => "BADCOOKIE",
        _ => "unassigned",
    }
}

/// Whether a standard gives the operation code a meaning: QUERY, IQUERY, STATUS, NOTIFY, UPDATE, DSO.
pub(super) const fn opcode_known(opcode: u8) -> bool {
    matches!(opcode, 0..=2 | 4..=6)
}
