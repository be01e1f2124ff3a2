//! Live plants on free loopback networks. Without privileges their ports are moved, which changes nothing
//! here. Nothing waits by the clock: what must come about is asked for until it does.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use simple_dns::TYPE;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_modbus::client::{Reader as _, tcp};
use tokio_modbus::{Request, Response, Slave};

use super::{Live, Site, Trouble, clock, connect, find, run};
use crate::attack;
use crate::config::Config;
use crate::net::mqtt::{Options, PASSWORD, Version};
use crate::net::web::Get;
use crate::net::{Fault, Net, Service};
use crate::plant::device::State;
use crate::plant::points::{Part, Table};
use crate::plant::{PLANTS, Role};
use crate::record::Door;
use crate::stage::Intensity;

#[test]
fn a_client_reads_what_the_model_holds() {
    with_plant(async |site| {
        let targets = site.world.plant.borrow().targets(Part::Setpoint);
        for target in targets {
            let at = SocketAddrV4::new(site.world.device_ip(target.device), live(&site).port(502));
            let stream = TcpStream::connect(at).await.expect("the device listens");
            let mut client = tcp::attach_slave(stream, Slave(target.unit));
            let width = target.point.width();
            let words = client.read_holding_registers(target.point.addr, width).await.expect("an answer");
            let expected = target.point.encode(site.world.value(&target));
            assert_eq!(words.expect("no exception"), expected[..usize::from(width)], "{}", target.point.name);
        }
    });
}

#[test]
fn every_kind_of_request_has_the_answer_of_the_model() {
    with_plant(async |site| {
        let target = first(&site, Part::Setpoint);
        let node = site.world.node(Role::Scada);
        let ip = site.world.device_ip(target.device);
        let mut master = node.modbus(ip).await.expect("a connection");
        let (addr, unit) = (target.point.addr, target.unit);
        let write = Request::WriteMultipleRegisters(addr, vec![3, 9].into());
        assert_eq!(master.ask(unit, write).await, Ok(Response::WriteMultipleRegisters(addr, 2)));
        let told = master.ask(unit, Request::ReportServerId).await;
        assert!(matches!(told, Ok(Response::ReportServerId(_, true, _))), "{told:?}");
        // What only has a number, as it is answered, refused by name, and refused by number.
        assert_eq!(master.special(unit, 8, &[0, 0, 1, 2]).await, Ok(vec![0, 0, 1, 2]));
        assert_eq!(master.special(unit, 8, &[0, 99, 0, 0]).await, Err(Fault::Denied(1)));
        assert_eq!(master.special(unit, 65, &[]).await, Err(Fault::Denied(1)));
        assert_eq!(master.special(unit, 24, &[0, 0]).await, Err(Fault::Denied(1)));
        assert_eq!(master.holding(unit, 0xf000, 1).await, Err(Fault::Denied(2)));
        // Deaf on request: silence, not an exception.
        master.timeout = 0.2;
        assert_eq!(master.special(unit, 8, &[0, 4, 0, 0]).await, Err(Fault::Silent));
        assert_eq!(master.holding(unit, 0, 1).await, Err(Fault::Silent));
    });
}

#[test]
fn a_device_that_restarts_refuses_and_then_answers() {
    with_plant(async |site| {
        let node = site.world.node(Role::Scada);
        let ip = site.world.device_ip(0);
        let state = |state| site.world.plant.borrow_mut().devices[0].state = state;
        let mut master = node.modbus(ip).await.expect("a connection");
        state(State::Restarting(u64::MAX));
        come_about(async || node.modbus(ip).await.err() == Some(Fault::Refused)).await;
        assert_eq!(master.holding(1, 0, 1).await, Err(Fault::Broken), "old connections end");
        assert_eq!(node.get(ip, Get::path("/")).await.err(), Some(Fault::Refused), "its page is away too");
        state(State::Running);
        come_about(async || match node.modbus(ip).await {
            Ok(mut master) => master.holding(1, 0, 1).await.is_ok(),
            Err(_) => false,
        })
        .await;
    });
}

#[test]
fn a_message_arrives_through_the_broker() {
    with_plant(async |site| {
        for version in [Version::V311, Version::V5] {
            let reader = site.world.node(Role::Cloud);
            let mut reader = reader.mqtt(Options::new(version, "reader")).await.expect("welcome");
            reader.subscribe(&[("test/#".to_owned(), 2)]).await.expect("granted");
            let mut options = Options::new(version, "writer");
            options.login = Some(("field".to_owned(), PASSWORD.to_owned()));
            let mut writer = site.world.node(Role::Sensor).mqtt(options).await.expect("welcome");
            for qos in 0..=2 {
                let topic = format!("test/{qos}");
                writer.publish(&topic, b"41.5", qos, false).await.expect("published");
                come_about(async || reader.received() == Some((topic.clone(), b"41.5".to_vec()))).await;
            }
            writer.leave().await;
        }
    });
}

#[test]
fn the_broker_refuses_wrong_passwords_and_ends_taken_over_sessions() {
    with_plant(async |site| {
        let node = site.world.node(Role::Sensor);
        for version in [Version::V311, Version::V5] {
            let mut options = Options::new(version, "twin");
            options.login = Some(("field".to_owned(), "guess".to_owned()));
            let refused = node.mqtt(options.clone()).await.err();
            assert!(matches!(refused, Some(Fault::Denied(4 | 5))), "{refused:?}");
            options.login = None;
            let first = node.mqtt(options.clone()).await.expect("welcome");
            let second = node.mqtt(options).await.expect("welcome");
            come_about(async || !first.stands()).await;
            assert!(second.stands());
        }
    });
}

#[test]
fn a_broker_whose_host_is_down_comes_back_with_it() {
    with_plant(async |site| {
        let node = site.world.node(Role::Sensor);
        let broker = site.world.plant.borrow().host(Role::Broker);
        let client = node.mqtt(Options::new(Version::V311, "one")).await.expect("welcome");
        site.world.plant.borrow_mut().hosts[broker].up = false;
        come_about(async || !client.stands()).await;
        let away = node.mqtt(Options::new(Version::V311, "two")).await.err();
        assert_eq!(away, Some(Fault::Refused));
        site.world.plant.borrow_mut().hosts[broker].up = true;
        come_about(async || node.mqtt(Options::new(Version::V311, "two")).await.is_ok()).await;
    });
}

#[test]
fn names_are_answered() {
    with_plant(async |site| {
        let node = site.world.node(Role::Operator);
        let (domain, scada) = {
            let plant = site.world.plant.borrow();
            (plant.kind.domain, plant.hosts[plant.host(Role::Scada)].ip)
        };
        assert_eq!(node.resolve(&format!("scada.{domain}"), TYPE::A).await, Ok(vec![scada]));
        assert_eq!(node.resolve(&format!("nobody.{domain}"), TYPE::A).await, Ok(vec![]));
    });
}

#[test]
fn pages_are_served() {
    with_plant(async |site| {
        let node = site.world.node(Role::Operator);
        let ip = site.world.device_ip(0);
        let mut web = node.web(ip).await.expect("a connection");
        for path in ["/", "/version", "/nothing"] {
            let page = web.ask(Get::path(path)).await.expect("a page");
            let model = site.world.page(ip, node.ip(), &Get::path(path));
            assert_eq!((page.status, page.kind, page.body), (model.status, model.kind, model.body), "{path}");
        }
        let login = Get::path("/config").with("Authorization", crate::net::web::LOGIN);
        assert_eq!(web.ask(login).await.map(|page| page.status), Ok(200));
        assert_eq!(web.ask(Get::path("/config")).await.map(|page| page.status), Ok(401));
        // A path that no browser would send as it is.
        assert!(web.ask(Get::path("/report?q=<a b>\"")).await.is_ok());
        let at = SocketAddrV4::new(ip, live(&site).port(80));
        let mut bare = TcpStream::connect(at).await.expect("a connection");
        bare.write_all(b"GET /version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.expect("sent");
        let mut text = String::new();
        bare.read_to_string(&mut text).await.expect("a response");
        for line in ["HTTP/1.1 200 OK", "Server: ", "Content-Type: text/plain", "Content-Length: "] {
            assert!(text.contains(line), "{line} in {text}");
        }
    });
}

#[test]
fn ports_are_open_or_closed() {
    with_plant(async |site| {
        let node = site.world.node(Role::Engineering);
        let device = site.world.device_ip(0);
        assert_eq!(node.knock(device, 502).await, Door::Open);
        assert_eq!(node.knock(device, 445).await, Door::Closed);
        assert!(node.ping(device).await);
        let store = site.world.ip(site.world.plant.borrow().host(Role::Historian));
        let mut raw = node.connect(store, Service::Store.port()).await.expect("a connection");
        assert_eq!(raw.upload(200_000, 1e9).await, Ok(()));
    });
}

#[test]
fn an_attack_that_plays_live_is_labelled() {
    with_plant(async |site| {
        let attack = attack::find("setpoint-range").expect("it exists");
        let before = clock();
        let play = attack::perform(site.world.clone(), attack, "stranger", Intensity::Fast, None);
        play.await;
        let labels = site.labels();
        let [label] = &labels.attacks[..] else { panic!("one label") };
        assert!(label.packets > 4, "{}", label.packets);
        let span = before - 1.0..clock() + 1.0;
        assert!(span.contains(&label.start) && span.contains(&label.end) && label.start < label.end);
    });
}

#[test]
fn stopping_closes_everything() {
    let mut doors = Vec::new();
    with_plant(async |site| {
        site.begin();
        let plant = site.world.plant.borrow();
        for host in &plant.hosts {
            let served = Service::ALL.into_iter().filter(|service| service.at(host));
            let tcp = served.filter(|service| *service != Service::Names);
            doors.extend(tcp.map(|service| SocketAddrV4::new(host.ip, live(&site).port(service.port()))));
        }
    });
    for at in doors {
        assert!(TcpListener::bind(at).is_ok(), "{at} can be bound again");
    }
}

#[test]
fn moved_ports_are_found() {
    let outcome = run(async {
        for config in configs() {
            match Site::open_on(&config, true).await {
                Ok(site) => {
                    let node = site.world.node(Role::Scada);
                    let mut master = node.modbus(site.world.device_ip(0)).await.expect("a connection");
                    assert!(master.holding(1, 0, 1).await.is_ok());
                    assert_eq!(find(&config).await.expect("allowed"), Some(true));
                    return;
                }
                Err((_, io::ErrorKind::AddrInUse)) => {}
                Err((trouble, _)) if skipped(&trouble) => return,
                Err((trouble, _)) => panic!("{trouble}"),
            }
        }
    });
    outcome.expect("a runtime");
}

#[test]
fn nothing_is_found_where_no_plant_runs() {
    let config = configs().next().expect("a configuration");
    assert_eq!(run(find(&config)).expect("a runtime").expect("allowed"), None);
}

#[test]
fn nothing_leaves_loopback() {
    let mut config = Config::new(PLANTS[0], 12);
    config.network = Some([192, 168]);
    let Err(trouble) = Site::new(&config, false) else { panic!("a plant on a real network") };
    assert!(matches!(trouble, Trouble::Refused { .. }), "{trouble}");
    let away = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 1), 502);
    for (from, to) in [
        (Ipv4Addr::LOCALHOST, away),
        (Ipv4Addr::UNSPECIFIED, SocketAddrV4::new(Ipv4Addr::LOCALHOST, 502)),
        (Ipv4Addr::LOCALHOST, SocketAddrV4::new(Ipv4Addr::BROADCAST, 502)),
    ] {
        let refused = run(connect(from, to, Duration::from_secs(1))).expect("a runtime").err();
        assert_eq!(refused.map(|error| error.kind()), Some(io::ErrorKind::PermissionDenied), "{from} {to}");
    }
}

/// Plays with a plant of twelve on a network that nobody else uses.
fn with_plant(play: impl AsyncFnOnce(Site)) {
    let outcome = run(async {
        for config in configs() {
            match Site::open(&config).await {
                Ok(site) => return timeout(LONGEST, play(site)).await.expect("it ends"),
                Err(trouble) if skipped(&trouble) => return,
                Err(Trouble::Shut { why, .. }) if why.contains("in use") => {}
                Err(trouble) => panic!("{trouble}"),
            }
        }
        panic!("no network is free");
    });
    outcome.expect("a runtime");
}

/// Plants on one network after another, beginning with one of this process and test.
fn configs() -> impl Iterator<Item = Config> {
    static USED: AtomicU32 = AtomicU32::new(0);
    (0..120).map(|_| {
        let nth = std::process::id().wrapping_mul(13).wrapping_add(USED.fetch_add(1, Ordering::Relaxed));
        let mut config = Config::new(PLANTS[0], 12);
        config.network = Some([127, 100 + (nth % 150) as u8]);
        config
    })
}

fn skipped(trouble: &Trouble) -> bool {
    let missing = trouble.to_string().contains("install mosquitto");
    if missing {
        eprintln!("SKIPPED, and nothing was tested: {trouble}");
    }
    missing
}

/// Asks until it is so.
async fn come_about(is: impl AsyncFn() -> bool) {
    let asking = async {
        while !is().await {
            tokio::task::yield_now().await;
        }
    };
    timeout(LONGEST, asking).await.expect("it comes about");
}

fn first(site: &Site, part: Part) -> crate::plant::Target {
    let targets = site.world.plant.borrow().targets(part);
    let gateway = |device: usize| site.world.plant.borrow().devices[device].gateway;
    targets
        .into_iter()
        .find(|target| target.point.table == Table::Holding && !gateway(target.device))
        .expect("a controller's point")
}

fn live(site: &Site) -> &Live {
    let Net::Live(live) = &site.world.net else { panic!("a live plant") };
    live
}

/// After so long something is wrong.
const LONGEST: Duration = Duration::from_secs(60);
