//! The backup of a file is a file of the same kind, made by SQLite itself. It is never copied while in use:
//! what stands in its log would be missing.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteLockingMode};
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};

use super::super::StoreError;
use super::super::db::Db;
use super::{BackupError, audit, beside, keep, remove, unsound};

pub async fn write(database: &Path, part: &Path) -> Result<(), BackupError> {
    let failed = |error| StoreError::opening(database.display().to_string(), error);
    let options = SqliteConnectOptions::new().filename(database).read_only(true);
    let mut connection = options.connect().await.map_err(failed)?;
    create(part)?;
    sqlx::query("VACUUM INTO $1")
        .bind(part.to_string_lossy().into_owned())
        .execute(&mut connection)
        .await
        .map_err(|error| StoreError::during("copy the database", error))?;
    drop(connection.close().await);
    check(part).await
}

pub async fn restore(file: &Path, database: &Path, overwrite: bool) -> Result<(), BackupError> {
    let failed = |what| BackupError::File { path: database.to_owned(), what };
    let part = beside(database);
    remove(&part).map_err(failed)?;
    // Checked is the copy: that of the operator is not written to, and cannot change in between.
    create(&part)?;
    let copied = fs::copy(file, &part);
    copied.map_err(|what| BackupError::File { path: file.to_owned(), what })?;
    fs::set_permissions(&part, fs::Permissions::from_mode(0o600)).map_err(failed)?;
    let done = replace(&part, file, database, overwrite).await;
    if done.is_err() {
        drop(remove(&part));
    }
    done
}

async fn replace(part: &Path, file: &Path, database: &Path, overwrite: bool) -> Result<(), BackupError> {
    let failed = |what| BackupError::File { path: database.to_owned(), what };
    check(part).await.map_err(|error| match error {
        BackupError::Unsound { what, .. } => unsound(file, what),
        error => error,
    })?;
    let is_there = fs::metadata(database).is_ok_and(|known| known.len() > 0);
    if is_there && !overwrite {
        return Err(BackupError::Exists { place: database.display().to_string() });
    }
    if is_there {
        unused(database).await?;
    }
    // A log that belongs to the old file must not be read into the new one.
    for end in ["-wal", "-shm"] {
        let mut name = database.as_os_str().to_owned();
        name.push(end);
        remove(Path::new(&name)).map_err(failed)?;
    }
    keep(part, database).map_err(failed)
}

/// Whether a copy is whole: its pages, what its rows refer to, and the audit trail.
async fn check(part: &Path) -> Result<(), BackupError> {
    let wrong = |error: sqlx::Error| unsound(part, error);
    let options = SqliteConnectOptions::new().filename(part).read_only(true).immutable(true);
    let mut connection = options.connect().await.map_err(wrong)?;
    let whole: String =
        sqlx::query_scalar("PRAGMA integrity_check(1)").fetch_one(&mut connection).await.map_err(wrong)?;
    if whole != "ok" {
        return Err(unsound(part, whole));
    }
    let loose =
        sqlx::query("PRAGMA foreign_key_check").fetch_optional(&mut connection).await.map_err(wrong)?;
    if loose.is_some() {
        return Err(unsound(part, "a row refers to one that is not there"));
    }
    known(&mut connection, part).await?;
    connection.close().await.map_err(wrong)?;
    let db = Db::look(part).await?;
    let audited = audit::verify(&db).await;
    db.close().await;
    audited.map(drop).map_err(|error| unsound(part, error))
}

/// Whether it is a database of this or an earlier version of Fieldward.
async fn known(connection: &mut SqliteConnection, part: &Path) -> Result<(), BackupError> {
    let subjects: i64 = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations")
        .fetch_one(connection)
        .await
        .map_err(|error| unsound(part, format!("it is not Fieldward's ({error})")))?;
    if subjects > Db::subjects() {
        return Err(unsound(part, "it was written by a later version of Fieldward"));
    }
    Ok(())
}

/// Refuses where anybody has the database open. One that is damaged nobody has.
async fn unused(database: &Path) -> Result<(), BackupError> {
    let options = SqliteConnectOptions::new()
        .filename(database)
        .locking_mode(SqliteLockingMode::Exclusive)
        .busy_timeout(std::time::Duration::ZERO)
        .journal_mode(SqliteJournalMode::Wal);
    let held = async {
        let mut connection = options.connect().await?;
        sqlx::query("BEGIN EXCLUSIVE").execute(&mut connection).await?;
        connection.close().await
    };
    match held.await {
        Err(sqlx::Error::Database(error))
            if matches!(error.code().as_deref(), Some("5" | "6" | "261" | "517")) =>
        {
            Err(BackupError::InUse { place: database.display().to_string() })
        }
        _ => Ok(()),
    }
}

/// Makes an empty file that only its owner may read.
fn create(part: &Path) -> Result<(), BackupError> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let made = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(part);
    made.map(drop).map_err(|what| BackupError::File { path: part.to_owned(), what })
}
