//! Kafka: each alert a record, its plant the key, so that those of a plant stay in their order. Told is what the leader
//! and all replicas in step have (acks=all).

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use fieldward_shared::alert::Severity;
use fieldward_shared::identity::sha256;
use fieldward_shared::keyfile;
use rskafka::client::error::{Error as KafkaError, ProtocolError};
use rskafka::client::partition::{Compression, PartitionClient, UnknownTopicHandling};
use rskafka::client::{Client, ClientBuilder, Credentials, SaslConfig};
use rskafka::record::Record;
use rustls::ClientConfig;
use serde::Deserialize;

use super::syslog::host_and_port;
use super::{Form, Output, OutputError, Settings, Telling, Wanted};
use crate::outward::Papers;
use crate::store::alerts::Stored;

/// The configuration.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Kafka {
    /// `kafka-1.example:9093`, some of them.
    brokers: Vec<String>,
    /// The topic, which is there.
    topic: String,
    /// As what alerts are told.
    #[serde(default)]
    form: Form,
    /// By what both sides know each other by TLS; in the clear without it.
    tls: Option<Papers>,
    /// Who signs in (SASL).
    user: Option<String>,
    /// A file with the password, which nobody else may read.
    password: Option<PathBuf>,
    /// How it is shown.
    #[serde(default)]
    mechanism: Mechanism,
    /// From this severity on.
    severity: Option<Severity>,
    /// Of these plants; all when none is named.
    #[serde(default)]
    facilities: Vec<String>,
}

/// How a password is shown.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
enum Mechanism {
    /// It is not shown, but known.
    #[default]
    #[serde(rename = "SCRAM-SHA-512")]
    Scram512,
    /// The same by a shorter digest.
    #[serde(rename = "SCRAM-SHA-256")]
    Scram256,
    /// As it is.
    #[serde(rename = "PLAIN")]
    Plain,
}

impl Settings for Kafka {
    fn wanted(&self) -> Wanted {
        Wanted { severity: self.severity, facilities: self.facilities.clone() }
    }

    fn place(&self) -> String {
        format!("kafka://{}/{}", self.brokers.join(","), self.topic)
    }

    fn check(&self) -> Result<(), (&'static str, String)> {
        if self.brokers.is_empty() {
            return Err(("brokers", "none is named".to_owned()));
        }
        for broker in &self.brokers {
            host_and_port(broker).map_err(|what| ("brokers", what))?;
        }
        let is_name = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if !(1..=249).contains(&self.topic.len()) || !self.topic.chars().all(is_name) {
            return Err(("topic", format!("\"{}\" is no name of a topic", self.topic)));
        }
        match (&self.user, &self.password) {
            (Some(_), None) | (None, Some(_)) => {
                Err(("user", "user and password belong together, and one is missing".to_owned()))
            }
            (Some(_), Some(_)) if self.mechanism == Mechanism::Plain && self.tls.is_none() => Err((
                "mechanism",
                "PLAIN would show the password to the network; add [outputs.kafka.tls]".to_owned(),
            )),
            _ => self.tls.as_ref().map_or(Ok(()), Papers::check).map_err(|what| ("tls", what)),
        }
    }

    fn open(&self) -> Result<Box<dyn Output>, String> {
        let sign_in = match (&self.user, &self.password) {
            (Some(user), Some(file)) => {
                let read = keyfile::read(file).map_err(|error| error.to_string())?;
                let password = String::from_utf8_lossy(&read).trim().to_owned();
                let credentials = Credentials::new(user.clone(), password);
                Some(match self.mechanism {
                    Mechanism::Scram512 => SaslConfig::ScramSha512(credentials),
                    Mechanism::Scram256 => SaslConfig::ScramSha256(credentials),
                    Mechanism::Plain => SaslConfig::Plain(credentials),
                })
            }
            _ => None,
        };
        Ok(Box::new(Producer {
            brokers: self.brokers.clone(),
            topic: self.topic.clone(),
            form: self.form,
            tls: self.tls.as_ref().map(Papers::tls).transpose()?,
            sign_in,
            open: None,
        }))
    }
}

struct Producer {
    brokers: Vec<String>,
    topic: String,
    form: Form,
    tls: Option<Arc<ClientConfig>>,
    sign_in: Option<SaslConfig>,
    open: Option<Open>,
}

/// What a connection knows.
struct Open {
    client: Client,
    partitions: Vec<i32>,
    leaders: BTreeMap<i32, PartitionClient>,
}

impl Output for Producer {
    fn tell<'a>(&'a mut self, alerts: &'a [Stored]) -> Telling<'a> {
        Box::pin(async move {
            // Whatever happens, the next time begins with a new connection, unless all went well.
            let mut open = match self.open.take() {
                Some(open) => open,
                None => self.connect().await?,
            };
            let mut records: BTreeMap<i32, Vec<Record>> = BTreeMap::new();
            for stored in alerts {
                records
                    .entry(open.partition(&stored.alert.facility_id))
                    .or_default()
                    .push(self.record(stored));
            }
            for (partition, records) in records {
                open.leader(&self.topic, partition)
                    .await?
                    .produce(records, Compression::NoCompression)
                    .await
                    .map_err(wrong)?;
            }
            self.open = Some(open);
            Ok(())
        })
    }
}

impl Producer {
    async fn connect(&self) -> Result<Open, OutputError> {
        let mut builder = ClientBuilder::new(self.brokers.clone()).client_id("fieldward");
        if let Some(tls) = &self.tls {
            builder = builder.tls_config(tls.clone());
        }
        if let Some(sign_in) = &self.sign_in {
            builder = builder.sasl_config(sign_in.clone());
        }
        let client = builder.build().await.map_err(wrong)?;
        let topics = client.list_topics().await.map_err(wrong)?;
        let topic = topics.into_iter().find(|one| one.name == self.topic);
        let partitions: Vec<i32> = topic.map(|one| one.partitions.into_iter().collect()).unwrap_or_default();
        if partitions.is_empty() {
            let what = format!("there is no topic {}; make it, or let this user see it", self.topic);
            return Err(OutputError::Away(what));
        }
        Ok(Open { client, partitions, leaders: BTreeMap::new() })
    }

    fn record(&self, stored: &Stored) -> Record {
        let alert = &stored.alert;
        let millis = i64::try_from(alert.timestamp.as_micros() / 1000).unwrap_or(i64::MAX);
        Record {
            key: Some(alert.facility_id.clone().into_bytes()),
            value: Some(self.form.of(stored).to_string().into_bytes()),
            headers: BTreeMap::from([("alert_id".to_owned(), alert.id.to_string().into_bytes())]),
            timestamp: chrono::DateTime::from_timestamp_millis(millis).unwrap_or_default(),
        }
    }
}

impl Open {
    /// The partition of a plant.
    fn partition(&self, facility: &str) -> i32 {
        let digest = sha256(facility.as_bytes());
        let nth = digest.iter().take(8).fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        let count = self.partitions.len().max(1) as u64;
        self.partitions.get((nth % count) as usize).copied().unwrap_or_default()
    }

    async fn leader(&mut self, topic: &str, partition: i32) -> Result<&PartitionClient, OutputError> {
        if !self.leaders.contains_key(&partition) {
            let found = self.client.partition_client(topic, partition, UnknownTopicHandling::Error).await;
            self.leaders.insert(partition, found.map_err(wrong)?);
        }
        self.leaders.get(&partition).ok_or_else(|| OutputError::Away("no leader".to_owned()))
    }
}

fn wrong(error: KafkaError) -> OutputError {
    match &error {
        KafkaError::ServerError {
            protocol_error: ProtocolError::MessageTooLarge | ProtocolError::InvalidRecord,
            ..
        } => OutputError::Refused(error.to_string()),
        _ => OutputError::Away(error.to_string()),
    }
}
