import CountersignOtherVersion
import Foundation

/// Calls the library through generated code that seems to belong to another version.
@main
enum OtherVersionProcess {
    static func main() {
        _ = try? Inbox.open(folder: "nowhere", keyStore: NoKeys())
        print("called")
    }
}

private final class NoKeys: KeyStore {
    func make(alias _: String, guard _: KeyGuard) -> Data { Data() }
    func publicKey(alias _: String) -> Data { Data() }
    func sign(alias _: String, content _: Data) -> Data { Data() }
    func delete(alias _: String) {}
    func wrap(plain _: Data) -> Data { Data() }
    func unwrap(wrapped _: Data) -> Data { Data() }
}
