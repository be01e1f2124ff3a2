//! How many alerts there are, from what is kept counted: whole days and hours of a range by their counts and what
//! is noted to be added to them, what is left of it by its alerts. [`super::counts`] writes them.

use std::collections::BTreeMap;

use fieldward_shared::alert::{Severity, Status};
use fieldward_shared::time::Timestamp;

use super::alerts::{Filter, Threat};
use super::board::conditions;
use super::counts::{CELLS, DAY, STATUSES, cell, column};
use super::db::{Value, Values};
use super::report::severity;
use super::traffic::Resolution;
use super::{Store, StoreError};

/// How many alerts there are, by severity and status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally([u64; CELLS]);

/// What several tallies are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Of each plant.
    Facility,
    /// Of each technique, or web attack where none is named; empty: those without either.
    Technique,
}

impl Tally {
    /// Of a severity in a status.
    pub fn of(&self, severity: Severity, status: Status) -> u64 {
        self.0[cell(severity, status)]
    }

    /// Of a severity.
    pub fn severity(&self, severity: Severity) -> u64 {
        STATUSES.into_iter().map(|status| self.of(severity, status)).sum()
    }

    /// In one of these statuses.
    pub fn statuses(&self, statuses: &[Status]) -> u64 {
        let of = |severity| statuses.iter().map(|status| self.of(severity, *status)).sum::<u64>();
        SEVERITIES.into_iter().map(of).sum()
    }

    /// All.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Takes another to this one.
    pub fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(mine, its)| *mine += its);
    }

    /// Of what is counted; what the filter leaves out is none.
    fn read(counted: &BTreeMap<usize, i64>, filter: &Filter) -> Self {
        let mut tally = Self::default();
        for (cell, count) in counted {
            let is_wanted = (filter.severities.is_empty()
                || filter.severities.contains(&severity((cell / STATUSES.len()) as i64)))
                && (filter.statuses.is_empty() || filter.statuses.contains(&STATUSES[cell % STATUSES.len()]));
            if let Some(place) = tally.0.get_mut(*cell).filter(|_| is_wanted) {
                *place = u64::try_from(*count).unwrap_or_default();
            }
        }
        tally
    }
}

impl Filter {
    /// Whether how many pass it is known without looking at alerts.
    pub fn is_kept_counted(&self) -> bool {
        self.since.is_none() && self.until.is_none() && !matches!(self.threat, Some(Threat::Web(_)))
    }

    /// Whether it asks for techniques, which are counted by the day.
    fn is_of_techniques(&self) -> bool {
        !self.techniques.is_empty() || self.threat.is_some()
    }
}

impl Store {
    /// How many alerts there are, by severity and status, that pass a filter.
    pub async fn tally(&self, filter: &Filter, now: Timestamp) -> Result<Tally, StoreError> {
        let mut counted = self.counted(filter, None, now).await?;
        Ok(Tally::read(&counted.remove("").unwrap_or_default(), filter))
    }

    /// The same for each plant or technique that has some.
    pub async fn tallies(
        &self,
        filter: &Filter,
        by: By,
        now: Timestamp,
    ) -> Result<Vec<(String, Tally)>, StoreError> {
        let counted = self.counted(filter, Some(by), now).await?;
        let tallies = counted.into_iter().map(|(key, cells)| (key, Tally::read(&cells, filter)));
        Ok(tallies.filter(|(_, tally)| tally.total() > 0).collect())
    }

    /// How many alerts there were in each stretch of `width` microseconds, by severity.
    pub async fn alerts_over_time(
        &self,
        filter: &Filter,
        width: u64,
        now: Timestamp,
    ) -> Result<Vec<(Timestamp, Severity, u64)>, StoreError> {
        let width = width.max(1);
        let mut text = Text { filter, values: Values(vec![Value::count(width)]), parts: Vec::new() };
        let grain = if filter.is_of_techniques() { DAY } else { Resolution::Hour.micros() };
        let is_kept = width.is_multiple_of(grain)
            && filter.statuses.is_empty()
            && filter.severities.is_empty()
            && !matches!(filter.threat, Some(Threat::Web(_)));
        match edges(filter, grain, now).filter(|_| is_kept) {
            Some(edges) => text.stretches(width, &edges),
            None => text.rows_over_time((filter.since, filter.until), 1),
        }
        let sql = format!(
            "SELECT bucket, CAST(severity AS BIGINT) AS severity, CAST(coalesce(sum(count), 0) AS BIGINT) AS count
            FROM ({}) AS counted GROUP BY 1, 2 ORDER BY 1, 2",
            text.parts.join(" UNION ALL ")
        );
        let rows = self.db.read("count alerts", &self.db.by_time(&sql), text.values.0).await?;
        let buckets = rows.iter().map(|row| {
            let begin = row.count("bucket")?.saturating_mul(width);
            Ok((Timestamp::from_micros(begin), severity(row.get("severity")?), row.count("count")?))
        });
        buckets.filter(|one| !matches!(one, Ok((_, _, 0)))).collect()
    }

    /// By key and cell. All is read by one query, so that it is of one moment.
    async fn counted(
        &self,
        filter: &Filter,
        by: Option<By>,
        now: Timestamp,
    ) -> Result<BTreeMap<String, BTreeMap<usize, i64>>, StoreError> {
        let is_of_techniques = filter.is_of_techniques() || by == Some(By::Technique);
        let days = days(filter, is_of_techniques, by);
        let mut text = Text { filter, values: Values::default(), parts: Vec::new() };
        let is_web = matches!(filter.threat, Some(Threat::Web(_)));
        let grain = if is_of_techniques { DAY } else { Resolution::Hour.micros() };
        match edges(filter, grain, now) {
            _ if is_web => text.rows((filter.since, filter.until), 1, by),
            _ if filter.is_kept_counted() => {
                text.sums("alert_totals", (None, None), by);
                text.notes((None, None), by);
            }
            None => text.rows((filter.since, filter.until), 1, by),
            Some(edges) => {
                let parts = if is_of_techniques { vec![(days, edges.range)] } else { split(edges.range) };
                for (table, range) in parts {
                    text.sums(table, range, by);
                }
                text.notes(edges.range, by);
                for (from, until, sign) in edges.left {
                    text.rows((Some(from), Some(until)), sign, by);
                }
            }
        }
        let sql = format!(
            "SELECT key, CAST(cell AS BIGINT) AS cell, CAST(coalesce(sum(count), 0) AS BIGINT) AS count
            FROM ({}) AS counted GROUP BY 1, 2",
            text.parts.join(" UNION ALL ")
        );
        let mut counted: BTreeMap<String, BTreeMap<usize, i64>> = BTreeMap::new();
        for row in self.db.read("count alerts", &sql, text.values.0).await? {
            let cell = usize::try_from(row.get::<i64>("cell")?).unwrap_or(CELLS);
            counted.entry(row.get("key")?).or_default().insert(cell, row.get("count")?);
        }
        Ok(counted)
    }
}

/// From when, and until before; none: without an end.
type Ends = (Option<Timestamp>, Option<Timestamp>);

/// A range in whole stretches.
#[derive(Debug, PartialEq, Eq)]
struct Edges {
    /// What is whole.
    range: Ends,
    /// What is left: to be added, or to be taken away again.
    left: Vec<(Timestamp, Timestamp, i8)>,
}

/// None when there is no whole stretch in it. Of the stretch that goes on now, what comes behind the end is
/// taken away, since that is hardly anything; at the beginning, whichever is shorter.
fn edges(filter: &Filter, grain: u64, now: Timestamp) -> Option<Edges> {
    let last = i64::MAX.cast_unsigned();
    let down = |at: u64| at - at % grain;
    let mut left = Vec::new();
    let since = filter.since.map(|since| {
        let since = since.as_micros().min(last);
        let (before, behind) = (down(since), down(since).saturating_add(grain));
        match since - before {
            0 => since,
            begun if begun < grain / 2 => {
                left.push((before, since, -1));
                before
            }
            _ => {
                left.push((since, behind, 1));
                behind
            }
        }
    });
    let until = filter.until.map(|until| {
        let until = until.as_micros().min(last);
        let (before, behind) = (down(until), down(until).saturating_add(grain));
        if until == before {
            until
        } else if behind > now.as_micros() {
            left.push((until, behind, -1));
            behind
        } else {
            left.push((before, until, 1));
            before
        }
    });
    if since.zip(until).is_some_and(|(since, until)| since >= until) {
        return None;
    }
    let at = Timestamp::from_micros;
    let left = left.into_iter().map(|(from, until, sign)| (at(from), at(until), sign)).collect();
    Some(Edges { range: (since.map(at), until.map(at)), left })
}

/// Whole hours as days as far as they go, and hours beside them.
fn split((since, until): Ends) -> Vec<(&'static str, Ends)> {
    let at = Timestamp::from_micros;
    let first = since.map(|since| at(since.as_micros().next_multiple_of(DAY)));
    let last = until.map(|until| at(until.as_micros() - until.as_micros() % DAY));
    if first.zip(last).is_some_and(|(first, last)| first >= last) {
        return vec![("alert_hours", (since, until))];
    }
    let beside = [(since, first), (last, until)].into_iter().filter(|(from, until)| from < until);
    let beside = beside.map(|range| ("alert_hours", range));
    std::iter::once(("alert_facility_days", (first, last))).chain(beside).collect()
}

/// Where days are read that tell of techniques: those of all plants have far fewer rows.
fn days(filter: &Filter, is_of_techniques: bool, by: Option<By>) -> &'static str {
    let is_of_facilities = !filter.facilities.is_empty() || by == Some(By::Facility);
    match (is_of_techniques, is_of_facilities) {
        (true, true) => "alert_days",
        (true, false) => "alert_technique_days",
        (false, _) => "alert_facility_days",
    }
}

/// A text that is put together of parts.
struct Text<'a> {
    filter: &'a Filter,
    values: Values,
    parts: Vec<String>,
}

impl Text<'_> {
    /// What is kept counted in a range.
    fn sums(&mut self, table: &str, range: Ends, by: Option<By>) {
        let conditions = self.within(table, range);
        let key = key(by, "attack_type");
        let sums: Vec<String> = (0..CELLS).map(|cell| format!("sum({}) AS n{cell}", column(cell))).collect();
        let cases: Vec<String> = (0..CELLS).map(|cell| format!("WHEN {cell} THEN n{cell}")).collect();
        let cells: Vec<String> = (0..CELLS).map(|cell| format!("({cell})")).collect();
        let grouped = if by.is_some() { " GROUP BY 1" } else { "" };
        self.parts.push(format!(
            "SELECT key, cells.column1 AS cell, CASE cells.column1 {} END AS count FROM (
                SELECT {key} AS key, {} FROM {table}{conditions}{grouped}
            ) AS sums CROSS JOIN (VALUES {}) AS cells",
            cases.join(" "),
            sums.join(", "),
            cells.join(", ")
        ));
    }

    /// What is noted to be added to the counts of a range.
    fn notes(&mut self, range: Ends, by: Option<By>) {
        let conditions = self.within(NOTES, range);
        let key = key(by, "attack_type");
        self.parts.push(format!(
            "SELECT {key} AS key, cell, sum(count) AS count FROM {NOTES}{conditions} GROUP BY 1, 2"
        ));
    }

    /// Alerts of a range, one by one.
    fn rows(&mut self, (since, until): Ends, sign: i8, by: Option<By>) {
        let range = Filter { since, until, ..self.filter.clone() };
        let conditions = conditions(&range, None, &mut self.values);
        let key = key(by, KIND);
        self.parts.push(format!(
            "SELECT {key} AS key, {CELL} AS cell, {sign} * count(*) AS count FROM {}{conditions} GROUP BY 1, 2",
            range.source()
        ));
    }

    /// By severity in each stretch: whole ones counted, what is left one by one.
    fn stretches(&mut self, width: u64, edges: &Edges) {
        let parts = match width.is_multiple_of(DAY) {
            _ if self.filter.is_of_techniques() => vec![(days(self.filter, true, None), edges.range)],
            true => split(edges.range),
            false => vec![("alert_hours", edges.range)],
        };
        let sums = SEVERITIES.map(|severity| {
            let columns = STATUSES.map(|status| column(cell(severity, status)));
            format!("sum({}) AS n{}", columns.join(" + "), severity as i64)
        });
        let cases = SEVERITIES.map(|severity| format!("WHEN {0} THEN n{0}", severity as i64));
        for (table, range) in parts {
            let conditions = self.within(table, range);
            // Hours lie in the order of time: they are added up as they lie, and then to stretches.
            self.parts.push(format!(
                "SELECT {{bucket}} AS bucket, cells.column1 AS severity, CASE cells.column1 {} END AS count FROM (
                    SELECT timestamp, {} FROM {table}{conditions} GROUP BY timestamp
                ) AS sums CROSS JOIN (VALUES (0), (1), (2), (3)) AS cells",
                cases.join(" "),
                sums.join(", ")
            ));
        }
        let conditions = self.within(NOTES, edges.range);
        self.parts.push(format!(
            "SELECT {{bucket}} AS bucket, cell / 4 AS severity, sum(count) AS count FROM {NOTES}{conditions}
            GROUP BY 1, 2"
        ));
        for (from, until, sign) in &edges.left {
            self.rows_over_time((Some(*from), Some(*until)), *sign);
        }
    }

    fn rows_over_time(&mut self, (since, until): Ends, sign: i8) {
        let range = Filter { since, until, ..self.filter.clone() };
        let conditions = conditions(&range, None, &mut self.values);
        self.parts.push(format!(
            "SELECT {{bucket}} AS bucket, severity, {sign} * count(*) AS count FROM {}{conditions} GROUP BY 1, 2",
            range.source()
        ));
    }

    /// ` WHERE …` for what is kept counted.
    fn within(&mut self, table: &str, (since, until): Ends) -> String {
        let plants = self.filter.facilities.iter().map(|one| one.as_str().into());
        let mut all: Vec<String> = self.values.among("facility_id", plants).into_iter().collect();
        if all.is_empty() && table == "alert_days" {
            // So that each is found in its order.
            all.push("facility_id IN (SELECT id FROM facilities)".to_owned());
        }
        if let Some(since) = since {
            all.push(format!("timestamp >= {}", self.values.next(since.into())));
        }
        if let Some(until) = until {
            all.push(format!("timestamp < {}", self.values.next(until.into())));
        }
        if !matches!(table, "alert_hours" | "alert_facility_days") {
            let wanted = self.filter.techniques.iter().map(|one| one.as_str().into());
            all.extend(self.values.among("attack_type", wanted));
            all.extend(self.filter.threat.map(|_| "attack_type <> ''".to_owned()));
        }
        if all.is_empty() { String::new() } else { format!(" WHERE {}", all.join(" AND ")) }
    }
}

fn key(by: Option<By>, technique: &'static str) -> &'static str {
    match by {
        None => "''",
        Some(By::Facility) => "facility_id",
        Some(By::Technique) => technique,
    }
}

/// What is noted to be added to counts.
const NOTES: &str = "alert_changes";
/// The technique of an alert, or else its web attack.
const KIND: &str = "coalesce(alerts.attack_type,
    (SELECT min(kind) FROM alert_web AS web WHERE web.alert_id = alerts.id), '')";
/// The place of an alert in a tally.
const CELL: &str = "severity * 4 + CASE status WHEN 'new' THEN 0 WHEN 'acknowledged' THEN 1
    WHEN 'resolved' THEN 2 ELSE 3 END";
/// The least first.
pub const SEVERITIES: [Severity; 4] = [Severity::Low, Severity::Medium, Severity::High, Severity::Critical];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_whole_stretches_and_what_is_left() {
        let (hour, minute) = (3_600_000_000, 60_000_000);
        let at = Timestamp::from_micros;
        let of = |since: u64, until: u64| {
            let (since, until) = (Some(at(since)), Some(at(until)));
            edges(&Filter { since, until, ..Filter::default() }, hour, at(100 * hour + 30 * minute))
        };
        // Whichever is shorter at the beginning; of the hour that goes on, what is not there yet.
        let found = of(10 * hour + minute, 100 * hour + 30 * minute).expect("whole hours");
        assert_eq!(found.range, (Some(at(10 * hour)), Some(at(101 * hour))));
        let left = vec![
            (at(10 * hour), at(10 * hour + minute), -1),
            (at(100 * hour + 30 * minute), at(101 * hour), -1),
        ];
        assert_eq!(found.left, left);
        let found = of(10 * hour + 50 * minute, 20 * hour + minute).expect("whole hours");
        assert_eq!(found.range, (Some(at(11 * hour)), Some(at(20 * hour))));
        assert!(found.left.iter().all(|(_, _, sign)| *sign == 1));
        assert_eq!(of(10 * hour, 12 * hour).expect("whole hours").left, []);
        assert_eq!(of(10 * hour + 40 * minute, 10 * hour + 50 * minute), None);
        assert_eq!(of(10 * hour + 40 * minute, 11 * hour), None);
    }
}
