import CountersignCore
import Synchronization

/// Implements the device lock port; the test sets the state.
package final class SetLock: DeviceLock {
    private let lock = Mutex(LockState.biometric)

    package init() {}

    package func set(_ next: LockState) {
        lock.withLock { $0 = next }
    }

    package func state() -> LockState {
        lock.withLock { $0 }
    }
}
