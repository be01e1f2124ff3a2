//! What is stored, field by field: of which class it is, where it comes from, how long it is kept. A test compares
//! this with the tables that the database has.

use serde::Serialize;
use utoipa::ToSchema;

/// How much a field may harm in the wrong hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = DataClass)]
pub enum Class {
    /// Figures and bookkeeping.
    Operational,
    /// What a plant looks like and what happens in it.
    Plant,
    /// About a person, or leads to one.
    Personal,
    /// By which somebody proves who he is: digests and hashes; secrets themselves are nowhere.
    Credential,
    /// Nobody has said yet what it is: taken for the worst.
    Unclassified,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Operational, Self::Plant, Self::Personal, Self::Credential, Self::Unclassified];

    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Operational => "operational",
            Self::Plant => "plant",
            Self::Personal => "personal",
            Self::Credential => "credential",
            Self::Unclassified => "unclassified",
        }
    }
}

/// A table.
pub struct Table {
    /// As the database calls it.
    pub name: &'static str,
    /// What its fields are.
    pub class: Class,
    /// From where.
    pub source: Source,
    /// How long.
    pub kept: Kept,
    /// Fields of another class.
    pub but: &'static [(&'static str, Class)],
}

/// Where something comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = DataSource)]
pub enum Source {
    /// What agents found in the traffic of plants.
    Agents,
    /// What people and programs did or entered.
    People,
    /// What the aggregator keeps for itself.
    Aggregator,
}

/// How long something is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// As long as the configuration says of alerts.
    Alerts,
    /// Of minutes.
    Metrics,
    /// Of seconds.
    Traffic,
    /// So many days.
    Days(u32),
    /// Until it ends by itself.
    ItsEnd,
    /// For good.
    Always,
}

/// What a field of a table is.
pub fn of(table: &str, column: &str) -> (Class, Option<&'static Table>) {
    let Some(known) = TABLES.iter().find(|one| one.name == table) else { return (Class::Unclassified, None) };
    let other = known.but.iter().find(|(name, _)| *name == column);
    (other.map_or(known.class, |(_, class)| *class), Some(known))
}

const fn table(
    name: &'static str,
    class: Class,
    source: Source,
    kept: Kept,
    but: &'static [(&'static str, Class)],
) -> Table {
    Table { name, class, source, kept, but }
}

use Class::{Credential, Operational, Personal, Plant};
use Source::{Agents, Aggregator, People};

/// All tables. A new one is a line here.
pub const TABLES: &[Table] = &[
    table("agents", Operational, Agents, Kept::Always, &[("facility_id", Plant)]),
    table(
        "alert_acts",
        Operational,
        People,
        Kept::Alerts,
        &[("facility_id", Plant), ("actor", Personal), ("reason", Personal)],
    ),
    table("alert_changes", Plant, Agents, Kept::Alerts, &[]),
    table("alert_days", Plant, Agents, Kept::Alerts, &[]),
    table("alert_facility_days", Plant, Agents, Kept::Alerts, &[]),
    table("alert_hours", Plant, Agents, Kept::Alerts, &[]),
    table("alert_technique_days", Plant, Agents, Kept::Alerts, &[]),
    table("alert_totals", Plant, Agents, Kept::Alerts, &[]),
    table("alert_web", Plant, Agents, Kept::Alerts, &[("alert_id", Operational)]),
    table(
        "alerts",
        Plant,
        Agents,
        Kept::Alerts,
        &[
            ("id", Operational),
            // Addresses of hosts, behind some of which sit people.
            ("src_assets", Personal),
            ("dst_assets", Personal),
            ("title", Personal),
            ("description", Personal),
            ("sources", Personal),
            ("maintenance", Personal),
        ],
    ),
    table(
        "api_keys",
        Operational,
        People,
        Kept::Always,
        &[("name", Personal), ("created_by", Personal), ("digest", Credential)],
    ),
    table(
        "audit",
        Operational,
        People,
        Kept::Always,
        &[("actor", Personal), ("object", Personal), ("detail", Personal)],
    ),
    table(
        "certificates",
        Operational,
        Aggregator,
        Kept::ItsEnd,
        &[("key", Credential), ("digest", Credential)],
    ),
    table("dead_letter", Operational, Agents, Kept::Alerts, &[("payload", Personal)]),
    // Whom somebody asked is a host of a plant; paths are patterns without values.
    table("endpoint_hours", Plant, Agents, Kept::Alerts, &[("server", Personal)]),
    table("endpoint_minutes", Plant, Agents, Kept::Metrics, &[("server", Personal)]),
    table(
        "enrolments",
        Operational,
        People,
        Kept::Always,
        &[("key", Credential), ("source", Personal), ("decided_by", Personal)],
    ),
    table("facilities", Plant, People, Kept::Always, &[]),
    table("fl_clients", Operational, Agents, Kept::Always, &[("facility_id", Plant), ("name", Plant)]),
    table("fl_groups", Operational, Aggregator, Kept::Always, &[]),
    table("fl_log", Operational, Aggregator, Kept::Always, &[("facility_id", Plant), ("detail", Plant)]),
    // Of a round that is under way; what is in it of a plant is masked, or of a plant that agreed to be seen.
    table("fl_messages", Operational, Agents, Kept::ItsEnd, &[]),
    table("fl_guards", Operational, Aggregator, Kept::Always, &[]),
    table(
        "fl_rounds",
        Operational,
        Aggregator,
        Kept::Always,
        &[("requested_by", Personal), ("stopped_by", Personal), ("stop_reason", Personal)],
    ),
    table(
        "idempotency",
        Operational,
        People,
        Kept::Days(1),
        &[("principal", Personal), ("digest", Credential), ("body", Personal)],
    ),
    table("job_items", Operational, People, Kept::Days(30), &[]),
    table(
        "jobs",
        Operational,
        People,
        Kept::Days(30),
        &[("owner_id", Personal), ("actor", Personal), ("reason", Personal)],
    ),
    table("incident_alerts", Plant, Agents, Kept::Alerts, &[]),
    table("incidents", Plant, Aggregator, Kept::Alerts, &[]),
    table("losses", Operational, Agents, Kept::Alerts, &[]),
    table("marks", Operational, Aggregator, Kept::Always, &[]),
    table(
        "model_versions",
        Operational,
        Aggregator,
        Kept::Always,
        &[("made_by", Personal), ("reason", Personal)],
    ),
    table("network_data", Plant, Agents, Kept::Traffic, &[]),
    table("network_data_hours", Plant, Agents, Kept::Alerts, &[]),
    table("network_data_minutes", Plant, Agents, Kept::Metrics, &[]),
    table("output_alerts", Operational, Aggregator, Kept::Alerts, &[]),
    table("outputs", Operational, Aggregator, Kept::Always, &[]),
    table("positions", Operational, Agents, Kept::Always, &[]),
    table("predicted_techniques", Plant, Aggregator, Kept::Always, &[]),
    table("predictions", Plant, Aggregator, Kept::Always, &[]),
    table("renewals", Credential, Aggregator, Kept::ItsEnd, &[]),
    table("request_hours", Plant, Agents, Kept::Alerts, &[]),
    table("request_minutes", Plant, Agents, Kept::Metrics, &[]),
    table("reader_marks", Operational, Aggregator, Kept::Always, &[]),
    table("reports", Operational, Agents, Kept::Alerts, &[]),
    table(
        "security_findings",
        Operational,
        Aggregator,
        Kept::Always,
        &[("actor", Personal), ("evidence", Plant)],
    ),
    table("security_scores", Operational, Aggregator, Kept::Always, &[]),
    table(
        "sessions",
        Operational,
        People,
        Kept::ItsEnd,
        &[("id", Credential), ("user_id", Personal), ("address", Personal)],
    ),
    table(
        "tokens",
        Operational,
        People,
        Kept::Always,
        &[("hash", Credential), ("created_by", Personal), ("facility_id", Plant)],
    ),
    table("training_settings", Operational, People, Kept::Always, &[("changed_by", Personal)]),
    table(
        "users",
        Operational,
        People,
        Kept::Always,
        &[("name", Personal), ("subject", Personal), ("password", Credential)],
    ),
];
