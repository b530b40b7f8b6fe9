package dev.countersign.ports

import dev.countersign.core.DeviceLock
import dev.countersign.core.LockState

/** Implements the device lock port; the test sets the state. */
class SetLock(@Volatile var lock: LockState = LockState.BIOMETRIC) : DeviceLock {
    override fun state(): LockState = lock
}
