//! Simulates a person at the service's pages without a real browser: fetches pages, submits forms and follows
//! redirects. Most error cases use this module. The successful cases also run in a real browser.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use reqwest::header::{HeaderValue, LOCATION, ORIGIN};
use reqwest::{Certificate, Client, Response, StatusCode};
use scraper::{Html, Selector};

use crate::people::{PASSWORD, USER};
use crate::trouble::Trouble;

const PATIENCE: Duration = Duration::from_secs(15);

/// A page as the service sent it.
#[derive(Debug, Clone)]
pub struct PageView {
    /// The page's URL, after redirects.
    pub address: String,
    /// The HTTP status.
    pub status: StatusCode,
    /// The page's HTML; empty when the URL is outside the service.
    pub html: String,
    /// The header fields of the page's response and of all redirects before it, as name and value.
    pub headers: Vec<(String, String)>,
}

impl PageView {
    /// The page's name (`data-page`); empty when the page has none.
    #[must_use]
    pub fn name(&self) -> String {
        self.attribute("#page", "data-page").unwrap_or_default()
    }

    /// The text of the element with this id.
    #[must_use]
    pub fn text(&self, id: &str) -> Option<String> {
        let document = Html::parse_document(&self.html);
        let found = document.select(&selector(&format!("#{id}"))?).next()?.text().collect::<String>();
        Some(found.trim().to_owned())
    }

    /// An attribute of the first element that matches the selector `css`.
    #[must_use]
    pub fn attribute(&self, css: &str, name: &str) -> Option<String> {
        let document = Html::parse_document(&self.html);
        document.select(&selector(css)?).next()?.value().attr(name).map(str::to_owned)
    }

    /// The number for number matching on the page.
    ///
    /// # Errors
    /// When the page shows no number.
    pub fn number(&self) -> Result<String, Trouble> {
        self.attribute("#number", "data-number").ok_or_else(|| format!("no number on page {}", self.name()).into())
    }

    /// The QR code on the page, as SVG.
    ///
    /// # Errors
    /// When the page shows no QR code.
    pub fn qr_svg(&self) -> Result<String, Trouble> {
        use base64::Engine;
        let source = self.attribute("#qr", "src").ok_or("no code on the page")?;
        let encoded = source.strip_prefix("data:image/svg+xml;base64,").ok_or("not an SVG picture")?;
        Ok(String::from_utf8(base64::engine::general_purpose::STANDARD.decode(encoded)?)?)
    }

    fn form(&self, button: &str) -> Option<(String, HashMap<String, String>)> {
        let document = Html::parse_document(&self.html);
        let form = document.select(&selector(&format!("#{button}-form, form:has(#{button})"))?).next()?;
        let inputs = selector("input")?;
        let fields = form.select(&inputs).filter_map(|input| {
            Some((input.value().attr("name")?.to_owned(), input.value().attr("value").unwrap_or_default().to_owned()))
        });
        Some((form.value().attr("action")?.to_owned(), fields.collect()))
    }
}

/// Removes the parameters `?flow=…` with their values from a page's text. The values differ each time.
#[must_use]
pub fn without_flows(text: &str) -> String {
    let is_flow = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_');
    let mut parts = text.split("?flow=");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |whole, part| whole + part.trim_start_matches(is_flow))
}

fn selector(css: &str) -> Option<Selector> {
    Selector::parse(css).ok()
}

/// A person with a simulated browser, which keeps cookies and submits forms, but runs no scripts.
#[derive(Clone)]
pub struct Person {
    client: Client,
    issuer: String,
}

impl Person {
    /// A fresh browser that trusts only the certificates in `ca`.
    ///
    /// # Errors
    /// When no client can be made.
    pub fn new(issuer: &str, ca: &[u8]) -> Result<Self, Trouble> {
        Self::in_network(issuer, ca, None)
    }

    /// A fresh browser whose connections come from the given local IP address.
    ///
    /// # Errors
    /// When no client can be made.
    pub fn in_network(issuer: &str, ca: &[u8], address: Option<IpAddr>) -> Result<Self, Trouble> {
        countersign_service::tls::install_provider();
        let client = Client::builder()
            .local_address(address)
            .tls_certs_only([Certificate::from_pem(ca)?])
            .cookie_store(true)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
            .build()?;
        Ok(Self { client, issuer: issuer.to_owned() })
    }

    /// Opens a page and follows redirects within the service. URLs outside the service are not fetched. If a redirect
    /// or the link on the page `leaving` leads outside the service, the result contains that URL and no HTML.
    ///
    /// # Errors
    /// When the service can't be reached.
    pub async fn open(&self, path: &str) -> Result<PageView, Trouble> {
        let address = if path.starts_with("https://") { path.to_owned() } else { format!("{}{path}", self.issuer) };
        let response = self.client.get(&address).send().await?;
        self.follow(address, response).await
    }

    async fn follow(&self, mut address: String, mut response: Response) -> Result<PageView, Trouble> {
        let mut headers = Vec::new();
        for _hop in 0..10 {
            let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
            headers.extend(response.headers().iter().map(|(name, value)| (name.to_string(), text(value))));
            let Some(next) = response.headers().get(LOCATION).and_then(|value| value.to_str().ok()) else {
                let status = response.status();
                let page = PageView { address, status, html: response.text().await?, headers };
                return Ok(match page.attribute("[data-page=leaving] #leave", "href") {
                    Some(address) => PageView { address, html: String::new(), ..page },
                    None => page,
                });
            };
            address = if next.starts_with('/') { format!("{}{next}", self.issuer) } else { next.to_owned() };
            if !address.starts_with(&self.issuer) {
                return Ok(PageView { address, status: response.status(), html: String::new(), headers });
            }
            response = self.client.get(&address).send().await?;
        }
        Err("more than ten redirects".into())
    }

    /// Fills in and sends the form to which the button belongs.
    ///
    /// # Errors
    /// When the page has no such button, or the service can't be reached.
    pub async fn press(&self, page: &PageView, button: &str, filled: &[(&str, &str)]) -> Result<PageView, Trouble> {
        let (action, mut fields) =
            page.form(button).ok_or_else(|| format!("no button {button} on page {}: {}", page.name(), page.html))?;
        for (name, value) in filled {
            fields.insert((*name).to_owned(), (*value).to_owned());
        }
        self.post(&action, &fields, &self.issuer).await
    }

    /// Posts a form with a given `Origin` header.
    ///
    /// # Errors
    /// When the service can't be reached.
    pub async fn post(
        &self,
        action: &str,
        fields: &HashMap<String, String>,
        origin: &str,
    ) -> Result<PageView, Trouble> {
        let address = format!("{}{action}", self.issuer);
        let response = self.client.post(&address).header(ORIGIN, origin).form(fields).send().await?;
        self.follow(address, response).await
    }

    /// The HTTP client, for requests that no page makes.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Types user name and password, starting from a page that asks for the user name.
    ///
    /// # Errors
    /// When the pages are not as expected.
    pub async fn enter_password(&self, page: &PageView, user: &str, password: &str) -> Result<PageView, Trouble> {
        let page = self.press(page, "next", &[("user_name", user)]).await?;
        self.press(&page, "next", &[("password", password)]).await
    }

    /// Ada opens the sign-in page and types user name and password. Returns the next page.
    ///
    /// # Errors
    /// When the pages are not as expected.
    pub async fn sign_in(&self) -> Result<PageView, Trouble> {
        self.sign_in_as(USER, PASSWORD).await
    }

    /// A person opens the sign-in page and types user name and password. Returns the next page.
    ///
    /// # Errors
    /// When the pages are not as expected.
    pub async fn sign_in_as(&self, user: &str, password: &str) -> Result<PageView, Trouble> {
        let page = self.open("/sign-in").await?;
        self.enter_password(&page, user, password).await
    }

    /// Ada types user name and password, and opens the wizard up to the page with the code.
    ///
    /// # Errors
    /// When the pages are not as expected.
    pub async fn wizard(&self) -> Result<PageView, Trouble> {
        self.wizard_as(USER, PASSWORD).await
    }

    /// A person types user name and password, and opens the wizard up to the page with the code.
    ///
    /// # Errors
    /// When the pages are not as expected.
    pub async fn wizard_as(&self, user: &str, password: &str) -> Result<PageView, Trouble> {
        let page = self.sign_in_as(user, password).await?;
        let page = self.press(&page, "add-method", &[]).await?;
        self.press(&page, "next", &[]).await
    }

    /// Fetches `path` repeatedly until the page's name is no longer `from`.
    ///
    /// # Errors
    /// When the name does not change in time.
    pub async fn page_after(&self, path: &str, from: &str) -> Result<PageView, Trouble> {
        let waiting = async {
            loop {
                let page = self.open(path).await?;
                if page.name() != from {
                    return Ok(page);
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.map_err(|_late| format!("page {from} did not change"))?
    }
}

/// Waits half a second, which is about the time that a person needs to read a number. After this time the push has
/// arrived, even if a fetch has shown the prompt earlier.
pub async fn a_moment() {
    tokio::time::sleep(Duration::from_millis(500)).await;
}
