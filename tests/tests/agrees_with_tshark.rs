//! Every capture of the shared data through tshark and through us: the same messages with the same
//! values. Skips loudly where the captures or tshark are absent.
//!
//! What counts is how much of what tshark dissects is there with equal values; how much more we see is
//! shown beside it.
//!
//! Messages are counted by a key (transaction, unit and function; packet type; id, name and code; method
//! and target or status), fields by their values, both per capture and without order. Known differences
//! are listed in BENCHMARKS.md; they are within the tenth of a percent that is asserted.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use fieldward_tests::decoded::events;
use serde_json::Value;

/// What is compared: a name, and how often each value occurs.
type Bag = HashMap<(&'static str, String), u64>;

/// tshark's fields, in this order.
const FIELDS: &[&str] = &[
    "mbtcp.trans_id",
    "mbtcp.unit_id",
    "modbus.func_code",
    "modbus.exception_code",
    "mbtcp.len",
    "mqtt.msgtype",
    "mqtt.clientid",
    "mqtt.msgid",
    "dns.id",
    "dns.flags.response",
    "dns.qry.name",
    "dns.flags.rcode",
    "http.request.method",
    "http.request.uri",
    "http.response.code",
    "http.host",
    "http.user_agent",
    "http.content_type",
    "modbus.reference_num",
    "modbus.bit_cnt",
    "modbus.regval_uint16",
    "mqtt.topic",
];

#[test]
fn every_capture_is_read_as_tshark_reads_it() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let captures = captures(&data);
    if captures.is_empty() || Command::new("tshark").arg("--version").output().is_err() {
        eprintln!("SKIPPED: no captures in ../shared/data, or no tshark (make setup installs it)");
        return;
    }
    let totals = Mutex::new(HashMap::<&'static str, Total>::new());
    let differences = Mutex::new(Vec::new());
    let next = Mutex::new(captures.iter());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(path) = { next.lock().expect("a list").next() } {
                    let (theirs, ours) = (tshark(path), fieldward(path));
                    compare(path, &theirs, &ours, &totals, &differences);
                }
            });
        }
    });
    let mut differences = differences.into_inner().expect("a list");
    differences.sort();
    println!("{}", differences.join("\n"));
    let totals = totals.into_inner().expect("totals");
    let mut names: Vec<_> = totals.iter().collect();
    names.sort_unstable_by_key(|(name, _)| **name);
    for (name, total) in &names {
        println!("{name}: {total}");
    }
    let sum = totals.values().fold(Total::default(), |sum, total| Total {
        same: sum.same + total.same,
        theirs: sum.theirs + total.theirs,
        ours: sum.ours + total.ours,
    });
    println!("agreement: {sum}");
    assert!(sum.theirs > 100_000, "too little was compared");
    assert!(sum.same * 1000 >= sum.theirs * 999, "less than 99.9 % of what tshark dissects is equal");
    assert!(sum.ours >= sum.theirs, "tshark finds more");
}

/// How much was compared.
#[derive(Clone, Copy, Debug, Default)]
struct Total {
    same: u64,
    theirs: u64,
    ours: u64,
}

impl std::fmt::Display for Total {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let share = 100.0 * self.same as f64 / self.theirs as f64;
        write!(
            f,
            "tshark {}, ours {}, equal {} = {share:.3} % of tshark's",
            self.theirs, self.ours, self.same
        )
    }
}

/// Adds what agrees, of what either side has; a protocol that tshark does not see in a capture (another
/// port, say) is not compared there.
fn compare(
    path: &Path,
    theirs: &Bag,
    ours: &Bag,
    totals: &Mutex<HashMap<&'static str, Total>>,
    differences: &Mutex<Vec<String>>,
) {
    let mut names: Vec<_> = theirs.keys().map(|(name, _)| *name).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let of = |bag: &Bag| bag.iter().filter(|((n, _), _)| *n == name).map(|(_, count)| count).sum::<u64>();
        let same = theirs
            .iter()
            .filter(|((n, _), _)| *n == name)
            .map(|(key, count)| ours.get(key).copied().unwrap_or_default().min(*count))
            .sum::<u64>();
        let all = of(theirs).max(of(ours));
        if same < all {
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            differences.lock().expect("a list").push(format!(
                "{file}: {name}: tshark {} ours {} same {same}",
                of(theirs),
                of(ours)
            ));
        }
        let mut totals = totals.lock().expect("totals");
        let total = totals.entry(name).or_default();
        total.same += same;
        total.theirs += of(theirs);
        total.ours += of(ours);
    }
}

fn tshark(path: &Path) -> Bag {
    let mut command = Command::new("tshark");
    command.args(["-n", "-o", "tcp.reassemble_out_of_order:TRUE", "-r"]).arg(path);
    command.args(["-Y", "mbtcp || mqtt || dns || mdns || llmnr || http.request || http.response"]);
    command.args(["-T", "fields", "-E", "occurrence=a", "-E", "aggregator=\u{1f}", "-E", "separator=\u{1e}"]);
    for field in FIELDS {
        command.args(["-e", field]);
    }
    let output = command.output().expect("tshark runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let mut bag = Bag::new();
    for line in text.split('\n').filter(|line| !line.is_empty()) {
        let columns: Vec<Vec<&str>> =
            line.split('\u{1e}').map(|column| column.split('\u{1f}').collect()).collect();
        let column = |name: &str| -> Vec<&str> {
            let at = FIELDS.iter().position(|field| *field == name).expect("a field");
            columns
                .get(at)
                .map(|values| values.iter().filter(|v| !v.is_empty()).copied().collect())
                .unwrap_or_default()
        };
        let mut put = |name, value: String| *bag.entry((name, value)).or_default() += 1;
        let at = |values: &[&str], at: usize| {
            values.get(at).or(values.last()).map_or(String::new(), |v| number(v))
        };
        let (tids, units, codes) =
            (column("mbtcp.trans_id"), column("mbtcp.unit_id"), column("modbus.func_code"));
        let mut exceptions = column("modbus.exception_code").into_iter();
        for (message, code) in codes.iter().enumerate() {
            let function = number(code).parse::<u64>().unwrap_or_default();
            // The high bit says which of several messages in a frame the next code belongs to; tshark
            // shows the function without it when the frame holds one message.
            let exceptional = function > 0x7f || codes.len() == 1;
            let exception = exceptional.then(|| exceptions.next()).flatten().map_or(String::new(), number);
            let function = function & 0x7f;
            put("modbus", format!("{} {} {function} {exception}", at(&tids, message), at(&units, message)));
        }
        column("mbtcp.len").iter().for_each(|v| put("modbus len", number(v)));
        column("mqtt.msgtype").iter().for_each(|v| put("mqtt", number(v)));
        column("mqtt.clientid").iter().for_each(|v| put("mqtt client_id", (*v).to_owned()));
        column("mqtt.msgid").iter().for_each(|v| put("mqtt packet_id", number(v)));
        if let Some(id) = column("dns.id").first() {
            let response = column("dns.flags.response").first().is_some_and(|v| matches!(*v, "1" | "True"));
            let name = column("dns.qry.name").first().map_or(String::new(), |v| v.to_lowercase());
            let code = if response { at(&column("dns.flags.rcode"), 0) } else { String::new() };
            put("dns", format!("{} {response} {} {code}", number(id), name.trim_end_matches('.')));
        }
        for (method, uri) in column("http.request.method").iter().zip(column("http.request.uri")) {
            put("http", format!("{method} {uri}"));
        }
        column("http.response.code").iter().for_each(|v| put("http", number(v)));
        column("modbus.reference_num").iter().for_each(|v| put("modbus addr", number(v)));
        column("modbus.bit_cnt").iter().for_each(|v| put("modbus coils", number(v)));
        column("modbus.regval_uint16").iter().for_each(|v| put("modbus registers", number(v)));
        column("mqtt.topic").iter().for_each(|v| put("mqtt topic", (*v).to_owned()));
        column("http.content_type").iter().for_each(|v| put("http content_type", (*v).to_owned()));
        column("http.host").iter().for_each(|v| put("http host", (*v).to_owned()));
        column("http.user_agent").iter().for_each(|v| put("http user_agent", (*v).to_owned()));
    }
    bag
}

fn fieldward(path: &Path) -> Bag {
    const TYPES: &[&str] = &[
        "",
        "connect",
        "connack",
        "publish",
        "puback",
        "pubrec",
        "pubrel",
        "pubcomp",
        "subscribe",
        "suback",
        "unsubscribe",
        "unsuback",
        "pingreq",
        "pingresp",
        "disconnect",
        "auth",
    ];
    let mut bag = Bag::new();
    let mut put = |name, value: String| *bag.entry((name, value)).or_default() += 1;
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let or_empty = |value: &Value| if value.is_null() { String::new() } else { text(value) };
    for event in events(path) {
        match event["proto"].as_str() {
            Some("modbus") if event.get("tid").is_some() => {
                let exception = or_empty(&event["exception"]);
                put(
                    "modbus",
                    format!("{} {} {} {exception}", event["tid"], event["unit"], or_empty(&event["func"])),
                );
                put("modbus len", text(&event["len"]));
                let function = event["func"].as_u64().unwrap_or_default();
                // tshark shows addresses where they are on the wire; our responses to reads have them too.
                let on_wire = event["kind"] == "request" || matches!(function, 5 | 6 | 15 | 16 | 22);
                let on_wire = on_wire && event.get("exception").is_none();
                if let Some(address) = event.get("addr").filter(|_| on_wire) {
                    put("modbus addr", text(address));
                }
                if on_wire && matches!(function, 1 | 2 | 15) && event.get("qty").is_some() {
                    put("modbus coils", text(&event["qty"]));
                }
                if matches!(function, 3 | 4 | 6 | 16) {
                    let values = event["values"].as_array().into_iter().flatten();
                    values.for_each(|value| put("modbus registers", text(value)));
                }
            }
            Some("mqtt") => {
                let kind = text(&event["type"]);
                let number =
                    TYPES.iter().position(|name| *name == kind).map_or(kind.clone(), |at| at.to_string());
                put("mqtt", number);
                if kind == "connect" && !or_empty(&event["client_id"]).is_empty() {
                    put("mqtt client_id", text(&event["client_id"]));
                }
                let filters = event["topics"].as_array().into_iter().flatten().map(|filter| &filter["topic"]);
                let topic = event.get("topic").filter(|_| kind == "publish");
                topic.into_iter().chain(filters).for_each(|topic| put("mqtt topic", text(topic)));
                if let Some(id) = event.get("packet_id") {
                    put("mqtt packet_id", text(id));
                }
            }
            Some("dns") => {
                let response = event["kind"] == "response";
                let name = or_empty(&event["qname"]).to_lowercase();
                let code = if response { or_empty(&event["rcode"]) } else { String::new() };
                put("dns", format!("{} {response} {} {code}", event["id"], name.trim_end_matches('.')));
            }
            Some("http") => {
                match event["kind"] == "request" {
                    true => put("http", format!("{} {}", text(&event["method"]), text(&event["uri"]))),
                    false => put("http", or_empty(&event["status"])),
                }
                for (name, field) in [
                    ("http host", "host"),
                    ("http user_agent", "user_agent"),
                    ("http content_type", "content_type"),
                ] {
                    if !or_empty(&event[field]).is_empty() {
                        put(name, text(&event[field]));
                    }
                }
            }
            _ => {}
        }
    }
    bag
}

/// Numbers the same whether written in hexadecimal or not.
fn number(text: &str) -> String {
    let value = match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    };
    value.map_or_else(|| text.to_lowercase(), |value: u64| value.to_string())
}

fn captures(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(captures(&path));
        } else if path.extension().is_some_and(|end| matches!(end.to_str(), Some("pcap" | "pcapng" | "cap")))
        {
            found.push(path);
        }
    }
    found.sort();
    found
}
