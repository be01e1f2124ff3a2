//! HTTP: requests, errors, what targets look like.

use super::{Feature, log, mean};

pub const FEATURES: &[Feature] = &[
    Feature { name: "HTTP requests", of: |b| log(b.http.requests) },
    Feature { name: "HTTP requests that change", of: |b| log(b.http.changing) },
    Feature { name: "HTTP client errors", of: |b| log(b.http.client_errors) },
    Feature { name: "HTTP server errors", of: |b| log(b.http.server_errors) },
    Feature { name: "HTTP target length", of: |b| mean(u64::from(b.http.length), b.http.requests) },
    Feature { name: "longest HTTP target", of: |b| log(b.http.longest) },
    Feature { name: "odd characters in HTTP targets", of: |b| log(b.http.odd_characters) },
    Feature { name: "HTTP bodies", of: |b| log(b.http.body as f64) },
    Feature { name: "HTTP targets", of: |b| log(b.http.targets.count()) },
];
