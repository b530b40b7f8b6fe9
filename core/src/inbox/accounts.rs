//! The files that the app writes for its extension, in the folder `accounts`: a key file, and one sealed file for each
//! account.
//!
//! The file `key` contains a JSON object `{"v":2,"key":…}`; `key` is the inbox key, wrapped by the key store. An account's
//! file contains what the extension needs to decrypt and verify pushes: JSON, encrypted with the inbox key (nonce,
//! ciphertext and tag, AES-256-GCM), in one of two halves (see `halves`). It contains push keys, but no secrets of codes,
//! no device keys and no sign-in keys. Its name is a hash of the account's slot, so that the extension opens only the file
//! that a push needs.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use crate::base::jose;
use crate::base::jose::base64url;
use crate::inbox::files::Files;
use crate::inbox::halves;
use crate::inbox::recipient::Recipient;

const VERSION: u64 = 2;
/// The folder of these files, inside the shared folder, which also contains the pushes.
pub(super) const FOLDER: &str = "accounts";
/// The name of the key file.
pub(super) const KEY_FILE: &str = "accounts/key";
/// The extension makes this file when an account's file is damaged. The app then writes all of them again.
pub(super) const DAMAGED: &str = "accounts/damaged";

#[derive(Serialize, Deserialize)]
struct KeyFile {
    v: u64,
    key: String,
}

/// A file that exists, but that can't be read.
#[derive(Debug)]
pub(super) struct Unreadable;

/// Returns the name of an account's file.
pub(crate) fn name(slot: &[u8]) -> String {
    format!("{FOLDER}/{}", base64url::encode(digest(&SHA256, slot).as_ref()))
}

/// Returns the wrapped inbox key, or `None` when there is no key file.
pub(super) fn wrapped_key(folder: &Path) -> Result<Option<Vec<u8>>, Unreadable> {
    let text = match fs::read(folder.join(KEY_FILE)) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(_) => return Err(Unreadable),
    };
    let file: KeyFile = jose::parse(&text).map_err(|_malformed| Unreadable)?;
    if file.v != VERSION {
        return Err(Unreadable);
    }
    base64url::decode(&file.key).map(Some).map_err(|_malformed| Unreadable)
}

/// Returns the content of a key file.
#[cfg(feature = "authenticator")]
pub(super) fn key_text(wrapped_key: &[u8]) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&KeyFile { v: VERSION, key: base64url::encode(wrapped_key) })
}

/// Returns the account with this slot, or `None` when there is no such account.
pub(super) fn read(files: &Files, slot: &[u8]) -> Result<Option<Recipient>, Unreadable> {
    match halves::read(files, &name(slot)) {
        Ok(None) => Ok(None),
        Ok(Some(plain)) => Recipient::parse(&plain).filter(|found| found.slot == slot).map(Some).ok_or(Unreadable),
        Err(_) => Err(Unreadable),
    }
}
