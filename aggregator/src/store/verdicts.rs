//! What analysts said of a plant's alerts, for the agent that raised them.

use fieldward_shared::alert::{AlertId, Status};
use fieldward_shared::time::Timestamp;
use uuid::Uuid;

use super::db::{At, Row};
use super::{Store, StoreError};

/// What somebody said of an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// When.
    pub at: Timestamp,
    /// Of which alert.
    pub alert: AlertId,
    /// What it is now.
    pub status: Status,
    /// The technique that the analyst named, when he named one.
    pub technique: Option<String>,
}

impl Store {
    /// What was said of a plant's alerts after `since` and not after `until`, the oldest first; and up to when
    /// these are all. What was said in the same moment stays together.
    pub async fn verdicts(
        &self,
        facility: &str,
        since: Timestamp,
        until: Timestamp,
        most: u32,
    ) -> Result<(Vec<Verdict>, Timestamp), StoreError> {
        let one_more = i64::from(most).saturating_add(1);
        let values = vec![since.into(), until.into(), facility.into(), one_more.into()];
        let rows = self.db.read("read verdicts", LIST, values).await?;
        let mut verdicts = rows.iter().map(read).collect::<Result<Vec<Verdict>, StoreError>>()?;
        if verdicts.len() <= most as usize {
            return Ok((verdicts, until));
        }
        // The last moment may have more than was read; of a moment with more than a message holds the rest is lost.
        let last = verdicts.last().map_or(since, |last| last.at);
        let is_one_moment = verdicts.first().is_some_and(|first| first.at == last);
        verdicts.pop();
        if !is_one_moment {
            verdicts.retain(|verdict| verdict.at < last);
        }
        let whole = verdicts.last().map_or(since, |last| last.at);
        Ok((verdicts, whole))
    }
}

fn read(row: &Row) -> Result<Verdict, StoreError> {
    Ok(Verdict {
        at: row.get::<At>("timestamp")?.0,
        alert: AlertId::from_u128(row.get::<Uuid>("alert_id")?.as_u128()),
        status: Status::named(&row.get::<String>("status_after")?).unwrap_or(Status::New),
        technique: technique(&row.get::<String>("reason")?),
    })
}

/// A technique of ATT&CK that a reason names: the first word like `T0836`.
fn technique(reason: &str) -> Option<String> {
    let words = reason.split(|letter: char| !letter.is_ascii_alphanumeric());
    let is_one = |word: &&str| {
        word.strip_prefix('T')
            .is_some_and(|digits| digits.len() == 4 && digits.bytes().all(|digit| digit.is_ascii_digit()))
    };
    words.into_iter().find(is_one).map(str::to_owned)
}

const LIST: &str = "SELECT timestamp, id, alert_id, status_after, reason FROM alert_acts
    WHERE timestamp > $1 AND timestamp <= $2 AND facility_id = $3 ORDER BY timestamp, id LIMIT $4";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_may_name_a_technique() {
        assert_eq!(technique("it was T0836, by the contractor").as_deref(), Some("T0836"));
        assert_eq!(technique("(T0855/T0836)").as_deref(), Some("T0855"));
        for none in ["", "T83", "T08365", "xT0836", "t0836", "T08a6"] {
            assert_eq!(technique(none), None, "{none}");
        }
    }
}
