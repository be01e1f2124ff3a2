//! From a packet to an event: which fields, in which order.

use super::header::{Header, Kind};
use super::message::{Fault, Message};
use super::session::Session;
use crate::flow::Direction;
use crate::protocol::{Context, Fields, Value};

/// Passes a packet on as an event.
pub(super) fn emit(
    from: Direction,
    header: &Header,
    message: &Message<'_>,
    session: &Session,
    fault: Option<Fault>,
    ctx: &mut Context<'_>,
) {
    let mut fields = Fields::new();
    let version = message.connect.map_or(session.version(), |connect| connect.level);
    if version != 0 {
        fields.number("version", version);
    }
    match header.kind.word() {
        Some(word) => fields.str("type", word),
        None => fields.number("type", 0_u8),
    }
    fields.number("flags", header.flags);
    if let Some(id) = message.connect.map_or(session.client_id(), |connect| connect.client_id) {
        fields.text("client_id", id);
    }
    show_connect(message, &mut fields);
    show_topic(from, message, session, &mut fields);
    if message.topics.any() {
        fields.push("topics", Value::Rows(&message.topics));
    }
    if header.kind == Kind::Publish {
        fields.number("qos", header.qos());
        fields.bool("retain", header.retain());
        fields.bool("dup", header.dup());
    }
    if let Some(id) = message.packet_id {
        fields.number("packet_id", id);
    }
    if let Some(len) = message.payload_len {
        fields.number("payload_len", len);
    }
    if let Some(present) = message.session_present {
        fields.bool("session_present", present);
    }
    if let Some(code) = message.reasons.first() {
        fields.number("reason", *code);
    }
    if message.reasons.len() > 1 {
        fields.push("reasons", Value::Bytes(message.reasons));
    }
    message.properties.show(&mut fields);
    if let Some(connect) = &message.connect {
        connect.will.properties.show_will(&mut fields);
    }
    ctx.emit("mqtt", from, &fields, fault);
}

fn show_connect<'a>(message: &'a Message<'_>, fields: &mut Fields<'a>) {
    let Some(connect) = &message.connect else { return };
    let Some(keep_alive) = connect.keep_alive else { return };
    if connect.bridge {
        fields.bool("bridge", true);
    }
    fields.number("keep_alive", keep_alive);
    fields.bool("clean_start", connect.clean_start());
    fields.bool("username", connect.has_username());
    fields.bool("password", connect.has_password());
    fields.bool("will", connect.has_will());
    if !connect.has_will() {
        return;
    }
    if let Some(topic) = connect.will.topic {
        fields.text("will_topic", topic);
    }
    fields.number("will_qos", connect.will_qos());
    fields.bool("will_retain", connect.will_retain());
    if let Some(len) = connect.will.payload_len {
        fields.number("will_payload_len", len);
    }
}

/// The topic as it was said, or what the alias in its place stands for.
fn show_topic<'a>(from: Direction, message: &Message<'a>, session: &'a Session, fields: &mut Fields<'a>) {
    let alias = message.properties.alias;
    let said = message.topic.filter(|topic| !topic.is_empty() || alias == 0);
    match said.or_else(|| session.topic_of(from, alias)) {
        Some(topic) => fields.text("topic", topic),
        None if alias != 0 => fields.bool("topic_unresolved", true),
        None => {}
    }
    if alias != 0 {
        fields.number("topic_alias", alias);
    }
}
