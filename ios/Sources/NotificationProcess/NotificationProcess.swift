import CountersignCore
import Foundation
import TestPhone

/// Handles a push (`FOLDER SLOT BODY`) like a notification extension, and prints the text of the notification.
@main
enum NotificationProcess {
    static func main() throws {
        endAfterAMinute()
        let arguments = CommandLine.arguments
        let folder = URL(fileURLWithPath: arguments[1])
        let keys = try OpenSSLKeyStore(file: folder.appendingPathComponent("keys"))
        let inbox = try Inbox.open(folder: folder.appendingPathComponent("inbox").path, keyStore: keys)
        let (slot, body) = (try bytes(base64url: arguments[2]), try bytes(base64url: arguments[3]))
        switch try inbox.pushReceived(slot: slot, body: body, now: .now) {
        case .alert(let prompt): say("\(prompt.userName) at \(prompt.host)")
        case .quiet(let prompt): say("quietly: \(prompt.userName)")
        case .withdrawn: say("withdrawn")
        case .test: say("test")
        case .nothing: say("nothing")
        }
    }
}
