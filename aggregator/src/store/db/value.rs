//! Values as both databases take them: a time is a `timestamptz` or microseconds, JSON is `jsonb` or text,
//! a UUID is native or 16 bytes.

use std::sync::Arc;

use fieldward_shared::time::Timestamp;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo, PgValueFormat, PgValueRef};
use sqlx::sqlite::{SqliteArgumentsBuffer, SqliteTypeInfo, SqliteValueRef};
use sqlx::{Decode, Encode, Postgres, Sqlite, Type};
use uuid::Uuid;

/// A value for a query.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing, of a kind.
    Null(Kind),
    /// 16 bytes.
    Uuid(Uuid),
    /// Text without the character NUL, which PostgreSQL cannot hold. Copies share it.
    Text(Arc<str>),
    /// A whole number.
    Int(i64),
    /// A finite number.
    Real(f64),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A moment.
    At(At),
    /// A JSON document.
    Json(Json),
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// [`Value::Uuid`].
    Uuid,
    /// [`Value::Text`].
    Text,
    /// [`Value::Int`].
    Int,
    /// [`Value::Real`].
    Real,
    /// [`Value::Bytes`].
    Bytes,
    /// [`Value::At`].
    At,
    /// [`Value::Json`].
    Json,
}

/// A moment in a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct At(pub Timestamp);

/// A JSON document in a database, as text. Copies share it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Json(pub Arc<str>);

impl Json {
    /// Writes a document. What JSON cannot say becomes `null`.
    pub fn of<T: serde::Serialize>(document: &T) -> Self {
        let text = serde_json::to_string(document).unwrap_or_else(|_| "null".to_owned());
        if !text.contains(NUL_ESCAPED) {
            return Self(text.into());
        }
        // Seldom, and seldom right: the six characters may be a NUL, or a backslash before `u0000`.
        let cleaned = serde_json::from_str(&text).map(without_nul);
        Self(cleaned.map_or_else(|_| "null".into(), |document| document.to_string().into()))
    }

    /// Reads it.
    pub fn read<T: serde::de::DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_str(&self.0)
    }
}

/// Text as both databases can hold it.
pub fn text(text: &str) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text.to_owned() }
}

fn without_nul(document: serde_json::Value) -> serde_json::Value {
    use serde_json::Value as V;
    match document {
        V::String(one) => V::String(text(&one)),
        V::Array(all) => V::Array(all.into_iter().map(without_nul).collect()),
        V::Object(all) => {
            V::Object(all.into_iter().map(|(name, value)| (text(&name), without_nul(value))).collect())
        }
        other => other,
    }
}

impl Value {
    /// What it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Null(kind) => *kind,
            Self::Uuid(_) => Kind::Uuid,
            Self::Text(_) => Kind::Text,
            Self::Int(_) => Kind::Int,
            Self::Real(_) => Kind::Real,
            Self::Bytes(_) => Kind::Bytes,
            Self::At(_) => Kind::At,
            Self::Json(_) => Kind::Json,
        }
    }

    /// Text, or nothing.
    pub fn text(optional: Option<&str>) -> Self {
        optional.map_or(Self::Null(Kind::Text), Self::from)
    }

    /// A number, as far as it fits.
    pub fn count(number: u64) -> Self {
        Self::Int(i64::try_from(number).unwrap_or(i64::MAX))
    }

    /// A number; 0 for what is none.
    pub fn real(number: f64) -> Self {
        Self::Real(if number.is_finite() { number } else { 0.0 })
    }
}

impl From<&str> for Value {
    fn from(one: &str) -> Self {
        Self::Text(if one.contains('\0') { text(one).into() } else { one.into() })
    }
}

impl From<Uuid> for Value {
    fn from(id: Uuid) -> Self {
        Self::Uuid(id)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<Timestamp> for Value {
    fn from(at: Timestamp) -> Self {
        Self::At(At(at))
    }
}

impl From<Json> for Value {
    fn from(document: Json) -> Self {
        Self::Json(document)
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl At {
    /// Microseconds since 1970; the last of them lies within PostgreSQL's calendar.
    fn micros(self) -> i64 {
        i64::try_from(self.0.as_micros()).unwrap_or(i64::MAX)
    }

    fn from_micros(micros: i64) -> Self {
        Self(Timestamp::from_micros(u64::try_from(micros).unwrap_or_default()))
    }
}

impl Type<Sqlite> for At {
    fn type_info() -> SqliteTypeInfo {
        <i64 as Type<Sqlite>>::type_info()
    }

    fn compatible(other: &SqliteTypeInfo) -> bool {
        <i64 as Type<Sqlite>>::compatible(other)
    }
}

impl Encode<'_, Sqlite> for At {
    fn encode_by_ref(&self, to: &mut SqliteArgumentsBuffer) -> Result<IsNull, BoxDynError> {
        <i64 as Encode<'_, Sqlite>>::encode(self.micros(), to)
    }
}

impl<'r> Decode<'r, Sqlite> for At {
    fn decode(value: SqliteValueRef<'r>) -> Result<Self, BoxDynError> {
        <i64 as Decode<'r, Sqlite>>::decode(value).map(Self::from_micros)
    }
}

impl Type<Postgres> for At {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(1184))
    }
}

impl PgHasArrayType for At {
    fn array_type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(1185))
    }
}

impl Encode<'_, Postgres> for At {
    fn encode_by_ref(&self, to: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        <i64 as Encode<'_, Postgres>>::encode(self.micros() - PG_EPOCH, to)
    }
}

impl<'r> Decode<'r, Postgres> for At {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        match value.format() {
            PgValueFormat::Binary => {
                let bytes: [u8; 8] = value.as_bytes()?.try_into()?;
                Ok(Self::from_micros(i64::from_be_bytes(bytes).saturating_add(PG_EPOCH)))
            }
            PgValueFormat::Text => Err("a time as text".into()),
        }
    }
}

impl Type<Sqlite> for Json {
    fn type_info() -> SqliteTypeInfo {
        <String as Type<Sqlite>>::type_info()
    }
}

impl Encode<'_, Sqlite> for Json {
    fn encode(self, to: &mut SqliteArgumentsBuffer) -> Result<IsNull, BoxDynError> {
        <Arc<str> as Encode<'_, Sqlite>>::encode(self.0, to)
    }

    fn encode_by_ref(&self, to: &mut SqliteArgumentsBuffer) -> Result<IsNull, BoxDynError> {
        <Arc<str> as Encode<'_, Sqlite>>::encode(self.0.clone(), to)
    }
}

impl<'r> Decode<'r, Sqlite> for Json {
    fn decode(value: SqliteValueRef<'r>) -> Result<Self, BoxDynError> {
        <&str as Decode<'r, Sqlite>>::decode(value).map(|text| Self(text.into()))
    }
}

impl Type<Postgres> for Json {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(3802))
    }
}

impl PgHasArrayType for Json {
    fn array_type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(3807))
    }
}

impl Encode<'_, Postgres> for Json {
    fn encode_by_ref(&self, to: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        // The version of jsonb's wire format, the only one there is.
        to.push(1);
        to.extend_from_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }

    fn size_hint(&self) -> usize {
        self.0.len() + 1
    }
}

impl<'r> Decode<'r, Postgres> for Json {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        let bytes = value.as_bytes()?;
        let text = match value.format() {
            PgValueFormat::Binary => bytes.strip_prefix(&[1]).ok_or("a jsonb of an unknown version")?,
            PgValueFormat::Text => bytes,
        };
        Ok(Self(std::str::from_utf8(text)?.into()))
    }
}

/// How JSON writes the character that PostgreSQL cannot hold.
const NUL_ESCAPED: &str = "\\u0000";
/// Microseconds from 1970 to 2000, where PostgreSQL's time begins.
const PG_EPOCH: i64 = 946_684_800_000_000;
