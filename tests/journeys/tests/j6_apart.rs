//! J6.w10 in short: what a stranger sees of a name, and when. `trial times` is the same at full length.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "journeys/common.rs"]
mod common;

use common::with_phone_sign_in;
use countersign_journeys::World;
use countersign_journeys::strangers::{prepare, starts};

/// The bound is wide, so that a busy machine does not fail it by chance; a name whose answer waited for the work behind
/// it would be far outside.
const MOST: f64 = 0.3;

#[tokio::test(flavor = "multi_thread")]
async fn j6_w10_unknown_phoneless_blocked_over_limit_and_real_names_look_and_take_the_same() {
    let world = World::start().await.unwrap();
    let (_person, phone) = with_phone_sign_in(&world).await;
    phone.deaf();
    prepare(&world).unwrap();
    let mut tries = Vec::new();
    for _try in 0..2 {
        let all = starts(&world, 25).await.unwrap();
        assert_eq!(all.pages.len(), 1, "{:#?}", all.pages);
        let compared = all.compared();
        let told = compared.iter().any(|(_, compared)| (compared.effect - 0.5).abs() > MOST);
        tries.push(compared);
        if !told {
            return;
        }
    }
    unreachable!("told apart twice: {tries:?}");
}
