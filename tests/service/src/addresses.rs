//! Builds the router from a list of addresses. Each address has a method, a path, a handler and a kind of client.
//!
//! `Addresses::form` registers all forms, and adds two checks to each form. First, the handler must take [`Posted`],
//! which accepts only forms of the service's own pages. Second, each form is processed once. A new form can't miss
//! these two checks. Tests attack every address in the list, including addresses that are added later.

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::handler::Handler;
use axum::http::{Method, StatusCode};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, get, on, post};

use crate::app::App;
use crate::posted::Posted;
use crate::problem::Problem;
use crate::{
    admin, devices, enrollment, headers, openid, pages, phone_sign_in, policy, prompts, security_info, sign_in,
};

/// The longest body of a request, in bytes (protocol section 4).
const MAX_BODY: usize = 16 * 1024;

/// The kind of client that an address serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum For {
    /// A page, a file or an event stream, requested by a browser. The request changes no account.
    Page,
    /// A form that one of the service's own pages sends.
    Form,
    /// An endpoint for programs: phones, applications and users of the policy API. The endpoint ignores cookies and
    /// authenticates the program by other means, unless the response is public.
    Machine,
}

/// A method and a path of the router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The HTTP method.
    pub method: Method,
    /// The path, in axum's syntax.
    pub path: &'static str,
    /// The kind of client.
    pub is_for: For,
}

/// Every address with its handler.
#[derive(Default)]
pub struct Addresses {
    router: Router<App>,
    listed: Vec<Address>,
}

impl Addresses {
    fn list(&mut self, method: Method, path: &'static str, is_for: For) {
        self.listed.push(Address { method, path, is_for });
    }

    fn page<H, T>(mut self, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        self.list(Method::GET, path, For::Page);
        Self { router: self.router.route(path, get(handler)), ..self }
    }

    fn form<H, F>(mut self, path: &'static str, handler: H) -> Self
    where
        H: Fn(State<App>, Posted) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response> + Send + 'static,
    {
        self.list(Method::POST, path, For::Form);
        let once = async move |State(app): State<App>, posted: Posted| {
            let form = posted.id.clone();
            app.once.answer(form, handler(State(app.clone()), posted)).await
        };
        Self { router: self.router.route(path, post(once)), ..self }
    }

    fn machine<H, T>(mut self, method: Method, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        // Programs use only three methods: GET, PATCH and POST.
        let filter = match method {
            Method::GET => MethodFilter::GET,
            Method::PATCH => MethodFilter::PATCH,
            _ => MethodFilter::POST,
        };
        self.list(method, path, For::Machine);
        Self { router: self.router.route(path, on(filter, handler).layer(map_response(large_body_as_problem))), ..self }
    }

    /// Returns every address, in the order of registration.
    #[must_use]
    pub fn listed(&self) -> &[Address] {
        &self.listed
    }
}

/// Builds the service's router: every address, the limit on request bodies, and the headers of every response.
pub fn router(app: &App) -> Router {
    all()
        .router
        .fallback(not_found)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(map_response(headers::everywhere))
        .with_state(app.clone())
}

async fn not_found(State(app): State<App>) -> Response {
    pages::not_found(&app)
}

/// Returns the list of all addresses.
#[must_use]
pub fn all() -> Addresses {
    phones(applications(administrators(wizard(account(signing_in(Addresses::default()))))))
}

fn signing_in(to: Addresses) -> Addresses {
    to.page("/", sign_in::routes::home)
        .page("/static/page.css", pages::style)
        .page("/static/page.js", pages::script)
        .page("/sign-in", sign_in::routes::user_name)
        .form("/sign-in", sign_in::routes::take_user_name)
        .page("/sign-in/password", sign_in::password::password)
        .form("/sign-in/password", sign_in::password::take_password)
        .page("/sign-in/pass", sign_in::password::pass)
        .form("/sign-in/pass", sign_in::password::take_pass)
        .page("/new-password", sign_in::password::new_password)
        .form("/new-password", sign_in::password::take_new_password)
        .page("/sign-in/number", sign_in::number::number)
        .page("/sign-in/events", sign_in::number::number_events)
        .form("/sign-in/again", sign_in::number::again)
        .form("/sign-in/cancel", sign_in::number::cancel)
        .form("/sign-in/finish", sign_in::number::finish)
        .form("/sign-in/phone", sign_in::phone::instead)
        .page("/sign-in/continue", sign_in::number::name_account)
        .form("/sign-in/continue", sign_in::number::finish_named)
        .page("/register-phone", sign_in::register::consent)
        .form("/register-phone", sign_in::register::agree)
        .form("/register-phone/cancel", sign_in::register::refuse)
        .form("/register-phone/not-offered", sign_in::register::tell_not_offered)
        .page("/more-information", sign_in::first_session::more_information)
        .form("/more-information", sign_in::first_session::take_more_information)
        .form("/sign-out", sign_in::routes::sign_out)
}

fn account(to: Addresses) -> Addresses {
    to.page("/security-info", security_info::routes::security_info)
        .form("/security-info/continue", security_info::routes::return_to_application)
        .form("/security-info/remove", security_info::step_up::remove)
        .form("/security-info/lost", security_info::step_up::lost)
        .form("/security-info/lost/report", security_info::step_up::report_lost)
        .form("/security-info/pass", security_info::step_up::make_pass)
        .page("/security-info/step-up", security_info::step_up::number)
        .form("/security-info/step-up/cancel", security_info::step_up::cancel)
        .form("/security-info/step-up/finish", security_info::step_up::finish)
        .page("/security-info/step-up/events", security_info::step_up::step_up_events)
}

fn wizard(to: Addresses) -> Addresses {
    to.page("/security-info/add", security_info::wizard::add)
        .form("/security-info/add", security_info::wizard::take_add)
        .form("/security-info/add/start", security_info::wizard::start)
        .page("/security-info/add/code", security_info::wizard::code)
        .form("/security-info/add/typed", security_info::wizard::typed)
        .form("/security-info/add/digits", security_info::wizard::digits)
        .form("/security-info/add/not-my-phone", security_info::wizard::not_my_phone)
        .form("/security-info/add/again", security_info::wizard::confirm_again)
        .form("/security-info/add/finish", security_info::wizard::finish)
        .form("/security-info/add/skip", security_info::wizard::skip)
        .form("/security-info/add/cancel", security_info::wizard::cancel)
        .page("/security-info/add/events", security_info::wizard::add_events)
}

fn administrators(to: Addresses) -> Addresses {
    to.page("/admin", admin::routes::people_page)
        .form("/admin/people", admin::routes::add_person)
        .page("/admin/person", admin::routes::person_page)
        .form("/admin/person", admin::routes::change_person)
        .page("/admin/groups", admin::routes::groups_page)
        .form("/admin/groups", admin::routes::add_group)
        .page("/admin/policy", admin::routes::policy_page)
        .form("/admin/policy", admin::routes::change_policy)
        .page("/admin/api-tokens", admin::routes::api_tokens_page)
        .form("/admin/api-tokens", admin::routes::make_api_token)
        .form("/admin/api-tokens/revoke", admin::routes::revoke_api_token)
        .page("/admin/approve", security_info::step_up::number)
        .form("/admin/approve/finish", admin::approve::finish)
        .form("/admin/approve/cancel", security_info::step_up::cancel_act)
        .page("/admin/approve/events", security_info::step_up::step_up_events)
        .machine(Method::GET, "/api/policy", policy::routes::policy)
        .machine(Method::PATCH, "/api/policy", policy::routes::change_policy)
        .machine(Method::GET, "/api/people/{user_name}/policy", policy::routes::persons_policy)
}

fn applications(to: Addresses) -> Addresses {
    to.machine(Method::GET, "/.well-known/openid-configuration", openid::routes::discovery)
        .page("/authorize", openid::routes::authorize)
        .machine(Method::POST, "/par", phone_sign_in::routes::push)
        .machine(Method::POST, "/token", openid::routes::token)
        .machine(Method::GET, "/jwks", openid::routes::jwks)
        .machine(Method::GET, "/userinfo", openid::routes::user_info)
        .machine(Method::POST, "/userinfo", openid::routes::user_info)
}

fn phones(to: Addresses) -> Addresses {
    to.machine(Method::POST, "/phone/look-up", enrollment::routes::look_up)
        .machine(Method::POST, "/phone/enrollment", enrollment::routes::bind)
        .machine(Method::POST, "/phone/prompts", prompts::fetch::prompts)
        .machine(Method::POST, "/phone/answers", prompts::routes::answers)
        .machine(Method::POST, "/phone/device", devices::routes::device)
        .machine(Method::GET, "/phone/keys", devices::routes::key_chain)
}

/// Replaces axum's refusal of a large body with a problem document, which phones can read.
async fn large_body_as_problem(response: Response) -> Response {
    if response.status() == StatusCode::PAYLOAD_TOO_LARGE { Problem::TooLarge.into_response() } else { response }
}
