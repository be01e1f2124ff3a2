//! MQTT: who comes, what is said, how much.

use super::{Feature, log, mean};

pub const FEATURES: &[Feature] = &[
    Feature { name: "MQTT connects", of: |b| log(b.mqtt.connects) },
    Feature { name: "refused MQTT connects", of: |b| log(b.mqtt.refused) },
    Feature { name: "MQTT messages", of: |b| log(b.mqtt.publishes) },
    Feature { name: "retained MQTT messages", of: |b| log(b.mqtt.retained) },
    Feature { name: "MQTT subscriptions", of: |b| log(b.mqtt.subscribes) },
    Feature { name: "MQTT disconnects", of: |b| log(b.mqtt.disconnects) },
    Feature { name: "MQTT topics", of: |b| log(b.mqtt.topics.count()) },
    Feature { name: "MQTT payload", of: |b| mean(b.mqtt.payload, b.mqtt.publishes) },
    Feature { name: "other MQTT packets", of: |b| log(b.mqtt.others) },
];
