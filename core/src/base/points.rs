//! The stored points: the named places in the code at which the core stores something. The torture tests
//! (`tests/torture`) kill the process at each point, and check that another process recovers.
//!
//! Every transaction that writes takes a `Point`, so the list is complete. In an app's build `reached` does nothing,
//! and the points have no names. With the feature `testing` the points have names, and `reached` calls the function
//! that a test has set with `watch`.

/// Whether the process is just before or just after a stored point.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "testing", derive(Debug, PartialOrd, Ord))]
#[cfg_attr(not(feature = "testing"), allow(unreachable_pub, reason = "public only for tests"))]
pub enum Side {
    /// The change is not stored yet: a process that is killed here loses it. An effect outside the core, such as a
    /// request or a new key, may or may not have happened.
    Before,
    /// The change is stored, and nothing that depends on it has happened yet.
    After,
}

macro_rules! points {
    ($($(#[$doc:meta])* $point:ident = $name:literal,)+) => {
        /// A change that is stored in one transaction, or in one file.
        #[cfg_attr(not(feature = "desktop"), allow(dead_code, reason = "only the desktop's key store is a file"))]
        #[derive(Clone, Copy, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "testing", derive(Debug, PartialOrd, Ord))]
        #[cfg_attr(not(feature = "testing"), allow(unreachable_pub, reason = "public only for tests"))]
        pub enum Point {
            $($(#[$doc])* $point,)+
        }

        #[cfg(feature = "testing")]
        impl Point {
            /// Every point, in the order of the definition.
            pub const ALL: &[Self] = &[$(Self::$point,)+];

            /// Returns the point's name in the plans and reports of the torture tests.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$point => $name,)+
                }
            }
        }
    };
}

points! {
    /// The new file of the key store, already written, replaces the old one.
    KeyFile = "keys.file",
    /// The database exists, with its sealing keys.
    Database = "opening.database",
    /// Opening has cleaned up what an earlier process left: leases, old prompts and notices.
    CleanedUp = "opening.cleaned_up",
    /// The person has accepted the offer.
    EnrollmentAccepted = "enrolling.accepted",
    /// Device key and push address exist.
    EnrollmentKeyMade = "enrolling.key_made",
    /// The service knows the device.
    EnrollmentBound = "enrolling.bound",
    /// The enrollment is abandoned, and the service must be notified.
    EnrollmentAbandoned = "enrolling.abandoned",
    /// The enrollment is deleted.
    EnrollmentForgotten = "enrolling.forgotten",
    /// The person has read why the service ended the enrollment.
    EnrollmentEndRead = "enrolling.end_read",
    /// The person starts adding an account by signing in.
    SigningInStarted = "signing_in.started",
    /// The authorization request is about to be sent to the service (RFC 9126).
    SigningInPushing = "signing_in.pushing",
    /// The service has accepted the authorization request, and the person signs in with the browser.
    SigningInBrowser = "signing_in.browser",
    /// The authorization code is about to be redeemed.
    SigningInRedeeming = "signing_in.redeeming",
    /// The device key is about to be sent to the service.
    SigningInAdding = "signing_in.adding",
    /// The account is active.
    SigningInAdded = "signing_in.added",
    /// The enrollment by signing in is deleted.
    SigningInForgotten = "signing_in.forgotten",
    /// An older unfinished act of turning phone sign-in on is deleted.
    TurningOnCleared = "turning_on.cleared",
    /// The person is asked to confirm this device.
    TurningOnConfirming = "turning_on.confirming",
    /// The authorization request is about to be sent to the service (RFC 9126).
    TurningOnPushing = "turning_on.pushing",
    /// The service has accepted the authorization request, and the person signs in with the browser.
    TurningOnBrowser = "turning_on.browser",
    /// The authorization code is about to be redeemed.
    TurningOnRedeeming = "turning_on.redeeming",
    /// The registration token is stored, and the app may make the sign-in key.
    TurningOnMakingKey = "turning_on.making_key",
    /// The sign-in key exists and has not signed its proof.
    TurningOnSigning = "turning_on.signing",
    /// The signed proof of the key is about to be sent to the service.
    TurningOnTelling = "turning_on.sending_proof",
    /// Phone sign-in is on.
    TurnedOn = "turning_on.done",
    /// Turning phone sign-in on is abandoned, and the service must be notified.
    TurningOnAbandoned = "turning_on.abandoned",
    /// The act of turning phone sign-in on is deleted.
    TurningOnForgotten = "turning_on.forgotten",
    /// Phone sign-in is off, and the service must be notified.
    TurnedOff = "turning_off.done",
    /// The key store no longer has a usable sign-in key, and the service must be notified.
    SignInKeyEnded = "account.sign_in_key_ended",
    /// A retired key is destroyed.
    KeyDestroyed = "keys.destroyed",
    /// A process leases a message in order to send it.
    OutboxLeased = "outbox.leased",
    /// A message could not be sent and waits for the next try.
    OutboxPostponed = "outbox.postponed",
    /// The service has acknowledged a message with a signed state.
    OutboxSettled = "outbox.settled",
    /// A message is deleted without an acknowledgment, since it is no longer useful.
    OutboxAbandoned = "outbox.abandoned",
    /// The person's signed answer is stored.
    Decided = "answering.decided",
    /// The person's report is stored.
    Reported = "answering.reported",
    /// One of two things is stored: the arrival of a verified push with its prompt, or the strike of a prompt for which
    /// the notification extension alerted.
    PushCame = "prompts.push_received",
    /// A pushed withdrawal has removed a prompt.
    PushWithdrawn = "prompts.withdrawn",
    /// A push that can't be read leads to a fetch.
    PushFetches = "prompts.push_fetches",
    /// The fetched prompts are stored, and those that have ended are removed.
    Fetched = "prompts.fetched",
    /// The account is updated from a signed state.
    StateSettled = "account.state_applied",
    /// The reason why the account can't use its service is stored.
    TroubleNoted = "account.trouble_stored",
    /// The account is removed from this phone, and the service must be notified.
    Removed = "removing.done",
    /// A new push address is due for every account.
    AddressDue = "push_address.due",
    /// A new push address is due for one account, because the service reported that the old address no longer works.
    AddressDueEarly = "push_address.due_early",
    /// A new push address exists, and the service must be notified.
    AddressMade = "push_address.made",
    /// The time of a request for the service's keys is stored.
    ServiceKeysAsked = "service.keys_asked",
    /// The newest keys of the service's chain are stored.
    ServiceKeysFollowed = "service.keys_followed",
    /// The offset of the service's clock is stored.
    ClockLearned = "service.clock_learned",
    /// An account is muted.
    Muted = "alerts.muted",
    /// The mute of an account is ended.
    Unmuted = "alerts.unmuted",
    /// A notice is dismissed, and the service must be notified.
    NoticeDismissed = "notices.dismissed",
    /// A database of another device is emptied.
    StartedOver = "restored.started_over",
}

/// Does nothing in an app's build.
#[cfg(not(feature = "testing"))]
pub(crate) const fn reached(_point: Point, _side: Side) {}

/// Calls the function that a test has set with `watch`. Does nothing when no function is set.
#[cfg(feature = "testing")]
pub(crate) fn reached(point: Point, side: Side) {
    if let Some(watcher) = WATCHER.get() {
        watcher(point, side);
    }
}

#[cfg(feature = "testing")]
type Watcher = Box<dyn Fn(Point, Side) + Send + Sync>;

#[cfg(feature = "testing")]
static WATCHER: std::sync::OnceLock<Watcher> = std::sync::OnceLock::new();

/// Sets the function that is called at every point until the process ends. Only the first call has an effect.
#[cfg(feature = "testing")]
pub fn watch(watcher: impl Fn(Point, Side) + Send + Sync + 'static) {
    let _later = WATCHER.set(Box::new(watcher));
}
