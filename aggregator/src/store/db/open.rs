//! Opening a database, with the settings under which what was committed stays, and bringing its tables to
//! this version.

use std::path::Path;
use std::time::Duration;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::pool::PoolOptions;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, Database, SqlSafeStr as _};

use super::super::StoreError;
use super::{Db, Pools};

impl Db {
    /// Opens what a URL names: `sqlite:///path/to/file` or `postgres://user@host/database`.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        match url.split_once(':').map(|(scheme, rest)| (scheme, rest.strip_prefix("//").unwrap_or(rest))) {
            Some(("sqlite", path)) if !path.is_empty() && !path.starts_with(':') => {
                sqlite(Path::new(path)).await
            }
            Some(("postgres" | "postgresql", _)) => postgres(url).await,
            _ => Err(StoreError::Address),
        }
    }

    /// The file, where it is one.
    pub fn file(url: &str) -> Option<&Path> {
        let rest = url.strip_prefix("sqlite:")?;
        Some(Path::new(rest.strip_prefix("//").unwrap_or(rest)))
    }
}

async fn sqlite(path: &Path) -> Result<Db, StoreError> {
    let failed = |error| StoreError::opening(path.display().to_string(), error);
    sound(libsqlite3_sys::SQLITE_VERSION_NUMBER)?;
    create(path).map_err(|error| failed(sqlx::Error::Io(error)))?;
    let options = SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(WAIT)
        .page_size(PAGE)
        .pragma("wal_autocheckpoint", CHECKPOINT.to_string())
        .disable_statement_logging();
    let mut connection = options.connect().await.map_err(failed)?;
    let version: String =
        sqlx::query_scalar("SELECT sqlite_version()").fetch_one(&mut connection).await.map_err(failed)?;
    sound(number(&version))?;
    let all = Migrator::with_migrations(migrations(SQLITE));
    all.run(&mut connection).await.map_err(StoreError::migrating)?;
    connection.close().await.map_err(failed)?;
    let write = pool(1, Duration::from_secs(60)).connect_with(options.clone()).await.map_err(failed)?;
    // Readers never write a checkpoint: whoever reads must not wait for the disk.
    let read_only = options.read_only(true).pragma("wal_autocheckpoint", "0");
    let read = pool(4, READ_WAIT).connect_with(read_only).await.map_err(failed)?;
    Ok(Db::Sqlite(Pools { read, write }))
}

async fn postgres(url: &str) -> Result<Db, StoreError> {
    let options: PgConnectOptions = url.parse().map_err(|_| StoreError::Address)?;
    let place = format!("{}:{}", options.get_host(), options.get_port());
    let failed = |error| StoreError::opening(place.clone(), error);
    let options = options
        .application_name("fieldward-aggregator")
        .options([("synchronous_commit", "on")])
        .disable_statement_logging();
    // Making an index over many rows may take longer than a query may.
    let mut connection = options.connect().await.map_err(failed)?;
    let all = Migrator::with_migrations(migrations(POSTGRES));
    all.run(&mut connection).await.map_err(StoreError::migrating)?;
    connection.close().await.map_err(failed)?;
    let options = options.options([("statement_timeout", "5s")]);
    let write = pool(4, Duration::from_secs(60)).connect_with(options.clone()).await.map_err(failed)?;
    let read = pool(8, READ_WAIT).connect_with(options).await.map_err(failed)?;
    Ok(Db::Postgres(Pools { read, write }))
}

fn pool<D: Database>(most: u32, wait: Duration) -> PoolOptions<D> {
    PoolOptions::new().max_connections(most).acquire_timeout(wait)
}

/// Only its owner may read the file: it holds digests of tokens and what plants look like. The files
/// beside it get the same mode.
fn create(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let made = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    match made {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        other => other.map(drop),
    }
}

/// Before 3.51.3 a write-ahead log could lose what was committed.
fn sound(version: i32) -> Result<(), StoreError> {
    if version >= SOUND { Ok(()) } else { Err(StoreError::Unsound(version)) }
}

/// `3.51.3` as 3051003.
fn number(version: &str) -> i32 {
    version.split('.').take(3).fold(0, |number, part| number * 1000 + part.parse::<i32>().unwrap_or_default())
}

fn migrations(files: &'static [(&'static str, &'static str)]) -> Vec<Migration> {
    let numbered = files.iter().zip(1..);
    numbered
        .map(|((name, sql), version)| {
            Migration::new(version, (*name).into(), MigrationType::Simple, sql.into_sql_str(), false)
        })
        .collect()
}

/// A subject, and its tables.
macro_rules! subjects {
    ($database:literal: $($number:literal $name:literal),+ $(,)?) => {
        &[$((
            $name,
            include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"), "/../migrations/", $database, "/", $number, "_", $name, ".sql"
            )),
        )),+]
    };
}

const SQLITE: &[(&str, &str)] = subjects!("sqlite":
    "0001" "facilities_and_agents",
    "0002" "alerts",
    "0003" "reports",
    "0004" "network_data",
    "0005" "users_and_audit",
    "0006" "learning",
    "0007" "predictions",
    "0008" "certificates",
);

const POSTGRES: &[(&str, &str)] = subjects!("postgres":
    "0001" "facilities_and_agents",
    "0002" "alerts",
    "0003" "reports",
    "0004" "network_data",
    "0005" "users_and_audit",
    "0006" "learning",
    "0007" "predictions",
    "0008" "certificates",
);

/// The first SQLite without the fault that lost committed rows when a log was reset.
const SOUND: i32 = 3_051_003;
/// How long one waits for another's lock.
const WAIT: Duration = Duration::from_secs(5);
/// How long a reader waits for a connection.
const READ_WAIT: Duration = Duration::from_secs(2);
/// Bytes of a page: alerts are large.
const PAGE: u32 = 8192;
/// Pages of the log after which they are written into the file.
const CHECKPOINT: u32 = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert_eq!(number("3.51.3"), SOUND);
        assert!(number("3.9.2") < number("3.51.2") && number("3.51.2") < SOUND && number("4.0.0") > SOUND);
    }

    #[test]
    fn both_databases_have_the_same_subjects() {
        let names = |files: &[(&'static str, _)]| files.iter().map(|(name, _)| *name).collect::<Vec<_>>();
        assert_eq!(names(SQLITE), names(POSTGRES));
    }
}
