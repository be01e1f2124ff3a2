//! The bytes of messages, one file per protocol.

pub mod dns;
pub mod http;
pub mod modbus;
pub mod mqtt;

/// Bytes and numbers behind each other, in network order: `bytes![3_u8, 0_u16, b"text"]`.
#[macro_export]
macro_rules! wire {
    ($($part:expr),* $(,)?) => {{
        let mut wire: Vec<u8> = Vec::new();
        $($crate::capture::message::Part::put(&$part, &mut wire);)*
        wire
    }};
}
pub use crate::wire;

/// Something that has a form on the wire.
pub trait Part {
    /// Appends it.
    fn put(&self, out: &mut Vec<u8>);
}

macro_rules! number {
    ($($number:ty),*) => {$(
        impl Part for $number {
            fn put(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_be_bytes());
            }
        }
    )*};
}
number!(u8, u16, u32, u64);

impl Part for Vec<u8> {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }
}

impl Part for String {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.as_bytes());
    }
}

impl Part for &str {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.as_bytes());
    }
}

impl Part for &[u8] {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }
}

impl<const N: usize> Part for [u8; N] {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }
}

impl<const N: usize> Part for &[u8; N] {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(*self);
    }
}
