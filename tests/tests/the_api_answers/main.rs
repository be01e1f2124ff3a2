//! The API as those who ask meet it, each story on SQLite and on PostgreSQL where it reads the store.

#![expect(clippy::unwrap_used, reason = "clippy does not take for tests what a macro makes tests of")]

mod alerts;
mod asked;
mod bulk;
mod business;
mod contract;
mod counted;
mod exports;
mod figures;
mod issued;
mod learning;
mod live;
mod next_step;
mod policies;
mod privacy;
mod requests;
mod secure;
mod security;
mod serving;
mod signing_in;
mod traced;

use std::sync::Arc;

use fieldward_aggregator::store::Store;
use fieldward_tests::postgres::Postgres;

/// An empty database that ends with its story.
pub struct Database {
    url: String,
    _folder: tempfile::TempDir,
    _server: Option<Arc<Postgres>>,
}

impl Database {
    /// A file.
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite://{}/fieldward.db", folder.path().display());
        Self { url, _folder: folder, _server: None }
    }

    /// Of a server; none where PostgreSQL is not installed.
    pub fn postgres() -> Option<Self> {
        let server = Postgres::shared()?;
        let url = server.database().expect("a database");
        Some(Self { url, _folder: tempfile::tempdir().expect("a folder"), _server: Some(server) })
    }

    /// A store on it.
    pub async fn open(&self) -> Store {
        Store::open(&self.url).await.expect("the store")
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
