//! Modbus: the protocol data units of Modbus Application Protocol V1.1b3, section 6, and the header
//! of Modbus/TCP.

use super::wire;

/// A PDU with its Modbus/TCP header.
pub fn adu(tid: u16, unit: u8, pdu: impl AsRef<[u8]>) -> Vec<u8> {
    let pdu = pdu.as_ref();
    wire![tid, 0_u16, pdu.len() as u16 + 1, unit, pdu]
}

/// A PDU as a serial line carries it (RTU): unit in front, CRC behind.
pub fn rtu(unit: u8, pdu: impl AsRef<[u8]>) -> Vec<u8> {
    let mut frame = wire![unit, pdu.as_ref()];
    let mut crc = 0xffff_u16;
    for byte in &frame {
        crc ^= u16::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xa001 } else { crc >> 1 };
        }
    }
    frame.extend_from_slice(&crc.to_le_bytes());
    frame
}

/// A request to read (functions 1 to 4), or any other of function, address and number; also the
/// request and reply of functions 5 and 6 and the replies of 15 and 16.
pub fn two(function: u8, address: u16, number: u16) -> Vec<u8> {
    wire![function, address, number]
}

/// The reply to a read: the bytes counted.
pub fn data(function: u8, data: impl AsRef<[u8]>) -> Vec<u8> {
    let data = data.as_ref();
    wire![function, data.len() as u8, data]
}

/// A request to write several coils (15) or registers (16).
pub fn write(function: u8, address: u16, quantity: u16, data: impl AsRef<[u8]>) -> Vec<u8> {
    let data = data.as_ref();
    wire![function, address, quantity, data.len() as u8, data]
}

/// A request to read and write registers at once (23).
pub fn read_write(read: (u16, u16), address: u16, data: impl AsRef<[u8]>) -> Vec<u8> {
    let data = data.as_ref();
    wire![23_u8, read.0, read.1, address, data.len() as u16 / 2, data.len() as u8, data]
}

/// An exception.
pub fn exception(function: u8, code: u8) -> Vec<u8> {
    vec![function | 0x80, code]
}

/// A reply that names the device (43/14); `more` is the number of the object to ask for next.
pub fn identification(code: u8, more: Option<u8>, objects: &[(u8, &str)]) -> Vec<u8> {
    let (follows, next) = more.map_or((0, 0), |next| (0xff, next));
    let mut pdu = wire![[43, 14, code, 0x83, follows, next, objects.len() as u8]];
    for (number, text) in objects {
        pdu.extend(wire![*number, text.len() as u8, *text]);
    }
    pdu
}
