//! Handles one push as a notification extension does, with the core's inbox only. Then prints the peak memory of the
//! process, since an extension may use only little memory.
//!
//! Usage: `notification FOLDER WRAPPED KEY SLOT PUSH NOW`. `FOLDER` contains the app's files. `WRAPPED` is the
//! wrapped inbox key, `KEY` the unwrapped one, `SLOT` the account's slot and `PUSH` the encrypted message, all in
//! hexadecimal. `NOW` is the time in seconds since 1970.

use std::path::Path;

use countersign::{Inbox, KeyGuard, KeyStore, PlatformError, PushEffect, Timestamp};

type Failure = Box<dyn std::error::Error>;

/// A key store that only unwraps one key. An extension needs nothing else.
struct Unwraps {
    wrapped: Vec<u8>,
    key: Vec<u8>,
}

impl KeyStore for Unwraps {
    fn make(&self, _alias: String, _guard: KeyGuard) -> Result<Vec<u8>, PlatformError> {
        Err(PlatformError::Unusable)
    }

    fn public_key(&self, _alias: String) -> Result<Vec<u8>, PlatformError> {
        Err(PlatformError::Unusable)
    }

    fn sign(&self, _alias: String, _message: Vec<u8>) -> Result<Vec<u8>, PlatformError> {
        Err(PlatformError::Unusable)
    }

    fn delete(&self, _alias: String) -> Result<(), PlatformError> {
        Err(PlatformError::Unusable)
    }

    fn wrap(&self, _plain: Vec<u8>) -> Result<Vec<u8>, PlatformError> {
        Err(PlatformError::Unusable)
    }

    fn unwrap(&self, wrapped: Vec<u8>) -> Result<Vec<u8>, PlatformError> {
        if wrapped == self.wrapped { Ok(self.key.clone()) } else { Err(PlatformError::Gone) }
    }
}

fn bytes(hexadecimal: &str) -> Result<Vec<u8>, Failure> {
    let digits: Vec<char> = hexadecimal.chars().collect();
    let pairs = digits.chunks(2).map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16));
    Ok(pairs.collect::<Result<_, _>>()?)
}

#[expect(clippy::print_stdout, reason = "a program for the terminal")]
fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, wrapped, key, slot, push, now] = arguments.as_slice() else {
        return Err("usage: notification FOLDER WRAPPED KEY SLOT PUSH NOW".into());
    };
    let keys = Unwraps { wrapped: bytes(wrapped)?, key: bytes(key)? };
    let inbox = Inbox::open(Path::new(folder), &keys)?;
    match inbox.push_received(&bytes(slot)?, &bytes(push)?, Timestamp(now.parse()?))? {
        PushEffect::Alert(prompt) => println!("{} asks {}", prompt.host(), prompt.user_name()),
        PushEffect::Quiet(prompt) => println!("{} asks {} quietly", prompt.host(), prompt.user_name()),
        PushEffect::Withdrawn(_, reason) => println!("withdrawn: {reason:?}"),
        PushEffect::Test(_) => println!("notifications arrive"),
        PushEffect::Nothing => println!("nothing to show"),
    }
    // On Linux: the peak of the resident memory.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    println!("peak {}", peak.unwrap_or(" unknown").trim());
    Ok(())
}
