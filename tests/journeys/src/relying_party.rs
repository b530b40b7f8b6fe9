//! Runs the relying party: an unmodified Apache with mod_auth_openidc from Debian, independent of this project.
//!
//! This module only writes the configuration and starts Apache. The relying party itself checks issuer, audience,
//! nonce, `state` and signature, and uses PKCE.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use countersign_service::tls::Authority;
use tempfile::TempDir;

use crate::trouble::Trouble;
use crate::world::{CLIENT, CLIENT_SECRET};

const APACHE: &str = "/usr/sbin/apache2";
const MODULES: [&str; 13] = [
    "mpm_event",
    "authn_core",
    "authz_core",
    "authz_user",
    "auth_openidc",
    "dir",
    "filter",
    "headers",
    "include",
    "mime",
    "setenvif",
    "socache_shmcb",
    "ssl",
];
/// Modules that are built into some builds of Apache, and that other builds must load.
const MAYBE_MODULES: [&str; 1] = ["unixd"];

/// The reason why no relying party can run on this machine: the value of the variable `COUNTERSIGN_NO_RELYING_PARTY`.
/// `None` when the variable is not set.
#[must_use]
pub fn missing() -> Option<String> {
    std::env::var("COUNTERSIGN_NO_RELYING_PARTY").ok()
}

/// A free port for the relying party. The service needs the redirect URI before the relying party starts.
///
/// # Errors
/// When no port is free.
pub fn free_port() -> Result<u16, Trouble> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// The redirect URI of a relying party at this port.
#[must_use]
pub fn return_address(port: u16) -> String {
    format!("https://127.0.0.1:{port}/callback")
}

/// A running relying party. When this value is dropped, the process is killed.
pub struct RelyingParty {
    /// The web origin of the relying party.
    pub url: String,
    process: Child,
    folder: TempDir,
}

impl Drop for RelyingParty {
    fn drop(&mut self) {
        let _ended = self.process.kill();
        let _reaped = self.process.wait();
    }
}

impl RelyingParty {
    /// Starts the relying party on a port, for an issuer whose certificate the authority has signed.
    ///
    /// # Errors
    /// When the relying party does not start; the error contains Apache's log.
    pub async fn start(port: u16, issuer: &str, authority: &Authority) -> Result<Self, Trouble> {
        let folder = tempfile::tempdir()?;
        let root = folder.path();
        write_site(root)?;
        let identity = authority.identity(&["127.0.0.1"])?;
        std::fs::write(root.join("server.pem"), &identity.certificate)?;
        std::fs::write(root.join("server.key"), &identity.key)?;
        std::fs::write(root.join("authority.pem"), authority.certificate())?;
        std::fs::write(root.join("apache.conf"), configuration(root, port, issuer)?)?;
        readable_by_all(root)?;
        let process = Command::new(APACHE)
            // -X: a single process without workers, so that killing it leaves no process.
            .args(["-f", &root.join("apache.conf").to_string_lossy(), "-X"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let started = Self { url: format!("https://127.0.0.1:{port}"), process, folder };
        started.wait_until_up(port).await?;
        Ok(started)
    }

    async fn wait_until_up(&self, port: u16) -> Result<(), Trouble> {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        for _try in 0..100 {
            if TcpStream::connect_timeout(&address, Duration::from_millis(100)).is_ok() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err(format!("Apache does not listen: {}", self.log()).into())
    }

    /// The content of Apache's error log.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("error.log")).unwrap_or_default()
    }
}

fn write_site(root: &Path) -> Result<(), Trouble> {
    let site = root.join("site");
    std::fs::create_dir(&site)?;
    std::fs::write(site.join("welcome.html"), include_str!("relying_party/welcome.html"))?;
    std::fs::write(site.join("index.shtml"), include_str!("relying_party/index.shtml"))?;
    std::fs::write(site.join("payroll.css"), include_str!("relying_party/payroll.css"))?;
    Ok(())
}

/// Lets every user read the site, because Apache runs as the user www-data.
fn readable_by_all(root: &Path) -> Result<(), Trouble> {
    use std::os::unix::fs::PermissionsExt;
    let folders: [PathBuf; 2] = [root.to_owned(), root.join("site")];
    for folder in folders {
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

fn configuration(root: &Path, port: u16, issuer: &str) -> Result<String, Trouble> {
    let modules_folder = Path::new("/usr/lib/apache2/modules");
    let module = |name: &&str| {
        let file = modules_folder.join(format!("mod_{name}.so"));
        file.exists().then(|| format!("LoadModule {name}_module {}\n", file.display()))
    };
    let modules: String = MODULES.iter().chain(&MAYBE_MODULES).filter_map(module).collect();
    let passphrase = countersign_service::secrets::random_id()?;
    let (root, callback) = (root.display(), return_address(port));
    Ok(format!(
        r#"{modules}
ServerRoot "{root}"
ServerName 127.0.0.1
PidFile "{root}/apache.pid"
DefaultRuntimeDir "{root}"
Mutex file:{root} default
ErrorLog "{root}/error.log"
LogLevel warn auth_openidc:info
User www-data
Group www-data
StartServers 1
ServerLimit 2
ThreadsPerChild 8
MaxRequestWorkers 16
Listen 127.0.0.1:{port}
TypesConfig /dev/null
AddType text/html .shtml .html
AddType text/css .css
AddOutputFilter INCLUDES .shtml
DirectoryIndex index.shtml
DocumentRoot "{root}/site"
SSLEngine on
SSLCertificateFile "{root}/server.pem"
SSLCertificateKeyFile "{root}/server.key"
SSLProtocol -all +TLSv1.2 +TLSv1.3

OIDCProviderMetadataURL {issuer}/.well-known/openid-configuration
OIDCClientID {CLIENT}
OIDCClientSecret {CLIENT_SECRET}
OIDCRedirectURI {callback}
OIDCCryptoPassphrase {passphrase}
OIDCScope "openid profile"
OIDCResponseType code
OIDCPKCEMethod S256
OIDCIDTokenSignedResponseAlg ES256
OIDCSSLValidateServer On
OIDCCABundlePath "{root}/authority.pem"
OIDCPassClaimsAs environment
OIDCCookieSameSite On

<Directory "{root}/site">
    Options +IncludesNOEXEC
    AllowOverride None
</Directory>
<Location />
    AuthType openid-connect
    Require valid-user
</Location>
<Location /welcome.html>
    AuthType None
    Require all granted
</Location>
<Location /payroll.css>
    AuthType None
    Require all granted
</Location>
"#
    ))
}
