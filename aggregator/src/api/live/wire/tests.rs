use tokio::io::DuplexStream;

use super::*;

const LARGEST: usize = 4096;

fn pair(deflates: bool) -> (Wire<DuplexStream>, DuplexStream) {
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    (Wire::new(ours, deflates, LARGEST), theirs)
}

/// A frame of a client.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [7, 1, 0, 200];
    let mut frame = vec![first];
    match payload.len() {
        short @ 0..126 => frame.push(0x80 | short as u8),
        long => {
            frame.push(0x80 | 126);
            frame.extend((long as u16).to_be_bytes());
        }
    }
    frame.extend(mask);
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

async fn heard(deflates: bool, frames: &[Vec<u8>]) -> Result<Heard, Fault> {
    let (mut wire, mut theirs) = pair(deflates);
    // Byte by byte as well: what is not whole waits.
    for byte in frames.concat() {
        theirs.write_all(&[byte]).await.unwrap();
    }
    drop(theirs);
    wire.hear().await
}

fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 100);
    Compress::new(Compression::best(), false).compress_vec(bytes, &mut out, FlushCompress::Sync).unwrap();
    assert!(out.ends_with(&TAIL));
    out.truncate(out.len() - 4);
    out
}

#[tokio::test]
async fn what_clients_say_is_heard_whole_or_refused() {
    let text = |words: &str| Ok(Heard::Text(words.to_owned()));
    assert_eq!(heard(false, &[frame(0x81, b"hello")]).await, text("hello"));
    assert_eq!(
        heard(false, &[frame(0x01, b"he"), frame(0x00, b"l"), frame(0x80, b"lo")]).await,
        text("hello")
    );
    assert_eq!(heard(false, &[frame(0x82, &[1, 2])]).await, Ok(Heard::Binary));
    assert_eq!(heard(false, &[frame(0x01, b"he"), frame(0x89, b"?")]).await, Ok(Heard::Ping(b"?".to_vec())));
    assert_eq!(heard(false, &[frame(0x88, &[3, 232])]).await, Ok(Heard::Close));
    assert_eq!(heard(false, &[frame(0x81, b"hello")[..8].to_vec()]).await, Err(Fault::Gone));
    let unmasked = vec![0x81, 2, b'h', b'i'];
    let wrong = [
        vec![unmasked],
        vec![frame(0x80, b"goes on with nothing")],
        vec![frame(0x01, b"he"), frame(0x81, b"begins anew")],
        vec![frame(0xc1, b"compressed, unasked")],
        vec![frame(0xa1, b"rsv2")],
        vec![frame(0x83, b"no such opcode")],
        vec![frame(0x09, b"a ping in pieces")],
        vec![frame(0x89, &[b'x'; 126])],
    ];
    for frames in &wrong {
        assert_eq!(heard(false, frames).await, Err(PROTOCOL), "{frames:?}");
    }
    assert_eq!(heard(true, &[frame(0xc1, &[]), frame(0xc9, b"ping")]).await, text(""));
    assert_eq!(heard(true, &[frame(0x41, b"x"), frame(0xc0, b"y")]).await, Err(PROTOCOL));
    assert_eq!(heard(false, &[frame(0x81, &[0xff])]).await, Err(Fault::Wrong(1007, "that is no UTF-8")));
    assert_eq!(heard(false, &[frame(0x81, &[b'x'; LARGEST + 1])]).await, Err(TOO_LARGE));
    let pieces = [frame(0x01, &[b'x'; LARGEST]), frame(0x80, b"x")];
    assert_eq!(heard(false, &pieces).await, Err(TOO_LARGE));
    // A length that nobody waits for.
    let mut endless = vec![0x81, 0xff];
    endless.extend(u64::MAX.to_be_bytes());
    endless.extend([0; 4]);
    assert_eq!(heard(false, &[endless]).await, Err(TOO_LARGE));
}

#[tokio::test]
async fn compressed_messages_come_and_go() {
    let long = "{\"severity\":\"critical\"}".repeat(100);
    let packed = deflated(&long).expect("it becomes shorter");
    assert!(packed.len() < long.len() / 10, "{}", packed.len());
    assert_eq!(heard(true, &[frame(0xc1, &packed)]).await, Ok(Heard::Text(long.clone())));
    let (first, rest) = packed.split_at(5);
    assert_eq!(heard(true, &[frame(0x41, first), frame(0x80, rest)]).await, Ok(Heard::Text(long.clone())));
    assert_eq!(deflated("short"), None);
    let noise: String =
        (0..400_u32).map(|n| char::from(33 + (n.wrapping_mul(2_654_435_761) >> 25) as u8 % 90)).collect();
    let sent = deflated(&noise);
    assert!(sent.is_none_or(|packed| packed.len() < noise.len()), "nothing grows");
    let (mut wire, mut theirs) = pair(true);
    wire.packed(&packed).await.unwrap();
    wire.close(4401, "over").await.unwrap();
    let mut bytes = Vec::new();
    theirs.read_to_end(&mut bytes).await.unwrap();
    assert_eq!(bytes[0], 0xc1);
    assert_eq!(inflated(bytes[2..2 + packed.len()].to_vec(), LARGEST), Ok(long.into_bytes()));
    assert_eq!(&bytes[2 + packed.len()..], b"\x88\x06\x11\x31over");
}

#[tokio::test]
async fn a_bomb_is_not_unpacked() {
    for length in [LARGEST - 1, LARGEST] {
        let text = "x".repeat(length);
        let frames = [frame(0xc1, &compressed(text.as_bytes()))];
        assert_eq!(heard(true, &frames).await, Ok(Heard::Text(text)), "{length}");
    }
    for length in [LARGEST + 1, 2 * LARGEST, 1 << 20] {
        let bomb = compressed(&vec![b'x'; length]);
        assert!(bomb.len() < LARGEST, "{}", bomb.len());
        assert_eq!(heard(true, &[frame(0xc1, &bomb)]).await, Err(TOO_LARGE), "{length}");
        let out = inflated(bomb, LARGEST);
        assert_eq!(out, Err(TOO_LARGE));
    }
    for damaged in [&[0xff, 0xff, 0xff][..], &[0x07], b"no deflate at all"] {
        let said = heard(true, &[frame(0xc1, damaged)]).await;
        assert!(matches!(said, Err(Fault::Wrong(1007, _))), "{damaged:?}: {said:?}");
    }
}

#[test]
fn only_what_can_be_kept_is_agreed_on() {
    for taken in [
        "permessage-deflate",
        "permessage-deflate; client_max_window_bits",
        "permessage-deflate;client_max_window_bits=10; server_no_context_takeover",
        "permessage-deflate; server_max_window_bits=15",
        "permessage-deflate; client_max_window_bits=\"12\"",
    ] {
        assert!(is_taken(taken), "{taken}");
    }
    for declined in [
        "",
        "x-webkit-deflate-frame",
        "permessage-deflate; server_max_window_bits=10",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; client_max_window_bits=7",
        "permessage-deflate; client_max_window_bits=010",
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
        "permessage-deflate; unknown",
    ] {
        assert!(!is_taken(declined), "{declined}");
    }
    let mut asked = HeaderMap::new();
    assert!(handshake(&asked, "one").is_none());
    for (name, value) in [
        ("connection", "keep-alive, Upgrade"),
        ("upgrade", "WebSocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("sec-websocket-extensions", "permessage-deflate; server_max_window_bits=9, permessage-deflate"),
        ("sec-websocket-protocol", "one, two"),
    ] {
        asked.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    let (headers, deflates) = handshake(&asked, "one").expect("a socket");
    // The example of RFC 6455, section 1.3.
    assert_eq!(headers["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert!(
        deflates
            && headers["sec-websocket-extensions"] == AGREED
            && headers["sec-websocket-protocol"] == "one"
    );
    asked.insert("sec-websocket-version", HeaderValue::from_static("8"));
    assert!(handshake(&asked, "one").is_none());
}
