//! The small layer that lets one SQL text run on SQLite and on PostgreSQL.
//!
//! A text numbers its values (`$1`), which both understand, and may hold one table of values, `{rows}`,
//! which becomes `VALUES` on SQLite and `unnest` on PostgreSQL. What differs besides stands here.

mod open;
mod queries;
mod time;
mod value;
mod values;

use std::sync::Arc;
use std::time::Duration;

use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Column as _, Database, Decode, Postgres, Row as _, Sqlite, Transaction, Type};
use tokio::time::Instant;
use uuid::Uuid;

use super::StoreError;
use crate::circuit::Circuit;
pub use open::{Place, place};
pub use queries::{Asked, Noted, Queries, noting};
pub use value::{At, Json, Kind, Value, text};
pub use values::Values;

/// A database: a pool that reads and one that writes.
#[derive(Clone, Debug)]
pub enum Db {
    /// One file. One connection writes, so writers wait in turn instead of being refused.
    Sqlite(Pools<Sqlite>),
    /// A server.
    Postgres(Pools<Postgres>),
}

/// Connections.
#[derive(Debug)]
pub struct Pools<D: Database> {
    read: sqlx::Pool<D>,
    write: sqlx::Pool<D>,
    patience: Patience,
}

/// How long a query may take, and what it took.
#[derive(Clone, Debug)]
pub struct Patience {
    /// What takes longer has failed: a database that hangs says nothing.
    longest: Duration,
    queries: Arc<Queries>,
    /// Of readers; what is written waits for its turn and is tried again by those who bring it.
    circuit: Arc<Circuit>,
}

impl<D: Database> Clone for Pools<D> {
    fn clone(&self) -> Self {
        Self { read: self.read.clone(), write: self.write.clone(), patience: self.patience.clone() }
    }
}

/// A transaction. Dropped without [`Tx::commit`], nothing has happened.
pub enum Tx {
    /// In a file, and how long a statement may take.
    Sqlite(Transaction<'static, Sqlite>, Patience),
    /// On a server, likewise.
    Postgres(Transaction<'static, Postgres>, Patience),
}

/// A row that came back.
pub enum Row {
    /// From a file.
    Sqlite(sqlx::sqlite::SqliteRow),
    /// From a server.
    Postgres(sqlx::postgres::PgRow),
}

/// What a column may be read as.
pub trait Cell<'r>:
    Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres> + Sized
{
}

impl<'r, T> Cell<'r> for T where T: Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres> {}

impl Row {
    /// The value of a column.
    pub fn get<'r, T: Cell<'r>>(&'r self, column: &str) -> Result<T, StoreError> {
        let value = match self {
            Self::Sqlite(row) => row.try_get(column),
            Self::Postgres(row) => row.try_get(column),
        };
        value.map_err(|error| StoreError::during("read a row", error))
    }

    /// A number that cannot be negative.
    pub fn count(&self, column: &str) -> Result<u64, StoreError> {
        self.get::<i64>(column).map(|number| u64::try_from(number).unwrap_or_default())
    }

    /// The names of the columns, in order.
    pub fn columns(&self) -> Vec<&str> {
        match self {
            Self::Sqlite(row) => row.columns().iter().map(|column| column.name()).collect(),
            Self::Postgres(row) => row.columns().iter().map(|column| column.name()).collect(),
        }
    }
}

impl Db {
    /// How many may commit reports at the same time. A file has one writer; of a server's, some work while the
    /// disk syncs what the others did.
    pub const fn writers(&self) -> usize {
        match self {
            Self::Sqlite(_) => 1,
            Self::Postgres(_) => 4,
        }
    }

    /// Whether only one process works with it.
    pub const fn is_own(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }

    /// Begins to write. On SQLite nobody else writes until it ends.
    pub async fn begin(&self, what: &'static str) -> Result<Tx, StoreError> {
        match self {
            Self::Sqlite(Pools { write, patience, .. }) => {
                let begun = within(what, patience, write.begin_with("BEGIN IMMEDIATE")).await;
                begun.map(|transaction| Tx::Sqlite(transaction, patience.clone()))
            }
            Self::Postgres(Pools { write, patience, .. }) => {
                let begun = within(what, patience, write.begin()).await;
                begun.map(|transaction| Tx::Postgres(transaction, patience.clone()))
            }
        }
    }

    /// Reads outside of a transaction.
    pub async fn read(
        &self,
        what: &'static str,
        sql: &str,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        let circuit = self.circuit();
        let asking = circuit.enter(Instant::now()).map_err(|rest| StoreError::resting(what, rest))?;
        let rows = match self {
            Self::Sqlite(Pools { read, patience, .. }) => {
                let rows = within(what, patience, bind_sqlite(sql, values).fetch_all(read)).await;
                rows.map(|rows| rows.into_iter().map(Row::Sqlite).collect())
            }
            Self::Postgres(Pools { read, patience, .. }) => {
                let rows = within(what, patience, bind_postgres(sql, values).fetch_all(read)).await;
                rows.map(|rows| rows.into_iter().map(Row::Postgres).collect())
            }
        };
        asking.done(Instant::now(), rows.as_ref().is_err_and(StoreError::is_away), fastrand::f64());
        rows
    }

    fn circuit(&self) -> &Circuit {
        match self {
            Self::Sqlite(pools) => &pools.patience.circuit,
            Self::Postgres(pools) => &pools.patience.circuit,
        }
    }

    /// What was asked.
    pub fn queries(&self) -> &Queries {
        match self {
            Self::Sqlite(pools) => &pools.patience.queries,
            Self::Postgres(pools) => &pools.patience.queries,
        }
    }

    /// Connections that are open to read and to write, and how many of them do nothing.
    pub fn connections(&self) -> [(&'static str, u32, u32); 2] {
        let of = |name, size: u32, idle: usize| (name, size, u32::try_from(idle).unwrap_or(u32::MAX));
        match self {
            Self::Sqlite(Pools { read, write, .. }) => {
                [of("read", read.size(), read.num_idle()), of("write", write.size(), write.num_idle())]
            }
            Self::Postgres(Pools { read, write, .. }) => {
                [of("read", read.size(), read.num_idle()), of("write", write.size(), write.num_idle())]
            }
        }
    }

    /// Whether its connections ended, or are about to.
    pub fn is_closed(&self) -> bool {
        match self {
            Self::Sqlite(pools) => pools.write.is_closed(),
            Self::Postgres(pools) => pools.write.is_closed(),
        }
    }

    /// Ends all connections, after what they do is done.
    pub async fn close(&self) {
        match self {
            Self::Sqlite(pools) => {
                pools.read.close().await;
                pools.write.close().await;
            }
            Self::Postgres(pools) => {
                pools.read.close().await;
                pools.write.close().await;
            }
        }
    }
}

impl Tx {
    /// Makes it last; durable when it returns.
    pub async fn commit(self, what: &'static str) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(transaction, patience) => within(what, &patience, transaction.commit()).await,
            Self::Postgres(transaction, patience) => within(what, &patience, transaction.commit()).await,
        }
    }

    /// Runs a text and gives the rows that come back.
    pub async fn rows(
        &mut self,
        what: &'static str,
        sql: &str,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        match self {
            Self::Sqlite(transaction, patience) => {
                let rows = bind_sqlite(sql, values).fetch_all(&mut **transaction);
                Ok(within(what, patience, rows).await?.into_iter().map(Row::Sqlite).collect())
            }
            Self::Postgres(transaction, patience) => {
                let rows = bind_postgres(sql, values).fetch_all(&mut **transaction);
                Ok(within(what, patience, rows).await?.into_iter().map(Row::Postgres).collect())
            }
        }
    }

    /// Runs a text and says how many rows it changed.
    pub async fn change(
        &mut self,
        what: &'static str,
        sql: &str,
        values: Vec<Value>,
    ) -> Result<u64, StoreError> {
        match self {
            Self::Sqlite(transaction, patience) => {
                let done = bind_sqlite(sql, values).execute(&mut **transaction);
                within(what, patience, done).await.map(|done| done.rows_affected())
            }
            Self::Postgres(transaction, patience) => {
                let done = bind_postgres(sql, values).execute(&mut **transaction);
                within(what, patience, done).await.map(|done| done.rows_affected())
            }
        }
    }

    /// Runs a text with a table of values in the place of `{rows}`, in pieces where they are many. All
    /// rows are of the same kinds.
    pub async fn table<R: AsRef<[Value]>>(
        &mut self,
        what: &'static str,
        sql: &str,
        table: Vec<R>,
    ) -> Result<Vec<Row>, StoreError> {
        let Some(first) = table.first() else { return Ok(Vec::new()) };
        let kinds: Vec<Kind> = first.as_ref().iter().map(Value::kind).collect();
        let mut rows = Vec::new();
        let mut left = table.as_slice();
        while !left.is_empty() {
            if matches!(self, Self::Postgres(..)) {
                let (piece, rest) = left.split_at(left.len().min(UNNESTED));
                rows.extend(self.unnest(what, sql, &kinds, piece).await?);
                left = rest;
            } else {
                // Few different lengths, so that the statements stay prepared.
                let length = PIECES.iter().copied().find(|piece| *piece <= left.len()).unwrap_or(1);
                let (piece, rest) = left.split_at(length);
                let sql = sql.replace("{rows}", &values_clause(kinds.len(), length));
                let values = piece.iter().flat_map(|row| row.as_ref().iter().cloned()).collect();
                rows.extend(self.rows(what, &sql, values).await?);
                left = rest;
            }
        }
        Ok(rows)
    }

    async fn unnest<R: AsRef<[Value]>>(
        &mut self,
        what: &'static str,
        sql: &str,
        kinds: &[Kind],
        table: &[R],
    ) -> Result<Vec<Row>, StoreError> {
        let Self::Postgres(transaction, patience) = self else { return Ok(Vec::new()) };
        // As columns of a SELECT, which walks through all of them at once; in FROM each would be put down
        // in a store of its own first.
        let arrays: Vec<String> = kinds
            .iter()
            .enumerate()
            .map(|(at, kind)| format!("unnest(${}::{}[])", at + 1, postgres_name(*kind)))
            .collect();
        let sql = sql.replace("{rows}", &format!("SELECT {}", arrays.join(", ")));
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for (at, kind) in kinds.iter().enumerate() {
            let column = table.iter().map(|row| row.as_ref().get(at));
            query = bind_array(query, *kind, column);
        }
        let rows = within(what, patience, query.fetch_all(&mut **transaction)).await?;
        Ok(rows.into_iter().map(Row::Postgres).collect())
    }

    /// The connection to a server, where it is one.
    pub fn postgres(&mut self) -> Option<&mut sqlx::PgConnection> {
        match self {
            Self::Sqlite(..) => None,
            Self::Postgres(transaction, _) => Some(transaction),
        }
    }

    /// Until the transaction ends nobody else is where this number stands. On SQLite nobody is anyway.
    pub async fn alone(&mut self, number: i64) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(..) => Ok(()),
            Self::Postgres(..) => self
                .change("wait for others", "SELECT pg_advisory_xact_lock($1)", vec![number.into()])
                .await
                .map(drop),
        }
    }

    /// What makes a `SELECT` keep others from changing what it gives, until the transaction ends. On SQLite
    /// nobody else writes anyway.
    pub const fn for_update(&self) -> &'static str {
        match self {
            Self::Sqlite(..) => "",
            Self::Postgres(..) => " FOR UPDATE",
        }
    }
}

/// Waits for a database, but not for ever.
async fn within<T>(
    what: &'static str,
    patience: &Patience,
    answer: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, StoreError> {
    let start = Instant::now();
    let answer = match tokio::time::timeout(patience.longest, answer).await {
        Ok(answer) => answer.map_err(|error| StoreError::during(what, error)),
        Err(_) => Err(StoreError::late(what, patience.longest)),
    };
    patience.queries.note(what, start.elapsed(), answer.is_err());
    answer
}

impl From<Duration> for Patience {
    fn from(longest: Duration) -> Self {
        Self { longest, queries: Arc::default(), circuit: Arc::default() }
    }
}

/// `VALUES (?, …), …`.
fn values_clause(width: usize, length: usize) -> String {
    let row = format!("({})", vec!["?"; width].join(", "));
    format!("VALUES {}", vec![row.as_str(); length].join(", "))
}

const fn postgres_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Uuid => "uuid",
        Kind::Text => "text",
        Kind::Int => "bigint",
        Kind::Real => "double precision",
        Kind::Bytes => "bytea",
        Kind::At => "timestamptz",
        Kind::Json => "jsonb",
    }
}

/// Queries own their text and values: `'static` for both.
type Ready<D> = Query<'static, D, <D as Database>::Arguments>;

macro_rules! bound {
    ($name:ident, $database:ty) => {
        fn $name(sql: &str, values: Vec<Value>) -> Ready<$database> {
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for value in values {
                query = match value {
                    Value::Null(Kind::Uuid) => query.bind(None::<Uuid>),
                    Value::Null(Kind::Text) => query.bind(None::<Arc<str>>),
                    Value::Null(Kind::Int) => query.bind(None::<i64>),
                    Value::Null(Kind::Real) => query.bind(None::<f64>),
                    Value::Null(Kind::Bytes) => query.bind(None::<Vec<u8>>),
                    Value::Null(Kind::At) => query.bind(None::<At>),
                    Value::Null(Kind::Json) => query.bind(None::<Json>),
                    Value::Uuid(id) => query.bind(id),
                    Value::Text(text) => query.bind(text),
                    Value::Int(number) => query.bind(number),
                    Value::Real(number) => query.bind(number),
                    Value::Bytes(bytes) => query.bind(bytes),
                    Value::At(at) => query.bind(at),
                    Value::Json(document) => query.bind(document),
                };
            }
            query
        }
    };
}

bound!(bind_sqlite, Sqlite);
bound!(bind_postgres, Postgres);

macro_rules! column {
    ($query:ident, $column:ident, $variant:ident as $type:ty) => {
        $query.bind(
            $column
                .map(|value| -> Option<$type> {
                    match value {
                        Some(Value::$variant(one)) => Some(one),
                        _ => None,
                    }
                })
                .collect::<Vec<_>>(),
        )
    };
}

fn bind_array<'a>(
    query: Ready<Postgres>,
    kind: Kind,
    column: impl Iterator<Item = Option<&'a Value>>,
) -> Ready<Postgres> {
    match kind {
        Kind::Uuid => column!(query, column, Uuid as &Uuid),
        Kind::Text => column!(query, column, Text as &str),
        Kind::Int => column!(query, column, Int as &i64),
        Kind::Real => column!(query, column, Real as &f64),
        Kind::Bytes => column!(query, column, Bytes as &[u8]),
        Kind::At => column!(query, column, At as &At),
        Kind::Json => column!(query, column, Json as &Json),
    }
}

/// How many rows a statement takes on SQLite.
const PIECES: &[usize] = &[128, 32, 8, 1];
/// And on PostgreSQL: more would not fit the memory of a query there, and go by way of its disk.
const UNNESTED: usize = 512;
