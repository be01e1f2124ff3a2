//! LOC, a place on the earth (RFC 1876).

use std::io::Write;

use super::Fault;
use super::data::{Paper, Parts, SHORT};

pub(super) fn walk<P: Paper>(fields: &mut Parts<'_, '_, P>) -> Result<(), Fault> {
    if fields.reader.left() != 16 {
        return Err("a LOC record of the wrong length");
    }
    let version = fields.reader.u8().ok_or(SHORT)?;
    if version != 0 {
        return Err("a LOC record of an unknown version");
    }
    let mut extents = [0; 3];
    for extent in &mut extents {
        *extent = fields.reader.u8().ok_or(SHORT)?;
        if *extent >> 4 > 9 || *extent & 15 > 9 {
            return Err("a LOC record with a digit above nine");
        }
    }
    let latitude = fields.reader.u32().ok_or(SHORT)?;
    let longitude = fields.reader.u32().ok_or(SHORT)?;
    let altitude = fields.reader.u32().ok_or(SHORT)?;
    fields.show(|out| {
        angle(out, latitude, ['N', 'S']);
        angle(out, longitude, ['E', 'W']);
        // Above a point 100 km below the ellipsoid.
        metres(out, i64::from(altitude).wrapping_sub(10_000_000));
        for extent in extents {
            out.push(b' ');
            // A digit and a power of ten.
            metres(out, i64::from(extent >> 4).wrapping_mul(10_i64.wrapping_pow(u32::from(extent & 15))));
        }
    });
    Ok(())
}

/// Thousandths of a second of arc, north or east of 2^31.
fn angle(out: &mut Vec<u8>, wire: u32, [positive, negative]: [char; 2]) {
    const MIDDLE: u32 = 1 << 31;
    let side = if wire >= MIDDLE { positive } else { negative };
    let all = wire.abs_diff(MIDDLE);
    let (degrees, minutes) = (all / 3_600_000, all / 60_000 % 60);
    let (seconds, thousandths) = (all / 1000 % 60, all % 1000);
    // Writing into a Vec cannot fail.
    let _ = write!(out, "{degrees} {minutes} {seconds}.{thousandths:03} {side} ");
}

fn metres(out: &mut Vec<u8>, centimetres: i64) {
    let sign = if centimetres < 0 { "-" } else { "" };
    let all = centimetres.unsigned_abs();
    let _ = write!(out, "{sign}{}.{:02}m", all / 100, all % 100);
}
