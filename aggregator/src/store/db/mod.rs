//! The small layer that lets one SQL text run on SQLite and on PostgreSQL.
//!
//! A text numbers its values (`$1`), which both understand, and may hold one table of values, `{rows}`,
//! which becomes `VALUES` on SQLite and `unnest` on PostgreSQL. What differs besides stands here.

mod open;
mod time;
mod value;

use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Column as _, Database, Decode, Postgres, Row as _, Sqlite, Transaction, Type};
use uuid::Uuid;

use super::StoreError;
pub use open::{Place, place};
pub use value::{At, Json, Kind, Value, text};

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
}

impl<D: Database> Clone for Pools<D> {
    fn clone(&self) -> Self {
        Self { read: self.read.clone(), write: self.write.clone() }
    }
}

/// A transaction. Dropped without [`Tx::commit`], nothing has happened.
pub enum Tx {
    /// In a file.
    Sqlite(Transaction<'static, Sqlite>),
    /// On a server.
    Postgres(Transaction<'static, Postgres>),
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
    /// Begins to write. On SQLite nobody else writes until it ends.
    pub async fn begin(&self, what: &'static str) -> Result<Tx, StoreError> {
        let begun = match self {
            Self::Sqlite(pools) => pools.write.begin_with("BEGIN IMMEDIATE").await.map(Tx::Sqlite),
            Self::Postgres(pools) => pools.write.begin().await.map(Tx::Postgres),
        };
        begun.map_err(|error| StoreError::during(what, error))
    }

    /// Reads outside of a transaction.
    pub async fn read(
        &self,
        what: &'static str,
        sql: &str,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        let rows = match self {
            Self::Sqlite(pools) => bind_sqlite(sql, values)
                .fetch_all(&pools.read)
                .await
                .map(|rows| rows.into_iter().map(Row::Sqlite).collect()),
            Self::Postgres(pools) => bind_postgres(sql, values)
                .fetch_all(&pools.read)
                .await
                .map(|rows| rows.into_iter().map(Row::Postgres).collect()),
        };
        rows.map_err(|error| StoreError::during(what, error))
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
        let done = match self {
            Self::Sqlite(transaction) => transaction.commit().await,
            Self::Postgres(transaction) => transaction.commit().await,
        };
        done.map_err(|error| StoreError::during(what, error))
    }

    /// Runs a text and gives the rows that come back.
    pub async fn rows(
        &mut self,
        what: &'static str,
        sql: &str,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        let rows = match self {
            Self::Sqlite(transaction) => bind_sqlite(sql, values)
                .fetch_all(&mut **transaction)
                .await
                .map(|rows| rows.into_iter().map(Row::Sqlite).collect()),
            Self::Postgres(transaction) => bind_postgres(sql, values)
                .fetch_all(&mut **transaction)
                .await
                .map(|rows| rows.into_iter().map(Row::Postgres).collect()),
        };
        rows.map_err(|error| StoreError::during(what, error))
    }

    /// Runs a text and says how many rows it changed.
    pub async fn change(
        &mut self,
        what: &'static str,
        sql: &str,
        values: Vec<Value>,
    ) -> Result<u64, StoreError> {
        let changed = match self {
            Self::Sqlite(transaction) => {
                bind_sqlite(sql, values).execute(&mut **transaction).await.map(|done| done.rows_affected())
            }
            Self::Postgres(transaction) => {
                bind_postgres(sql, values).execute(&mut **transaction).await.map(|done| done.rows_affected())
            }
        };
        changed.map_err(|error| StoreError::during(what, error))
    }

    /// Runs a text with a table of values in the place of `{rows}`, in pieces where they are many. All
    /// rows are of the same kinds.
    pub async fn table(
        &mut self,
        what: &'static str,
        sql: &str,
        table: Vec<Vec<Value>>,
    ) -> Result<Vec<Row>, StoreError> {
        let Some(first) = table.first() else { return Ok(Vec::new()) };
        let kinds: Vec<Kind> = first.iter().map(Value::kind).collect();
        if matches!(self, Self::Postgres(_)) {
            return self.unnest(what, sql, &kinds, table).await;
        }
        let mut rows = Vec::new();
        let mut left = table.into_iter();
        while left.len() > 0 {
            // Few different lengths, so that the statements stay prepared.
            let length = PIECES.iter().copied().find(|piece| *piece <= left.len()).unwrap_or(1);
            let sql = sql.replace("{rows}", &values_clause(kinds.len(), length));
            rows.extend(self.rows(what, &sql, left.by_ref().take(length).flatten().collect()).await?);
        }
        Ok(rows)
    }

    async fn unnest(
        &mut self,
        what: &'static str,
        sql: &str,
        kinds: &[Kind],
        table: Vec<Vec<Value>>,
    ) -> Result<Vec<Row>, StoreError> {
        let Self::Postgres(transaction) = self else { return Ok(Vec::new()) };
        let arrays: Vec<String> = kinds
            .iter()
            .enumerate()
            .map(|(at, kind)| format!("${}::{}[]", at + 1, postgres_name(*kind)))
            .collect();
        let sql = sql.replace("{rows}", &format!("SELECT * FROM unnest({})", arrays.join(", ")));
        let mut columns: Vec<_> = kinds.iter().map(|_| Vec::with_capacity(table.len())).collect();
        for row in table {
            columns.iter_mut().zip(row).for_each(|(column, value)| column.push(value));
        }
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for (column, kind) in columns.into_iter().zip(kinds) {
            query = bind_array(query, *kind, column);
        }
        let rows = query.fetch_all(&mut **transaction).await;
        let rows = rows.map_err(|error| StoreError::during(what, error))?;
        Ok(rows.into_iter().map(Row::Postgres).collect())
    }

    /// The connection to a server, where it is one.
    pub fn postgres(&mut self) -> Option<&mut sqlx::PgConnection> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres(transaction) => Some(transaction),
        }
    }

    /// Until the transaction ends nobody else is where this number stands. On SQLite nobody is anyway.
    pub async fn alone(&mut self, number: i64) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(_) => self
                .change("wait for others", "SELECT pg_advisory_xact_lock($1)", vec![number.into()])
                .await
                .map(drop),
        }
    }

    /// What makes a `SELECT` keep others from changing what it gives, until the transaction ends. On SQLite
    /// nobody else writes anyway.
    pub const fn for_update(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "",
            Self::Postgres(_) => " FOR UPDATE",
        }
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
                    Value::Null(Kind::Text) => query.bind(None::<String>),
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
    ($query:ident, $column:ident, $variant:ident) => {
        $query.bind(
            $column
                .into_iter()
                .map(|value| match value {
                    Value::$variant(one) => Some(one),
                    _ => None,
                })
                .collect::<Vec<_>>(),
        )
    };
}

fn bind_array(query: Ready<Postgres>, kind: Kind, column: Vec<Value>) -> Ready<Postgres> {
    match kind {
        Kind::Uuid => column!(query, column, Uuid),
        Kind::Text => column!(query, column, Text),
        Kind::Int => column!(query, column, Int),
        Kind::Real => column!(query, column, Real),
        Kind::Bytes => column!(query, column, Bytes),
        Kind::At => column!(query, column, At),
        Kind::Json => column!(query, column, Json),
    }
}

/// How many rows a statement takes on SQLite.
const PIECES: &[usize] = &[32, 8, 1];
