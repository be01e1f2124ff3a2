//! What differs between the databases about stretches of time and words.

use super::Db;

impl Db {
    /// A text in which `{bucket}` stands for the number of the stretch, of `$1` microseconds (whole seconds),
    /// in which the column `timestamp` lies.
    pub fn by_time(&self, sql: &str) -> String {
        let micros = match self {
            Self::Sqlite(_) => "timestamp",
            Self::Postgres(_) => "CAST(floor(date_part('epoch', timestamp)) AS BIGINT) * 1000000",
        };
        sql.replace("{bucket}", &format!("({micros} / $1)"))
    }

    /// That a column holds what a pattern in small letters says, whichever letters are large.
    pub fn says(&self, column: &str, pattern: &str) -> String {
        match self {
            // It compares so anyway.
            Self::Sqlite(_) => format!("{column} LIKE {pattern} ESCAPE '!'"),
            Self::Postgres(_) => format!("lower(CAST({column} AS TEXT)) LIKE {pattern} ESCAPE '!'"),
        }
    }
}
