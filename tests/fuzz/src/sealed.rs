//! Targets for encrypted or encoded input: pushes, the files for the notification extension, sealed values, and
//! signatures and keys of a platform.

use std::sync::LazyLock;

use countersign::testing::{OneWrappedKey, readers};
use countersign::{Inbox, PushEffect, Timestamp};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use serde_json::{Value, json};

use crate::signed;
use crate::strict::{assert_unique_names, canonical, text};
use crate::vectors::{self, NOW};

static PUSHES: LazyLock<Value> = LazyLock::new(|| vectors::file("push.json"));
static INBOX: LazyLock<Value> = LazyLock::new(|| vectors::file("inbox.json"));
static INBOX_ACCOUNT: LazyLock<Value> = LazyLock::new(|| vectors::file("inbox-account.json"));
/// A member that only the sealed part of a snapshot contains.
const ACCOUNTS: &[u8] = b"\"accounts\"";
/// Private scalar and secret of the account's push key.
static PRIVATE: LazyLock<Vec<u8>> =
    LazyLock::new(|| ["private", "auth"].map(|part| vectors::bytes(&PUSHES["push_key"][part])).concat());

/// Decrypts a push. Input that begins with `{` is first signed and encrypted, as a service signs and encrypts a push.
/// Any other input is the encrypted message.
pub(crate) fn push(input: &[u8]) -> bool {
    let content = match input.first() {
        Some(b'{') => {
            let Some(jws) = signed::SERVICE.message(input) else { return false };
            Some(format!("{jws:2700}").into_bytes())
        }
        _ => None,
    };
    let message = content.as_ref().map_or_else(|| input.to_vec(), |content| encrypted(content));
    let Some(plain) = readers::decrypt(&PRIVATE, &message) else {
        assert!(content.is_none_or(|content| content.len() > 3_900), "refused a correctly encrypted push");
        return false;
    };
    assert!(message.len() <= 4_096, "accepted {} bytes", message.len());
    assert!(!plain.ends_with(b" "), "returned the padding");
    assert_eq!(message.get(20), Some(&65), "accepted a key of another length");
    let mut altered = message.clone();
    if let Some(last) = altered.last_mut() {
        *last ^= 1;
    }
    assert_eq!(readers::decrypt(&PRIVATE, &altered), None, "accepted an altered push");
    // A stock library decrypts the same content.
    let secret = web_push_native::p256::SecretKey::from_slice(&PRIVATE[..32]).unwrap();
    let auth = web_push_native::Auth::clone_from_slice(&PRIVATE[32..]);
    let stock =
        web_push_native::decrypt(message, &secret, &auth).expect("accepted a push that a stock library refuses");
    let spaces = stock.iter().rev().take_while(|byte| **byte == b' ').count();
    assert_eq!(&stock[..stock.len() - spaces], plain);
    true
}

fn encrypted(content: &[u8]) -> Vec<u8> {
    let point =
        web_push_native::p256::PublicKey::from_sec1_bytes(&vectors::bytes(&PUSHES["push_key"]["point"])).unwrap();
    let auth = web_push_native::Auth::clone_from_slice(&PRIVATE[32..]);
    web_push_native::encrypt(content.to_vec(), &point, &auth).unwrap()
}

pub(crate) fn push_seeds() -> Vec<Vec<u8>> {
    let messages = PUSHES["cases"].as_array().unwrap().iter().map(|case| vectors::bytes(&case["message"]));
    messages.chain(vectors::messages("phone-prompt.json").into_iter().take(5)).collect()
}

/// Opens the inbox with a snapshot file of version 0.1. Input with a member `accounts` is sealed into a file. Any other input is the
/// file itself.
pub(crate) fn inbox(input: &[u8]) -> bool {
    let is_content = input.windows(ACCOUNTS.len()).any(|part| part == ACCOUNTS);
    let file = if is_content { snapshot(input) } else { input.to_vec() };
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("snapshot"), &file).unwrap();
    let key_store =
        OneWrappedKey { wrapped: vectors::bytes(&INBOX["wrapped"]), key: vectors::bytes(&INBOX["snapshot_key"]) };
    let Ok(inbox) = Inbox::open(folder.path(), &key_store) else { return false };
    assert_unique_names(&file);
    let envelope: Value = serde_json::from_slice(&file).unwrap();
    assert_eq!(envelope["v"], 1);
    assert_eq!(canonical(text(&envelope, "key")), vectors::bytes(&INBOX["wrapped"]));
    let slot = vectors::bytes(&PUSHES["slot"]);
    for case in PUSHES["cases"].as_array().unwrap().iter().take(3) {
        let message = vectors::bytes(&case["message"]);
        let _effect = inbox.push_received(&slot, &message, Timestamp(NOW));
        let again = inbox.push_received(&slot, &message, Timestamp(NOW));
        assert_eq!(again, Ok(PushEffect::Nothing), "a repeated push had an effect");
    }
    true
}

fn snapshot(content: &[u8]) -> Vec<u8> {
    let key = UnboundKey::new(&AES_256_GCM, &vectors::bytes(&INBOX["snapshot_key"])).unwrap();
    let mut sealed = content.to_vec();
    let place = Aad::from(b"inbox\0snapshot\0v1");
    LessSafeKey::new(key).seal_in_place_append_tag(Nonce::assume_unique_for_key([0; 12]), place, &mut sealed).unwrap();
    let sealed = countersign_service::secrets::encode(&[&[0; 12], sealed.as_slice()].concat());
    json!({ "v": 1, "key": INBOX["wrapped"], "sealed": sealed }).to_string().into_bytes()
}

/// Opens the inbox with an account's file. Input that begins with `{"id"` is sealed into the file. Other input that begins
/// with `{` is the key file. Any other input is the file itself.
pub(crate) fn inbox_account(input: &[u8]) -> bool {
    let (is_content, is_key_file) = (input.starts_with(b"{\"id\""), input.starts_with(b"{\"v\""));
    let key_file = if is_key_file { input } else { text(&INBOX_ACCOUNT, "key_file").as_bytes() };
    let file = match is_content {
        true => sealed_account(input),
        false if is_key_file => good_files().swap_remove(0),
        false => input.to_vec(),
    };
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("accounts")).unwrap();
    std::fs::write(folder.path().join("accounts/key"), key_file).unwrap();
    std::fs::write(folder.path().join(text(&INBOX_ACCOUNT, "name")), &file).unwrap();
    let wrapped = vectors::bytes(&INBOX_ACCOUNT["wrapped"]);
    let key_store = OneWrappedKey { wrapped: wrapped.clone(), key: vectors::bytes(&INBOX_ACCOUNT["inbox_key"]) };
    let Ok(inbox) = Inbox::open(folder.path(), &key_store) else { return false };
    assert_unique_names(key_file);
    let parsed: Value = serde_json::from_slice(key_file).unwrap();
    assert_eq!((&parsed["v"], canonical(text(&parsed, "key"))), (&json!(2), wrapped));
    let (slot, message) = (vectors::bytes(&PUSHES["slot"]), vectors::bytes(&PUSHES["cases"][0]["message"]));
    if inbox.push_received(&slot, &message, Timestamp(NOW)).is_err() {
        return false;
    }
    if is_content {
        assert_unique_names(input);
        let account: Value = serde_json::from_slice(input).unwrap();
        assert_eq!(canonical(text(&account, "slot")), slot);
    }
    let again = inbox.push_received(&slot, &message, Timestamp(NOW));
    assert_eq!(again, Ok(PushEffect::Nothing), "a repeated push had an effect");
    true
}

fn sealed_account(content: &[u8]) -> Vec<u8> {
    let key = UnboundKey::new(&AES_256_GCM, &vectors::bytes(&INBOX_ACCOUNT["inbox_key"])).unwrap();
    let mut sealed = [&1_u64.to_be_bytes(), content].concat();
    let place = Aad::from(format!("inbox\0{}\0v1", text(&INBOX_ACCOUNT, "name")));
    LessSafeKey::new(key).seal_in_place_append_tag(Nonce::assume_unique_for_key([0; 12]), place, &mut sealed).unwrap();
    let half = [&[0; 12], sealed.as_slice()].concat();
    [vec![0; half.len()], half].concat()
}

fn good_files() -> Vec<Vec<u8>> {
    INBOX_ACCOUNT["files"].as_array().unwrap().iter().map(|case| vectors::bytes(&case["file"])).collect()
}

pub(crate) fn inbox_account_seeds() -> Vec<Vec<u8>> {
    let good = ["plain", "key_file"].map(|name| text(&INBOX_ACCOUNT, name).as_bytes().to_vec());
    let files = |list: &str| INBOX_ACCOUNT[list].as_array().unwrap().clone();
    let wrong_keys = files("wrong_key_files").into_iter().map(|case| text(&case, "file").as_bytes().to_vec());
    let wrong = files("wrong_files").into_iter().map(|case| vectors::bytes(&case["file"]));
    good.into_iter().chain(good_files()).chain(wrong_keys).chain(wrong).collect()
}

pub(crate) fn inbox_seeds() -> Vec<Vec<u8>> {
    let texts = std::iter::once(text(&INBOX, "file")).chain(std::iter::once(text(&INBOX, "plain")));
    let wrong = INBOX["wrong_files"].as_array().unwrap().iter().map(|case| text(case, "file"));
    texts.chain(wrong).map(|text| text.as_bytes().to_vec()).collect()
}

/// Seals the input. The sealed value must open only when it is unaltered, and only for the row for which it was sealed.
pub(crate) fn sealed(input: &[u8]) -> bool {
    let key = [3; 32];
    assert_eq!(readers::unseal(&key, "row", input), None, "opened a value that was not sealed");
    let whole = readers::seal(&key, "row", input);
    assert_eq!(readers::unseal(&key, "row", &whole).as_deref(), Some(input));
    assert_eq!(readers::unseal(&key, "row2", &whole), None, "opened in another row");
    let mut altered = whole.clone();
    let at = input.iter().fold(input.len(), |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(*byte)));
    let at = at.rem_euclid(altered.len());
    altered[at] ^= 1;
    assert_eq!(readers::unseal(&key, "row", &altered), None, "opened after byte {at} was altered");
    assert_eq!(readers::unseal(&key, "row", &whole[..whole.len() - 1]), None, "opened a truncated value");
    true
}

pub(crate) fn sealed_seeds() -> Vec<Vec<u8>> {
    vec![Vec::new(), b"secret".to_vec(), vec![0; 300]]
}

/// Reads a platform's signature. The signature is accepted only when r and s are in range, and only in its one valid
/// DER encoding.
pub(crate) fn signature(input: &[u8]) -> bool {
    let Some(raw) = readers::signature_from_der(input) else { return false };
    let again = p256::ecdsa::Signature::from_slice(&raw).expect("accepted r or s out of range");
    assert_eq!(again.to_der().as_bytes(), input, "accepted a second encoding of a signature");
    true
}

pub(crate) fn signature_seeds() -> Vec<Vec<u8>> {
    let whole = (1..=8_u8).map(|seed| {
        let mut raw = [seed; 64];
        raw[0] = seed.wrapping_mul(31);
        p256::ecdsa::Signature::from_slice(&raw).unwrap().to_der().as_bytes().to_vec()
    });
    whole.chain([vec![0x30, 6, 2, 1, 0, 2, 1, 0], vec![0x30, 7, 2, 2, 0, 1, 2, 1, 1], Vec::new()]).collect()
}

/// Reads a public key as JWK or point. The key is accepted only when its point is on the curve, and only in one
/// encoding. Phone and service compute the same thumbprint.
pub(crate) fn key(input: &[u8]) -> bool {
    if readers::is_point(input) {
        assert_eq!((input.len(), input.first()), (65, Some(&4)), "accepted a point in another form");
        assert!(p256::PublicKey::from_sec1_bytes(input).is_ok(), "accepted a point off the curve");
        return true;
    }
    let service: Option<countersign_service::jose::Jwk> = serde_json::from_slice(input).ok();
    let Some((point, thumbprint)) = readers::point_of_jwk(input) else { return false };
    assert_unique_names(input);
    assert!(readers::is_point(&point));
    if let Some(jwk) = service {
        assert_eq!((jwk.point(), jwk.thumbprint_bytes()), (Ok(point), thumbprint.to_vec()));
    }
    true
}

pub(crate) fn key_seeds() -> Vec<Vec<u8>> {
    let file = vectors::file("keys.json");
    let keys = file.as_object().unwrap().values();
    let jwks = keys.clone().map(|key| {
        let mut jwk = key["jwk"].clone();
        jwk.as_object_mut().unwrap().remove("d");
        jwk.to_string().into_bytes()
    });
    jwks.chain(keys.map(|key| vectors::bytes(&key["point"]))).collect()
}
