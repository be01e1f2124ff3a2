//! The bytes made here equal those that tokio-modbus puts on a wire for live plants.

use std::borrow::Cow;
use std::future::{Ready, ready};

use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_modbus::client::{Client as _, tcp};
use tokio_modbus::prelude::{ConformityLevel, DeviceIdObject, ReadCode, ReadDeviceIdentificationResponse};
use tokio_modbus::server::{Service, tcp::Server};
use tokio_modbus::{ExceptionCode, Request, Response, Slave, SlaveRequest};

use super::{code, request, response};
use crate::live::modbus::sendable;

type Reply = Result<Response, ExceptionCode>;

fn requests() -> Vec<Request<'static>> {
    let coils = |count: usize| (0..count).map(|nth| nth % 3 == 0).collect::<Vec<_>>();
    let words = |count: u16| (0..count).map(|nth| nth.wrapping_mul(777)).collect::<Vec<_>>();
    vec![
        Request::ReadCoils(0, 1),
        Request::ReadCoils(0xffff, 2000),
        Request::ReadDiscreteInputs(7, 9),
        Request::ReadHoldingRegisters(40, 125),
        Request::ReadInputRegisters(0x1234, 2),
        Request::WriteSingleCoil(3, true),
        Request::WriteSingleCoil(3, false),
        Request::WriteSingleRegister(9, 0xbeef),
        Request::WriteMultipleCoils(5, coils(8).into()),
        Request::WriteMultipleCoils(5, coils(19).into()),
        Request::WriteMultipleRegisters(6, words(1).into()),
        Request::WriteMultipleRegisters(6, words(123).into()),
        Request::ReportServerId,
        Request::MaskWriteRegister(4, 0xf2f2, 0x0025),
        Request::ReadWriteMultipleRegisters(3, 6, 14, words(3).into()),
        Request::ReadDeviceIdentification(ReadCode::Basic, 0),
        Request::ReadDeviceIdentification(ReadCode::Specific, 2),
        Request::Custom(8, Cow::Borrowed(&[0, 1, 0, 0])),
        Request::Custom(90, Cow::Borrowed(&[1, 0x41, 0xff])),
        Request::Custom(7, Cow::Borrowed(&[])),
    ]
}

fn replies() -> Vec<(Request<'static>, Reply)> {
    let coils = |count: usize| (0..count).map(|nth| nth % 5 != 0).collect::<Vec<_>>();
    let words = |count: u16| (0..count).map(|nth| nth.wrapping_mul(991)).collect::<Vec<_>>();
    let object = |id, text: &'static str| DeviceIdObject { id, value: Bytes::from_static(text.as_bytes()) };
    let identity = ReadDeviceIdentificationResponse {
        read_code: ReadCode::Basic,
        conformity_level: ConformityLevel::BasicIdentification,
        more_follows: false,
        next_object_id: 0,
        device_id_objects: vec![object(0, "Nordwerk"), object(1, "N-300"), object(2, "")],
    };
    let custom = |code| Request::Custom(code, Cow::Borrowed(&[0, 0]));
    vec![
        (Request::ReadCoils(0, 13), Ok(Response::ReadCoils(coils(13)))),
        (Request::ReadDiscreteInputs(0, 8), Ok(Response::ReadDiscreteInputs(coils(8)))),
        (Request::ReadHoldingRegisters(0, 3), Ok(Response::ReadHoldingRegisters(words(3)))),
        (Request::ReadInputRegisters(0, 125), Ok(Response::ReadInputRegisters(words(125)))),
        (Request::WriteSingleCoil(1, true), Ok(Response::WriteSingleCoil(1, true))),
        (Request::WriteSingleRegister(2, 3), Ok(Response::WriteSingleRegister(2, 3))),
        (Request::WriteMultipleCoils(1, coils(4).into()), Ok(Response::WriteMultipleCoils(1, 4))),
        (Request::WriteMultipleRegisters(1, words(2).into()), Ok(Response::WriteMultipleRegisters(1, 2))),
        (Request::ReportServerId, Ok(Response::ReportServerId(17, true, b"N-300".to_vec()))),
        (Request::ReportServerId, Ok(Response::ReportServerId(1, false, Vec::new()))),
        (Request::MaskWriteRegister(1, 2, 3), Ok(Response::MaskWriteRegister(1, 2, 3))),
        (
            Request::ReadWriteMultipleRegisters(0, 2, 0, words(1).into()),
            Ok(Response::ReadWriteMultipleRegisters(words(2))),
        ),
        (
            Request::ReadDeviceIdentification(ReadCode::Basic, 0),
            Ok(Response::ReadDeviceIdentification(identity)),
        ),
        (custom(8), Ok(Response::Custom(8, Bytes::from_static(&[0, 0, 9])))),
        (custom(90), Ok(Response::Custom(90, Bytes::new()))),
        (custom(8), Err(ExceptionCode::IllegalFunction)),
        (custom(90), Err(ExceptionCode::IllegalDataValue)),
        (Request::ReadCoils(0, 1), Err(ExceptionCode::IllegalDataAddress)),
        (Request::WriteSingleRegister(0, 1), Err(ExceptionCode::GatewayTargetDevice)),
        (Request::ReportServerId, Err(ExceptionCode::ServerDeviceBusy)),
    ]
}

#[tokio::test]
async fn requests_equal_those_of_its_client() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let at = listener.local_addr().expect("an address");
    for asked in requests() {
        let stream = TcpStream::connect(at).await.expect("a connection");
        let mut client = tcp::attach_slave(stream, Slave(7));
        let (mut server, _) = listener.accept().await.expect("a connection");
        let expected = request(0, 7, &asked);
        let mut sent = vec![0; expected.len()];
        // The client waits for an answer until the server has read, and hung up.
        let serve = async move {
            server.read_exact(&mut sent).await.expect("a request");
            sent
        };
        let (sent, _) = tokio::join!(serve, client.call(asked.clone()));
        assert_eq!(sent, expected, "{asked:?}");
    }
}

struct Fixed(Reply);

impl Service for Fixed {
    type Request = SlaveRequest<'static>;
    type Response = Response;
    type Exception = ExceptionCode;
    type Future = Ready<Reply>;

    fn call(&self, _: SlaveRequest<'static>) -> Self::Future {
        ready(self.0.clone())
    }
}

#[tokio::test]
async fn responses_equal_those_of_its_server() {
    for (asked, reply) in replies() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let at = listener.local_addr().expect("an address");
        let server = Server::new(listener);
        let given = reply.clone().map(sendable);
        let connected = |stream: TcpStream, _| {
            let fixed = Fixed(given.clone());
            async move { Ok(Some((fixed, stream))) }
        };
        let expected = response(0x1234, 3, code(&asked), &reply);
        let ask = async {
            let mut client = TcpStream::connect(at).await.expect("a connection");
            client.write_all(&request(0x1234, 3, &asked)).await.expect("sent");
            let mut heard = vec![0; expected.len()];
            client.read_exact(&mut heard).await.expect("a response");
            heard
        };
        let heard = tokio::select! {
            heard = ask => heard,
            ended = server.serve(&connected, |error| panic!("{error}")) => panic!("{ended:?}"),
        };
        assert_eq!(heard, expected, "{asked:?} {reply:?}");
    }
}
