//! Numbers as text without a loop per digit: a table of three digits, and words of eight bytes that
//! are appended whole and then shortened. Lists of registers are what `decode` writes most.

/// At most eight characters, the first in the lowest byte.
#[derive(Clone, Copy)]
pub(super) struct Digits {
    text: u64,
    len: u32,
}

impl Digits {
    pub(super) fn append(self, out: &mut Vec<u8>) {
        let end = out.len().wrapping_add(self.len as usize);
        out.extend_from_slice(&self.text.to_le_bytes());
        out.truncate(end);
    }
}

/// The digits of a number below a million.
pub(super) fn of(value: u64) -> Option<Digits> {
    let high = usize::try_from(value / 1000).ok()?;
    let low = three((value % 1000) as usize);
    if high == 0 {
        return Some(trimmed(low));
    }
    let high = trimmed(*THREE.get(high)?);
    Some(Digits { text: high.text | u64::from(low & TEXT) << (high.len << 3), len: high.len.wrapping_add(3) })
}

/// The digits of a number with a comma behind them.
pub(super) fn with_comma(value: u16) -> Digits {
    let digits = of(u64::from(value)).unwrap_or(Digits { text: 0, len: 0 });
    Digits { text: digits.text | u64::from(b',') << (digits.len << 3), len: digits.len.wrapping_add(1) }
}

/// Six digits of a number below a million.
pub(super) fn six(value: u64) -> Digits {
    let (high, low) = (three((value / 1000 % 1000) as usize), three((value % 1000) as usize));
    Digits { text: u64::from(high & TEXT) | u64::from(low & TEXT) << 24, len: 6 }
}

/// Eight bits, the lowest first, with a comma behind each.
pub(super) fn eight_bits(byte: u8) -> &'static [u8; 16] {
    &EIGHT_BITS[byte as usize]
}

/// Two hexadecimal digits.
pub(super) const fn hex(byte: u8) -> [u8; 2] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    [DIGITS[(byte >> 4) as usize], DIGITS[(byte & 15) as usize]]
}

fn three(below_a_thousand: usize) -> u32 {
    THREE.get(below_a_thousand).copied().unwrap_or_default()
}

/// Without leading zeros.
fn trimmed(three: u32) -> Digits {
    let len = three >> 24;
    let zeros = 3_u32.wrapping_sub(len);
    Digits { text: u64::from(three & TEXT) >> (zeros << 3), len }
}

const TEXT: u32 = 0x00ff_ffff;

/// Three digits in the lower bytes, how many of them count in the highest.
static THREE: [u32; 1000] = {
    let mut table = [0; 1000];
    let mut value = 0;
    while value < 1000 {
        let digits = [b'0' + (value / 100) as u8, b'0' + (value / 10 % 10) as u8, b'0' + (value % 10) as u8];
        let len = 1 + (value > 9) as u8 + (value > 99) as u8;
        table[value] = u32::from_le_bytes([digits[0], digits[1], digits[2], len]);
        value += 1;
    }
    table
};

static EIGHT_BITS: [[u8; 16]; 256] = {
    let mut table = [[b','; 16]; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut bit = 0;
        while bit < 8 {
            table[byte][bit * 2] = b'0' + (byte >> bit & 1) as u8;
            bit += 1;
        }
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_its_digits() {
        let shown = |digits: Digits| {
            let mut out = b"x".to_vec();
            digits.append(&mut out);
            String::from_utf8(out).expect("digits")
        };
        for value in (0..70_000).chain(999_000..1_000_000) {
            assert_eq!(shown(of(value).expect("below a million")), format!("x{value}"));
            assert_eq!(shown(six(value)), format!("x{value:06}"));
        }
        assert!(of(1_000_000).is_none());
        assert_eq!(shown(with_comma(65_535)), "x65535,");
        assert_eq!(eight_bits(0b1000_0001), b"1,0,0,0,0,0,0,1,");
        assert_eq!(hex(0xa0), *b"a0");
    }
}
