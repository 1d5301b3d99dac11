use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::testing::Scratch;

#[test]
fn secrets_are_made_once_and_closed_to_others() {
    let scratch = Scratch::new("secrets");
    let path = scratch.path().join("secrets.json");
    let first = Secrets::load_or_generate(&path).unwrap();
    let second = Secrets::load_or_generate(&path).unwrap();
    assert_eq!(first.jwt, second.jwt);
    assert_eq!(first.jwt.len(), 64);
    assert_ne!(first.jwt, first.postgres);
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

#[test]
fn damaged_secrets_are_not_replaced() {
    let scratch = Scratch::new("damaged-secrets");
    let path = scratch.path().join("secrets.json");
    fs::write(&path, "{}").unwrap();
    let error = Secrets::load_or_generate(&path).err().unwrap();
    assert!(error.to_string().contains("is damaged"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "{}");
}
