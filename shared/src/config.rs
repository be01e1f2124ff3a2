//! Configurations: one TOML file, credentials of systemd over it, the environment over both. Mistakes are
//! told with their place and what to do.

use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

/// What a program's configuration may say, beside what its type says.
#[derive(Clone, Copy, Debug)]
pub struct Schema {
    /// Every key, with its table before a dot. `learn.seed` is `FIELDWARD_LEARN_SEED` in the environment.
    pub keys: &'static [(&'static str, Kind)],
    /// Variables that every tool knows, and the keys that they set.
    pub variables: &'static [(&'static str, &'static str)],
    /// Files in the folder of systemd's credentials, and the keys that they set.
    pub credentials: &'static [(&'static str, &'static str)],
    /// Where a user finds what is right.
    pub remedy: &'static str,
}

/// How the value of a variable is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// As it is, even if it looks like a number.
    Text,
    /// A number.
    Number,
    /// Texts with commas between them.
    Texts,
    /// `true` or `false`.
    Flag,
}

/// What may hold a password: it is never shown.
#[derive(Clone, Deserialize, PartialEq, Eq)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// To use it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

/// What is wrong with a configuration, where, and what to do.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {what}; {remedy}")]
pub struct Wrong {
    /// Where.
    pub place: String,
    /// What.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

impl Schema {
    /// Reads the file at `path`.
    pub fn load<T: DeserializeOwned>(&self, path: &Path) -> Result<T, Wrong> {
        let text = std::fs::read_to_string(path).map_err(|error| Wrong {
            place: path.display().to_string(),
            what: error.to_string(),
            remedy: "give the path of a readable configuration file".into(),
        })?;
        self.parse(&path.display().to_string(), &text, std::env::vars())
    }

    /// Reads the text of the file `name`, and `environment` over it.
    pub fn parse<T: DeserializeOwned>(
        &self,
        name: &str,
        text: &str,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<T, Wrong> {
        let mut table: toml::Table =
            toml::from_str(text).map_err(|error| self.in_file(name, text, &error))?;
        // What the file itself says wrong is told with its line, whatever the environment says.
        if let Err(error) = toml::from_str::<T>(text)
            && error.span().is_some_and(|span| !span.is_empty() && span.len() < text.len())
        {
            return Err(self.in_file(name, text, &error));
        }
        let environment: Vec<(String, String)> = environment.collect();
        if let Some((_, folder)) =
            environment.iter().find(|(variable, _)| variable == "CREDENTIALS_DIRECTORY")
        {
            for (file, key) in self.credentials {
                if let Ok(value) = std::fs::read_to_string(Path::new(folder).join(file)) {
                    let set = self.set(&mut table, key, value.trim());
                    set.map_err(|what| self.wrong(&format!("credential {file}"), what))?;
                }
            }
        }
        for (variable, value) in &environment {
            let Some(key) = self.key(variable) else { continue };
            let set = key.and_then(|key| self.set(&mut table, key, value));
            set.map_err(|what| self.wrong(&format!("environment, {variable}"), what))?;
        }
        let read = toml::Value::Table(table).try_into();
        read.map_err(|error: toml::de::Error| self.wrong(name, error.message().to_owned()))
    }

    /// The key that a variable sets; none if it is not ours.
    fn key(&self, variable: &str) -> Option<Result<&'static str, String>> {
        if let Some((_, key)) = self.variables.iter().find(|(known, _)| *known == variable) {
            return Some(Ok(key));
        }
        let own = variable.strip_prefix("FIELDWARD_").filter(|own| *own != "LOG")?.to_lowercase();
        let key = self.keys.iter().find(|(key, _)| key.replace('.', "_") == own);
        Some(key.map(|(key, _)| *key).ok_or_else(|| "no such key".to_owned()))
    }

    fn set(&self, table: &mut toml::Table, key: &str, value: &str) -> Result<(), String> {
        let kind = self.keys.iter().find(|(known, _)| *known == key).map_or(Kind::Text, |(_, kind)| *kind);
        let value = kind.read(value)?;
        let Some((outer, inner)) = key.split_once('.') else {
            table.insert(key.to_owned(), value);
            return Ok(());
        };
        let within = table.entry(outer).or_insert_with(|| toml::Value::Table(toml::Table::new()));
        let within = within.as_table_mut().ok_or_else(|| format!("{outer} is no table in the file"))?;
        within.insert(inner.to_owned(), value);
        Ok(())
    }

    fn in_file(&self, name: &str, text: &str, error: &toml::de::Error) -> Wrong {
        let before = text.get(..error.span().unwrap_or_default().start).unwrap_or_default();
        let line = before.matches('\n').count().saturating_add(1);
        let what = error.message().lines().next().unwrap_or_default();
        self.wrong(&format!("{name}, line {line}"), what.to_owned())
    }

    /// Something that is wrong, for which the example shows what is right.
    pub fn wrong(&self, place: &str, what: String) -> Wrong {
        Wrong { place: place.to_owned(), what, remedy: self.remedy.to_owned() }
    }
}

impl Kind {
    fn read(self, value: &str) -> Result<toml::Value, String> {
        let text = |text: &str| toml::Value::String(text.to_owned());
        Ok(match self {
            Self::Text => text(value),
            Self::Texts => {
                let parts = value.split(',').map(str::trim).filter(|part| !part.is_empty());
                toml::Value::Array(parts.map(text).collect())
            }
            Self::Flag => match value.trim().to_ascii_lowercase().as_str() {
                "true" | "1" => toml::Value::Boolean(true),
                "false" | "0" => toml::Value::Boolean(false),
                _ => return Err(format!("\"{value}\" is neither true nor false")),
            },
            Self::Number => match (value.parse(), value.parse()) {
                (Ok(whole), _) => toml::Value::Integer(whole),
                (_, Ok(number)) => toml::Value::Float(number),
                _ => return Err(format!("\"{value}\" is no number")),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Read {
        url: Secret,
        #[serde(default)]
        names: Vec<String>,
        #[serde(default)]
        pace: Pace,
    }

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields, default)]
    struct Pace {
        seconds: f64,
        times: u32,
    }

    const SCHEMA: Schema = Schema {
        keys: &[
            ("url", Kind::Text),
            ("names", Kind::Texts),
            ("pace.seconds", Kind::Number),
            ("pace.times", Kind::Number),
        ],
        variables: &[("THE_URL", "url")],
        credentials: &[("secret.url", "url")],
        remedy: "the example shows every key",
    };

    fn parse(text: &str, environment: &[(&str, &str)]) -> Result<Read, String> {
        let pairs = environment.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        SCHEMA.parse("x.toml", text, pairs).map_err(|wrong| wrong.to_string())
    }

    #[test]
    fn credentials_stand_over_the_file_and_the_environment_over_both() {
        let read = parse("url = 'a'\n[pace]\ntimes = 2", &[("FIELDWARD_PACE_SECONDS", "1.5")]).unwrap();
        assert_eq!((read.url.reveal(), read.pace), ("a", Pace { seconds: 1.5, times: 2 }));
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secret.url"), "b\n").unwrap();
        let credentials = ("CREDENTIALS_DIRECTORY", folder.path().to_str().unwrap());
        assert_eq!(parse("url = 'a'", &[credentials]).unwrap().url.reveal(), "b");
        assert_eq!(parse("", &[("THE_URL", "7"), credentials]).unwrap().url.reveal(), "7");
        let read =
            parse("url = 'a'", &[("FIELDWARD_NAMES", "one, two,"), ("FIELDWARD_LOG", "debug")]).unwrap();
        assert_eq!(read.names, ["one", "two"]);
        assert!(!format!("{:?}", parse("url = 'hidden'", &[])).contains("hidden"));
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        for (text, variable, said) in [
            ("url = 'a'\nurls = 'b'", None, "x.toml, line 2: unknown field `urls`"),
            ("url = 'a'\n[pace]\ntimes = 'x'", Some(("THE_URL", "b")), "x.toml, line 3: invalid type"),
            ("url = ", None, "x.toml, line 1"),
            ("", None, "x.toml: missing field `url`; the example shows every key"),
            ("url = 'a'", Some(("FIELDWARD_PACE_TIMES", "x")), "FIELDWARD_PACE_TIMES: \"x\" is no number"),
            ("url = 'a'", Some(("FIELDWARD_PACE", "1")), "environment, FIELDWARD_PACE: no such key"),
            ("url = 'a'\npace = 3", Some(("FIELDWARD_PACE_TIMES", "1")), "line 2: invalid type"),
        ] {
            let wrong = parse(text, variable.as_slice()).unwrap_err();
            assert!(wrong.contains(said), "{text}: {wrong}");
        }
        let none = SCHEMA.load::<Read>(Path::new("/nowhere/x.toml")).unwrap_err();
        assert!(none.to_string().contains("/nowhere/x.toml: No such file"), "{none}");
    }
}
