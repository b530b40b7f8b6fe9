//! Tests which numbers are drawn for ceremonies and for the pages of browsers that proved nothing.

use countersign_service::prompts::numbers::next;
use countersign_service::store::Store;
use ring::hmac;

use super::*;

/// Returns a replacement for the random draw. The replacement always draws `index`, or the largest allowed index if
/// `index` is too large. A test can therefore try every draw.
fn drawing(index: u32) -> impl FnMut(u32) -> Result<u32, Infallible> {
    move |below| Ok(index.min(below - 1))
}

#[test]
fn numbers_range_from_10_to_99() {
    let drawn: BTreeSet<String> =
        (0..90).map(|index| numbers(false, &[], NOW, drawing(index)).unwrap().unwrap().0).collect();
    let expected: BTreeSet<String> = (10..100).map(|number: u32| number.to_string()).collect();
    assert_eq!(drawn, expected);
    assert_eq!(numbers(false, &[], NOW, drawing(0)).unwrap().unwrap().1, Match::Enter { digits: 2 });
}

#[test]
fn number_and_options_are_not_reused_for_ten_minutes() {
    let options = ["10", "11", "12"].map(str::to_owned);
    let chosen = |ago| Ceremony {
        number: "11".to_owned(),
        r#match: Match::Choose { options: options.clone() },
        ..decided(Origin::KnownBrowser, ago, Outcome::Approved)
    };
    let entered = Ceremony { number: "13".to_owned(), ..past(Origin::SignedIn, 20) };
    let history = [chosen(10 * MINUTE - 1), entered];
    for index in 0..90 {
        let (number, _) = numbers(false, &history, NOW, drawing(index)).unwrap().unwrap();
        assert!(number.parse::<u32>().unwrap() >= 14, "{number}");
    }
    assert_eq!(numbers(false, &[chosen(10 * MINUTE)], NOW, drawing(0)).unwrap().unwrap().0, "10");
}

#[test]
fn right_number_can_be_any_of_the_three_options() {
    let mut places = BTreeSet::new();
    for place in 0..3 {
        let (number, matching) = numbers(true, &[], NOW, drawing(place)).unwrap().unwrap();
        let Match::Choose { options } = matching else { unreachable!("expected numbers to choose from") };
        assert_eq!(options.iter().collect::<BTreeSet<_>>().len(), 3);
        places.insert(options.iter().position(|option| *option == number).unwrap());
    }
    assert_eq!(places.into_iter().collect::<Vec<_>>(), [0, 1, 2]);
}

#[test]
fn without_randomness_there_is_no_number() {
    assert_eq!(numbers(true, &[], NOW, |_below| Err("none")).err(), Some("none"));
    let out_of_range = numbers(false, &[], NOW, Ok::<_, Infallible>).unwrap();
    assert_eq!(out_of_range, None, "returned a number for a draw that is out of range");
}

#[test]
fn numbers_for_unknown_browsers_are_unique_from_100_to_999() {
    let mut resting = Vec::new();
    let mut first_free = |now| fresh(&mut resting, now, drawing(0)).unwrap();
    for expected in 100..1_000 {
        assert_eq!(first_free(NOW), Some(expected));
    }
    assert_eq!(first_free(NOW + 10 * MINUTE - 1), None, "drew a number that is in use");
    assert_eq!(first_free(NOW + 10 * MINUTE), Some(100));
}

/// A number that was shown for a typed name is not shown again for this name for ten minutes. The service deletes the
/// numbers of a name ten minutes after it showed the last one.
#[test]
fn numbers_for_unknown_browsers_are_unique_per_typed_name() {
    let store = Store::memory();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &[7; 32]);
    let shown = |name| store.global_blocking(|tx| next(tx, &key, name, NOW)).unwrap();
    let different: BTreeSet<String> = (0..900).map(|_time| shown("ada").unwrap()).collect();
    assert_eq!(different.len(), 900);
    let sweep = |now| store.global_blocking(|tx| tx.sweep(now)).unwrap();
    sweep(NOW + 10 * MINUTE - 1);
    assert_eq!(shown("ada"), None);
    assert!(shown("bob").is_some());
    sweep(NOW + 10 * MINUTE);
    assert!(shown("ada").is_some(), "the numbers of the name are still stored");
}
