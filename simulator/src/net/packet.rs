//! MQTT packets of both versions from one description; rumqttc makes the bytes.

use bytes::{Bytes, BytesMut};
use rumqttc::mqttbytes::{QoS as Qos4, v4};
use rumqttc::v5::mqttbytes::{QoS as Qos5, v5};

use super::mqtt::{Options, Version};

/// A packet.
#[derive(Clone, Debug)]
pub enum Packet<'a> {
    /// A client introduces itself.
    Connect(&'a Options),
    /// The broker's answer: a return code, 0 is welcome.
    ConnAck(u8),
    /// A message.
    Publish {
        /// Its topic.
        topic: &'a str,
        /// Its content.
        payload: &'a [u8],
        /// 0, 1 or 2.
        qos: u8,
        /// The broker keeps it for those who come later.
        retain: bool,
        /// Its number, for 1 and 2.
        id: u16,
    },
    /// A message of quality 1 arrived.
    PubAck(u16),
    /// A message of quality 2 arrived; the sender may forget it; it is done.
    PubRec(u16),
    /// The sender has forgotten it.
    PubRel(u16),
    /// So has the receiver.
    PubComp(u16),
    /// A client wants messages.
    Subscribe(u16, &'a [(String, u8)]),
    /// It will get them, with these qualities.
    SubAck(u16, Vec<u8>),
    /// Are you there?
    PingReq,
    /// I am.
    PingResp,
    /// Goodbye; with version 5 a reason.
    Disconnect(u8),
}

/// The bytes of a packet.
pub fn encode(version: Version, packet: &Packet<'_>) -> Vec<u8> {
    let mut out = BytesMut::new();
    let written = match version {
        Version::V311 => four(packet).write(&mut out, usize::MAX).is_ok(),
        Version::V5 => five(packet).write(&mut out, None).is_ok(),
    };
    debug_assert!(written, "{packet:?}");
    out.to_vec()
}

fn four(packet: &Packet<'_>) -> v4::Packet {
    let quality = |qos: u8| rumqttc::mqttbytes::qos(qos).unwrap_or(Qos4::AtMostOnce);
    match packet {
        Packet::Connect(options) => {
            let mut connect = v4::Connect::new(options.client_id.clone());
            connect.keep_alive = options.keep_alive;
            connect.clean_session = options.clean;
            if let Some((user, password)) = &options.login {
                connect.set_login(user.clone(), password.clone());
            }
            connect.last_will = options.will.as_ref().map(|topic| v4::LastWill {
                topic: topic.clone(),
                message: Bytes::from_static(b"offline"),
                qos: Qos4::AtLeastOnce,
                retain: true,
            });
            v4::Packet::Connect(connect)
        }
        Packet::ConnAck(code) => v4::Packet::ConnAck(v4::ConnAck {
            session_present: false,
            code: match code {
                0 => v4::ConnectReturnCode::Success,
                4 => v4::ConnectReturnCode::BadUserNamePassword,
                _ => v4::ConnectReturnCode::NotAuthorized,
            },
        }),
        Packet::Publish { topic, payload, qos, retain, id } => {
            let mut publish = v4::Publish::new(*topic, quality(*qos), *payload);
            (publish.retain, publish.pkid) = (*retain, *id);
            v4::Packet::Publish(publish)
        }
        Packet::PubAck(id) => v4::Packet::PubAck(v4::PubAck::new(*id)),
        Packet::PubRec(id) => v4::Packet::PubRec(v4::PubRec::new(*id)),
        Packet::PubRel(id) => v4::Packet::PubRel(v4::PubRel::new(*id)),
        Packet::PubComp(id) => v4::Packet::PubComp(v4::PubComp::new(*id)),
        Packet::Subscribe(id, filters) => {
            let filters = filters
                .iter()
                .map(|(filter, qos)| v4::SubscribeFilter { path: filter.clone(), qos: quality(*qos) });
            let mut subscribe = v4::Subscribe::new_many(filters);
            subscribe.pkid = *id;
            v4::Packet::Subscribe(subscribe)
        }
        Packet::SubAck(id, qualities) => {
            let codes = qualities.iter().map(|qos| v4::SubscribeReasonCode::Success(quality(*qos)));
            v4::Packet::SubAck(v4::SubAck::new(*id, codes.collect()))
        }
        Packet::PingReq => v4::Packet::PingReq,
        Packet::PingResp => v4::Packet::PingResp,
        Packet::Disconnect(_) => v4::Packet::Disconnect,
    }
}

fn five(packet: &Packet<'_>) -> v5::Packet {
    let quality = |qos: u8| rumqttc::v5::mqttbytes::qos(qos).unwrap_or(Qos5::AtMostOnce);
    match packet {
        Packet::Connect(options) => {
            let mut properties = v5::ConnectProperties::new();
            properties.session_expiry_interval = Some(if options.clean { 0 } else { 3600 });
            let connect = v5::Connect {
                keep_alive: options.keep_alive,
                client_id: options.client_id.clone(),
                clean_start: options.clean,
                properties: Some(properties),
            };
            let will = options.will.as_ref().map(|topic| v5::LastWill {
                topic: Bytes::copy_from_slice(topic.as_bytes()),
                message: Bytes::from_static(b"offline"),
                qos: Qos5::AtLeastOnce,
                retain: true,
                properties: None,
            });
            let login = options.login.as_ref().map(|(user, password)| v5::Login::new(user, password));
            v5::Packet::Connect(connect, will, login)
        }
        Packet::ConnAck(code) => v5::Packet::ConnAck(v5::ConnAck {
            session_present: false,
            code: match code {
                0 => v5::ConnectReturnCode::Success,
                4 => v5::ConnectReturnCode::BadUserNamePassword,
                _ => v5::ConnectReturnCode::NotAuthorized,
            },
            properties: None,
        }),
        Packet::Publish { topic, payload, qos, retain, id } => {
            let mut publish = v5::Publish::new(*topic, quality(*qos), payload.to_vec(), None);
            (publish.retain, publish.pkid) = (*retain, *id);
            v5::Packet::Publish(publish)
        }
        Packet::PubAck(id) => v5::Packet::PubAck(v5::PubAck::new(*id, None)),
        Packet::PubRec(id) => v5::Packet::PubRec(v5::PubRec::new(*id, None)),
        Packet::PubRel(id) => v5::Packet::PubRel(v5::PubRel::new(*id, None)),
        Packet::PubComp(id) => v5::Packet::PubComp(v5::PubComp::new(*id, None)),
        Packet::Subscribe(id, filters) => {
            let filters = filters.iter().map(|(filter, qos)| v5::Filter::new(filter.clone(), quality(*qos)));
            let mut subscribe = v5::Subscribe::new_many(filters, None);
            subscribe.pkid = *id;
            v5::Packet::Subscribe(subscribe)
        }
        Packet::SubAck(id, qualities) => {
            let codes = qualities.iter().map(|qos| v5::SubscribeReasonCode::Success(quality(*qos)));
            v5::Packet::SubAck(v5::SubAck { pkid: *id, return_codes: codes.collect(), properties: None })
        }
        Packet::PingReq => v5::Packet::PingReq(v5::PingReq),
        Packet::PingResp => v5::Packet::PingResp(v5::PingResp),
        Packet::Disconnect(reason) => v5::Packet::Disconnect(v5::Disconnect::new(match reason {
            0 => v5::DisconnectReasonCode::NormalDisconnection,
            0x8e => v5::DisconnectReasonCode::SessionTakenOver,
            _ => v5::DisconnectReasonCode::ServerShuttingDown,
        })),
    }
}
