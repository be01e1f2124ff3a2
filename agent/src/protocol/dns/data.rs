//! The data of resource records, type by type, in the form that zone files use.
//!
//! One walk serves both purposes, checking and printing, so that they cannot drift apart: it reads
//! every field, and what it would write goes to a [`Paper`], which may be [`Nowhere`].

use super::name::{self, Name};
use super::record::{ASTRAY, Record};
use super::text::{base32hex, base64, date, decimal, hex, ipv4, ipv6, quoted, set_bits};
use super::words::kind::*;
use super::words::{Numbered, class};
use super::{Fault, location, options, service};
use crate::bytes::Reader;
use crate::protocol::Render;

/// Takes what is printed.
pub(super) trait Paper {
    /// Prints, if anybody reads it.
    fn ink(&mut self, draw: impl FnOnce(&mut Vec<u8>));
}

impl Paper for Vec<u8> {
    fn ink(&mut self, draw: impl FnOnce(&mut Vec<u8>)) {
        draw(self);
    }
}

/// Paper for those who only check.
pub(super) struct Nowhere;

impl Paper for Nowhere {
    fn ink(&mut self, _: impl FnOnce(&mut Vec<u8>)) {}
}

/// Reads the data of `record` and prints them.
pub(super) fn walk<P: Paper>(message: &[u8], record: &Record, paper: &mut P) -> Result<(), Fault> {
    let mut reader = Reader::new(message.get(..record.end).ok_or(SHORT)?);
    reader.take(record.data).ok_or(SHORT)?;
    let mut fields = Parts { message, reader, paper, first: true };
    let kind = if record.class == class::CHAOS && matches!(record.kind, A | WKS) { 0 } else { record.kind };
    fields.of_kind(kind)?;
    if fields.reader.left() > 0 { Err("record data longer than their type allows") } else { Ok(()) }
}

/// The fields of one record's data, in order; every method reads one or more and prints them with a
/// space between.
pub(super) struct Parts<'m, 'p, P> {
    message: &'m [u8],
    pub(super) reader: Reader<'m>,
    paper: &'p mut P,
    first: bool,
}

impl<'m, P: Paper> Parts<'m, '_, P> {
    fn of_kind(&mut self, kind: u16) -> Result<(), Fault> {
        match kind {
            A => self.ipv4(),
            NS | MD | MF | CNAME | MB | MG | MR | PTR | NSAP_PTR | DNAME => self.name(),
            SOA => self.names(2)?.numbers32(5),
            WKS => self.services(),
            HINFO | ISDN if self.two_strings() => self.quoted()?.quoted().map(drop),
            HINFO | ISDN | X25 => self.quoted().map(drop),
            MINFO | RP => self.names(2).map(drop),
            MX | AFSDB | RT | KX | LP => self.number16()?.name(),
            PX => self.number16()?.names(2).map(drop),
            TXT | SPF => self.strings(),
            SIG | RRSIG => self.signature(),
            KEY | DNSKEY | CDNSKEY => self.number16()?.number8()?.number8()?.base64(),
            AAAA => self.ipv6(),
            LOC => location::walk(self),
            SRV => self.number16()?.number16()?.number16()?.name(),
            NAPTR => self.number16()?.number16()?.quoted()?.quoted()?.quoted()?.name(),
            CERT => self.number16()?.number16()?.number8()?.base64(),
            OPT => self.options(),
            DS | CDS | TA | DLV => self.number16()?.number8()?.number8()?.some_hex(),
            SSHFP => self.number8()?.number8()?.some_hex(),
            NSEC => self.names(1)?.kinds(),
            DHCID | OPENPGPKEY => self.base64(),
            NSEC3 => self.nsec3_parameters()?.hashed_name()?.kinds(),
            NSEC3PARAM => self.nsec3_parameters().map(drop),
            TLSA | SMIMEA => self.number8()?.number8()?.number8()?.some_hex(),
            CSYNC => self.numbers32(1).and_then(|()| self.number16()?.kinds()),
            SVCB | HTTPS => {
                self.number16()?.name()?;
                service::walk(self)
            }
            EUI48 => self.dashed(6),
            EUI64 => self.dashed(8),
            URI => self.number16()?.number16()?.target(),
            CAA => self.certification(),
            _ => self.any_hex(),
        }
    }

    /// Prints one field.
    pub(super) fn show(&mut self, draw: impl FnOnce(&mut Vec<u8>)) {
        let first = std::mem::take(&mut self.first);
        self.paper.ink(|out| {
            if !first {
                out.push(b' ');
            }
            draw(out);
        });
    }

    fn number8(&mut self) -> Result<&mut Self, Fault> {
        let number = self.reader.u8().ok_or(SHORT)?;
        self.show(|out| decimal(out, u64::from(number)));
        Ok(self)
    }

    fn number16(&mut self) -> Result<&mut Self, Fault> {
        let number = self.reader.u16().ok_or(SHORT)?;
        self.show(|out| decimal(out, u64::from(number)));
        Ok(self)
    }

    fn numbers32(&mut self, count: u8) -> Result<(), Fault> {
        for _ in 0..count {
            let number = self.reader.u32().ok_or(SHORT)?;
            self.show(|out| decimal(out, u64::from(number)));
        }
        Ok(())
    }

    fn name(&mut self) -> Result<(), Fault> {
        self.names(1).map(drop)
    }

    fn names(&mut self, count: u8) -> Result<&mut Self, Fault> {
        for _ in 0..count {
            let at = self.reader.position();
            let walked = name::labels(self.message, at, |_| ())?;
            self.reader.take(walked.end.wrapping_sub(at)).ok_or(SHORT)?;
            if walked.astray {
                return Err(ASTRAY);
            }
            let name = Name::inner(self.message, at);
            self.show(|out| name.render(out));
        }
        Ok(self)
    }

    fn ipv4(&mut self) -> Result<(), Fault> {
        let address = self.reader.u32().ok_or(SHORT)?;
        self.show(|out| ipv4(out, address));
        Ok(())
    }

    fn ipv6(&mut self) -> Result<(), Fault> {
        let bytes = self.reader.take(16).ok_or(SHORT)?;
        self.show(|out| ipv6(out, bytes));
        Ok(())
    }

    /// A string of up to 255 bytes behind its length (RFC 1035, section 3.3).
    fn string(&mut self) -> Result<&'m [u8], Fault> {
        let length = self.reader.u8().ok_or(SHORT)?;
        self.reader.take(usize::from(length)).ok_or("a string longer than its record")
    }

    fn quoted(&mut self) -> Result<&mut Self, Fault> {
        let string = self.string()?;
        self.show(|out| quoted(out, string));
        Ok(self)
    }

    /// All strings that there are, joined.
    fn strings(&mut self) -> Result<(), Fault> {
        loop {
            let string = self.string()?;
            self.paper.ink(|out| out.extend_from_slice(string));
            if self.reader.left() == 0 {
                return Ok(());
            }
        }
    }

    /// The second string of an ISDN address may be missing.
    fn two_strings(&self) -> bool {
        let first = self.reader.rest().first().map_or(0, |length| usize::from(*length));
        self.reader.left() > first.wrapping_add(1)
    }

    fn any_hex(&mut self) -> Result<(), Fault> {
        let rest = self.rest();
        self.show(|out| hex(out, rest));
        Ok(())
    }

    fn some_hex(&mut self) -> Result<(), Fault> {
        if self.reader.left() == 0 { Err(SHORT) } else { self.any_hex() }
    }

    fn base64(&mut self) -> Result<(), Fault> {
        let rest = self.rest();
        if !rest.is_empty() {
            self.show(|out| base64(out, rest));
        }
        Ok(())
    }

    fn dashed(&mut self, count: usize) -> Result<(), Fault> {
        let bytes = self.reader.take(count).ok_or(SHORT)?;
        self.show(|out| {
            for (at, byte) in bytes.iter().enumerate() {
                if at > 0 {
                    out.push(b'-');
                }
                hex(out, &[*byte]);
            }
        });
        Ok(())
    }

    fn target(&mut self) -> Result<(), Fault> {
        let rest = self.rest();
        self.show(|out| quoted(out, rest));
        if rest.is_empty() { Err(SHORT) } else { Ok(()) }
    }

    fn rest(&mut self) -> &'m [u8] {
        let rest = self.reader.rest();
        self.reader.take(rest.len());
        rest
    }

    /// WKS (RFC 1035, section 3.4.2): address, protocol, a bit per port.
    fn services(&mut self) -> Result<(), Fault> {
        self.ipv4()?;
        let protocol = self.reader.u8().ok_or(SHORT)?;
        self.show(|out| match protocol {
            6 => out.extend_from_slice(b"TCP"),
            17 => out.extend_from_slice(b"UDP"),
            other => decimal(out, u64::from(other)),
        });
        let ports = self.rest();
        if ports.len() > 8192 {
            return Err("more ports than there are");
        }
        for port in set_bits(ports) {
            self.show(|out| decimal(out, port));
        }
        Ok(())
    }

    /// RRSIG and SIG (RFC 4034, section 3.1).
    fn signature(&mut self) -> Result<(), Fault> {
        let covered = self.reader.u16().ok_or(SHORT)?;
        self.show(|out| Numbered::kind(covered).print(out));
        self.number8()?.number8()?.numbers32(1)?;
        for _ in 0..2 {
            let time = self.reader.u32().ok_or(SHORT)?;
            self.show(|out| date(out, time));
        }
        self.number16()?.names(1)?.base64()
    }

    /// NSEC3 (RFC 5155, section 3.2) and NSEC3PARAM begin alike.
    fn nsec3_parameters(&mut self) -> Result<&mut Self, Fault> {
        self.number8()?.number8()?.number16()?;
        let salt = self.string()?;
        self.show(|out| if salt.is_empty() { out.push(b'-') } else { hex(out, salt) });
        Ok(self)
    }

    fn hashed_name(&mut self) -> Result<&mut Self, Fault> {
        let hash = self.string()?;
        self.show(|out| base32hex(out, hash));
        if hash.is_empty() { Err(SHORT) } else { Ok(self) }
    }

    /// The bitmaps of record types in NSEC, NSEC3 and CSYNC (RFC 4034, section 4.1.2).
    fn kinds(&mut self) -> Result<(), Fault> {
        let mut least = 0_u16;
        while let Some(window) = self.reader.u8() {
            let bits = self.string()?;
            if u16::from(window) < least || !matches!(bits.len(), 1..=32) {
                return Err("a type bitmap of the wrong form");
            }
            least = u16::from(window).wrapping_add(1);
            for bit in set_bits(bits) {
                let kind = u16::from_be_bytes([window, (bit & 0xff) as u8]);
                self.show(|out| Numbered::kind(kind).print(out));
            }
        }
        Ok(())
    }

    /// CAA (RFC 8659, section 4.1).
    fn certification(&mut self) -> Result<(), Fault> {
        self.number8()?;
        let tag = self.string()?;
        if tag.is_empty() {
            return Err("a CAA record without a tag");
        }
        self.show(|out| name::printable(out, tag));
        let value = self.rest();
        self.show(|out| quoted(out, value));
        Ok(())
    }

    /// The options of an OPT record (RFC 6891, section 6.1.2).
    fn options(&mut self) -> Result<(), Fault> {
        while self.reader.left() > 0 {
            let (code, value) =
                options::next(&mut self.reader).ok_or("an EDNS option that runs past its record")?;
            options::check(code, value)?;
            self.show(|out| {
                decimal(out, u64::from(code));
                out.push(b'=');
                hex(out, value);
            });
        }
        Ok(())
    }
}

pub(super) const SHORT: Fault = "record data shorter than their type needs";
