//! The identity of an agent as files: `chain.pem`, `key.pem` and `roots.pem` in a folder. They are read for
//! each dial, and never changed or removed here.

use std::path::Path;
use std::sync::Arc;

use fieldward_shared::transport::ClientIdentity;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::{Trust, TrustSource};

/// Reads the files of a folder whenever it is asked.
pub fn identity_in(folder: &Path) -> TrustSource {
    let folder = folder.to_owned();
    Arc::new(move || read(&folder))
}

fn read(folder: &Path) -> Result<Trust, String> {
    let wrong = |file: &str, why: &dyn std::fmt::Display| {
        format!("{}: {why}; enrol this agent, or put its certificate there", folder.join(file).display())
    };
    let certificates = |file: &str| -> Result<Vec<CertificateDer<'static>>, String> {
        let found = CertificateDer::pem_file_iter(folder.join(file)).map_err(|error| wrong(file, &error))?;
        let found: Vec<_> = found.collect::<Result<_, _>>().map_err(|error| wrong(file, &error))?;
        if found.is_empty() { Err(wrong(file, &"no certificate in it")) } else { Ok(found) }
    };
    let (chain, roots) = (certificates("chain.pem")?, certificates("roots.pem")?);
    let key =
        PrivateKeyDer::from_pem_file(folder.join("key.pem")).map_err(|error| wrong("key.pem", &error))?;
    Ok(Trust { identity: ClientIdentity { chain, key }, roots })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let source = identity_in(folder.path());
        let why = source().map(drop).unwrap_err();
        assert!(why.contains("chain.pem") && why.contains("enrol"), "{why}");
        std::fs::write(folder.path().join("chain.pem"), "nothing").unwrap();
        assert!(source().map(drop).unwrap_err().contains("no certificate"));
    }
}
