// swift-tools-version: 6.0

import PackageDescription

// `cargo xtask test` copies the generated code into `.build-generated`, and sets the path of the library.
let generated = ".build-generated"
let libraryFolder = Context.environment["COUNTERSIGN_LIBRARY_DIR"] ?? "\(Context.packageDirectory)/../target/mobile/app"
let library: [LinkerSetting] = [
    .linkedLibrary("countersign"),
    .unsafeFlags(["-L\(libraryFolder)", "-Xlinker", "-rpath", "-Xlinker", libraryFolder]),
]

let package = Package(
    name: "Countersign",
    targets: [
        // The generated code, and a copy that seems to belong to another version, to test the version check.
        .systemLibrary(name: "CountersignCoreFFI", path: "\(generated)/CountersignCoreFFI"),
        .target(
            name: "CountersignCore",
            dependencies: ["CountersignCoreFFI"],
            path: "\(generated)/CountersignCore",
            swiftSettings: [.swiftLanguageMode(.v5)],
            linkerSettings: library
        ),
        .target(
            name: "CountersignOtherVersion",
            dependencies: ["CountersignCoreFFI"],
            path: "\(generated)/CountersignOtherVersion",
            swiftSettings: [.swiftLanguageMode(.v5)],
            linkerSettings: library
        ),
        // A phone for tests, which implements the ports with OpenSSL and plain sockets, and a person who uses the
        // service's pages.
        .systemLibrary(name: "COpenSSL"),
        .target(name: "TestPhone", dependencies: ["CountersignCore", "COpenSSL"]),
        // Programs that run as separate processes.
        .executableTarget(name: "PhoneProcess", dependencies: ["TestPhone"]),
        .executableTarget(name: "ApprovalsProcess", dependencies: ["TestPhone", "CountersignCoreFFI"]),
        .executableTarget(name: "NotificationProcess", dependencies: ["TestPhone"]),
        .executableTarget(name: "OtherVersionProcess", dependencies: ["CountersignOtherVersion"]),
        .testTarget(name: "AuthenticatorTests", dependencies: ["TestPhone"]),
    ]
)
