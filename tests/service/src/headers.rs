//! Adds security headers to every response: pages, redirects, problem documents, files.

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;

/// The `Content-Security-Policy` of responses that are not pages. A page sets its own policy.
const NOTHING: &str = "default-src 'none'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'";

static EVERYWHERE: [(HeaderName, &str); 7] = [
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // A page of another site gets no reference to a window of the service, even if one of the two pages opened the
    // other page.
    // GUARD(opener-policy): j6_w12_another_site_cannot_frame_read_or_control_pages
    // INSTEAD: (HeaderName::from_static("cross-origin-opener-policy"), "unsafe-none"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    // Other sites can't embed or run the service's responses.
    // GUARD(resource-policy): j6_w12_another_site_cannot_frame_read_or_control_pages
    // INSTEAD: (HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    // With `no-referrer`, browsers would send forms with `Origin: null`, and the service could not check where a form
    // comes from.
    // GUARD(referrer-policy): pages_run_no_injected_script_and_leave_no_history
    // INSTEAD: (header::REFERRER_POLICY, "unsafe-url"),
    (header::REFERRER_POLICY, "same-origin"),
    // GUARD(no-store): pages_run_no_injected_script_and_leave_no_history
    // INSTEAD: (header::CACHE_CONTROL, "max-age=600"),
    (header::CACHE_CONTROL, "no-store"),
    (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
];

/// Adds the security headers to a response. If the response has a `Content-Security-Policy` already, this policy stays.
pub async fn everywhere(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in &EVERYWHERE {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(NOTHING));
    response
}
