//! Connections by TCP: passed on until they are cut.

use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use super::Shared;

pub(super) async fn run(shared: Arc<Shared>, listener: TcpListener) {
    while let Ok((stream, _)) = listener.accept().await {
        if !shared.faults().tcp_blocked {
            tokio::spawn(carry(shared.clone(), stream));
        }
    }
}

async fn carry(shared: Arc<Shared>, front: TcpStream) {
    let mut cuts = shared.cuts.subscribe();
    let Ok(back) = TcpStream::connect(shared.target).await else { return };
    drop((front.set_nodelay(true), back.set_nodelay(true)));
    let (from_agent, to_agent) = front.into_split();
    let (from_server, to_server) = back.into_split();
    tokio::select! {
        () = one_way(&shared, from_agent, to_server) => {}
        () = one_way(&shared, from_server, to_agent) => {}
        _ = cuts.changed() => {}
    }
}

async fn one_way(shared: &Shared, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
    let mut buffer = vec![0; 16 << 10];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        sleep(shared.faults().delay).await;
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
