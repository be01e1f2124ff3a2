//! Passwords: Argon2id, a few at a time, since each takes 19 MiB and a while.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::super::error::ApiError;

/// Makes and checks passwords.
#[derive(Debug)]
pub struct Passwords {
    places: Semaphore,
    /// Of a password that nobody knows: who does not exist takes as long as who does.
    nobody: String,
}

impl Passwords {
    /// Ready; the first hash is made here.
    pub fn new() -> Result<Self, ApiError> {
        let mut unknown = [0; 32];
        super::random(&mut unknown)?;
        Ok(Self { places: Semaphore::new(AT_ONCE), nobody: hash(&unknown)? })
    }

    /// The Argon2id string of a password.
    pub async fn make(&self, password: &str) -> Result<String, ApiError> {
        let bytes = password.as_bytes().to_vec();
        self.work(move || hash(&bytes)).await?
    }

    /// Whether a password is that of a string; without one it is not, and that takes as long.
    pub async fn check(&self, password: &str, of: Option<String>) -> Result<bool, ApiError> {
        let (bytes, is_known) = (password.as_bytes().to_vec(), of.is_some());
        let string = of.unwrap_or_else(|| self.nobody.clone());
        let fits = self.work(move || fits(&bytes, &string)).await?;
        Ok(fits && is_known)
    }

    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        let _place = self.places.acquire().await.map_err(|error| ApiError::internal(error.to_string()))?;
        spawn_blocking(work).await.map_err(|error| ApiError::internal(error.to_string()))
    }
}

/// The Argon2id string of a password.
pub fn hash(password: &[u8]) -> Result<String, ApiError> {
    let mut salt = [0; 16];
    super::random(&mut salt)?;
    let made = argon2()?.hash_password_with_salt(password, &salt);
    made.map(|string| string.to_string()).map_err(|error| ApiError::internal(error.to_string()))
}

fn fits(password: &[u8], string: &str) -> bool {
    // With the costs that the string names, so that they may change.
    PasswordHash::new(string).is_ok_and(|read| Argon2::default().verify_password(password, &read).is_ok())
}

fn argon2() -> Result<Argon2<'static>, ApiError> {
    let params =
        Params::new(MEMORY_KIB, PASSES, 1, None).map_err(|error| ApiError::internal(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// Why a password is not taken.
pub fn strength(password: &str) -> Result<(), &'static str> {
    match password.chars().count() {
        ..SHORTEST => Err("a password has at least 12 characters"),
        SHORTEST..=LONGEST => Ok(()),
        _ => Err("a password has at most 256 characters"),
    }
}

/// At once.
const AT_ONCE: usize = 4;
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const SHORTEST: usize = 12;
const LONGEST: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_fits_its_string_alone_and_nobody_has_one() {
        let passwords = Passwords::new().unwrap();
        let string = passwords.make("correct horse battery").await.unwrap();
        assert!(string.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{string}");
        assert!(passwords.check("correct horse battery", Some(string.clone())).await.unwrap());
        assert!(!passwords.check("correct horse batterz", Some(string.clone())).await.unwrap());
        assert!(!passwords.check("correct horse battery", None).await.unwrap());
        assert!(!passwords.check("x", Some("no string".into())).await.unwrap());
        assert_ne!(
            passwords.make("correct horse battery").await.unwrap(),
            string,
            "the salt is new each time"
        );
        assert!(strength("eleven char").is_err() && strength("twelve chars").is_ok());
    }
}
