//! Bytes of Modbus/TCP messages, for the recorder; live, tokio-modbus makes them (it keeps its codec to
//! itself). A test holds the two together.

use tokio_modbus::{ExceptionCode, Request, Response};

/// A request with its header.
pub fn request(tid: u16, unit: u8, request: &Request<'_>) -> Vec<u8> {
    let mut out = head(tid, unit);
    match request {
        Request::ReadCoils(at, n) => pair(&mut out, 1, *at, *n),
        Request::ReadDiscreteInputs(at, n) => pair(&mut out, 2, *at, *n),
        Request::ReadHoldingRegisters(at, n) => pair(&mut out, 3, *at, *n),
        Request::ReadInputRegisters(at, n) => pair(&mut out, 4, *at, *n),
        Request::WriteSingleCoil(at, on) => pair(&mut out, 5, *at, if *on { 0xff00 } else { 0 }),
        Request::WriteSingleRegister(at, word) => pair(&mut out, 6, *at, *word),
        Request::WriteMultipleCoils(at, coils) => {
            pair(&mut out, 15, *at, coils.len() as u16);
            bits(&mut out, coils);
        }
        Request::WriteMultipleRegisters(at, data) => {
            pair(&mut out, 16, *at, data.len() as u16);
            words(&mut out, data);
        }
        Request::ReportServerId => out.push(17),
        Request::MaskWriteRegister(at, and, or) => {
            pair(&mut out, 22, *at, *and);
            out.extend_from_slice(&or.to_be_bytes());
        }
        Request::ReadWriteMultipleRegisters(at, n, to, data) => {
            pair(&mut out, 23, *at, *n);
            out.extend_from_slice(&to.to_be_bytes());
            out.extend_from_slice(&(data.len() as u16).to_be_bytes());
            words(&mut out, data);
        }
        Request::ReadDeviceIdentification(code, object) => {
            out.extend_from_slice(&[43, 14, code.value(), *object]);
        }
        Request::Custom(code, data) => {
            out.push(*code);
            out.extend_from_slice(data);
        }
    }
    measured(out)
}

/// A response, or the exception to a request of function `code`, with its header.
pub fn response(tid: u16, unit: u8, code: u8, reply: &Result<Response, ExceptionCode>) -> Vec<u8> {
    let mut out = head(tid, unit);
    match reply {
        Err(exception) => out.extend_from_slice(&[code | 0x80, u8::from(*exception)]),
        Ok(Response::ReadCoils(coils)) => {
            out.push(1);
            bits(&mut out, coils);
        }
        Ok(Response::ReadDiscreteInputs(coils)) => {
            out.push(2);
            bits(&mut out, coils);
        }
        Ok(Response::ReadHoldingRegisters(data)) => {
            out.push(3);
            words(&mut out, data);
        }
        Ok(Response::ReadInputRegisters(data)) => {
            out.push(4);
            words(&mut out, data);
        }
        Ok(Response::WriteSingleCoil(at, on)) => pair(&mut out, 5, *at, if *on { 0xff00 } else { 0 }),
        Ok(Response::WriteSingleRegister(at, word)) => pair(&mut out, 6, *at, *word),
        Ok(Response::WriteMultipleCoils(at, n)) => pair(&mut out, 15, *at, *n),
        Ok(Response::WriteMultipleRegisters(at, n)) => pair(&mut out, 16, *at, *n),
        Ok(Response::ReportServerId(id, running, more)) => {
            let run = if *running { 0xff } else { 0 };
            out.extend_from_slice(&[17, more.len() as u8 + 2, *id, run]);
            out.extend_from_slice(more);
        }
        Ok(Response::MaskWriteRegister(at, and, or)) => {
            pair(&mut out, 22, *at, *and);
            out.extend_from_slice(&or.to_be_bytes());
        }
        Ok(Response::ReadWriteMultipleRegisters(data)) => {
            out.push(23);
            words(&mut out, data);
        }
        Ok(Response::ReadDeviceIdentification(told)) => {
            out.extend_from_slice(&[43, 14, told.read_code.value(), told.conformity_level.value()]);
            let more = if told.more_follows { 0xff } else { 0 };
            out.extend_from_slice(&[more, told.next_object_id, told.device_id_objects.len() as u8]);
            for object in &told.device_id_objects {
                out.extend_from_slice(&[object.id, object.value.len() as u8]);
                out.extend_from_slice(&object.value);
            }
        }
        Ok(Response::Custom(code, data)) => {
            out.push(*code);
            out.extend_from_slice(data);
        }
    }
    measured(out)
}

/// The function code of a request.
pub fn code(request: &Request<'_>) -> u8 {
    request.function_code().value()
}

fn head(tid: u16, unit: u8) -> Vec<u8> {
    let [high, low] = tid.to_be_bytes();
    vec![high, low, 0, 0, 0, 0, unit]
}

/// Puts the length in its place.
fn measured(mut out: Vec<u8>) -> Vec<u8> {
    let [high, low] = (out.len() as u16 - 6).to_be_bytes();
    (out[4], out[5]) = (high, low);
    out
}

fn pair(out: &mut Vec<u8>, code: u8, first: u16, second: u16) {
    out.push(code);
    out.extend_from_slice(&first.to_be_bytes());
    out.extend_from_slice(&second.to_be_bytes());
}

fn bits(out: &mut Vec<u8>, coils: &[bool]) {
    out.push(coils.len().div_ceil(8) as u8);
    for eight in coils.chunks(8) {
        out.push(eight.iter().enumerate().fold(0, |byte, (nth, on)| byte | u8::from(*on) << nth));
    }
}

fn words(out: &mut Vec<u8>, data: &[u16]) {
    out.push(data.len() as u8 * 2);
    out.extend(data.iter().flat_map(|word| word.to_be_bytes()));
}

#[cfg(test)]
mod tests;
