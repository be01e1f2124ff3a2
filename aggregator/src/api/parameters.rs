//! What is taken for a word in a question, by its name: `range`, `facility` or `cursor` mean the same on every
//! path. The document says so for parameters and for fields of bodies that bear these names; what a
//! handler takes and what stands here go together.

use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::schema::{SchemaType, Type};
use utoipa::openapi::{Object, RefOr, Schema};

/// Says of each parameter what is taken for it.
pub fn describe(operation: &mut Operation) {
    for parameter in operation.parameters.iter_mut().flatten() {
        let RefOr::T(parameter) = parameter else { continue };
        if let Some(RefOr::T(Schema::Object(schema))) = &mut parameter.schema {
            // What may be left out is not therefore null: in an address and in a header there is no such thing.
            sent(schema);
            say(&parameter.name, schema);
        }
    }
}

/// Says of each field of a body that asks as a list is asked what is taken for it.
pub fn describe_fields(schema: &mut RefOr<Schema>) {
    let RefOr::T(Schema::Object(body)) = schema else { return };
    for (name, field) in &mut body.properties {
        if let RefOr::T(Schema::Object(field)) = field {
            say(name, field);
        }
    }
}

/// Whether an operation has a parameter in its address behind `?`.
pub fn is_asked(operation: &Operation) -> bool {
    let in_query = |one: &Parameter| one.parameter_in == ParameterIn::Query;
    operation.parameters.iter().flatten().any(|one| matches!(one, RefOr::T(one) if in_query(one)))
}

fn sent(schema: &mut Object) {
    if let SchemaType::Array(types) = &mut schema.schema_type {
        types.retain(|one| *one != Type::Null);
        if let [one] = &types[..] {
            schema.schema_type = SchemaType::Type(one.clone());
        }
    }
}

fn say(name: &str, schema: &mut Object) {
    let known = TAKEN.iter().find(|(known, _)| *known == name);
    if let Some((_, pattern)) = known {
        schema.pattern = Some((*pattern).to_owned());
    }
    if name == "page" {
        schema.maximum = Some(super::page::DEEPEST.into());
    }
}

/// Lists have commas, blanks around their words are nothing, and so is a word that is empty.
const TAKEN: &[(&str, &str)] = &[
    ("cursor", "^[0-9a-f]{2,400}\\.[0-9a-f]{24}$"),
    ("facility", "^ *([a-z0-9_-]{1,64})? *(, *([a-z0-9_-]{1,64})? *){0,99}$"),
    ("idempotency-key", "^[!-~]{1,128}$"),
    ("include", "^context$"),
    ("range", "^[0-9]{1,9}[smhd]$"),
    (
        "severity",
        "^(gte:(critical|high|medium|low)| *(critical|high|medium|low)? *(, *(critical|high|medium|low)? *){0,99})$",
    ),
    ("since", MOMENT),
    (
        "status",
        "^ *(new|acknowledged|resolved|false-positive)? *(, *(new|acknowledged|resolved|false-positive)? *){0,99}$",
    ),
    ("technique", "^ *(T[0-9]{4}(\\.[0-9]{3})?)? *(, *(T[0-9]{4}(\\.[0-9]{3})?)? *){0,99}$"),
    ("until", MOMENT),
];
/// RFC 3339 in UTC, from 1970 on.
const MOMENT: &str = "^(19[7-9][0-9]|[2-9][0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T\
([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?Z$";
