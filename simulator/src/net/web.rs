//! Web pages: requests to the servers on devices and workstations, and what those answer.

use std::net::Ipv4Addr;

use fieldward_shared::time::Timestamp;

use super::{Fault, Line, Net, Node, Service};
use crate::live::web::Browser;
use crate::plant::Role;
use crate::plant::points::Part;
use crate::record::Side;
use crate::world::World;

/// A request.
#[derive(Clone, Debug, Default)]
pub struct Get {
    /// GET, POST, PUT.
    pub method: &'static str,
    /// Path and query.
    pub path: String,
    /// Headers beyond `Host` and `Content-Length`.
    pub headers: Vec<(&'static str, String)>,
    /// Body.
    pub body: Vec<u8>,
}

/// A response.
#[derive(Clone, Debug)]
pub struct Page {
    /// Status code.
    pub status: u16,
    /// Type of the body.
    pub kind: &'static str,
    /// Body.
    pub body: Vec<u8>,
}

/// A connection to a web server, over which one request follows another.
pub struct Web {
    node: Node,
    to: Ipv4Addr,
    link: Link,
}

enum Link {
    Recorded(Line),
    Live(Browser),
}

impl Get {
    /// A GET request.
    pub fn path(path: impl Into<String>) -> Self {
        Self { method: "GET", path: path.into(), ..Self::default() }
    }

    /// A POST request.
    pub fn post(path: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        Self { method: "POST", path: path.into(), body: body.into(), headers: Vec::new() }
    }

    /// With another header.
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

impl Node {
    /// Connects to the web server at `to`.
    pub async fn web(&self, to: Ipv4Addr) -> Result<Web, Fault> {
        let link = match &self.world.net {
            Net::Recorded(net) => Link::Recorded(self.line(net, to, Service::Web.port()).await?),
            Net::Live(live) => Link::Live(Browser::connect(live, self, to).await?),
        };
        Ok(Web { node: self.clone(), to, link })
    }

    /// A single request.
    pub async fn get(&self, to: Ipv4Addr, get: Get) -> Result<Page, Fault> {
        self.web(to).await?.ask(get).await
    }
}

impl Web {
    /// Sends a request and waits for its response.
    pub async fn ask(&mut self, get: Get) -> Result<Page, Fault> {
        let world = self.node.world.clone();
        match &mut self.link {
            Link::Recorded(line) => {
                if !line.stands() {
                    return Err(Fault::Broken);
                }
                let arrival = line.send(Side::Client, self.node.now().as_micros(), &head(&get, self.to));
                world.play.until(Timestamp::from_micros(arrival)).await;
                let page = world.page(self.to, self.node.ip(), &get);
                let think = 2000 + world.chance.borrow_mut().below(12_000);
                let at = line.send(Side::Server, self.node.now().as_micros() + think, &rendered(&page));
                world.play.until(Timestamp::from_micros(at)).await;
                Ok(page)
            }
            Link::Live(browser) => {
                self.node.saw();
                let page = browser.ask(get).await;
                self.node.saw();
                page
            }
        }
    }
}

/// The bytes of a request.
fn head(get: &Get, to: Ipv4Addr) -> Vec<u8> {
    let mut out = format!("{} {} HTTP/1.1\r\nHost: {to}\r\n", get.method, get.path);
    for (name, value) in &get.headers {
        out += &format!("{name}: {value}\r\n");
    }
    if get.method != "GET" {
        out += &format!("Content-Length: {}\r\n", get.body.len());
    }
    let mut out = (out + "\r\n").into_bytes();
    out.extend_from_slice(&get.body);
    out
}

/// The bytes of a response.
fn rendered(page: &Page) -> Vec<u8> {
    let reason = match page.status {
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        500 => "Internal Server Error",
        _ => "Other",
    };
    let mut out = format!("HTTP/1.1 {} {reason}\r\nServer: {SERVER}\r\n", page.status);
    if page.status == 401 {
        out += "WWW-Authenticate: Basic realm=\"device\"\r\n";
    }
    out += &format!("Content-Type: {}\r\nContent-Length: {}\r\n\r\n", page.kind, page.body.len());
    let mut out = out.into_bytes();
    out.extend_from_slice(&page.body);
    out
}

impl World {
    /// What the server at `to` answers to a request from `from`.
    pub fn page(&self, to: Ipv4Addr, from: Ipv4Addr, get: &Get) -> Page {
        let plant = self.plant.borrow();
        let page = |status, kind, body: String| Page { status, kind, body: body.into_bytes() };
        let Some(host) = plant.hosts.iter().position(|host| host.ip == to) else {
            return page(404, "text/plain", "not found\n".into());
        };
        let device = plant.device_of(host).map(|device| &plant.devices[device]);
        let path = get.path.split('?').next().unwrap_or_default();
        let authorised = get.headers.iter().any(|(name, value)| {
            *name == "Authorization" && (value == LOGIN || value == DEFAULT_LOGIN && self.careless(host))
        });
        match (get.method, path, device) {
            ("GET", "/" | "/index.html", Some(device)) => {
                let body = format!(
                    "<html><head><title>{0}</title></head><body><h1>{0}</h1><p>{1} firmware {2}</p>\
                     <a href=\"/status\">status</a> <a href=\"/config\">configuration</a></body></html>\n",
                    device.identity.product, device.identity.vendor, device.identity.revision
                );
                page(200, "text/html", body)
            }
            ("GET", "/status", Some(device)) => {
                let points = device.units[0].points.iter().take(6).map(|point| {
                    let value =
                        crate::plant::device::Image::get(&plant.cells, device.units[0].cell, point.var);
                    format!("<tr><td>{}</td><td>{value:.2}</td></tr>", point.name)
                });
                page(
                    200,
                    "text/html",
                    format!("<html><body><table>{}</table></body></html>\n", points.collect::<String>()),
                )
            }
            ("GET", "/version", Some(device)) => {
                page(200, "text/plain", format!("{}\n", device.identity.revision))
            }
            (_, "/config" | "/firmware" | "/mode" | "/project", Some(_)) if !authorised => {
                page(401, "text/html", "<html><body>login required</body></html>\n".into())
            }
            ("GET", "/config", Some(device)) => {
                let limits = device.units[0].points.iter().filter(|point| point.part == Part::Limit);
                page(
                    200,
                    "application/json",
                    format!("{{\"name\":\"{}\",\"limits\":{}}}\n", device.identity.product, limits.count()),
                )
            }
            ("GET", "/project", Some(device)) => {
                Page { status: 200, kind: "application/octet-stream", body: device.program.clone() }
            }
            ("POST" | "PUT", "/config" | "/firmware" | "/mode" | "/project", Some(_)) => {
                page(200, "application/json", "{\"result\":\"accepted\"}\n".into())
            }
            ("GET", "/api/values", None) => page(200, "application/json", self.values(&plant)),
            ("GET", "/api/alarms", None) => page(200, "application/json", self.alarms(&plant)),
            ("POST", "/api/values" | "/api/batch" | "/api/ack", None) => {
                page(200, "application/json", "{\"stored\":true}\n".into())
            }
            ("GET", "/", None) => page(
                200,
                "text/html",
                "<html><head><title>operations</title></head><body>overview</body></html>\n".into(),
            ),
            ("GET", path, None) if path.starts_with("/firmware/") => {
                page(200, "application/json", format!("{{\"latest\":\"{}\"}}\n", plant.kind.makes[0].2))
            }
            ("GET", path, None) if path.starts_with("/report") => {
                page(200, "text/csv", format!("{from};{}\n", path.len()).repeat(400))
            }
            _ => page(404, "text/html", "<html><body>404 not found</body></html>\n".into()),
        }
    }

    fn values(&self, plant: &crate::plant::Plant) -> String {
        let cells =
            plant.cells.0.iter().take(24).map(|cell| format!("{:.2}", cell.vars.first().unwrap_or(&0.0)));
        format!("{{\"values\":[{}]}}\n", cells.collect::<Vec<_>>().join(","))
    }

    fn alarms(&self, plant: &crate::plant::Plant) -> String {
        let standing = plant.targets(Part::Status);
        let standing = standing.iter().filter(|target| {
            target.point.name.contains("alarm")
                && crate::plant::device::Image::get(&plant.cells, target.cell, target.point.var) > 0.5
        });
        format!(
            "{{\"alarms\":[{}]}}\n",
            standing.map(|target| format!("\"{}\"", target.point.name)).collect::<Vec<_>>().join(",")
        )
    }

    /// Whether the password of that device was never changed: every third.
    fn careless(&self, host: usize) -> bool {
        host.is_multiple_of(3)
    }
}

impl Role {
    /// What a browser or a program of this role calls itself.
    pub const fn agent(self) -> &'static str {
        match self {
            Self::Operator => "Mozilla/5.0 (Windows NT 10.0; Win64; x64) OperatorPanel/7.2",
            Self::Engineering => "Mozilla/5.0 (Windows NT 10.0; Win64; x64) EngineeringSuite/12.1",
            Self::Historian => "HistorianCollector/4.0",
            _ => "DeviceAgent/1.8",
        }
    }
}

/// What the servers call themselves.
pub const SERVER: &str = "fieldweb/1.4";
/// Who may change a device's configuration.
pub const LOGIN: &str = "Basic ZW5naW5lZXI6cGxhbnQtN2YzYQ==";
/// What devices are delivered with.
pub const DEFAULT_LOGIN: &str = "Basic YWRtaW46YWRtaW4=";
