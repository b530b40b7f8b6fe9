// swift-tools-version: 6.0

import PackageDescription

// `cargo xtask test` copies the generated code into `.build-generated`, and says where the library is.
let generated = ".build-generated"
let libraryFolder = Context.environment["COUNTERSIGN_LIBRARY_DIR"] ?? "\(Context.packageDirectory)/../target/mobile"
let library: [LinkerSetting] = [
    .linkedLibrary("countersign"),
    .unsafeFlags(["-L\(libraryFolder)", "-Xlinker", "-rpath", "-Xlinker", libraryFolder]),
]

let package = Package(
    name: "Countersign",
    targets: [
        // Generated from `bindings/`. Another version of it, to see how a mismatch ends.
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
        // A phone for tests: the ports over OpenSSL and URLSession, and whoever sits at the service's pages.
        .systemLibrary(name: "COpenSSL"),
        .target(name: "TestPhone", dependencies: ["CountersignCore", "COpenSSL"]),
        // Processes of their own, so that they can be killed.
        .executableTarget(name: "PhoneProcess", dependencies: ["TestPhone"]),
        .executableTarget(name: "ApprovalsProcess", dependencies: ["TestPhone"]),
        .executableTarget(name: "NotificationProcess", dependencies: ["TestPhone"]),
        .executableTarget(name: "OtherVersionProcess", dependencies: ["CountersignOtherVersion"]),
        .testTarget(name: "AuthenticatorTests", dependencies: ["TestPhone"]),
    ]
)
