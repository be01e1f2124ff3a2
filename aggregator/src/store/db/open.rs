//! Opening a database, with the settings under which what was committed stays, and bringing its tables to
//! this version.

use std::path::Path;
use std::time::Duration;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::pool::PoolOptions;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, Database, Postgres, SqlSafeStr as _, SqliteConnection};

use super::super::StoreError;
use super::{Db, Pools};

impl Db {
    /// Opens what a URL names: `sqlite:///path/to/file` or `postgres://user@host/database`.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        match place(url)? {
            Place::File(path) => sqlite(path).await,
            Place::Server(options) => postgres(*options).await,
        }
    }

    /// Opens a file to read it as it is: nothing is made, brought to this version, or written.
    pub async fn look(path: &Path) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new().filename(path).read_only(true).immutable(true);
        let failed = |error| StoreError::opening(path.display().to_string(), error);
        let read = pool(1, READ_WAIT).connect_with(options).await.map_err(failed)?;
        Ok(Self::Sqlite(Pools { write: read.clone(), read, patience: ENDLESS.into() }))
    }

    /// Opens a server with one connection and without a limit to how long a query may take.
    pub async fn alone(options: PgConnectOptions) -> Result<Self, StoreError> {
        let place = format!("{}:{}", options.get_host(), options.get_port());
        let made = pool(1, READ_WAIT).connect_with(options.disable_statement_logging()).await;
        let read = made.map_err(|error| StoreError::opening(place, error))?;
        Ok(Self::Postgres(Pools { write: read.clone(), read, patience: ENDLESS.into() }))
    }

    /// Makes the tables of the first so many subjects, as far as they are not there.
    pub async fn migrate(connection: &mut PgConnection, subjects: i64) -> Result<(), StoreError> {
        let mut all = migrations(POSTGRES);
        all.retain(|subject| subject.version <= subjects);
        Migrator::with_migrations(all).run(connection).await.map_err(StoreError::migrating)
    }

    /// The number of the last subject that this version has tables for.
    pub fn subjects() -> i64 {
        migrations(SQLITE).last().map_or(0, |subject| subject.version)
    }

    /// Whether a URL names a database that may be opened.
    pub fn known(url: &str) -> Result<(), StoreError> {
        place(url).map(drop)
    }
}

/// Where a database is.
pub enum Place<'a> {
    /// In a file.
    File(&'a Path),
    /// On a server.
    Server(Box<PgConnectOptions>),
}

/// What a URL names.
pub fn place(url: &str) -> Result<Place<'_>, StoreError> {
    match url.split_once(':') {
        Some(("sqlite", rest)) => {
            let path = rest.strip_prefix("//").unwrap_or(rest);
            // In memory nothing would last; parameters would change what is promised here.
            let is_file = !path.is_empty() && !path.starts_with(':') && !path.contains('?');
            if is_file { Ok(Place::File(Path::new(path))) } else { Err(StoreError::Address) }
        }
        Some(("postgres" | "postgresql", _)) => {
            url.parse().map(|options| Place::Server(Box::new(options))).map_err(|_| StoreError::Address)
        }
        _ => Err(StoreError::Address),
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
        .pragma("cache_size", format!("-{CACHE_KIB}"))
        .disable_statement_logging();
    let mut connection = options.connect().await.map_err(failed)?;
    let version: String =
        sqlx::query_scalar("SELECT sqlite_version()").fetch_one(&mut connection).await.map_err(failed)?;
    sound(number(&version))?;
    let all = Migrator::with_migrations(migrations(SQLITE));
    all.run(&mut connection).await.map_err(StoreError::migrating)?;
    connection.close().await.map_err(failed)?;
    // On a full disk SQLite itself ends a transaction, which sqlx then believes to go on for ever.
    let write = pool(1, DISK_WAIT)
        .after_release(|connection: &mut SqliteConnection, _| {
            Box::pin(async { Ok(!connection.is_in_transaction()) })
        })
        .connect_with(options.clone())
        .await
        .map_err(failed)?;
    // Readers never write a checkpoint: whoever reads must not wait for the disk.
    let read_only = options.read_only(true).pragma("wal_autocheckpoint", "0").pragma("cache_size", "-8192");
    let read = pool(4, READ_WAIT).connect_with(read_only).await.map_err(failed)?;
    Ok(Db::Sqlite(Pools { read, write, patience: DISK_WAIT.into() }))
}

async fn postgres(options: PgConnectOptions) -> Result<Db, StoreError> {
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
    // It ends by itself what its client has no patience for any more, or has forgotten.
    let options =
        options.options([("statement_timeout", "5s"), ("idle_in_transaction_session_timeout", "60s")]);
    // Beside those that commit reports.
    let write = sure(pool(6, SERVER_WAIT)).connect_with(options.clone()).await.map_err(failed)?;
    let read = sure(pool(8, READ_WAIT)).connect_with(options).await.map_err(failed)?;
    Ok(Db::Postgres(Pools { read, write, patience: SERVER_WAIT.into() }))
}

/// Whoever comes back must answer: a connection to a server that hangs, or can be reached no more, is dropped,
/// so that the next is a new one.
fn sure(pool: PoolOptions<Postgres>) -> PoolOptions<Postgres> {
    pool.after_release(|connection: &mut PgConnection, _| {
        Box::pin(async {
            let answer = tokio::time::timeout(READ_WAIT, connection.ping()).await;
            answer.unwrap_or(Err(sqlx::Error::PoolTimedOut)).map(|()| true)
        })
    })
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

fn migrations(files: &'static [Subject]) -> Vec<Migration> {
    files
        .iter()
        .map(|(number, name, sql)| {
            // A test holds that they are numbers.
            let version = number.parse().unwrap_or_default();
            Migration::new(version, (*name).into(), MigrationType::Simple, sql.into_sql_str(), false)
        })
        .collect()
}

/// Its number, its name, its tables.
type Subject = (&'static str, &'static str, &'static str);

/// A subject, and its tables.
macro_rules! subjects {
    ($database:literal: $($number:literal $name:literal),+ $(,)?) => {
        &[$((
            $number,
            $name,
            include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"), "/../migrations/", $database, "/", $number, "_", $name, ".sql"
            )),
        )),+]
    };
}

const SQLITE: &[Subject] = subjects!("sqlite":
    "0001" "facilities_and_agents",
    "0002" "alerts",
    "0003" "reports",
    "0004" "network_data",
    "0005" "users_and_audit",
    "0006" "learning",
    "0007" "predictions",
    "0008" "certificates",
    "0009" "lists",
    "0010" "sign_in",
    "0011" "alert_acts",
    "0012" "counts",
    "0013" "security",
    "0014" "jobs",
    "0015" "marks",
    "0016" "oidc",
    "0017" "requests",
    "0018" "rounds",
    "0019" "learning",
    "0020" "changes_of_counts",
    "0021" "simulators",
    "0023" "incidents",
    "0026" "budgets",
    "0028" "guards",
    "0029" "guards_renewed",
    "0031" "outputs",
);

const POSTGRES: &[Subject] = subjects!("postgres":
    "0001" "facilities_and_agents",
    "0002" "alerts",
    "0003" "reports",
    "0004" "network_data",
    "0005" "users_and_audit",
    "0006" "learning",
    "0007" "predictions",
    "0008" "certificates",
    "0009" "lists",
    "0010" "sign_in",
    "0011" "alert_acts",
    "0012" "counts",
    "0013" "security",
    "0014" "jobs",
    "0015" "marks",
    "0016" "oidc",
    "0017" "requests",
    "0018" "rounds",
    "0019" "learning",
    "0020" "changes_of_counts",
    "0021" "simulators",
    "0023" "incidents",
    "0026" "budgets",
    "0028" "guards",
    "0029" "guards_renewed",
    "0031" "outputs",
);

/// The first SQLite without the fault that lost committed rows when a log was reset.
const SOUND: i32 = 3_051_003;
/// How long one waits for another's lock.
const WAIT: Duration = Duration::from_secs(5);
/// How long a reader waits for a connection.
const READ_WAIT: Duration = Duration::from_secs(2);
/// How long one waits for a server, which ends by itself what takes half as long.
const SERVER_WAIT: Duration = Duration::from_secs(10);
/// How long one waits for a disk: it may be slow, and what it is given is done at last.
const DISK_WAIT: Duration = Duration::from_secs(60);
/// For work that somebody watches.
const ENDLESS: Duration = Duration::from_secs(7 * 86_400);
/// Bytes of a page: alerts are large.
const PAGE: u32 = 8192;
/// What a connection may hold of the file. A transaction that does not fit writes its pages twice.
const CACHE_KIB: u32 = 65_536;
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
        let names =
            |files: &[Subject]| files.iter().map(|(number, name, _)| (*number, *name)).collect::<Vec<_>>();
        assert_eq!(names(SQLITE), names(POSTGRES));
        assert!(migrations(SQLITE).is_sorted_by(|one, next| one.version < next.version));
        assert_eq!(migrations(SQLITE)[0].version, 1);
    }
}
