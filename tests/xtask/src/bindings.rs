//! Builds the library for apps, and generates its Kotlin and Swift code.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::report::{cargo, command, output_of, root, run, say};
use crate::tools::cache;

const CRATE: &str = "countersign-bindings";
/// Options of the linker for the library for apps: drop what no exported function needs, merge identical functions, pack
/// relocations, and drop the names of the others.
const LINKED: [&str; 7] = [
    "-shared",
    "-fuse-ld=lld",
    "-Wl,--gc-sections",
    "-Wl,--icf=all",
    "-Wl,-O2",
    "-Wl,-z,defs,-z,pack-relative-relocs",
    "-Wl,--strip-all",
];
/// The system libraries that Rust's standard library needs.
const SYSTEM: [&str; 4] = ["-lgcc_s", "-lpthread", "-lm", "-ldl"];

/// The library with all symbols, and with the metadata for the code generator.
pub(crate) fn library() -> PathBuf {
    root().join("target/mobile/libcountersign.so")
}

/// The library for apps.
pub(crate) fn app_library() -> PathBuf {
    root().join("target/mobile/app/libcountersign.so")
}

/// The folder of the generated code.
pub(crate) fn generated() -> PathBuf {
    root().join("target/generated")
}

/// Builds the library without the reading of pictures, as for an app that only scans with the camera.
pub(crate) fn build_without_pictures() -> io::Result<bool> {
    build_library(&["--no-default-features"])
}

fn build_library(features: &[&str]) -> io::Result<bool> {
    let rustc = ["rustc", "-q", "--profile", "mobile", "-p", CRATE, "--crate-type", "cdylib,staticlib"];
    Ok(run(&cargo(), &[&rustc[..], features].concat(), &[])? && link()?)
}

/// Links the static library into the library for apps. Cargo's own library also exports the metadata for the code
/// generator, which an app never reads.
fn link() -> io::Result<bool> {
    let sysroot = output_of(command("rustc").args(["--print", "sysroot"]))?;
    let host = output_of(command("rustc").args(["--print", "host-tuple"]))?;
    let linker = Path::new(sysroot.trim()).join("lib/rustlib").join(host.trim()).join("bin/gcc-ld");
    let library = app_library();
    fs::create_dir_all(library.parent().unwrap_or(&library))?;
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let script = format!("-Wl,--version-script={}", text(&root().join("bindings/app.map")));
    let (linker, archive) = (format!("-B{}", text(&linker)), text(&root().join("target/mobile/libcountersign.a")));
    let all = ["-Wl,--whole-archive", &archive, "-Wl,--no-whole-archive", &script, &linker, "-o", &text(&library)];
    run("cc", &[&LINKED[..], &all, &SYSTEM].concat(), &[])
}

/// Builds the library and generates the code.
pub(crate) fn build() -> io::Result<bool> {
    if !build_library(&[])? {
        return Ok(false);
    }
    let left = points_in(&fs::read(app_library())?, &fs::read_to_string(root().join("core/src/base/points.rs"))?);
    if !left.is_empty() {
        say(&format!("The library for apps contains kill points, which only tests may have: {left:?}"));
        return Ok(false);
    }
    let Some(bindgen) = bindgen()? else { return Ok(false) };
    let folder = generated();
    let text = |path: PathBuf| path.to_string_lossy().into_owned();
    let (library, kotlin, swift) = (text(library()), text(folder.join("kotlin")), text(folder.join("swift")));
    // The generator must run in the folder that contains its configuration, `uniffi.toml`.
    let made = std::process::Command::new(bindgen)
        .args([&library, &kotlin, &swift])
        .current_dir(root().join("bindings"))
        .status()?
        .success();
    Ok(made && of_another_version(&folder)?)
}

/// Returns the names of the kill points in a library. A kill point is a place where `cargo xtask torture` kills the
/// phone. Only builds for tests may contain kill points.
fn points_in(library: &[u8], source: &str) -> Vec<String> {
    let library = String::from_utf8_lossy(library);
    let quoted = source.split(" = \"").skip(1).filter_map(|rest| rest.split('"').next());
    // The dot excludes names of features, which are quoted in the source too.
    quoted.filter(|name| name.contains('.') && library.contains(name)).map(str::to_owned).collect()
}

/// Returns the path of the code generator. The generator is slow to build and seldom changes, so it is
/// built once per version.
fn bindgen() -> io::Result<Option<PathBuf>> {
    let source = fs::read_to_string(root().join("bindings/src/bin/countersign-bindgen.rs"))?;
    let lock = fs::read_to_string(root().join("Cargo.lock"))?;
    let version = lock.split("name = \"uniffi_bindgen\"").nth(1).and_then(|entry| entry.lines().nth(1));
    let mut hasher = DefaultHasher::new();
    (source, version).hash(&mut hasher);
    let kept = cache().unwrap_or_else(|| root().join("target")).join("tools");
    let program = kept.join(format!("countersign-bindgen-{:016x}", hasher.finish()));
    if !program.exists() {
        say("Building the generator of Kotlin and Swift code once (two minutes).");
        let arguments = ["build", "-q", "-p", CRATE, "--features", "bindgen", "--bin", "countersign-bindgen"];
        if !run(&cargo(), &arguments, &[])? {
            return Ok(None);
        }
        fs::create_dir_all(&kept)?;
        // The copy is renamed when it is complete, so that an interrupted run leaves no incomplete program.
        let next = kept.join(format!("countersign-bindgen.{}", std::process::id()));
        fs::copy(root().join("target/debug/countersign-bindgen"), &next)?;
        fs::rename(next, &program)?;
    }
    Ok(Some(program))
}

/// Writes a copy of the generated code that seems to belong to another version of the library, because the
/// checksum of one method differs.
fn of_another_version(folder: &Path) -> io::Result<bool> {
    let kotlin = fs::read_to_string(folder.join("kotlin/dev/countersign/core/countersign.kt"))?;
    let kotlin = kotlin.replace("dev.countersign.core", "dev.countersign.otherversion");
    let kotlin = with_another_checksum(&kotlin, "and 0xFFFF) != ");
    let swift = fs::read_to_string(folder.join("swift/CountersignCore.swift"))?;
    let swift = with_another_checksum(&swift, "() != ");
    let (Some(kotlin), Some(swift)) = (kotlin, swift) else {
        return Err(io::Error::new(ErrorKind::InvalidData, "the generated code has no checksums"));
    };
    for (name, text) in [
        ("kotlin-of-another-version/countersign.kt", kotlin),
        ("swift-of-another-version/CountersignCore.swift", swift),
    ] {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        fs::write(path, text)?;
    }
    Ok(true)
}

/// Adds one to the number that follows the first occurrence of `mark`.
fn with_another_checksum(text: &str, mark: &str) -> Option<String> {
    let (before, rest) = text.split_once(mark)?;
    let end = rest.find(|character: char| !character.is_ascii_digit())?;
    let (number, after) = rest.split_at_checked(end)?;
    let other = number.parse::<u32>().ok()?.checked_add(1)?;
    Some(format!("{before}{mark}{other}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kill_point_in_the_library_is_found() {
        let source = include_str!("../../../core/src/base/points.rs");
        assert!(points_in(b"\xff nothing of it \0", source).is_empty());
        assert_eq!(points_in(b"\0enrolling.bound\xff", source), ["enrolling.bound"]);
    }

    #[test]
    fn only_the_first_checksum_is_changed() {
        let text = "if (a() != 7) {} if (b() != 9) {}";
        assert_eq!(with_another_checksum(text, "() != ").as_deref(), Some("if (a() != 8) {} if (b() != 9) {}"));
        assert_eq!(with_another_checksum("nothing", "() != "), None);
    }
}
