//! The backup of a server's database is a file of our own: each table as PostgreSQL copies it, and at the end
//! a digest of all. No other program is needed, and a file that is cut or changed is not restored.
//!
//! `FWPGDUMP` version subjects (name length rows…)* 0 digest. All numbers are big-endian.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, Connection as _};
use tokio_stream::StreamExt as _;

use super::super::StoreError;
use super::super::audit;
use super::super::db::Db;
use super::{BackupError, Digesting, unsound};

pub async fn write(options: PgConnectOptions, part: &Path) -> Result<(), BackupError> {
    let failed = |what| BackupError::File { path: part.to_owned(), what };
    let during = |error| StoreError::during("copy the database", error);
    let mut connection = connect(&options).await?;
    // All tables as they were at one moment.
    let mut tx =
        connection.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await.map_err(during)?;
    let subjects: i64 = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations")
        .fetch_one(&mut *tx)
        .await
        .map_err(during)?;
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(part).map_err(failed)?;
    let mut out = Digesting { inner: BufWriter::new(file), digest: Sha256::new() };
    out.write_all(MAGIC).and_then(|()| out.write_all(&subjects.to_be_bytes())).map_err(failed)?;
    for table in tables(&mut tx).await.map_err(during)? {
        piece(&mut out, table.as_bytes()).map_err(failed)?;
        let mut rows = tx.copy_out_raw(&format!("COPY {table} TO STDOUT")).await.map_err(during)?;
        while let Some(bytes) = rows.next().await {
            piece(&mut out, &bytes.map_err(during)?).map_err(failed)?;
        }
        piece(&mut out, &[]).map_err(failed)?;
    }
    piece(&mut out, &[]).map_err(failed)?;
    let Digesting { inner: mut file, digest } = out;
    file.write_all(&digest.finalize()).and_then(|()| file.flush()).map_err(failed)?;
    drop(file);
    check(part).map(drop)
}

/// Whether no aggregator is connected. The server needs a moment to notice that one has ended.
async fn are_gone(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    for _ in 0..LOOKS {
        // Within a transaction it would show what it showed first.
        sqlx::query("SELECT pg_stat_clear_snapshot()").execute(&mut *connection).await?;
        let others: i64 = sqlx::query_scalar(OTHERS).fetch_one(&mut *connection).await?;
        if others == 0 {
            return Ok(true);
        }
        tokio::time::sleep(BETWEEN).await;
    }
    Ok(false)
}

pub async fn restore(file: &Path, options: PgConnectOptions, overwrite: bool) -> Result<(), BackupError> {
    let subjects = check(file)?;
    if subjects > Db::subjects() {
        return Err(unsound(file, "it was written by a later version of Fieldward"));
    }
    let place = format!("{}:{}", options.get_host(), options.get_port());
    let during = |error| StoreError::during("restore the database", error);
    let db = Db::alone(options.clone()).await?;
    let mut tx = db.begin("restore the database").await?;
    let connection = tx.postgres().ok_or(StoreError::Address)?;
    if !are_gone(connection).await.map_err(during)? {
        return Err(BackupError::InUse { place });
    }
    let there = tables(connection).await.map_err(during)?;
    if !there.is_empty() && !overwrite {
        return Err(BackupError::Exists { place });
    }
    // All of it in one transaction: the old database, or the whole new one.
    for table in there.iter().map(String::as_str).chain(["_sqlx_migrations"]) {
        let sql = format!("DROP TABLE IF EXISTS {table} CASCADE");
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *connection).await.map_err(during)?;
    }
    Db::migrate(connection, subjects).await?;
    fill(file, connection).await?;
    sqlx::raw_sql(IDENTITIES).execute(&mut *connection).await.map_err(during)?;
    Db::migrate(connection, Db::subjects()).await?;
    audit::verify_in(&mut tx).await.map_err(|error| unsound(file, error))?;
    tx.commit("restore the database").await?;
    db.close().await;
    Ok(())
}

/// Copies the rows of all tables in.
async fn fill(file: &Path, connection: &mut PgConnection) -> Result<(), BackupError> {
    let failed = |what| BackupError::File { path: file.to_owned(), what };
    let during = |error| StoreError::during("restore the database", error);
    let mut source = BufReader::new(File::open(file).map_err(failed)?);
    let mut head = [0; HEAD];
    source.read_exact(&mut head).map_err(failed)?;
    loop {
        let name = next(&mut source).map_err(failed)?;
        if name.is_empty() {
            return Ok(());
        }
        let name = String::from_utf8(name).ok().filter(|name| is_plain(name));
        let name = name.ok_or_else(|| unsound(file, "a table has no proper name"))?;
        let mut rows = connection.copy_in_raw(&format!("COPY {name} FROM STDIN")).await.map_err(during)?;
        loop {
            let bytes = next(&mut source).map_err(failed)?;
            if bytes.is_empty() {
                break;
            }
            rows.send(bytes).await.map_err(during)?;
        }
        rows.finish().await.map_err(during)?;
    }
}

/// Reads all of a file: it is whole when its digest is right. Gives its number of subjects.
fn check(file: &Path) -> Result<i64, BackupError> {
    let failed = |what: io::Error| match what.kind() {
        io::ErrorKind::UnexpectedEof => unsound(file, "it is cut off"),
        _ => BackupError::File { path: file.to_owned(), what },
    };
    let source = File::open(file).map_err(failed)?;
    let mut source = Digesting { inner: BufReader::new(source), digest: Sha256::new() };
    let mut head = [0; HEAD];
    source.read_exact(&mut head).map_err(failed)?;
    let (magic, subjects) = head.split_at(MAGIC.len());
    if magic != MAGIC {
        return Err(unsound(file, "it is no backup of a PostgreSQL database"));
    }
    while !next(&mut source).map_err(failed)?.is_empty() {
        while !next(&mut source).map_err(failed)?.is_empty() {}
    }
    let Digesting { inner: mut source, digest } = source;
    let mut said = Vec::new();
    source.read_to_end(&mut said).map_err(failed)?;
    if said != digest.finalize()[..] {
        return Err(unsound(file, "its digest does not fit: it was cut or changed"));
    }
    Ok(i64::from_be_bytes(subjects.try_into().unwrap_or_default()))
}

/// Our tables, each after those to which it refers.
async fn tables(connection: &mut PgConnection) -> Result<Vec<String>, sqlx::Error> {
    let names: Vec<String> = sqlx::query_scalar(TABLES).fetch_all(connection).await?;
    Ok(names.into_iter().filter(|name| is_plain(name)).collect())
}

fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

async fn connect(options: &PgConnectOptions) -> Result<PgConnection, StoreError> {
    let place = format!("{}:{}", options.get_host(), options.get_port());
    PgConnection::connect_with(options).await.map_err(|error| StoreError::opening(place, error))
}

/// Bytes with their length before them; none of them end a list.
fn piece(out: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).map_err(|_| io::Error::other("a row of more than 4 GiB"))?;
    out.write_all(&length.to_be_bytes())?;
    out.write_all(bytes)
}

fn next(source: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    source.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length);
    // Read as far as there is something: a length may lie.
    let mut bytes = Vec::new();
    let read = source.take(length.into()).read_to_end(&mut bytes)?;
    if read == length as usize { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// With the version of this format as its last byte.
const MAGIC: &[u8] = b"FWPGDUMP\x01";
const HEAD: usize = 17;
/// How often it is looked whether others are connected, and how long between.
const LOOKS: u32 = 30;
const BETWEEN: Duration = Duration::from_millis(100);
/// A table is made after those to which it refers.
const TABLES: &str = "SELECT relname::TEXT FROM pg_class
    WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace AND relname <> '_sqlx_migrations'
    ORDER BY oid";
const OTHERS: &str = "SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'fieldward-aggregator'
        AND pid <> pg_backend_pid()";
/// Numbers go on after the largest.
const IDENTITIES: &str = "DO $$
DECLARE one RECORD; most BIGINT;
BEGIN
    FOR one IN SELECT table_name, column_name FROM information_schema.columns
        WHERE table_schema = current_schema() AND is_identity = 'YES'
    LOOP
        EXECUTE format('SELECT coalesce(max(%I), 0) + 1 FROM %I', one.column_name, one.table_name) INTO most;
        PERFORM setval(pg_get_serial_sequence(quote_ident(one.table_name), one.column_name), most, false);
    END LOOP;
END $$";
