//! What a notification extension does with one push, with nothing of the core but its inbox: the memory that it
//! took is what an extension has to spare.
//!
//! `notification FOLDER WRAPPED KEY SLOT PUSH NOW`: the folder that the app left its snapshot in, a wrapped key and
//! what it unwraps to, the slot and the encrypted message (all hexadecimal), the time in seconds since 1970.

use std::path::Path;

use countersign::{Inbox, KeyGuard, KeyStore, PlatformError, PushEffect, Timestamp};

type Trouble = Box<dyn std::error::Error>;

/// The one thing that an extension asks of the key store.
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

fn bytes(hexadecimal: &str) -> Result<Vec<u8>, Trouble> {
    let digits: Vec<char> = hexadecimal.chars().collect();
    let pairs = digits.chunks(2).map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16));
    Ok(pairs.collect::<Result<_, _>>()?)
}

#[expect(clippy::print_stdout, reason = "a program for the terminal")]
fn main() -> Result<(), Trouble> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, wrapped, key, slot, push, now] = arguments.as_slice() else {
        return Err("usage: notification FOLDER WRAPPED KEY SLOT PUSH NOW".into());
    };
    let keys = Unwraps { wrapped: bytes(wrapped)?, key: bytes(key)? };
    let inbox = Inbox::open(Path::new(folder), &keys)?;
    match inbox.push_received(&bytes(slot)?, &bytes(push)?, Timestamp(now.parse()?)) {
        PushEffect::Alert(prompt) => println!("{} asks {}", prompt.host(), prompt.user_name()),
        PushEffect::Quiet(prompt) => println!("{} asks {} quietly", prompt.host(), prompt.user_name()),
        PushEffect::Withdrawn(_, reason) => println!("taken back: {reason:?}"),
        PushEffect::Test(_) => println!("notifications arrive"),
        PushEffect::Nothing => println!("nothing to show"),
    }
    // Linux tells the most memory that a process ever held.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    println!("peak {}", peak.unwrap_or(" unknown").trim());
    Ok(())
}
