//! What a Modbus server must and must not do with a request.

use super::*;
use crate::plant::points::{Form, Part, coil, holding, input};

const POINTS: &[Point] = &[
    holding("float", 10, Form::Float, 0, Part::Setpoint, 0.0, 1.0),
    holding("swapped", 12, Form::FloatSwapped, 1, Part::Setpoint, 0.0, 1.0),
    holding("word", 14, Form::Word(10.0), 2, Part::Setpoint, 0.0, 1.0),
    input("input", 3, Form::Float, 0, 0.0, 1.0),
    coil("coil", 5, 3, Part::Command),
];

impl Image for [f64; 4] {
    fn get(&self, _: usize, var: usize) -> f64 {
        self[var]
    }

    fn set(&mut self, _: usize, var: usize, value: f64) {
        self[var] = value;
    }
}

fn device() -> Device {
    Device {
        host: 0,
        units: vec![Unit { id: 1, cell: 0, points: POINTS, spare: vec![7; 200] }],
        gateway: false,
        identity: Identity { vendor: "V", product: "P", revision: "R".to_owned() },
        state: State::Running,
        service: (0, 0),
        busy: 0,
        program: (0..=255).cycle().take(1024).collect(),
        talkative: true,
    }
}

fn ask(image: &mut [f64; 4], request: &Request<'_>) -> Result<Response, ExceptionCode> {
    device().answer(image, 0, 1, request).expect("an answer")
}

/// 25.5 is 0x41CC0000, 1.1 is 0x3F8CCCCD.
const START: [f64; 4] = [25.5, 1.1_f32 as f64, 3.0, 0.0];

#[test]
fn quantities_are_those_of_the_standard() {
    let refused = Err(ExceptionCode::IllegalDataValue);
    let beyond = Err(ExceptionCode::IllegalDataAddress);
    let words = |count: usize| vec![0_u16; count].into();
    let bits = |count: usize| vec![false; count].into();
    for (request, answer) in [
        (Request::ReadCoils(0, 0), &refused),
        (Request::ReadCoils(0, 2001), &refused),
        (Request::ReadCoils(0, 2000), &beyond),
        (Request::ReadDiscreteInputs(0, 1), &beyond),
        (Request::ReadHoldingRegisters(0, 0), &refused),
        (Request::ReadHoldingRegisters(0, 126), &refused),
        (Request::ReadHoldingRegisters(200, 125), &beyond),
        (Request::ReadInputRegisters(65_535, 2), &beyond),
        (Request::WriteMultipleRegisters(0, words(0)), &refused),
        (Request::WriteMultipleRegisters(0, words(124)), &refused),
        (Request::WriteMultipleRegisters(0, words(65_537)), &refused),
        (Request::WriteMultipleRegisters(200, words(123)), &beyond),
        (Request::WriteMultipleCoils(0, bits(0)), &refused),
        (Request::WriteMultipleCoils(0, bits(1969)), &refused),
        (Request::WriteMultipleCoils(0, bits(1968)), &beyond),
        (Request::ReadWriteMultipleRegisters(0, 0, 0, words(1)), &refused),
        (Request::ReadWriteMultipleRegisters(0, 126, 0, words(1)), &refused),
        (Request::ReadWriteMultipleRegisters(0, 1, 0, words(0)), &refused),
        (Request::ReadWriteMultipleRegisters(0, 1, 0, words(122)), &refused),
    ] {
        assert_eq!(&ask(&mut START.clone(), &request), answer, "{request:?}");
    }
    assert!(ask(&mut START.clone(), &Request::WriteMultipleRegisters(0, words(123))).is_ok());
    assert!(ask(&mut START.clone(), &Request::ReadHoldingRegisters(0, 125)).is_ok());
}

#[test]
fn numbers_of_two_words_come_in_their_order_and_in_halves() {
    let mut image = START;
    let read = |image: &mut [f64; 4], at, count| {
        let Ok(Response::ReadHoldingRegisters(words)) = ask(image, &Request::ReadHoldingRegisters(at, count))
        else {
            panic!("nothing at {at}")
        };
        words
    };
    assert_eq!(read(&mut image, 9, 6), [7, 0x41cc, 0, 0xcccd, 0x3f8c, 30]);
    assert_eq!(read(&mut image, 11, 2), [0, 0xcccd]);
    // -25.5 by its high word alone, then a fraction by its low word alone.
    assert!(ask(&mut image, &Request::WriteSingleRegister(10, 0xc1cc)).is_ok());
    assert_eq!(image[0], -25.5);
    assert!(ask(&mut image, &Request::WriteSingleRegister(11, 0x8000)).is_ok());
    assert_eq!(image[0], -25.5625);
    assert!(ask(&mut image, &Request::WriteMultipleRegisters(13, vec![0x4000, 55].into())).is_ok());
    assert_eq!(image[1], f64::from(f32::from_bits(0x4000_cccd)));
    assert_eq!(image[2], 5.5);
    // A mask reaches the second word too.
    assert!(ask(&mut image, &Request::MaskWriteRegister(11, 0, 0x1234)).is_ok());
    assert_eq!(read(&mut image, 11, 1), [0x1234]);
}

#[test]
fn an_exchange_writes_first_and_only_when_it_can_read() {
    let mut image = START;
    let both = |at, words: &[u16]| Request::ReadWriteMultipleRegisters(at, 1, 14, words.to_vec().into());
    assert_eq!(ask(&mut image, &both(14, &[99])), Ok(Response::ReadWriteMultipleRegisters(vec![99])));
    assert_eq!(ask(&mut image, &both(4000, &[11])), Err(ExceptionCode::IllegalDataAddress));
    assert_eq!(image[2], 9.9);
}

#[test]
fn what_belongs_to_no_point_keeps_what_is_written() {
    let (mut device, mut image) = (device(), START);
    // The table is rounded up to 208 words, of which 200 were there.
    for at in [0, 205] {
        let write = Request::WriteSingleRegister(at, 4711);
        assert!(device.answer(&mut image, 0, 1, &write).is_some_and(|reply| reply.is_ok()));
        let read = device.answer(&mut image, 0, 1, &Request::ReadHoldingRegisters(at, 1));
        assert_eq!(read, Some(Ok(Response::ReadHoldingRegisters(vec![4711]))));
    }
}

#[test]
fn file_records_stay_within_the_program_and_an_answer() {
    let ask = |device: &mut Device, code, data: &[u8]| {
        let request = Request::Custom(code, data.to_vec().into());
        device.answer(&mut START.clone(), 0, 1, &request).expect("an answer")
    };
    let mut device = device();
    let read = ask(&mut device, 20, &[7, 6, 0, 1, 0, 2, 0, 2]);
    assert_eq!(read, Ok(Response::Custom(20, vec![6, 5, 6, 4, 5, 6, 7].into())));
    for (data, refusal) in [
        ([7, 6, 0, 1, 0, 0, 0, 125], ExceptionCode::IllegalDataValue),
        ([7, 6, 0, 1, 0, 0, 0, 0], ExceptionCode::IllegalDataValue),
        ([7, 6, 0, 1, 2, 0, 0, 1], ExceptionCode::IllegalDataAddress),
    ] {
        assert_eq!(ask(&mut device, 20, &data), Err(refusal), "{data:?}");
    }
    let write = [9, 6, 0, 1, 0, 2, 0, 1, 0xab, 0xcd];
    assert_eq!(ask(&mut device, 21, &write), Ok(Response::Custom(21, write.to_vec().into())));
    assert_eq!(device.program[4..6], [0xab, 0xcd]);
    let short = [9, 6, 0, 1, 0, 2, 0, 2, 0xab, 0xcd];
    assert_eq!(ask(&mut device, 21, &short), Err(ExceptionCode::IllegalDataValue));
    let far = [9, 6, 0, 1, 2, 0, 0, 1, 0xab, 0xcd];
    assert_eq!(ask(&mut device, 21, &far), Err(ExceptionCode::IllegalDataAddress));
}

#[test]
fn listening_only_ends_with_a_restart() {
    let (mut device, mut image) = (device(), START);
    let mut ask = |now, code, data: &[u8]| {
        device.answer(&mut image, now, 1, &Request::Custom(code, data.to_vec().into()))
    };
    assert_eq!(ask(0, 8, &[0, 4, 0, 0]), None);
    assert_eq!(ask(1, 8, &[0, 0, 1, 2]), None);
    assert_eq!(ask(2, 8, &[0, 1, 0, 0]), None);
    assert_eq!(ask(3, 8, &[0, 0, 1, 2]), None, "it restarts");
    let echo = Some(Ok(Response::Custom(8, vec![0, 0, 1, 2].into())));
    assert_eq!(ask(RESTART + 2, 8, &[0, 0, 1, 2]), echo);
}
