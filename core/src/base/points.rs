//! Each stored step by its name, so that tests can end the process there and see what becomes of it.
//!
//! A transaction that writes carries a `Point`, so none can be added without one, and the list below is all that
//! there is to be killed in. In an app's build `reached` is empty and the names are not there; the feature `testing`
//! has both, and whoever watches.

/// On which side of the step being stored.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "testing", derive(Debug, PartialOrd, Ord))]
#[cfg_attr(not(feature = "testing"), allow(unreachable_pub, reason = "public only for tests"))]
pub enum Side {
    /// Everything is done but storing it: what happened outside is not yet known here.
    Before,
    /// It is stored, and nothing that follows from it has happened.
    After,
}

macro_rules! points {
    ($($(#[$doc:meta])* $point:ident = $name:literal,)+) => {
        /// A stored step.
        #[cfg_attr(not(feature = "desktop"), allow(dead_code, reason = "the desktop's key store alone is a file"))]
        #[derive(Clone, Copy, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "testing", derive(Debug, PartialOrd, Ord))]
        #[cfg_attr(not(feature = "testing"), allow(unreachable_pub, reason = "public only for tests"))]
        pub enum Point {
            $($(#[$doc])* $point,)+
        }

        #[cfg(feature = "testing")]
        impl Point {
            /// Every point there is.
            pub const ALL: &[Self] = &[$(Self::$point,)+];

            /// What it is called.
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
    /// The key store's file is written beside the old one; then put in its place.
    KeyFile = "keys.file",
    /// The database exists, with its sealing keys.
    Database = "opening.database",
    /// What an earlier process left behind is taken up.
    TakenUp = "opening.taken_up",
    /// The person has accepted who asks.
    EnrollmentAccepted = "enrolling.accepted",
    /// Device key and push address exist.
    EnrollmentKeyMade = "enrolling.key_made",
    /// The service knows the device.
    EnrollmentBound = "enrolling.bound",
    /// The service is to be told that it was given up.
    EnrollmentGivenUp = "enrolling.given_up",
    /// Nothing is left of it.
    EnrollmentForgotten = "enrolling.forgotten",
    /// The person has read how the service ended it.
    EnrollmentEndRead = "enrolling.end_read",
    /// The person signs in to add an account.
    SigningInStarted = "signing_in.started",
    /// About to push the request.
    SigningInPushing = "signing_in.pushing",
    /// The person is in the browser.
    SigningInBrowser = "signing_in.browser",
    /// About to redeem the code.
    SigningInRedeeming = "signing_in.redeeming",
    /// About to tell the service of this phone.
    SigningInAdding = "signing_in.adding",
    /// The account works.
    SigningInAdded = "signing_in.added",
    /// Nothing is left of it.
    SigningInForgotten = "signing_in.forgotten",
    /// An older attempt to turn phone sign-in on is out of the way.
    TurningOnCleared = "turning_on.cleared",
    /// The person is asked about this device.
    TurningOnConfirming = "turning_on.confirming",
    /// About to push the request.
    TurningOnPushing = "turning_on.pushing",
    /// The person is in the browser.
    TurningOnBrowser = "turning_on.browser",
    /// About to redeem the code.
    TurningOnRedeeming = "turning_on.redeeming",
    /// The key may be made.
    TurningOnMakingKey = "turning_on.making_key",
    /// The key exists and has not signed.
    TurningOnSigning = "turning_on.signing",
    /// The service is told of the key.
    TurningOnTelling = "turning_on.telling",
    /// Phone sign-in is on.
    TurnedOn = "turning_on.done",
    /// The service is to be told that it was given up.
    TurningOnGivenUp = "turning_on.given_up",
    /// Nothing is left of it.
    TurningOnForgotten = "turning_on.forgotten",
    /// Phone sign-in is off, and the service is to be told.
    TurnedOff = "turning_off.done",
    /// The key of phone sign-in has ended by itself, and the service is to be told.
    SignInKeyEnded = "standing.sign_in_key_ended",
    /// A key that was given up is destroyed.
    KeyDestroyed = "keys.destroyed",
    /// A message is taken, to be sent.
    OutboxLeased = "outbox.leased",
    /// A message could not be sent.
    OutboxPostponed = "outbox.postponed",
    /// The service has answered a message.
    OutboxSettled = "outbox.settled",
    /// A message is worth nothing any more.
    OutboxGivenUp = "outbox.given_up",
    /// The person's decision, signed.
    Decided = "answering.decided",
    /// "It wasn't me."
    Reported = "answering.reported",
    /// A genuine push came.
    PushCame = "prompts.push_came",
    /// A pushed prompt is shown.
    PushShown = "prompts.shown",
    /// A pushed withdrawal took a prompt off.
    PushWithdrawn = "prompts.withdrawn",
    /// A push that says nothing leads to a fetch.
    PushFetches = "prompts.push_fetches",
    /// What was fetched is shown, and what is over is not.
    Fetched = "prompts.fetched",
    /// What a signed state says of the account.
    StateSettled = "standing.settled",
    /// Why the account can't speak with its service.
    TroubleNoted = "standing.trouble",
    /// The account is off this phone, and the service is to be told.
    Removed = "removing.done",
    /// Every push address is asked for anew.
    AddressDue = "push_address.due",
    /// One push address is asked for anew, at the service's word.
    AddressHastened = "push_address.hastened",
    /// There is a new push address, and the service is to be told.
    AddressMade = "push_address.made",
    /// The service's keys are asked for.
    ServiceKeysAsked = "service.keys_asked",
    /// The service's keys are followed.
    ServiceKeysFollowed = "service.keys_followed",
    /// The service's clock is learned.
    ClockLearned = "service.clock_learned",
    /// An account alerts nobody for a while.
    Muted = "alerts.muted",
    /// It alerts again.
    Unmuted = "alerts.unmuted",
    /// A notice is seen, and the service is to be told.
    NoticeDismissed = "notices.dismissed",
    /// A database of another device is emptied.
    StartedOver = "restored.started_over",
}

/// A process stands at a point.
#[cfg(not(feature = "testing"))]
pub(crate) const fn reached(_point: Point, _side: Side) {}

/// A process stands at a point, and says so to whoever watches.
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

/// Watches every point that this process reaches, for as long as it lives; only the first watcher counts.
#[cfg(feature = "testing")]
pub fn watch(watcher: impl Fn(Point, Side) + Send + Sync + 'static) {
    let _later = WATCHER.set(Box::new(watcher));
}
