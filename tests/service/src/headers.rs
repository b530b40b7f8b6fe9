//! What every answer carries, whoever asked: pages, redirects, problems, files.

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;

/// For what is no page; pages say themselves what they load and where their forms lead.
const NOTHING: &str = "default-src 'none'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'";

static EVERYWHERE: [(HeaderName, &str); 7] = [
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // Nobody who has opened a page of ours, or was opened by one, holds on to its window.
    // GUARD(opener-policy): j6_w12_another_site_frames_reads_and_holds_nothing
    // INSTEAD: (HeaderName::from_static("cross-origin-opener-policy"), "unsafe-none"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    // Nobody else's page shows or runs anything of ours.
    // GUARD(resource-policy): j6_w12_another_site_frames_reads_and_holds_nothing
    // INSTEAD: (HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    // Not `no-referrer`: that makes browsers send forms with `Origin: null`, which tells nothing of where they stood.
    // GUARD(referrer-policy): what_is_left_behind_tells_nothing
    // INSTEAD: (header::REFERRER_POLICY, "unsafe-url"),
    (header::REFERRER_POLICY, "same-origin"),
    // GUARD(no-store): what_is_left_behind_tells_nothing
    // INSTEAD: (header::CACHE_CONTROL, "max-age=600"),
    (header::CACHE_CONTROL, "no-store"),
    (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
];

/// Adds them to an answer.
pub async fn everywhere(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in &EVERYWHERE {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(NOTHING));
    response
}
