//! Single figures for overviews.

use super::db::At;
use super::{Store, StoreError};
use fieldward_shared::time::Timestamp;

/// A federated round, as far as an overview shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct RoundFigure {
    /// Its number.
    pub number: u64,
    /// `in-progress`, `completed` or `failed`.
    pub status: String,
    /// From 0 to 100.
    pub progress: u64,
    /// When it began.
    pub start: Timestamp,
}

impl Store {
    /// The newest round; none when there was none yet.
    pub async fn newest_round(&self) -> Result<Option<RoundFigure>, StoreError> {
        let rows = self.db.read("read rounds", ROUND, vec![]).await?;
        let round = rows.first().map(|row| {
            Ok(RoundFigure {
                number: row.count("round_number")?,
                status: row.get("status")?,
                progress: row.count("progress")?,
                start: row.get::<At>("start_time")?.0,
            })
        });
        round.transpose()
    }

    /// How many predictions were made, and how many of them came true.
    pub async fn predictions_made(&self) -> Result<(u64, u64), StoreError> {
        let rows = self.db.read("count predictions", PREDICTIONS, vec![]).await?;
        rows.first().map_or(Ok((0, 0)), |row| Ok((row.count("made")?, row.count("came_true")?)))
    }
}

const ROUND: &str = "SELECT CAST(round_number AS BIGINT) AS round_number, status,
    CAST(progress AS BIGINT) AS progress, start_time FROM fl_rounds
    WHERE status <> 'planned' ORDER BY id DESC LIMIT 1";
const PREDICTIONS: &str = "SELECT count(*) AS made, count(validation_time) AS came_true FROM predictions";
