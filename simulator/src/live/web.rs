//! HTTP/1.1 over sockets, both ends by hyper.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1 as client;
use hyper::header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue, SERVER, WWW_AUTHENTICATE};
use hyper::server::conn::http1 as server;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::time::timeout;

use super::{Live, doors};
use crate::net::web::{Get, Page, SERVER as NAME};
use crate::net::{Fault, Node, Service};
use crate::world::World;

/// Serves the pages of the host at `ip`.
pub async fn serve(world: Rc<World>, ip: Ipv4Addr, socket: TcpListener) -> io::Result<()> {
    doors::each(socket, |stream| {
        let world = world.clone();
        async move {
            let from = match stream.peer_addr() {
                Ok(std::net::SocketAddr::V4(from)) => *from.ip(),
                _ => return,
            };
            let answer = service_fn(|request| answer(&world, ip, from, request));
            let connection = server::Builder::new()
                .title_case_headers(true)
                .auto_date_header(false)
                .serve_connection(TokioIo::new(stream), answer);
            if let Err(error) = connection.await {
                tracing::debug!(%ip, %error, "a web connection broke");
            }
        }
    })
    .await
}

async fn answer(
    world: &Rc<World>,
    ip: Ipv4Addr,
    from: Ipv4Addr,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let method = METHODS.into_iter().find(|known| *known == head.method.as_str()).unwrap_or("OTHER");
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let headers = HEADERS.into_iter().filter_map(|name| {
        let value = head.headers.get(name)?.to_str().ok()?;
        Some((name, value.to_owned()))
    });
    let get = |body| Get { method, path, headers: headers.collect(), body };
    let page = match Limited::new(body, MOST_BODY).collect().await {
        Ok(body) => world.page(ip, from, &get(body.to_bytes().to_vec())),
        Err(_) => Page { status: 413, kind: "text/plain", body: b"too large\n".to_vec() },
    };
    let think = 2000 + world.chance.borrow_mut().below(12_000);
    tokio::time::sleep(Duration::from_micros(think)).await;
    let mut response = Response::new(Full::new(Bytes::from(page.body)));
    *response.status_mut() = StatusCode::from_u16(page.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(SERVER, HeaderValue::from_static(NAME));
    if page.status == 401 {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"device\""));
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(page.kind));
    Ok(response)
}

/// A client's connection, over which one request follows another.
pub struct Browser {
    host: String,
    sender: client::SendRequest<Full<Bytes>>,
}

impl Browser {
    /// Connects to the server at `to`.
    pub async fn connect(live: &Live, node: &Node, to: Ipv4Addr) -> Result<Self, Fault> {
        let stream = live.dial(node, to, Service::Web.port()).await?;
        let hello = client::Builder::new().title_case_headers(true).handshake(TokioIo::new(stream)).await;
        let (sender, connection) = hello.map_err(|_| Fault::Broken)?;
        node.world.play.spawn(async move { drop(connection.await) });
        let port = live.port(Service::Web.port());
        let host = if port == Service::Web.port() { to.to_string() } else { format!("{to}:{port}") };
        Ok(Self { host, sender })
    }

    /// Asks for a page.
    pub async fn ask(&mut self, get: Get) -> Result<Page, Fault> {
        let request = request(&self.host, get).ok_or(Fault::Broken)?;
        let fetch = async {
            self.sender.ready().await.ok()?;
            let (head, body) = self.sender.send_request(request).await.ok()?.into_parts();
            let body = Limited::new(body, MOST_BODY).collect().await.ok()?;
            let told = head.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
            let kind =
                KINDS.into_iter().find(|kind| told == Some(kind)).unwrap_or("application/octet-stream");
            Some(Page { status: head.status.as_u16(), kind, body: body.to_bytes().to_vec() })
        };
        timeout(PATIENCE, fetch).await.map_err(|_| Fault::Silent)?.ok_or(Fault::Broken)
    }
}

fn request(host: &str, get: Get) -> Option<Request<Full<Bytes>>> {
    let uri = get.path.parse::<Uri>().or_else(|_| escaped(&get.path).parse()).ok()?;
    let mut request = Request::new(Full::new(Bytes::from(get.body)));
    *request.method_mut() = get.method.parse().ok()?;
    *request.uri_mut() = uri;
    let headers = request.headers_mut();
    headers.insert(HOST, HeaderValue::from_str(host).ok()?);
    for (name, value) in get.headers {
        headers.append(HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_str(&value).ok()?);
    }
    Some(request)
}

/// A path with everything escaped that a real client would not send as it is.
fn escaped(path: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_graphic() && !b"\"#<>\\^`{|}".contains(byte);
    path.bytes()
        .map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// The methods that pages tell apart.
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "DELETE", "HEAD"];
/// The headers that pages look at.
const HEADERS: [&str; 2] = ["Authorization", "User-Agent"];
/// What pages are made of.
const KINDS: [&str; 5] =
    ["text/html", "text/plain", "text/csv", "application/json", "application/octet-stream"];
/// The longest body.
const MOST_BODY: usize = 4 << 20;
/// How long a client waits for a page.
const PATIENCE: Duration = Duration::from_secs(10);
