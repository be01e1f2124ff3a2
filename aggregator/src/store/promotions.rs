//! Versions that somebody puts to work himself, past the plants' vote: what was refused, or was at work before.

use fieldward_shared::time::Timestamp;
use uuid::Uuid;

use super::audit::{Act, append};
use super::versions::{self, NewVersion, Version, VersionState};
use super::{Store, StoreError};

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Promotion {
    /// It is at work.
    Done(Box<Version>),
    /// There is no such version.
    Unknown,
    /// It is at work already.
    AtWork,
    /// Plants are just judging it, in this round.
    InRound(u64),
    /// Another network, layout or schema is at work under its name.
    Misfit,
}

impl Store {
    /// Puts a version to work. A candidate that comes of the one at work is promoted as it is; the weights of any other
    /// become a new version that comes of the one at work, so that plants, which follow lineage, follow it.
    pub async fn put_to_work(
        &self,
        id: u64,
        actor: &str,
        why: &str,
        now: Timestamp,
    ) -> Result<Promotion, StoreError> {
        let Some(wanted) = self.version(id).await? else { return Ok(Promotion::Unknown) };
        let current = self.current_version(&wanted.network).await?;
        if current.as_ref().is_some_and(|current| current.id == id) {
            return Ok(Promotion::AtWork);
        }
        if let Some(number) = wanted.round
            && wanted.state == VersionState::Candidate
            && self.round(number).await?.is_some_and(|round| round.end.is_none())
        {
            return Ok(Promotion::InRound(number));
        }
        let fits = |current: &Version| (current.layout, current.schema) == (wanted.layout, wanted.schema);
        if !current.as_ref().is_none_or(fits) {
            return Ok(Promotion::Misfit);
        }
        let parent = current.as_ref().map(|current| current.id);
        let follows = wanted.parents.first().copied() == parent;
        let again = match wanted.state {
            VersionState::Candidate if follows => None,
            _ => Some(self.again(&wanted, parent, actor).await?),
        };
        let mut tx = self.db.begin("put a version to work").await?;
        let (number, metrics) = match &again {
            Some(new) => (versions::add(&mut tx, new, now).await?.id, &new.metrics),
            None => (id, &wanted.metrics),
        };
        let promoted = versions::promote(&mut tx, number, metrics, wanted.accuracy, now).await?;
        let Some(version) = promoted else { return Err(StoreError::Raced) };
        let (object, detail) = (id.to_string(), format!("as version {number}: {why}"));
        append(&mut tx, Act { at: now, actor, action: "version.promoted", object: &object, detail: &detail })
            .await?;
        tx.commit("put a version to work").await?;
        Ok(Promotion::Done(Box::new(version)))
    }

    async fn again(
        &self,
        wanted: &Version,
        parent: Option<u64>,
        actor: &str,
    ) -> Result<NewVersion, StoreError> {
        let weights = self.version_weights(wanted.id).await?.ok_or(StoreError::Raced)?;
        Ok(NewVersion {
            network: wanted.network.clone(),
            layout: wanted.layout,
            schema: wanted.schema,
            weights,
            parents: parent.into_iter().chain([wanted.id]).collect(),
            round: None,
            strategy: wanted.strategy.clone(),
            memory: self.version_memory(wanted.id).await?,
            made_by: actor.to_owned(),
            metrics: wanted.metrics.clone(),
        })
    }

    /// Agents that the newest rounds of a network left out, and why, each by the last that was said.
    pub async fn left_out(
        &self,
        network: &str,
        most: u32,
    ) -> Result<Vec<(u64, Uuid, String, String)>, StoreError> {
        let values = vec![network.into(), i64::from(most).into()];
        let rows = self.db.read("read who was left out", LEFT_OUT, values).await?;
        rows.iter()
            .map(|row| {
                let why: Option<String> = row.get("reason")?;
                Ok((
                    row.count("round_id")?,
                    row.get("agent_id")?,
                    row.get("facility_id")?,
                    why.unwrap_or_default(),
                ))
            })
            .collect()
    }
}

/// Of each agent the newest round of the network in which it stands, where that left it out.
const LEFT_OUT: &str = "SELECT client.round_id, client.agent_id, client.facility_id, client.reason
    FROM fl_clients AS client JOIN (
        SELECT part.agent_id, max(part.round_id) AS round_id FROM fl_clients AS part
        JOIN fl_rounds AS round ON round.id = part.round_id WHERE round.network = $1 GROUP BY part.agent_id
    ) AS newest ON newest.agent_id = client.agent_id AND newest.round_id = client.round_id
    WHERE client.stage IN ('left_out', 'refused') ORDER BY client.facility_id, client.agent_id LIMIT $2";
