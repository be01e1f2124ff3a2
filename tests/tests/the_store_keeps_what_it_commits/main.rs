//! The database as everybody meets it, each story on SQLite and on PostgreSQL: what was committed is there
//! once, whatever is resent, in whichever order, by however many, and whoever is killed meanwhile.

mod backups;
mod changing;
mod counts;
mod faults;
mod leaps;
mod reading;
mod reports;
mod rounds;
mod time;

use std::sync::Arc;

use fieldward_aggregator::store::Store;
use fieldward_tests::postgres::Postgres;
use sqlx::{AssertSqlSafe, Connection as _};

/// An empty database that ends with its test.
pub struct Database {
    /// How a store is opened on it.
    pub url: String,
    /// For what belongs to it.
    pub folder: tempfile::TempDir,
    _server: Option<Arc<Postgres>>,
}

impl Database {
    /// A file.
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite://{}/fieldward.db", folder.path().display());
        Self { url, folder, _server: None }
    }

    /// Of a server; none where PostgreSQL is not installed.
    pub fn postgres() -> Option<Self> {
        let server = Postgres::shared()?;
        let url = server.database().expect("a database");
        Some(Self { url, folder: tempfile::tempdir().expect("a folder"), _server: Some(server) })
    }

    /// A store on it.
    pub async fn open(&self) -> Store {
        Store::open(&self.url).await.expect("the store")
    }

    /// Runs a text past the store.
    pub async fn execute(&self, sql: &str) -> Result<(), sqlx::Error> {
        if let Some(file) = self.url.strip_prefix("sqlite://") {
            let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
            let mut connection = sqlx::SqliteConnection::connect_with(&options).await?;
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await?;
            connection.close().await
        } else {
            let mut connection = sqlx::PgConnection::connect(&self.url).await?;
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await?;
            connection.close().await
        }
    }

    /// A number that a text gives.
    pub async fn number(&self, sql: &str) -> i64 {
        let read = async {
            if let Some(file) = self.url.strip_prefix("sqlite://") {
                let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
                let mut connection = sqlx::SqliteConnection::connect_with(&options).await?;
                sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut connection).await
            } else {
                let mut connection = sqlx::PgConnection::connect(&self.url).await?;
                sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut connection).await
            }
        };
        read.await.expect("a number")
    }
}

/// Each story is a test on both databases.
#[macro_export]
macro_rules! stories {
    ($($story:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $story() {
                super::$story($crate::Database::sqlite()).await;
            })+
        }

        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $story() {
                if let Some(database) = $crate::Database::postgres() {
                    super::$story(database).await;
                }
            })+
        }
    };
}
