//! A capture as tshark reads it and as we read it, in a form that can be compared: how often each
//! message (by its transaction, type, name, target) and each value of a field occurs.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::decoded::events;

/// What is compared: a name, and how often each value occurs.
pub type Bag = HashMap<(&'static str, String), u64>;

/// What tshark makes of a capture.
pub fn tshark(path: &Path) -> Bag {
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

/// What we make of it.
pub fn fieldward(path: &Path) -> Bag {
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

/// How many packets tshark calls malformed.
pub fn malformed(path: &Path) -> usize {
    let mut command = Command::new("tshark");
    let output = command.args(["-n", "-Y", "_ws.malformed", "-r"]).arg(path).output().expect("tshark runs");
    output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count()
}

/// Whether tshark is there.
pub fn has_tshark() -> bool {
    Command::new("tshark").arg("--version").output().is_ok()
}

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
