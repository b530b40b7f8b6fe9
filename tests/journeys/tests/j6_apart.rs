//! Journey J6, signing in with the phone, case w10: an attacker can't distinguish user names by page or response time.
//! This is the short version; `trial times` runs the long one.
#![allow(clippy::unwrap_used, reason = "a test stops at the first error")]

#[path = "journeys/common.rs"]
mod common;

use common::with_phone_sign_in;
use countersign_journeys::World;
use countersign_journeys::unknown_browsers::{prepare, starts};

/// The largest allowed difference between `Compared::effect` and 0.5, which means "no difference". The limit is large,
/// so that the test does not fail by chance on a busy machine. If the service sent its response only at the end of its
/// work, the difference would be much larger.
const MOST: f64 = 0.3;

#[tokio::test(flavor = "multi_thread")]
async fn j6_w10_user_names_cannot_be_distinguished_by_page_or_time() {
    let world = World::start().await.unwrap();
    let (_person, phone) = with_phone_sign_in(&world).await;
    phone.ignore_pushes();
    prepare(&world).unwrap();
    let mut tries = Vec::new();
    for _try in 0..2 {
        let all = starts(&world, 25).await.unwrap();
        assert_eq!(all.pages.len(), 1, "{:#?}", all.pages);
        let compared = all.compared();
        let differs = compared.iter().any(|(_, compared)| (compared.effect - 0.5).abs() > MOST);
        tries.push(compared);
        if !differs {
            return;
        }
    }
    unreachable!("the names could be distinguished in both tries: {tries:?}");
}
