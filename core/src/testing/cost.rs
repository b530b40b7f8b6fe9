//! Measures what an answer and an opening cost in the core, compared with the cryptography and the database alone.
#![allow(clippy::indexing_slicing, reason = "a measurement fails by panicking")]

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::{Connection, params};
use serde_json::Value;

use crate::authenticator::Authenticator;
use crate::authenticator::context::{DATABASE, Folders};
use crate::authenticator::ports::Ports;
use crate::authenticator::records::account::AccountRecord;
use crate::authenticator::store::{Store, samples};
use crate::base::clock::Timestamp;
use crate::base::jose::{PublicKey, base64url};
use crate::base::points::{Point, Side, watch};
use crate::protocol::push_message::{PushKeys, strip_padding};
use crate::protocol::verify::{PushContent, verify_push};
use crate::testing::{FakeClock, FakeKeyStore, Offline};
use crate::values::issuer::Issuer;
use crate::values::platform::{DeviceDescription, KeyGuard, KeyStore};
use crate::values::prompt::PushEffect;

/// The pause before each answer and each bare answer. Without it, the outbox is still busy with the previous answer, which
/// could not be sent.
const PAUSE: Duration = Duration::from_millis(20);

/// When the last answer was stored.
static DECIDED: Mutex<Option<Instant>> = Mutex::new(None);

/// Medians of one measurement, with this number of accounts on the phone.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// From a raw push until its prompt is stored, and then from the person's approval until the signed answer is
    /// stored.
    pub answer: Duration,
    /// The same decryption, verification and signature, and two `FULL` commits that store the same prompt and answer in
    /// a database file of the same size.
    pub bare_answer: Duration,
    /// From nothing until the first snapshot is there.
    pub open: Duration,
    /// SQLite opens the same file and reads the same rows.
    pub bare_open: Duration,
}

/// A phone on the disk, whose first account is that of the vectors.
struct Phone {
    home: PathBuf,
    keys: Arc<FakeKeyStore>,
    account: AccountRecord,
    slot: Vec<u8>,
    push: Vec<u8>,
    private: Vec<u8>,
    now: Timestamp,
}

fn file(vectors: &Path, name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(vectors.join(name)).unwrap()).unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    base64url::decode(value.as_str().unwrap()).unwrap()
}

impl Phone {
    fn new(vectors: &Path, home: PathBuf, accounts: usize) -> Self {
        let (pushes, prompts) = (file(vectors, "push.json"), file(vectors, "phone-prompt.json"));
        let keys = Arc::new(FakeKeyStore::default());
        let private = [bytes(&pushes["push_key"]["private"]), bytes(&pushes["push_key"]["auth"])].concat();
        let text = |name: &str| prompts["expected"][name].as_str().unwrap().to_owned();
        let sample = samples::account("ada");
        let account = AccountRecord {
            issuer: Issuer::parse(&text("issuer")).unwrap(),
            account_id: text("account_id"),
            device_id: text("device_id"),
            slot: bytes(&pushes["slot"]),
            push_keys: PushKeys::from_bytes(&private).unwrap(),
            service_keys: serde_json::from_value(prompts["service_keys"].clone()).unwrap(),
            clock_offset: 0,
            device_key: PublicKey::from_sec1(&keys.make(sample.key_alias.clone(), KeyGuard::AfterFirstUnlock).unwrap())
                .unwrap(),
            ..sample
        };
        let now = Timestamp(pushes["now"].as_u64().unwrap());
        let (slot, push) = (account.slot.clone(), bytes(&pushes["cases"][0]["message"]));
        let phone = Self { home, keys, account, slot, push, private, now };
        std::fs::create_dir_all(phone.home.join("inbox")).unwrap();
        let store = Store::open(&phone.database(), &phone.home.join("inbox"), phone.keys.as_ref()).unwrap();
        let others = (1..accounts).map(|number| samples::account(&format!("account {number}")));
        let all: Vec<AccountRecord> = std::iter::once(phone.account.clone()).chain(others).collect();
        let insert = |tables: &crate::authenticator::store::Tables<'_>| {
            all.iter().try_for_each(|account| tables.insert_account(account))
        };
        store.write_blocking(Point::Database, insert).unwrap();
        phone
    }

    fn database(&self) -> PathBuf {
        self.home.join(DATABASE)
    }

    async fn open(&self) -> Authenticator {
        let text = |text: &str| text.to_owned();
        let ports = Ports {
            key_store: self.keys.clone(),
            device_lock: Arc::new(Offline),
            push_channel: Arc::new(Offline),
            tls_trust: Arc::new(Offline),
            clock: Arc::new(FakeClock::new(self.now)),
            device: DeviceDescription { name: text("Phone"), model: text("M"), os: text("OS"), app_version: text("1") },
        };
        Authenticator::open(Folders::under(self.home.clone()), ports).await.unwrap()
    }

    async fn answer(&self, authenticator: &Authenticator) -> Duration {
        let started = Instant::now();
        let effect = authenticator.push_received(self.slot.clone(), self.push.clone()).await.unwrap();
        let received = started.elapsed();
        let PushEffect::Alert(prompt) = effect else { panic!("the push does not alert: {effect:?}") };
        let started = Instant::now();
        let _waits_for_the_network = authenticator.approve(prompt.id().clone(), "42".to_owned()).await;
        let decided = DECIDED.lock().unwrap_or_else(PoisonError::into_inner).take().expect("the answer is stored");
        received + (decided - started)
    }

    /// The cryptography and the commits of an answer.
    fn bare_answer(&self, connection: &mut Connection, round: usize) -> Duration {
        let started = Instant::now();
        let keys = PushKeys::from_bytes(&self.private).unwrap();
        let plain = keys.decrypt(&self.push).unwrap();
        let jws = std::str::from_utf8(strip_padding(&plain)).unwrap();
        let content = verify_push(jws, &self.account.audience(), self.now).unwrap();
        assert!(matches!(content, PushContent::Prompt(_)));
        let prompt = connection.transaction().unwrap();
        prompt
            .prepare_cached(
                "INSERT INTO prompts (account, jti, jws, received_by, received_at, expires_at, state)
                 VALUES (?1, ?2, ?3, 'push', 0, 0, 'open')",
            )
            .unwrap()
            .execute(params![self.account.id.0, round.to_string(), jws])
            .unwrap();
        prompt.commit().unwrap();
        let signed = self.keys.sign(self.account.key_alias.clone(), jws.as_bytes().to_vec()).unwrap();
        let answer = connection.transaction().unwrap();
        answer
            .prepare_cached(
                "INSERT INTO outbox (id, account, speaker, endpoint, body, next_at, give_up_at)
                 VALUES (?1, ?2, '', '', ?3, 0, 0)",
            )
            .unwrap()
            .execute(params![round.to_string(), self.account.id.0, base64url::encode(&signed)])
            .unwrap();
        answer.commit().unwrap();
        started.elapsed()
    }

    fn bare_connection(&self, path: &Path) -> Connection {
        let connection = Connection::open(path).unwrap();
        connection.pragma_update(None, "journal_mode", "WAL").unwrap();
        connection.pragma_update(None, "synchronous", "FULL").unwrap();
        connection.pragma_update(None, "foreign_keys", true).unwrap();
        connection.pragma_update(None, "secure_delete", true).unwrap();
        connection
    }

    fn bare_open(&self) -> Duration {
        let started = Instant::now();
        let connection = self.bare_connection(&self.database());
        let mut read = 0_usize;
        for table in ["meta", "accounts", "prompts", "enrollments", "registrations", "sign_in_enrollments", "notices"] {
            let mut statement = connection.prepare(&format!("SELECT * FROM {table}")).unwrap();
            let columns = statement.column_count();
            let mut rows = statement.query([]).unwrap();
            while let Some(row) = rows.next().unwrap() {
                let values = (0..columns).map(|column| row.get::<_, rusqlite::types::Value>(column).unwrap());
                read += values.collect::<Vec<_>>().len();
            }
        }
        assert!(read > 0);
        started.elapsed()
    }
}

/// Measures in the folder `home`, which must be empty, with the pushes in the folder `vectors`. Core and bare operations
/// alternate, so that other load affects both.
pub async fn measure(vectors: &Path, home: &Path, accounts: usize, rounds: usize) -> Cost {
    watch(|point, side| {
        if (point, side) == (Point::Decided, Side::After) {
            *DECIDED.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        }
    });
    let phone = Phone::new(vectors, home.to_owned(), accounts);
    let (mut answers, mut bare_answers, mut opens, mut bare_opens) = (vec![], vec![], vec![], vec![]);
    phone.open().await.shut_down().await;
    for _round in 0..rounds {
        let started = Instant::now();
        let authenticator = phone.open().await;
        let snapshot = authenticator.snapshot().await.unwrap();
        opens.push(started.elapsed());
        assert_eq!(snapshot.accounts.len(), accounts);
        authenticator.shut_down().await;
        bare_opens.push(phone.bare_open());
    }
    let copy = home.join("bare.db");
    std::fs::copy(phone.database(), &copy).unwrap();
    let mut connection = phone.bare_connection(&copy);
    let authenticator = phone.open().await;
    let store = authenticator.store().unwrap();
    for round in 0..rounds {
        tokio::time::sleep(PAUSE).await;
        answers.push(phone.answer(&authenticator).await);
        // The same push is then new again.
        store.write_blocking(Point::Database, |tables| tables.forget_answers()).unwrap();
        tokio::time::sleep(PAUSE).await;
        bare_answers.push(phone.bare_answer(&mut connection, round));
    }
    drop(store);
    authenticator.shut_down().await;
    Cost {
        answer: median(answers),
        bare_answer: median(bare_answers),
        open: median(opens),
        bare_open: median(bare_opens),
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
