//! What can go wrong with the database, said so that an operator knows what to do. No message holds a URL:
//! there may be a password in it.

/// Why the database did not do what was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The URL names no database.
    #[error(
        "the database URL is not understood; use sqlite:///path/to/file or postgres://user@host/database"
    )]
    Address,
    /// It could not be opened.
    #[error("database {place}: {what}; {remedy}")]
    Open {
        /// Which, without a password.
        place: String,
        /// What happened.
        what: String,
        /// What to do.
        remedy: &'static str,
    },
    /// The SQLite in this program may lose what was committed.
    #[error("SQLite {0} may lose committed rows; build with 3.51.3 or later (libsqlite3-sys 0.37)")]
    Unsound(i32),
    /// The tables could not be brought to this version.
    #[error(
        "database: its tables do not fit this version of Fieldward ({0}); use the version that wrote it, or a later one"
    )]
    Migrate(String),
    /// A query failed. Nothing of its transaction has happened.
    #[error("database: could not {during}: {what}; {remedy}")]
    Query {
        /// What was to be done.
        during: &'static str,
        /// What happened.
        what: String,
        /// What to do.
        remedy: &'static str,
        /// Whether the same may succeed later.
        passes: bool,
    },
    /// A report that no agent of ours makes.
    #[error("report of agent {agent}: {what}; its session is to be closed")]
    Report {
        /// Whose.
        agent: uuid::Uuid,
        /// What is wrong with it.
        what: &'static str,
    },
    /// Another wrote the same alert at the same time. Nothing of the transaction has happened.
    #[error("database: the same alert was written twice at the same time; it is tried again")]
    Raced,
    /// What is stored cannot be read.
    #[error("database: {what} is damaged ({detail}); restore a backup with `fieldward-aggregator restore`")]
    Damaged {
        /// What.
        what: &'static str,
        /// In which way.
        detail: String,
    },
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// A query that failed.
    pub(super) fn during(during: &'static str, error: sqlx::Error) -> Self {
        let (remedy, passes) = remedy(&error);
        Self::Query { during, what: plain(&error), remedy, passes }
    }

    /// A query that got no answer.
    pub(super) fn late(during: &'static str, patience: std::time::Duration) -> Self {
        let what = format!("no answer within {} s", patience.as_secs());
        Self::Query { during, what, remedy: HANGS, passes: true }
    }

    pub(super) fn opening(place: String, error: sqlx::Error) -> Self {
        let (remedy, _) = remedy(&error);
        Self::Open { place, what: plain(&error), remedy }
    }

    pub(super) fn migrating(error: sqlx::migrate::MigrateError) -> Self {
        match error {
            sqlx::migrate::MigrateError::Execute(error) => Self::during("make its tables", error),
            error => Self::Migrate(error.to_string()),
        }
    }

    /// It was not asked, since it did not answer others.
    pub(super) fn resting(during: &'static str, rest: std::time::Duration) -> Self {
        let what = format!("it has not answered before, and is asked again in {} ms", rest.as_millis());
        Self::Query { during, what, remedy: HANGS, passes: true }
    }

    /// Whether nobody answered.
    pub(super) fn is_away(&self) -> bool {
        matches!(self, Self::Query { remedy, .. } if [HANGS, STOPPED, BUSY].contains(remedy))
    }

    /// Whether the same may succeed later without anybody's doing: agents keep what is not acknowledged.
    pub const fn passes(&self) -> bool {
        matches!(self, Self::Query { passes: true, .. } | Self::Raced)
    }
}

/// What to do, and whether waiting may be enough.
fn remedy(error: &sqlx::Error) -> (&'static str, bool) {
    let sqlx::Error::Database(answer) = error else {
        return match error {
            sqlx::Error::PoolTimedOut => (HANGS, true),
            sqlx::Error::Io(_) | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => (STOPPED, true),
            sqlx::Error::Tls(_) => {
                ("look at its certificate and at sslmode and sslrootcert in the URL", false)
            }
            _ => ("this is a fault of Fieldward: please report it with this line", false),
        };
    };
    match answer.code().as_deref() {
        // SQLite: SQLITE_FULL; PostgreSQL: disk_full.
        Some("13" | "53100") => ("the disk is full: make room, nothing that was committed is lost", true),
        // SQLITE_CORRUPT and SQLITE_NOTADB, their extended forms, data_corrupted, index_corrupted.
        Some("11" | "26" | "267" | "523" | "779" | "XX001" | "XX002") => {
            ("the file is damaged: restore a backup with `fieldward-aggregator restore`", false)
        }
        // SQLITE_BUSY and its forms, SQLITE_LOCKED; query_canceled, lock_not_available, deadlock, serialization.
        Some("5" | "6" | "261" | "517" | "57014" | "55P03" | "40P01" | "40001") => {
            ("another holds it, or it is slow: it is tried again", true)
        }
        // SQLITE_CANTOPEN, SQLITE_READONLY, SQLITE_PERM and their forms.
        Some("14" | "8" | "3" | "264" | "520" | "776" | "1032" | "1544") => {
            ("look at the owner and mode of the file and its folder", true)
        }
        // SQLITE_IOERR in all its forms.
        Some(code) if code.parse::<u32>().is_ok_and(|code| code & 0xff == 10) => {
            ("the disk fails or is full: look at the kernel's log", true)
        }
        // Connection exceptions, too many connections, shutting down.
        Some(code) if code.starts_with("08") || code.starts_with("53") || code.starts_with("57P") => {
            (BUSY, true)
        }
        // invalid_authorization, invalid_catalog.
        Some(code) if code.starts_with("28") || code.starts_with("3D") => {
            ("look at user, password and database in DATABASE_URL", false)
        }
        _ => ("this is a fault of Fieldward: please report it with this line", false),
    }
}

const STOPPED: &str = "look whether it runs, can be reached, and whether its folder may be written";
const BUSY: &str = "the server is busy, stopping or starting: it is tried again";
const HANGS: &str =
    "the database is away, overloaded or hangs: look whether it runs, at its load and its disk";

fn plain(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(answer) => {
            let code = answer.code().map(|code| format!(" (code {code})")).unwrap_or_default();
            format!("{}{code}", answer.message())
        }
        other => other.to_string(),
    }
}
