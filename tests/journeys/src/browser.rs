//! Controls a real browser, Debian's Chromium, by WebDriver. Each browser has its own certificate store.
//!
//! The private certificate authority of the tests is added to this store, so the browser verifies certificates as usual
//! and ignores no certificate error.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fantoccini::wd::WindowHandle;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::trouble::Trouble;

const CHROMIUM: &str = "/usr/bin/chromium";
const CHROMEDRIVER: &str = "/usr/bin/chromedriver";
const PHONE: &str = "Mozilla/5.0 (Linux; Android 16; Pixel 10) AppleWebKit/537.36 (KHTML, like Gecko) \
                     Chrome/143.0.0.0 Mobile Safari/537.36";
const PATIENCE: Duration = Duration::from_secs(20);

type Capabilities = serde_json::Map<String, serde_json::Value>;

/// A browser window.
pub struct Browser {
    client: Client,
    driver: Driver,
}

/// A process of Chromium's WebDriver server, for any number of windows. Dropping a `Driver` asks the process to shut
/// down, and then kills it.
pub struct Driver {
    process: Child,
    port: u16,
    _home: TempDir,
}

impl Driver {
    /// Starts a driver whose windows trust one private authority.
    ///
    /// # Errors
    /// When the driver or the certificate tool does not start.
    pub fn start(ca: &[u8]) -> Result<Self, Trouble> {
        let home = tempfile::tempdir()?;
        trust(home.path(), ca)?;
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let process = Command::new(CHROMEDRIVER)
            .arg(format!("--port={port}"))
            .env_clear()
            .env("HOME", home.path())
            .env("PATH", "/usr/bin:/bin")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self { process, port, _home: home })
    }

    fn ask_to_end(&mut self) -> std::io::Result<()> {
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        write!(stream, "GET /shutdown HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")?;
        stream.read_to_end(&mut Vec::new())?;
        for _try in 0..50 {
            if self.process.try_wait()?.is_some() {
                break;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    /// The URL of the driver's WebDriver server.
    #[must_use]
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // A requested shutdown also closes windows that a failed test has left open. The driver may have ended already.
        let _asked = self.ask_to_end();
        let _ended = self.process.kill();
        let _reaped = self.process.wait();
    }
}

/// The reason why no browser can run on this machine: the value of the variable `COUNTERSIGN_NO_BROWSER`. `None` when
/// the variable is not set.
#[must_use]
pub fn missing() -> Option<String> {
    std::env::var("COUNTERSIGN_NO_BROWSER").ok()
}

impl Browser {
    /// Opens a window in a fresh profile that trusts one private authority.
    ///
    /// # Errors
    /// When the browser, the driver or the certificate tool does not start.
    pub async fn start(ca: &[u8]) -> Result<Self, Trouble> {
        Self::start_with(ca, capabilities()).await
    }

    /// Opens a window with the size and the user agent of a browser on a phone.
    ///
    /// # Errors
    /// The same errors as [`Browser::start`].
    pub async fn start_on_phone(ca: &[u8]) -> Result<Self, Trouble> {
        let phone = json!({ "deviceMetrics": { "width": 390, "height": 844, "pixelRatio": 2.0 }, "userAgent": PHONE });
        let mut wanted = capabilities();
        let options = wanted.get_mut("goog:chromeOptions").and_then(|options| options.as_object_mut());
        options.ok_or("the capabilities have no options")?.insert("mobileEmulation".to_owned(), phone);
        Self::start_with(ca, wanted).await
    }

    /// Opens a window that resolves every name under `test` to this machine.
    ///
    /// # Errors
    /// The same errors as [`Browser::start`].
    pub async fn start_with_names(ca: &[u8]) -> Result<Self, Trouble> {
        let mut wanted = capabilities();
        let arguments = wanted.get_mut("goog:chromeOptions").and_then(|options| options["args"].as_array_mut());
        arguments
            .ok_or("the capabilities have no arguments")?
            .push(json!("--host-resolver-rules=MAP *.test 127.0.0.1"));
        Self::start_with(ca, wanted).await
    }

    /// Opens a window that blocks cookies.
    ///
    /// # Errors
    /// The same errors as [`Browser::start`].
    pub async fn start_without_cookies(ca: &[u8]) -> Result<Self, Trouble> {
        let mut wanted = capabilities();
        let options = wanted.get_mut("goog:chromeOptions").and_then(|options| options.as_object_mut());
        let blocked = json!({ "profile.default_content_setting_values.cookies": 2 });
        options.ok_or("the capabilities have no options")?.insert("prefs".to_owned(), blocked);
        Self::start_with(ca, wanted).await
    }

    async fn start_with(ca: &[u8], wanted: Capabilities) -> Result<Self, Trouble> {
        let driver = Driver::start(ca)?;
        let client = connect(&driver.address(), &wanted).await?;
        Ok(Self { client, driver })
    }

    /// Opens another tab, with the same cookies, and switches to it. Returns the handles of the old tab and of the
    /// new tab.
    ///
    /// # Errors
    /// When the driver is gone.
    pub async fn new_tab(&self) -> Result<(WindowHandle, WindowHandle), Trouble> {
        let (here, opened) = (self.client.window().await?, self.client.new_window(true).await?);
        self.client.switch_to_window(opened.handle.clone()).await?;
        Ok((here, opened.handle))
    }

    /// Switches to a tab.
    ///
    /// # Errors
    /// When the tab is closed.
    pub async fn go_to_tab(&self, tab: &WindowHandle) -> Result<(), Trouble> {
        Ok(self.client.switch_to_window(tab.clone()).await?)
    }

    /// Closes the window that a link in the current window has opened. Later calls still use the current window.
    ///
    /// # Errors
    /// When there is no other window.
    pub async fn come_back(&self) -> Result<(), Trouble> {
        let here = self.client.window().await?;
        let opened = self.client.windows().await?.into_iter().find(|window| *window != here);
        self.client.switch_to_window(opened.ok_or("no window has opened")?).await?;
        self.client.close_window().await?;
        Ok(self.client.switch_to_window(here).await?)
    }

    /// Opens a URL.
    ///
    /// # Errors
    /// When the driver is gone.
    pub async fn goto(&self, address: &str) -> Result<(), Trouble> {
        Ok(self.client.goto(address).await?)
    }

    /// Waits until an element with this id is on the page.
    ///
    /// # Errors
    /// When the element does not appear in time; the error names the page that is shown.
    pub async fn wait_for(&self, id: &str) -> Result<(), Trouble> {
        let waiting = self.client.wait().at_most(PATIENCE).for_element(Locator::Id(id)).await;
        match waiting {
            Ok(_found) => Ok(()),
            Err(error) => Err(format!("no element {id} on page {}: {error}", self.page().await?).into()),
        }
    }

    /// Waits until the page with this name (`data-page`) is shown.
    ///
    /// # Errors
    /// When the page does not appear in time; the error names the page that is shown.
    pub async fn wait_for_page(&self, name: &str) -> Result<(), Trouble> {
        let css = format!("#page[data-page=\"{name}\"]");
        let waiting = self.client.wait().at_most(PATIENCE).for_element(Locator::Css(&css)).await;
        match waiting {
            Ok(_found) => Ok(()),
            Err(error) => Err(format!("page {name} is not shown, but {}: {error}", self.page().await?).into()),
        }
    }

    async fn page(&self) -> Result<String, Trouble> {
        let (address, title) = (self.client.current_url().await?, self.client.title().await?);
        Ok(format!("“{title}” at {address}"))
    }

    /// Types text into the field with this id.
    ///
    /// # Errors
    /// When the field does not appear in time.
    pub async fn fill(&self, id: &str, text: &str) -> Result<(), Trouble> {
        self.wait_for(id).await?;
        Ok(self.client.find(Locator::Id(id)).await?.send_keys(text).await?)
    }

    /// Clicks the link whose text begins with the given words.
    ///
    /// # Errors
    /// When there is no such link.
    pub async fn open_link(&self, words: &str) -> Result<(), Trouble> {
        let link = format!("//a[starts-with(normalize-space(), '{words}')]");
        Ok(self.client.find(Locator::XPath(&link)).await?.click().await?)
    }

    /// Clicks the element with this id.
    ///
    /// # Errors
    /// When the element does not appear in time.
    pub async fn click(&self, id: &str) -> Result<(), Trouble> {
        self.wait_for(id).await?;
        Ok(self.client.find(Locator::Id(id)).await?.click().await?)
    }

    /// The text of the element with this id.
    ///
    /// # Errors
    /// When the element does not appear in time.
    pub async fn text(&self, id: &str) -> Result<String, Trouble> {
        self.wait_for(id).await?;
        Ok(self.client.find(Locator::Id(id)).await?.text().await?)
    }

    /// The number for number matching on the page.
    ///
    /// # Errors
    /// When no number appears in time.
    pub async fn number(&self) -> Result<String, Trouble> {
        self.wait_for("number").await?;
        let number = self.client.find(Locator::Id("number")).await?.attr("data-number").await?;
        Ok(number.ok_or("the page has no number")?)
    }

    /// The page's source.
    ///
    /// # Errors
    /// When the driver is gone.
    pub async fn source(&self) -> Result<String, Trouble> {
        Ok(self.client.source().await?)
    }

    /// The page's URL.
    ///
    /// # Errors
    /// When the driver is gone.
    pub async fn address(&self) -> Result<String, Trouble> {
        Ok(self.client.current_url().await?.to_string())
    }

    /// Runs a script in the page, with the rights of the page's scripts, and returns the script's result. A script
    /// that contains `arguments[0]` is asynchronous: the script must call `arguments[0]` with its result.
    ///
    /// # Errors
    /// When the script throws an exception.
    pub async fn run(&self, script: &str) -> Result<Value, Trouble> {
        let waits = script.contains("arguments[0]");
        let done = if waits {
            self.client.execute_async(script, vec![]).await
        } else {
            self.client.execute(script, vec![]).await
        };
        Ok(done?)
    }

    /// The name (`data-page`) of the page inside a frame, or `None` when the frame shows no page with a name.
    ///
    /// # Errors
    /// When there is no such frame.
    pub async fn framed(&self, number: u16) -> Result<Option<String>, Trouble> {
        self.client.enter_frame(number).await?;
        let found = self.client.find_all(Locator::Css("#page")).await?;
        let name = match found.first() {
            Some(page) => page.attr("data-page").await?,
            None => None,
        };
        self.client.enter_parent_frame().await?;
        Ok(name)
    }

    /// The URLs of the other windows.
    ///
    /// # Errors
    /// When the driver is gone.
    pub async fn other_windows(&self) -> Result<Vec<String>, Trouble> {
        let here = self.client.window().await?;
        let mut addresses = Vec::new();
        for window in self.client.windows().await?.into_iter().filter(|window| *window != here) {
            self.client.switch_to_window(window).await?;
            addresses.push(self.address().await?);
        }
        self.client.switch_to_window(here).await?;
        Ok(addresses)
    }

    /// Goes back in the browser's history.
    ///
    /// # Errors
    /// When the driver is gone.
    pub async fn back(&self) -> Result<(), Trouble> {
        Ok(self.client.back().await?)
    }

    /// A PNG picture of the visible part of the page.
    ///
    /// # Errors
    /// When the driver is gone.
    pub async fn picture(&self) -> Result<Vec<u8>, Trouble> {
        Ok(self.client.screenshot().await?)
    }

    /// Deletes every cookie that the browser sends to the open page.
    ///
    /// # Errors
    /// When the driver is gone.
    pub async fn forget(&self) -> Result<(), Trouble> {
        Ok(self.client.delete_all_cookies().await?)
    }

    /// Closes the window and ends the driver.
    ///
    /// # Errors
    /// When the driver is gone.
    pub async fn close(self) -> Result<(), Trouble> {
        self.client.close().await?;
        drop(self.driver);
        Ok(())
    }
}

/// Adds the authority to the certificate store that Chromium reads below its home folder.
pub(crate) fn trust(home: &Path, ca: &[u8]) -> Result<(), Trouble> {
    let store = home.join(".pki").join("nssdb");
    std::fs::create_dir_all(&store)?;
    let (file, store) = (home.join("authority.pem"), format!("sql:{}", store.display()));
    std::fs::write(&file, ca)?;
    let file = file.to_string_lossy().into_owned();
    for arguments in [
        vec!["-d", &store, "-N", "--empty-password"],
        vec!["-d", &store, "-A", "-t", "C,,", "-n", "countersign", "-i", &file],
    ] {
        let done = Command::new("certutil").args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
        if !done.success() {
            return Err("certutil refused the authority".into());
        }
    }
    Ok(())
}

/// The WebDriver capabilities of a window (WebDriver section 7). With these capabilities, the browser refuses servers
/// with an invalid certificate.
#[must_use]
pub fn capabilities() -> Capabilities {
    let arguments = [
        "--headless=new",
        // CI runs as root, and Chromium's sandbox does not run as root.
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--window-size=1280,1000",
        "--lang=en",
    ];
    let mut capabilities = serde_json::Map::new();
    capabilities.insert("browserName".to_owned(), json!("chrome"));
    capabilities.insert("acceptInsecureCerts".to_owned(), json!(false));
    capabilities.insert("goog:chromeOptions".to_owned(), json!({ "binary": CHROMIUM, "args": arguments }));
    capabilities
}

async fn connect(driver: &str, wanted: &Capabilities) -> Result<Client, Trouble> {
    let mut last = None;
    for _try in 0..100 {
        let mut builder = ClientBuilder::new(HttpConnector::new());
        match builder.capabilities(wanted.clone()).connect(driver).await {
            Ok(client) => return Ok(client),
            Err(error) => last = Some(error),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err(last.map_or_else(|| "the driver can't be reached".into(), Into::into))
}
