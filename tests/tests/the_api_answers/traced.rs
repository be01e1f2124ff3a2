//! Traces of requests, as a collector gets them: read here by the numbers of the protocol.

use std::time::Duration;

use fieldward_aggregator::api::Parts;
use fieldward_aggregator::api::traces::{self, Traces};
use fieldward_aggregator::fleet::Fleet;
use fieldward_shared::service::Notify;
use fieldward_shared::supervisor::Supervisor;
use fieldward_tests::api::Service;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::Database;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_and_what_it_asked_the_database_is_a_trace() {
    let collector = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", collector.local_addr().unwrap());
    let (sends, ends) = Traces::open(&endpoint).unwrap();
    let database = Database::sqlite();
    let parts = Service::parts(database.open().await, Fleet::default(), None);
    let service = Service::of(Parts { traces: Some(sends), ..parts }, None, (None, None)).await.unwrap();
    let key = service.key("viewer", &["*"]).await.unwrap();
    // One is not to be recorded; one belongs to a trace of the caller's.
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331";
    let quiet = key.clone().with("traceparent", &format!("{parent}-00"));
    service.get(&quiet, "/api/alerts").await.unwrap();
    let traced = key.with("traceparent", &format!("{parent}-01"));
    service.get(&traced, "/api/alerts?limit=3").await.unwrap();

    let mut supervisor = Supervisor::new(Notify::default(), Duration::from_secs(20));
    supervisor.spawn("traces", |stop| traces::run(ends, stop));
    let (stop, asked) = tokio::sync::oneshot::channel::<()>();
    let runs = tokio::spawn(supervisor.run_until(async { drop(asked.await) }, None));
    // The first is refused, and comes to nothing.
    let (head, _) = take(&collector, "503 Service Unavailable").await;
    assert_eq!(head[0], "POST /v1/traces HTTP/1.1");
    assert!(head.contains(&"content-type: application/x-protobuf".to_owned()), "{head:?}");
    service.get(&traced, "/api/alerts?limit=4").await.unwrap();
    let (_, body) = take(&collector, "200 OK").await;

    let resource = fields(only(&body, 1));
    let about = String::from_utf8_lossy(bytes(&resource, 1)[0]).into_owned();
    assert!(about.contains("service.name") && about.contains("fieldward-aggregator"), "{about}");
    let scope = fields(bytes(&resource, 2)[0]);
    let spans: Vec<Vec<Field<'_>>> = bytes(&scope, 2).into_iter().map(fields).collect();
    let name = |span: &Vec<Field<'_>>| String::from_utf8_lossy(bytes(span, 5)[0]).into_owned();
    let request = spans.iter().find(|span| name(span) == "GET /api/alerts").expect("the request");
    let traces: Vec<&[u8]> = spans.iter().map(|span| bytes(span, 1)[0]).collect();
    assert!(traces.iter().all(|trace| trace[..4] == [0x0a, 0xf7, 0x65, 0x19] && trace.len() == 16));
    assert_eq!(bytes(request, 4)[0], [0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31]);
    assert_eq!(number(request, 6), 2, "of a server");
    let (begun, ended) = (number(request, 7), number(request, 8));
    let attributes: Vec<String> =
        bytes(request, 9).into_iter().map(|one| String::from_utf8_lossy(one).into_owned()).collect();
    for name in ["http.request.method", "http.route", "http.response.status_code"] {
        assert!(attributes.iter().any(|one| one.contains(name)), "{attributes:?}");
    }
    // Below it stands what it asked.
    let below: Vec<_> = spans.iter().filter(|span| number(span, 6) == 3).collect();
    assert!(below.iter().any(|span| name(span) == "read alerts"), "{spans:?}");
    for span in below {
        assert_eq!(bytes(span, 4)[0], bytes(request, 2)[0], "{} is not below the request", name(span));
        assert!(begun <= number(span, 7) && number(span, 7) <= number(span, 8));
        assert!(number(span, 8) <= ended + 1_000_000, "{}", name(span));
    }
    let text = String::from_utf8_lossy(&body);
    assert!(!text.contains("fwk_") && !text.contains("limit=4"), "{text}");
    drop(stop);
    runs.await.unwrap().unwrap();
    service.stop().await.unwrap();
}

/// Takes a request, and answers it.
async fn take(collector: &TcpListener, status: &str) -> (Vec<String>, Vec<u8>) {
    let taken = async {
        let mut stream = BufReader::new(collector.accept().await.unwrap().0);
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).await.unwrap();
            match line.trim_end() {
                "" => break,
                line => head.push(line.to_owned()),
            }
        }
        let length = head.iter().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        let mut body = vec![0; length.parse().unwrap()];
        stream.read_exact(&mut body).await.unwrap();
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
        stream.write_all(answer.as_bytes()).await.unwrap();
        (head, body)
    };
    timeout(Duration::from_secs(60), taken).await.expect("traces come")
}

/// A field of a message: its number, and what it holds.
type Field<'a> = (u64, Holds<'a>);

#[derive(Debug)]
enum Holds<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

fn fields(mut left: &[u8]) -> Vec<Field<'_>> {
    let mut all = Vec::new();
    while !left.is_empty() {
        let tag = varint(&mut left);
        let holds = match tag & 7 {
            0 => Holds::Number(varint(&mut left)),
            1 => Holds::Number(u64::from_le_bytes(cut(&mut left, 8).try_into().unwrap())),
            2 => {
                let length = usize::try_from(varint(&mut left)).unwrap();
                Holds::Bytes(cut(&mut left, length))
            }
            kind => panic!("kind {kind}"),
        };
        all.push((tag >> 3, holds));
    }
    all
}

fn varint(left: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..).step_by(7) {
        let byte = cut(left, 1)[0];
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    value
}

fn cut<'a>(left: &mut &'a [u8], length: usize) -> &'a [u8] {
    let (piece, rest) = left.split_at(length);
    *left = rest;
    piece
}

fn bytes<'a>(fields: &[Field<'a>], wanted: u64) -> Vec<&'a [u8]> {
    let of = |(number, holds): &Field<'a>| match holds {
        Holds::Bytes(bytes) if *number == wanted => Some(*bytes),
        _ => None,
    };
    fields.iter().filter_map(of).collect()
}

fn number(fields: &[Field<'_>], wanted: u64) -> u64 {
    let of = |(number, holds): &Field<'_>| match holds {
        Holds::Number(value) if *number == wanted => Some(*value),
        _ => None,
    };
    fields.iter().find_map(of).expect("a number")
}

fn only(message: &[u8], wanted: u64) -> &[u8] {
    let all = fields(message);
    assert_eq!(all.len(), 1);
    bytes(&all, wanted)[0]
}
