//! The manual for app makers. It explains how to embed the core, and which threat each default prevents.
//!
//! 1. [The parts](#the-parts)
//! 2. [Implement the ports](#implement-the-ports)
//! 3. [Add an account](#add-an-account)
//! 4. [Answer a prompt](#answer-a-prompt)
//! 5. [Turn on phone sign-in](#turn-on-phone-sign-in)
//! 6. [Receive pushes](#receive-pushes)
//! 7. [Handle errors](#handle-errors)
//! 8. [Defaults and their threats](#defaults-and-their-threats)
//!
//! # The parts
//!
//! An app consists of the core, the ports and screens. The core makes every decision: it verifies messages, stores
//! accounts, makes device keys through the port [`KeyStore`], and sends answers. The app itself makes the sign-in key
//! when a step asks for it. The ports give the core the platform's key store, device lock, push channel and certificate
//! trust; in Rust there is also a port for the clock. The screens show [`Snapshot`] and [`Step`], and call one method
//! of [`Authenticator`] for each thing that a person does.
//!
//! All methods of [`Authenticator`] are asynchronous and run on the core's own threads. Dropping a future ends only the
//! waiting: an act that has started continues, and its result is stored. After a crash or a kill, `pending_steps` lists
//! the acts that are not finished.
//!
//! # Implement the ports
//!
//! The core calls ports on blocking threads, several at the same time. Each call may take at most 30 seconds. A call of
//! [`TlsTrust`] may take at most 5 seconds; an error or a longer call counts as "not trusted". A port that is not sure
//! returns [`PlatformError::Transient`]. Then the method that the app has called fails; the app calls the method
//! again, or continues the enrollment later. The core repeats its background work by itself. The core abandons a key
//! only after
//! `Gone` or `Invalidated`. Signatures are ASN.1 DER, public keys are points of 65 bytes.
//!
//! ```
//! use std::sync::Arc;
//! use countersign::{
//!     Authenticator, DeviceDescription, DeviceLock, Folders, KeyStore, LockState, PlatformError, Ports, PushChannel,
//!     PushDelivery, SystemClock, TlsTrust,
//! };
//!
//! /// Reads the device lock. Android: `BiometricManager` and `KeyguardManager`. iOS: `LAContext`.
//! struct Lock;
//! impl DeviceLock for Lock {
//!     fn state(&self) -> Result<LockState, PlatformError> {
//!         Ok(LockState::Biometric)
//!     }
//! }
//!
//! /// Subscribes one account's pushes at the relay and returns the address for the service.
//! struct Relay;
//! impl PushChannel for Relay {
//!     fn subscribe(&self, _vapid_key: Vec<u8>, _slot: Vec<u8>) -> Result<String, PlatformError> {
//!         Err(PlatformError::Transient) // no network yet: `enroll` fails and can be continued
//!     }
//!     fn delivery(&self) -> Result<PushDelivery, PlatformError> {
//!         Ok(PushDelivery::Unknown)
//!     }
//! }
//!
//! /// Asks the platform whether it trusts a chain. The core itself checks the host name and the TLS signatures.
//! struct Trust;
//! impl TlsTrust for Trust {
//!     fn is_trusted(&self, _host: String, _chain: Vec<Vec<u8>>, _now: u64) -> Result<bool, PlatformError> {
//!         Ok(false)
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let (folder, key_store) = (tempfile::tempdir()?, Arc::new(countersign::testing::FakeKeyStore::default()));
//! # let (home, key_store) = (folder.path().to_owned(), key_store as Arc<dyn KeyStore>);
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let ports = Ports {
//!     key_store, // Android Keystore, Secure Enclave; on desktops `PlatformKeyStore`
//!     device_lock: Arc::new(Lock),
//!     push_channel: Arc::new(Relay),
//!     tls_trust: Arc::new(Trust), // on desktops `PlatformTrust`
//!     clock: Arc::new(SystemClock),
//!     device: DeviceDescription {
//!         name: "Ada's phone".into(),
//!         model: "Pixel 9".into(),
//!         os: "Android 16".into(),
//!         app_version: "1.0".into(),
//!     },
//! };
//! let authenticator = Authenticator::open(Folders::under(home), ports).await?;
//! assert!(authenticator.snapshot().await?.accounts.is_empty());
//! authenticator.shut_down().await;
//! # Ok::<(), countersign::Error>(()) })?;
//! # Ok(()) }
//! ```
//!
//! # Add an account
//!
//! The person scans the QR code on the service's page. The phone looks up which service asks, and for which account.
//! Nothing is stored before the person accepts. Then the phone shows six digits, which the person types into the page.
//! The digits prove to the page that this phone was added, and not another phone that photographed the code.
//!
//! ```no_run
//! use countersign::{Authenticator, CodeInput, EnrollmentEnd, Error, Scanned, Step};
//!
//! async fn add(authenticator: &Authenticator, text_of_qr_code: String) -> Result<(), Error> {
//!     let Scanned::Invite(invite) = authenticator.read_code(CodeInput::Text { text: text_of_qr_code }).await? else {
//!         return Ok(()); // another kind of code: `Scanned::Other` says which kind
//!     };
//!     let offer = authenticator.look_up(invite).await?;
//!     // `host` is verified. `organization` and `user_name` are claims of the service: show them in quotation marks.
//!     println!("{} asks to add \u{201c}{}\u{201d}", offer.host(), offer.user_name());
//!     if let Step::ShowDigits { ticket, digits, .. } = authenticator.enroll(offer).await? {
//!         println!("Type {digits} only into the page where you started.");
//!         match authenticator.wait_for_activation(ticket).await? {
//!             EnrollmentEnd::Active { account } => println!("Added {}", account.user_name),
//!             EnrollmentEnd::Ended { cause } => println!("The service ended it: {cause:?}"),
//!         }
//!     }
//!     Ok(())
//! }
//! ```
//!
//! `add_by_signing_in` adds an account without a code: the person signs in first, in the system browser. A code is
//! safer: by the code's secret, the phone verifies that the replying server is the server that made the code. Without
//! a code, only TLS and the
//! address that the person typed identify the service.
//!
//! # Answer a prompt
//!
//! [`Snapshot::prompts`] has only prompts whose signature, issuer, account and times were verified; the core offers no
//! other prompt. The person finds the number on the page, and types or chooses it on the phone ([`Matching`]). The app
//! has a question for each [`PromptKind`]; the question about an administrative act contains [`Context::about`].
//!
//! ```no_run
//! use countersign::{Authenticator, Error, Prompt, Step};
//!
//! /// Approves with the number from the page, or denies.
//! async fn answer(authenticator: &Authenticator, prompt: &Prompt, number: Option<String>) -> Result<Step, Error> {
//!     match number {
//!         Some(number) => authenticator.approve(prompt.id().clone(), number).await,
//!         None => authenticator.deny(prompt.id().clone()).await,
//!     }
//! }
//! ```
//!
//! `Step::Done` has the service's outcome; a wrong number is an outcome, not an error. `Step::Queued` means that the
//! signed answer is stored, but not acknowledged. The core sends the same signed bytes again, for at most a day. The
//! service accepts them only if they arrive before the prompt expires. `Step::Sign` asks for a signature of the sign-in
//! key, as in the next section. `report` is for "It wasn't me": it denies the prompt, and ends the session, the tokens
//! and the known browser that an earlier approval gave.
//!
//! # Turn on phone sign-in
//!
//! Phone sign-in replaces the password by a key that requires user verification at each use. The core returns one step
//! at a time, and the app passes the reply to each step to `provide`.
//!
//! ```no_run
//! use countersign::{
//!     AccountId, Authenticator, Error, KeyGuard, PlatformError, Reply, SignedForm, Step, UserVerification,
//! };
//!
//! /// What the app's platform code does for a step.
//! trait Platform {
//!     async fn agrees(&self, host: &str, device: &str) -> bool;
//!     async fn browse(&self, url: &str) -> String;
//!     async fn make_key(&self, alias: &str, guard: KeyGuard) -> Result<Vec<u8>, PlatformError>;
//!     async fn sign(&self, alias: &str, forms: &[SignedForm]) -> Result<(Vec<u8>, UserVerification), PlatformError>;
//! }
//!
//! async fn turn_on(core: &Authenticator, account: AccountId, app: &impl Platform) -> Result<Option<Step>, Error> {
//!     let mut step = core.turn_on_phone_sign_in(account, "https://app.example/phone-sign-in".to_owned()).await?;
//!     loop {
//!         let (ticket, reply) = match step {
//!             Step::ConfirmDevice { ticket, host, device, .. } => {
//!                 if !app.agrees(&host, &device).await {
//!                     core.abandon(ticket).await?;
//!                     return Ok(None);
//!                 }
//!                 (ticket, Reply::Confirmed)
//!             }
//!             Step::OpenBrowser { ticket, url, .. } => (ticket, Reply::Redirected { url: app.browse(&url).await }),
//!             Step::MakeKey { ticket, alias, guard, .. } => match app.make_key(&alias, guard).await {
//!                 Ok(point) => (ticket, Reply::KeyMade { point }),
//!                 Err(cause) => (ticket, Reply::Failed { cause }),
//!             },
//!             Step::Sign { ticket, alias, forms, .. } => match app.sign(&alias, &forms).await {
//!                 Ok((signature, verified)) => (ticket, Reply::Signed { signature, verified }),
//!                 Err(cause) => (ticket, Reply::Failed { cause }),
//!             },
//!             end => return Ok(Some(end)), // PhoneSignInOn, MissingLock, NotAllowed
//!         };
//!         step = core.provide(ticket, reply).await?;
//!     }
//! }
//! ```
//!
//! The signed bytes contain the method of user verification. Therefore [`Step::Sign`] has one [`SignedForm`] for each
//! method. Sign the `SignedForm` of the method that was really used. The second argument of `turn_on_phone_sign_in` is
//! the redirect URI. It must be a URL that the system opens only in this app: an App Link, a Universal Link, or a
//! loopback URL on desktops.
//!
//! # Receive pushes
//!
//! The app passes each push with its slot to `push_received`, which decrypts and verifies the push, and returns whether
//! to alert ([`PushEffect`]). A push can be lost. So call two methods each time the app comes to the foreground.
//! `foregrounded` reads the device lock, and imports the pushes that a notification extension has received.
//! `check_for_prompts` then fetches the prompts from the services. A notification extension is a separate process and
//! uses only [`Inbox`], without network and database.
//!
//! # Handle errors
//!
//! [`Error`] has one variant for each cause, and the documentation of the variant says what the app can do. Show your
//! own text for each variant; the texts of the core are for logs and contain no name, address, code or key. After a
//! temporary error (`Offline`, `Busy`, `Untrusted`, or `Transient` from a port), a stored enrollment is kept and can be
//! continued; the same is true for turning on phone sign-in. `look_up`, `unblock` and `test_push` store no act: call
//! them again. Kotlin and Swift have fewer errors: one error stands for all causes to which the app reacts in the
//! same way.
//!
//! # Defaults and their threats
//!
//! | default | threat |
//! | --- | --- |
//! | A prompt is visible only after verification. | An attacker sends pushes that look like the service's. |
//! | The person types or chooses the number; the prompt never says which number is right. | A tired or hurried person approves a sign-in that they did not start. |
//! | After too many prompts without an approval, further prompts come without an alert. | An attacker repeats prompts until the person approves (prompt bombing). |
//! | Each origin has its own limits. | An attacker uses up a limit. Then prompts of the account's owner no longer
//! alert. |
//! | An answer contains the digest of the prompt. | An interceptor shows the person another prompt than the service has sent. |
//! | Answers are stored first and resent unchanged. | After a broken connection, phone and service have different outcomes. |
//! | The sign-in key requires user verification at each use. | A thief uses an unlocked phone. |
//! | The database is sealed under a key of the key store. | An attacker opens a backup or a copy of the files on another device. |
//! | A new service key is accepted only if a chain of signatures leads to it from the first document. | An attacker takes over the service's domain or certificate. |
//! | Redirects are not followed, and every endpoint has the issuer's host. | An attacker makes the phone send secrets to another server. |
//! | A service's time that differs by more than 24 hours is refused. | An attacker changes the phone's clock offset, so that old prompts are valid again. |
//! | The core removes control and direction characters from names that a service claims. | A name imitates another host or hides text. |
//!
//! [`Authenticator`]: crate::Authenticator
//! [`Context::about`]: crate::Context::about
//! [`Error`]: crate::Error
//! [`Inbox`]: crate::Inbox
//! [`KeyStore`]: crate::KeyStore
//! [`Matching`]: crate::Matching
//! [`PlatformError::Transient`]: crate::PlatformError::Transient
//! [`PromptKind`]: crate::PromptKind
//! [`PushEffect`]: crate::PushEffect
//! [`SignedForm`]: crate::SignedForm
//! [`Snapshot`]: crate::Snapshot
//! [`Snapshot::prompts`]: crate::Snapshot::prompts
//! [`Step`]: crate::Step
//! [`Step::Sign`]: crate::Step::Sign
//! [`TlsTrust`]: crate::TlsTrust
