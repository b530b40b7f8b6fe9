//! Installs the tools besides Rust that the commands of xtask need, for example Maven for the Kotlin tests. Only root
//! on Debian can install Debian packages; otherwise, the missing packages are reported.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::report::{cargo, run, say};

/// A program or file, and the Debian package that contains it.
struct Tool {
    program: &'static str,
    package: &'static str,
}

const BROWSER: [Tool; 3] = [
    Tool { program: "/usr/bin/chromium", package: "chromium" },
    Tool { program: "/usr/bin/chromedriver", package: "chromium-driver" },
    Tool { program: "/usr/bin/certutil", package: "libnss3-tools" },
];
/// The package is `apache2-bin` and not `apache2`, because the installation of `apache2` starts a web server.
const RELYING_PARTY: [Tool; 2] = [
    Tool { program: "/usr/sbin/apache2", package: "apache2-bin" },
    Tool { program: "/usr/lib/apache2/modules/mod_auth_openidc.so", package: "libapache2-mod-auth-openidc" },
];
const KOTLIN: [Tool; 2] = [
    Tool { program: "/usr/bin/mvn", package: "maven" },
    Tool { program: "/usr/bin/javac", package: "openjdk-17-jdk-headless" },
];
const KEYRING: [Tool; 3] = [
    Tool { program: "/usr/bin/gnome-keyring-daemon", package: "gnome-keyring" },
    Tool { program: "/usr/bin/dbus-daemon", package: "dbus-daemon" },
    Tool { program: "/usr/bin/dbus-send", package: "dbus-bin" },
];
/// Fonts for the browser's screenshots.
const FONTS: Tool = Tool { program: "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf", package: "fonts-dejavu-core" };
const DENY_VERSION: &str = "0.20.2";
const FUZZ_VERSION: &str = "0.13.2";
const MUTANTS_VERSION: &str = "27.1.0";

/// A part of the tests whose tools are missing, for example "kotlin".
pub(crate) struct Missing {
    /// The part that is skipped.
    pub(crate) part: &'static str,
    /// The environment variable that makes the tests skip this part.
    pub(crate) variable: &'static str,
    /// Why the tools are missing, and what to do.
    pub(crate) reason: String,
}

/// A part of the tests, the environment variable that makes the tests skip this part, and the tools of this part.
type Part = (&'static str, &'static str, &'static [Tool]);

const PAGES: [Part; 2] = [
    ("browser", "COUNTERSIGN_NO_BROWSER", &BROWSER),
    ("relying party", "COUNTERSIGN_NO_RELYING_PARTY", &RELYING_PARTY),
];

/// Installs the browser and the stock relying party; returns what is still missing.
pub(crate) fn set_up_pages() -> std::io::Result<Vec<Missing>> {
    set_up_parts(&PAGES)
}

/// Installs the packages of every part; returns what is still missing.
pub(crate) fn set_up_packages() -> std::io::Result<Vec<Missing>> {
    let [browser, relying_party] = PAGES;
    let kotlin: Part = ("kotlin", "COUNTERSIGN_NO_KOTLIN", &KOTLIN);
    let keyring: Part = ("keyring", "COUNTERSIGN_NO_KEYRING", &KEYRING);
    set_up_parts(&[browser, relying_party, kotlin, keyring])
}

fn set_up_parts(parts: &[Part]) -> std::io::Result<Vec<Missing>> {
    let is_absent = |tool: &&Tool| !Path::new(tool.program).exists();
    let wanted = parts.iter().flat_map(|(_, _, tools)| tools.iter()).chain([&FONTS]);
    let packages: Vec<&str> = wanted.filter(is_absent).map(|tool| tool.package).collect();
    if !packages.is_empty() {
        install(&packages)?;
    }
    let mut missing = Vec::new();
    for (part, variable, tools) in parts {
        let absent: Vec<&str> = tools.iter().filter(is_absent).map(|tool| tool.package).collect();
        if !absent.is_empty() {
            let reason = format!("not installed; on Debian: apt-get install {}", absent.join(" "));
            missing.push(Missing { part, variable, reason });
        }
    }
    Ok(missing)
}

pub(crate) fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.starts_with(b"0\n"))
}

/// Installs Debian packages when possible; the caller checks the result.
pub(crate) fn install(packages: &[&str]) -> std::io::Result<()> {
    if !is_root() || !Path::new("/usr/bin/apt-get").exists() {
        return Ok(());
    }
    say(&format!("Installing {} (Debian packages).", packages.join(", ")));
    let quiet = [("DEBIAN_FRONTEND", "noninteractive")];
    let patient = "DPkg::Lock::Timeout=600";
    // After a failed update the old package list may still be good enough.
    let _updated = run("apt-get", &["-q", "-q", "-o", patient, "update"], &quiet)?;
    let mut arguments = vec!["-q", "-q", "-o", patient, "install", "-y", "--no-install-recommends"];
    arguments.extend(packages);
    // The caller reports what is still missing.
    let _installed = run("apt-get", &arguments, &quiet)?;
    Ok(())
}

/// Returns the user's cache folder, for large files that are slow to make.
pub(crate) fn cache() -> Option<PathBuf> {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")))?;
    Some(cache.join("countersign"))
}

/// Returns the path of cargo-deny; `None` when it can't be built.
pub(crate) fn cargo_deny() -> std::io::Result<Option<PathBuf>> {
    cargo_tool("cargo-deny", DENY_VERSION)
}

/// Returns the path of cargo-fuzz; `None` when it can't be built.
pub(crate) fn cargo_fuzz() -> std::io::Result<Option<PathBuf>> {
    cargo_tool("cargo-fuzz", FUZZ_VERSION)
}

/// Returns the path of cargo-mutants; `None` when it can't be built.
pub(crate) fn cargo_mutants() -> std::io::Result<Option<PathBuf>> {
    cargo_tool("cargo-mutants", MUTANTS_VERSION)
}

/// Returns the path of a cargo subcommand, which is built once and cached.
fn cargo_tool(name: &str, version: &str) -> std::io::Result<Option<PathBuf>> {
    let Some(folder) = cache().map(|cache| cache.join("tools")) else {
        return Ok(None);
    };
    let program = folder.join("bin").join(name);
    // The name of the subcommand is the first argument, as when cargo calls the tool. Some tools require this argument.
    let is_right = Command::new(&program)
        .args([name.trim_start_matches("cargo-"), "--version"])
        .output()
        .is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(version));
    if !is_right {
        say(&format!("Building {name} once (a few minutes)."));
        let root = folder.to_string_lossy().into_owned();
        let built = run(&cargo(), &["install", "-q", name, "--locked", "--version", version, "--root", &root], &[])?;
        if !built {
            return Ok(None);
        }
    }
    Ok(Some(program))
}
