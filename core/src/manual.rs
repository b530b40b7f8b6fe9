//! The manual for app makers: how to embed the core, and the threat behind each default.
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
//! An app consists of the core, four ports and screens. The core decides: it verifies messages, makes keys through the
//! port, stores accounts and sends answers. The ports give it the platform's key store, device lock, push channel and
//! certificate trust. The screens show [`Snapshot`] and [`Step`] and call one method of [`Authenticator`] for each
//! thing that a person does.
//!
//! All methods of [`Authenticator`] are asynchronous and run on the core's own threads. Dropping a future stops only
//! the waiting: an operation that has started runs to its next stored point. After a crash or a kill, `pending_steps` lists
//! what was not finished.
//!
//! # Implement the ports
//!
//! The core calls ports on blocking threads, several at the same time, with a limit of 30 seconds each (5 for
//! [`TlsTrust`], where an error counts as "not trusted"). A port that is not sure returns
//! [`PlatformError::Transient`]: a call that the app made then fails, and the app calls it again or continues the
//! enrollment later; the core itself repeats its background work. The core abandons a key only after `Gone` or
//! `Invalidated`. Signatures are ASN.1 DER, public keys are points of 65 bytes.
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
//! The person scans the QR code on the service's page. The phone looks up who is asking, and stores nothing before the
//! person accepts. Then it shows six digits, which the person types into the page. The digits prove to the page that
//! this very phone was added, and not a phone that photographed the code.
//!
//! ```no_run
//! use countersign::{Authenticator, CodeInput, EnrollmentEnd, Error, Scanned, Step};
//!
//! async fn add(authenticator: &Authenticator, text_of_qr_code: String) -> Result<(), Error> {
//!     let Scanned::Invite(invite) = authenticator.read_code(CodeInput::Text { text: text_of_qr_code }).await? else {
//!         return Ok(()); // another kind of code: `Scanned::Other` says which
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
//! `add_by_signing_in` is the other way: the person signs in first, in the system browser. It relies on TLS and on the
//! address that the person typed; a scanned code proves more.
//!
//! # Answer a prompt
//!
//! [`Snapshot::prompts`] has the prompts that were verified: signature, issuer, account, times. Nothing else about a
//! prompt can be shown. The person finds the number on the page and enters or chooses it ([`Matching`]).
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
//! answer is stored and will be sent when the network is back before the prompt expires; retries resend the same signed
//! bytes. `Step::Sign` asks for the sign-in key, as below. `report` is the answer "It wasn't me": it also ends what an
//! earlier approval gave.
//!
//! # Turn on phone sign-in
//!
//! Phone sign-in replaces the password by a key that requires user verification at each use. The core asks the app for
//! one step at a time, and the app returns each result to `provide`.
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
//! A form exists for each way of verification, because the way is part of the signed bytes. Sign the form that states
//! what really happened. `redirect_uri` must be an address that only this app can claim: an App Link, a Universal Link,
//! or a loopback address on desktops.
//!
//! # Receive pushes
//!
//! The app passes each push with its slot to `push_received`, which decrypts and verifies it and says whether to alert
//! ([`PushEffect`]). Whenever the app comes to the front, call `foregrounded`, which reads the device lock and imports
//! what a notification extension received, and then `check_for_prompts`: only this fetch finds a prompt whose push was
//! lost. A notification extension is a separate process and uses [`Inbox`] instead: it has no network and no database.
//!
//! # Handle errors
//!
//! [`Error`] has one variant for each cause, and its documentation says what the app can do. Show your own words for
//! each variant; the texts of the core are for logs and contain no name, address, code or key. After a temporary error
//! (`Offline`, `Busy`, `Untrusted`, a transient port) an enrollment, or turning on phone sign-in, is kept and can be
//! continued. `look_up`, `unblock` and `test_push` store nothing: call them again. Kotlin and Swift have errors of their
//! own, one for each thing that the app does next.
//!
//! # Defaults and their threats
//!
//! | default | threat |
//! | --- | --- |
//! | A prompt is visible only after verification. | An attacker sends pushes that look like the service's. |
//! | The number is typed or chosen, and is never in the prompt. | A tired or hurried person approves a sign-in that they did not start. |
//! | Prompts after unapproved ones come without an alert. | An attacker repeats prompts until the person approves (prompt bombing). |
//! | Origins are judged apart. | An attacker uses up limits to silence the prompts of the real owner. |
//! | An answer contains the digest of the prompt. | A man in the middle replaces what the person saw. |
//! | Answers are stored first and resent unchanged. | A cut connection makes the phone and the service disagree. |
//! | The sign-in key requires user verification, the device key does not. | A thief uses an unlocked or stolen phone. |
//! | The database is sealed under a key of the key store. | A backup or a copy of the files is opened elsewhere. |
//! | Service keys are followed by signatures from the first document on. | Somebody takes over the service's domain or certificate. |
//! | Redirects are not followed, and every endpoint has the issuer's host. | A service is made to send secrets elsewhere. |
//! | A time more than 24 hours off is refused. | An attacker moves the phone's clock to revive old prompts. |
//! | Names that a service claims lose control and direction characters. | A name imitates another host or hides text. |
//!
//! [`Authenticator`]: crate::Authenticator
//! [`Error`]: crate::Error
//! [`Inbox`]: crate::Inbox
//! [`Matching`]: crate::Matching
//! [`PlatformError::Transient`]: crate::PlatformError::Transient
//! [`PushEffect`]: crate::PushEffect
//! [`Snapshot`]: crate::Snapshot
//! [`Snapshot::prompts`]: crate::Snapshot::prompts
//! [`Step`]: crate::Step
//! [`TlsTrust`]: crate::TlsTrust
